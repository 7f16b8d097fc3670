import 'package:flutter/foundation.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

import '../view_models/chat_view_model.dart';
import 'theme.dart';

/// The prompt field with Generate, Stop and Clear.
class Composer extends StatefulWidget {
  const Composer({required this.chat, required this.onClear, super.key});

  final ChatViewModel chat;
  final VoidCallback onClear;

  @override
  State<Composer> createState() => _ComposerState();
}

class _ComposerState extends State<Composer> {
  final _text = TextEditingController();
  final _focus = FocusNode();
  late int _draftVersion = widget.chat.draftVersion;

  ChatViewModel get chat => widget.chat;

  @override
  void initState() {
    super.initState();
    _focus.onKeyEvent = _key;
    chat.addListener(_chatChanged);
  }

  @override
  void dispose() {
    chat.removeListener(_chatChanged);
    _text.dispose();
    _focus.dispose();
    super.dispose();
  }

  void _chatChanged() {
    if (chat.draftVersion == _draftVersion) return;
    _draftVersion = chat.draftVersion;
    _text.text = chat.draft;
    _focus.requestFocus();
  }

  void _generate() {
    if (chat.generate(_text.text)) _text.clear();
    if (_hasKeyboard) _focus.requestFocus();
  }

  static bool get _hasKeyboard => switch (defaultTargetPlatform) {
    TargetPlatform.linux ||
    TargetPlatform.macOS ||
    TargetPlatform.windows => true,
    _ => false,
  };

  /// Enter sends where there is a real keyboard, Shift+Enter begins a line. An
  /// input method that is composing has its Enter for itself.
  KeyEventResult _key(FocusNode node, KeyEvent event) {
    final isEnter =
        event.logicalKey == LogicalKeyboardKey.enter ||
        event.logicalKey == LogicalKeyboardKey.numpadEnter;
    if (!isEnter || event is! KeyDownEvent || _text.value.composing.isValid) {
      return KeyEventResult.ignored;
    }
    final keys = HardwareKeyboard.instance;
    final sends = keys.isControlPressed || keys.isMetaPressed || _hasKeyboard;
    if (!sends || keys.isShiftPressed) return KeyEventResult.ignored;
    _generate();
    return KeyEventResult.handled;
  }

  @override
  Widget build(BuildContext context) {
    final scheme = Theme.of(context).colorScheme;
    final isShort = MediaQuery.sizeOf(context).height < 480;
    return SafeArea(
      top: false,
      child: Padding(
        padding: const EdgeInsets.fromLTRB(12, 0, 12, 12),
        child: Center(
          heightFactor: 1,
          child: ConstrainedBox(
            constraints: const BoxConstraints(maxWidth: maxReadingWidth),
            child: Material(
              color: scheme.surfaceContainerLow,
              shape: RoundedRectangleBorder(
                borderRadius: BorderRadius.circular(24),
                side: BorderSide(color: scheme.outlineVariant),
              ),
              clipBehavior: Clip.antiAlias,
              child: ListenableBuilder(
                listenable: chat,
                builder: (context, _) => Column(
                  crossAxisAlignment: CrossAxisAlignment.stretch,
                  children: [
                    if (chat.editing != null) _EditingBar(chat),
                    if (isShort)
                      Row(
                        children: [
                          Expanded(child: _field(maxLines: 2, bottom: 16)),
                          _buttons(top: 8),
                        ],
                      )
                    else ...[
                      _field(maxLines: 6),
                      Align(
                        alignment: AlignmentDirectional.centerEnd,
                        child: _buttons(),
                      ),
                    ],
                  ],
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }

  Widget _field({required int maxLines, double bottom = 8}) => TextField(
    controller: _text,
    focusNode: _focus,
    autofocus: _hasKeyboard,
    minLines: 1,
    maxLines: maxLines,
    textCapitalization: TextCapitalization.sentences,
    keyboardType: TextInputType.multiline,
    decoration: InputDecoration(
      hintText: 'Ask anything',
      filled: false,
      border: InputBorder.none,
      contentPadding: EdgeInsets.fromLTRB(20, 16, 20, bottom),
    ),
  );

  Widget _buttons({double top = 0}) => Padding(
    padding: EdgeInsets.fromLTRB(8, top, 8, 8),
    child: OverflowBar(
      spacing: 8,
      overflowAlignment: OverflowBarAlignment.end,
      children: [
        TextButton(
          onPressed: chat.canClear ? widget.onClear : null,
          child: const Text('Clear'),
        ),
        if (chat.isGenerating)
          FilledButton.tonalIcon(
            onPressed: chat.stop,
            icon: const Icon(Icons.stop_rounded),
            label: const Text('Stop'),
          )
        else
          ListenableBuilder(
            listenable: _text,
            builder: (context, _) => FilledButton.icon(
              onPressed: chat.canGenerate && _text.text.trim().isNotEmpty
                  ? _generate
                  : null,
              icon: const Icon(Icons.arrow_upward_rounded),
              label: const Text('Generate'),
            ),
          ),
      ],
    ),
  );
}

/// Says what was done, above the prompt field, and offers to undo it.
void showUndo(
  ScaffoldMessengerState messenger,
  String text, {
  required VoidCallback onUndo,
}) => messenger
  ..hideCurrentSnackBar()
  ..showSnackBar(
    SnackBar(
      content: Text(text),
      persist: false,
      margin: const EdgeInsets.fromLTRB(16, 0, 16, 128),
      action: SnackBarAction(label: 'Undo', onPressed: onUndo),
    ),
  );

class _EditingBar extends StatelessWidget {
  const _EditingBar(this.chat);

  final ChatViewModel chat;

  @override
  Widget build(BuildContext context) => ColoredBox(
    color: Theme.of(context).colorScheme.tertiaryContainer,
    child: Padding(
      padding: const EdgeInsetsDirectional.only(start: 20, end: 4),
      child: Row(
        children: [
          const Expanded(child: Text('What comes after it will be replaced.')),
          IconButton(
            onPressed: chat.cancelEdit,
            tooltip: 'Cancel the edit',
            icon: const Icon(Icons.close),
          ),
        ],
      ),
    ),
  );
}
