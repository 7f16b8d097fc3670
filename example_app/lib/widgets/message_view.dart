import 'dart:async';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

import '../data/conversation.dart';
import '../data/format.dart';
import '../data/thought.dart';
import 'markdown_view.dart';
import 'theme.dart';

/// A message of a chat, and what can be done with it.
class MessageView extends StatelessWidget {
  const MessageView({
    required this.message,
    this.isEditing = false,
    this.onEdit,
    this.onRegenerate,
    this.onLink,
    super.key,
  });

  final Message message;
  final bool isEditing;

  /// Null: not now.
  final VoidCallback? onEdit;
  final VoidCallback? onRegenerate;
  final void Function(String url)? onLink;

  @override
  Widget build(BuildContext context) =>
      message.isUser ? _Question(this) : _Answer(this);
}

/// Text as its language is written, whatever the app's own is.
class _Directed extends StatelessWidget {
  const _Directed(this.text, {required this.child});

  final String text;
  final Widget child;

  @override
  Widget build(BuildContext context) => Directionality(
    textDirection: isRightToLeft(text) ? TextDirection.rtl : TextDirection.ltr,
    child: child,
  );
}

class _Question extends StatelessWidget {
  const _Question(this.view);

  final MessageView view;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final scheme = theme.colorScheme;
    return Padding(
      padding: const EdgeInsets.only(top: 20),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          Container(
            alignment: AlignmentDirectional.centerEnd,
            padding: const EdgeInsetsDirectional.only(
              start: 48 + aroundIcon,
              end: aroundIcon,
            ),
            child: Semantics(
              label: 'You said',
              child: DecoratedBox(
                decoration: BoxDecoration(
                  color: view.isEditing
                      ? scheme.tertiaryContainer
                      : scheme.secondaryContainer,
                  borderRadius: const BorderRadiusDirectional.only(
                    topStart: Radius.circular(20),
                    topEnd: Radius.circular(20),
                    bottomStart: Radius.circular(20),
                    bottomEnd: Radius.circular(6),
                  ),
                ),
                child: Padding(
                  padding: const EdgeInsets.symmetric(
                    horizontal: 16,
                    vertical: 10,
                  ),
                  child: _Directed(
                    view.message.text,
                    child: Text(
                      view.message.text,
                      style: theme.textTheme.bodyLarge?.copyWith(
                        color: scheme.onSecondaryContainer,
                        height: 1.4,
                      ),
                    ),
                  ),
                ),
              ),
            ),
          ),
          _Actions([
            _CopyButton(view.message.text),
            _ActionButton(Icons.edit_outlined, 'Edit', view.onEdit),
          ], alignment: WrapAlignment.end),
        ],
      ),
    );
  }
}

class _Answer extends StatelessWidget {
  const _Answer(this.view);

  final MessageView view;

  @override
  Widget build(BuildContext context) {
    final message = view.message;
    final isRunning = message.state == MessageState.running;
    final thought = splitThought(message.text);
    final note = _note(message);
    return Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        Padding(
          padding: const EdgeInsets.symmetric(horizontal: aroundIcon),
          child: Column(
            crossAxisAlignment: CrossAxisAlignment.stretch,
            children: [
              if (thought.thinking.isNotEmpty)
                _Thinking(thought, isRunning: isRunning),
              Semantics(
                label: 'Answer',
                child: _Directed(
                  thought.answer,
                  child: MarkdownView(thought.answer, onLink: view.onLink),
                ),
              ),
              if (isRunning)
                _Working(switch (message.text) {
                  '' => 'Reading your prompt …',
                  _ when thought.isThinking => 'Thinking …',
                  _ => 'Generating …',
                }),
              if (note != null)
                Padding(
                  padding: const EdgeInsets.only(top: 8),
                  child: Text(
                    note,
                    style: Theme.of(context).textTheme.bodySmall?.copyWith(
                      color: Theme.of(context).colorScheme.onSurfaceVariant,
                      fontStyle: FontStyle.italic,
                    ),
                  ),
                ),
            ],
          ),
        ),
        if (!isRunning)
          _Actions([
            _CopyButton(thought.answer),
            if (view.onRegenerate case final again?)
              _ActionButton(Icons.refresh, 'Regenerate', again),
            if (message.speed case final speed?) _Speed(speed),
          ]),
      ],
    );
  }

  static String? _note(Message message) => switch (message.state) {
    MessageState.complete =>
      message.text.trim().isEmpty ? 'The model had nothing to say.' : null,
    MessageState.stopped => 'Stopped.',
    MessageState.tooLong => 'As long as the settings allow.',
    MessageState.contextFull => 'As long as the model’s memory allows.',
    MessageState.interrupted => 'Interrupted.',
    MessageState.running => null,
  };
}

