import 'dart:async';

import 'package:flutter/material.dart';
import 'package:flutter/services.dart';

import '../view_models/app_view_model.dart';
import 'chat_list.dart';
import 'composer.dart';
import 'empty_chat.dart';
import 'failure_card.dart';
import 'message_list.dart';
import 'models_screen.dart';
import 'settings_screen.dart';
import 'theme.dart';

/// The chat; beside it, where there is room, all the others.
class ChatScreen extends StatelessWidget {
  const ChatScreen({required this.app, super.key});

  final AppViewModel app;

  @override
  Widget build(BuildContext context) => CallbackShortcuts(
    bindings: {
      const SingleActivator(LogicalKeyboardKey.escape): _stop,
      const SingleActivator(LogicalKeyboardKey.keyN, control: true):
          app.chats.openNew,
      const SingleActivator(LogicalKeyboardKey.keyN, meta: true):
          app.chats.openNew,
    },
    child: FocusScope(
      autofocus: true,
      child: _panes(context, isWide: hasTwoPanes(MediaQuery.sizeOf(context))),
    ),
  );

  void _stop() {
    if (app.chat.isGenerating) app.chat.stop();
  }

  /// The chat has the same place in the tree at each width, so that what is being
  /// typed, and read, stays when the device is turned or the window resized.
  Widget _panes(BuildContext context, {required bool isWide}) => Row(
    children: [
      if (isWide)
        SizedBox(
          width: 300,
          child: Material(
            color: Theme.of(context).colorScheme.surfaceContainerLow,
            child: ChatList(
              chats: app.chats,
              onModels: () => _openModels(context),
              onSettings: () => _openSettings(context),
            ),
          ),
        ),
      Expanded(
        key: const ValueKey('chat'),
        child: Scaffold(
          appBar: _bar(context, hasDrawer: !isWide),
          drawer: isWide ? null : _drawer(),
          body: _body(context),
        ),
      ),
    ],
  );

  Widget _drawer() => Drawer(
    child: Builder(
      builder: (context) => ChatList(
        chats: app.chats,
        onModels: () => _leaveDrawer(context, _openModels),
        onSettings: () => _leaveDrawer(context, _openSettings),
        onChosen: () => Scaffold.of(context).closeDrawer(),
      ),
    ),
  );

  void _leaveDrawer(BuildContext context, void Function(BuildContext) open) {
    Scaffold.of(context).closeDrawer();
    open(context);
  }

  PreferredSizeWidget _bar(BuildContext context, {required bool hasDrawer}) =>
      AppBar(
        automaticallyImplyLeading: hasDrawer,
        titleSpacing: hasDrawer ? 0 : 24,
        title: ListenableBuilder(
          listenable: Listenable.merge([app, app.chats]),
          builder: (context, _) => _Title(
            chat: app.chats.current.label,
            model: app.model?.label ?? 'No model',
            onTap: () => _openModels(context),
          ),
        ),
        actions: [
          // Beside the chats there is one already.
          if (hasDrawer)
            IconButton(
              tooltip: 'New chat',
              icon: const Icon(Icons.add_comment_outlined),
              onPressed: app.chats.openNew,
            ),
          const SizedBox(width: 8),
        ],
      );

  Widget _body(BuildContext context) => Column(
    children: [
      ListenableBuilder(
        listenable: Listenable.merge([app, app.settings, app.chats]),
        builder: (context, _) =>
            _AppState(app, onModels: () => _openModels(context)),
      ),
      Expanded(
        child: ListenableBuilder(
          listenable: Listenable.merge([app, app.chat]),
          builder: (context, _) => app.chat.messages.isEmpty
              ? EmptyChat(
                  onSuggestion: app.chat.canGenerate ? app.chat.generate : null,
                )
              : MessageList(
                  key: ValueKey(app.chat.chatId),
                  chat: app.chat,
                  onLink: (url) => unawaited(_openLink(context, url)),
                ),
        ),
      ),
      ListenableBuilder(
        listenable: app,
        builder: (context, _) =>
            Composer(chat: app.chat, onClear: () => _clear(context)),
      ),
    ],
  );

  void _clear(BuildContext context) {
    app.chat.clear();
    showUndo(
      ScaffoldMessenger.of(context),
      'Chat cleared',
      onUndo: app.chat.undoClear,
    );
  }

  /// A model may write any address: the person sees it before it is opened.
  Future<void> _openLink(BuildContext context, String url) => showDialog<void>(
    context: context,
    builder: (context) => AlertDialog(
      title: const Text('A link that the model wrote'),
      content: SelectableText(url),
      actions: [
        TextButton(
          onPressed: () => Navigator.pop(context),
          child: const Text('Close'),
        ),
        FilledButton(
          onPressed: () async {
            final navigator = Navigator.of(context);
            await Clipboard.setData(ClipboardData(text: url));
            navigator.pop();
          },
          child: const Text('Copy'),
        ),
      ],
    ),
  );

  void _openModels(BuildContext context) => unawaited(
    Navigator.of(
      context,
    ).push(MaterialPageRoute<void>(builder: (_) => ModelsScreen(app: app))),
  );

  void _openSettings(BuildContext context) => unawaited(
    Navigator.of(
      context,
    ).push(MaterialPageRoute<void>(builder: (_) => SettingsScreen(app: app))),
  );
}

class _Title extends StatelessWidget {
  const _Title({required this.chat, required this.model, required this.onTap});

  final String chat;
  final String model;
  final VoidCallback onTap;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final quiet = theme.colorScheme.onSurfaceVariant;
    return Tooltip(
      message: 'Choose a model',
      child: InkWell(
        borderRadius: BorderRadius.circular(8),
        onTap: onTap,
        child: Padding(
          padding: const EdgeInsets.all(4),
          child: Column(
            crossAxisAlignment: CrossAxisAlignment.start,
            children: [
              Text(
                chat,
                maxLines: 1,
                overflow: TextOverflow.ellipsis,
                style: theme.textTheme.titleMedium,
              ),
              Row(
                mainAxisSize: MainAxisSize.min,
                children: [
                  Flexible(
                    child: Text(
                      model,
                      maxLines: 1,
                      overflow: TextOverflow.ellipsis,
                      style: theme.textTheme.labelMedium?.copyWith(
                        color: quiet,
                      ),
                    ),
                  ),
                  Icon(Icons.expand_more, size: 16, color: quiet),
                ],
              ),
            ],
          ),
        ),
      ),
    );
  }
}

/// What the app is doing, where it is not simply ready.
class _AppState extends StatelessWidget {
  const _AppState(this.app, {required this.onModels});

  final AppViewModel app;
  final VoidCallback onModels;

  @override
  Widget build(BuildContext context) {
    final child = switch (app.phase) {
      AppPhase.loading => _Loading(app.progress),
      AppPhase.failed => FailureCard(
        failure: app.failure!,
        actions: [
          TextButton(onPressed: onModels, child: const Text('Models')),
          TextButton(
            onPressed: () => unawaited(app.reload()),
            child: const Text('Try again'),
          ),
        ],
      ),
      AppPhase.ready when app.needsReload => _Notice(
        'The number of threads changes when the model is loaded again.',
        action: 'Load again',
        onAction: () => unawaited(app.reload()),
      ),
      _ when app.chats.saveFailed => const _Notice(
        'This chat cannot be kept: the storage may be full.',
      ),
      _ => null,
    };
    if (child == null) return const SizedBox.shrink();
    return Padding(
      padding: const EdgeInsets.fromLTRB(16, 0, 16, 8),
      child: Center(
        heightFactor: 1,
        child: ConstrainedBox(
          constraints: const BoxConstraints(maxWidth: maxReadingWidth),
          child: child,
        ),
      ),
    );
  }
}

class _Loading extends StatelessWidget {
  const _Loading(this.progress);

  final double progress;

  @override
  Widget build(BuildContext context) => Semantics(
    container: true,
    child: Column(
      crossAxisAlignment: CrossAxisAlignment.stretch,
      children: [
        Text(
          'Loading the model …',
          style: Theme.of(context).textTheme.labelMedium,
        ),
        const SizedBox(height: 8),
        LinearProgressIndicator(
          value: progress > 0 ? progress : null,
          borderRadius: BorderRadius.circular(2),
          semanticsLabel: 'Loading the model',
        ),
      ],
    ),
  );
}

class _Notice extends StatelessWidget {
  const _Notice(this.text, {this.action, this.onAction});

  final String text;
  final String? action;
  final VoidCallback? onAction;

  @override
  Widget build(BuildContext context) => Material(
    color: Theme.of(context).colorScheme.surfaceContainerHigh,
    borderRadius: BorderRadius.circular(12),
    child: Padding(
      padding: const EdgeInsetsDirectional.only(start: 16, end: 4),
      child: Row(
        children: [
          Expanded(
            child: Padding(
              padding: const EdgeInsets.symmetric(vertical: 12),
              child: Text(text),
            ),
          ),
          if (action case final action?)
            TextButton(onPressed: onAction, child: Text(action)),
        ],
      ),
    ),
  );
}