/// What the model thought, which few want to read.
class _Thinking extends StatelessWidget {
  const _Thinking(this.thought, {required this.isRunning});

  final Thought thought;
  final bool isRunning;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Theme(
      data: theme.copyWith(dividerColor: Colors.transparent),
      child: ExpansionTile(
        title: Text(
          'Thoughts',
          style: theme.textTheme.labelLarge?.copyWith(
            color: theme.colorScheme.onSurfaceVariant,
          ),
        ),
        leading: const Icon(Icons.psychology_outlined, size: 20),
        dense: true,
        tilePadding: EdgeInsets.zero,
        childrenPadding: const EdgeInsets.only(bottom: 12),
        expandedCrossAxisAlignment: CrossAxisAlignment.start,
        children: [
          Text(
            thought.thinking,
            style: theme.textTheme.bodyMedium?.copyWith(
              color: theme.colorScheme.onSurfaceVariant,
              height: 1.5,
            ),
          ),
        ],
      ),
    );
  }
}

/// The loading indicator of an answer.
class _Working extends StatelessWidget {
  const _Working(this.text);

  final String text;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.symmetric(vertical: 12),
      child: Row(
        children: [
          const SizedBox.square(
            dimension: 16,
            child: CircularProgressIndicator(strokeWidth: 2),
          ),
          const SizedBox(width: 12),
          Flexible(
            child: Semantics(
              liveRegion: true,
              child: Text(
                text,
                style: theme.textTheme.bodyMedium?.copyWith(
                  color: theme.colorScheme.onSurfaceVariant,
                ),
              ),
            ),
          ),
        ],
      ),
    );
  }
}

class _Speed extends StatelessWidget {
  const _Speed(this.speed);

  final AnswerSpeed speed;

  @override
  Widget build(BuildContext context) {
    final rate = formatSpeed(speed.tokensPerSecond);
    final first = formatSeconds(speed.firstToken);
    return Padding(
      padding: const EdgeInsets.symmetric(horizontal: aroundIcon, vertical: 4),
      child: Text(
        '$rate · first token after $first',
        textDirection: TextDirection.ltr,
        style: Theme.of(context).textTheme.labelMedium?.copyWith(
          color: Theme.of(context).colorScheme.onSurfaceVariant,
          fontFeatures: const [FontFeature.tabularFigures()],
        ),
      ),
    );
  }
}

class _Actions extends StatelessWidget {
  const _Actions(this.children, {this.alignment = WrapAlignment.start});

  final List<Widget> children;
  final WrapAlignment alignment;

  @override
  Widget build(BuildContext context) => Wrap(
    alignment: alignment,
    crossAxisAlignment: WrapCrossAlignment.center,
    children: children,
  );
}

class _ActionButton extends StatelessWidget {
  const _ActionButton(this.icon, this.tooltip, this.onPressed);

  final IconData icon;
  final String tooltip;
  final VoidCallback? onPressed;

  @override
  Widget build(BuildContext context) => IconButton(
    onPressed: onPressed,
    tooltip: tooltip,
    iconSize: smallIcon,
    // As large on desktops, to stand below the text.
    visualDensity: VisualDensity.standard,
    style: IconButton.styleFrom(tapTargetSize: MaterialTapTargetSize.padded),
    color: Theme.of(context).colorScheme.onSurfaceVariant,
    icon: Icon(icon),
  );
}

class _CopyButton extends StatefulWidget {
  const _CopyButton(this.text);

  final String text;

  @override
  State<_CopyButton> createState() => _CopyButtonState();
}

class _CopyButtonState extends State<_CopyButton> {
  Timer? _copied;

  @override
  void dispose() {
    _copied?.cancel();
    super.dispose();
  }

  Future<void> _copy() async {
    await Clipboard.setData(ClipboardData(text: widget.text));
    if (!mounted) return;
    setState(() {
      _copied?.cancel();
      _copied = Timer(const Duration(seconds: 2), () {
        if (mounted) setState(() => _copied = null);
      });
    });
  }

  @override
  Widget build(BuildContext context) => _ActionButton(
    _copied == null ? Icons.copy : Icons.check,
    _copied == null ? 'Copy' : 'Copied',
    _copy,
  );
}
