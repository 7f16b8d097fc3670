import 'package:flutter/material.dart';

import '../data/conversation.dart';
import '../view_models/chat_view_model.dart';
import 'failure_card.dart';
import 'message_view.dart';
import 'theme.dart';

/// The open chat. It follows the answer while its end is seen; who scrolls back
/// to read stays there, and gets a button that leads to the end.
class MessageList extends StatefulWidget {
  const MessageList({required this.chat, this.onLink, super.key});

  final ChatViewModel chat;
  final void Function(String url)? onLink;

  @override
  State<MessageList> createState() => _MessageListState();
}

class _MessageListState extends State<MessageList> {
  /// So near is at the end.
  static const _near = 32.0;

  final _scroll = ScrollController();
  bool _follows = true;
  bool _wasGenerating = false;

  ChatViewModel get chat => widget.chat;

  @override
  void initState() {
    super.initState();
    chat.addListener(_chatChanged);
    _toEnd();
  }

  @override
  void dispose() {
    chat.removeListener(_chatChanged);
    _scroll.dispose();
    super.dispose();
  }

  /// A new question is something that its asker wants to see.
  void _chatChanged() {
    if (chat.isGenerating && !_wasGenerating) {
      setState(() => _follows = true);
      _toEnd();
    }
    _wasGenerating = chat.isGenerating;
  }

  void _toEnd() => WidgetsBinding.instance.addPostFrameCallback((_) {
    if (!mounted || !_follows || !_scroll.hasClients) return;
    final position = _scroll.position;
    if (position.pixels < position.maxScrollExtent) {
      position.jumpTo(position.maxScrollExtent);
    }
  });

  bool _metricsChanged(ScrollMetricsNotification notification) {
    if (notification.depth == 0 && _follows) _toEnd();
    return false;
  }

  bool _scrolled(ScrollNotification notification) {
    if (notification.depth != 0) return false;
    if (notification is! ScrollUpdateNotification) return false;
    final follows = notification.metrics.extentAfter <= _near;
    // Only who scrolls away leaves the end: growing text does not.
    final leaves = (notification.scrollDelta ?? 0) < 0;
    if (follows != _follows && (follows || leaves)) {
      setState(() => _follows = follows);
    }
    return false;
  }

  @override
  Widget build(BuildContext context) => Stack(
    alignment: AlignmentDirectional.bottomCenter,
    children: [
      NotificationListener<ScrollMetricsNotification>(
        onNotification: _metricsChanged,
        child: NotificationListener<ScrollNotification>(
          onNotification: _scrolled,
          child: SelectionArea(
            child: ListenableBuilder(
              listenable: chat,
              builder: (context, _) => _list(context),
            ),
          ),
        ),
      ),
      Positioned(
        bottom: 8,
        child: AnimatedScale(
          scale: _follows ? 0 : 1,
          duration: const Duration(milliseconds: 150),
          child: ExcludeSemantics(
            excluding: _follows,
            child: FloatingActionButton.small(
              heroTag: null,
              tooltip: 'To the end',
              onPressed: () {
                setState(() => _follows = true);
                _toEnd();
              },
              child: const Icon(Icons.arrow_downward),
            ),
          ),
        ),
      ),
    ],
  );

  Widget _list(BuildContext context) {
    final messages = chat.messages;
    final failure = chat.failure;
    return Scrollbar(
      controller: _scroll,
      child: ListView.builder(
        controller: _scroll,
        padding: const EdgeInsets.fromLTRB(
          16 - aroundIcon,
          0,
          16 - aroundIcon,
          24,
        ),
        keyboardDismissBehavior: ScrollViewKeyboardDismissBehavior.onDrag,
        itemCount: messages.length + (failure == null ? 0 : 1),
        itemBuilder: (context, i) => Center(
          child: ConstrainedBox(
            constraints: const BoxConstraints(
              maxWidth: maxReadingWidth + 2 * aroundIcon,
            ),
            child: i == messages.length
                ? _failed()
                : Column(
                    crossAxisAlignment: CrossAxisAlignment.stretch,
                    children: [
                      if (i > 0 && i == chat.forgotten) const _Forgotten(),
                      _message(
                        messages[i],
                        i,
                        isLast: i == messages.length - 1,
                      ),
                    ],
                  ),
          ),
        ),
      ),
    );
  }

  Widget _message(Message message, int index, {required bool isLast}) {
    if (message.state == MessageState.running) {
      return ValueListenableBuilder<Message?>(
        valueListenable: chat.running,
        builder: (context, running, _) =>
            MessageView(message: running ?? message, onLink: widget.onLink),
      );
    }
    final isFree = chat.canGenerate;
    return MessageView(
      message: message,
      isEditing: chat.editing == index,
      onEdit: isFree && message.isUser ? () => chat.beginEdit(index) : null,
      onRegenerate: isFree && isLast ? chat.regenerate : null,
      onLink: widget.onLink,
    );
  }

  Widget _failed() => Padding(
    padding: const EdgeInsets.fromLTRB(aroundIcon, 8, aroundIcon, 0),
    child: SelectionContainer.disabled(
      child: FailureCard(
        failure: chat.failure!,
        actions: [
          TextButton(
            onPressed: chat.canGenerate ? chat.regenerate : null,
            child: const Text('Try again'),
          ),
        ],
      ),
    ),
  );
}

/// Stands where the model's memory begins.
class _Forgotten extends StatelessWidget {
  const _Forgotten();

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.only(top: 24),
      child: Row(
        children: [
          const Expanded(child: Divider()),
          Flexible(
            flex: 4,
            child: Padding(
              padding: const EdgeInsets.symmetric(horizontal: 12),
              child: Text(
                'The model does not remember what is above',
                textAlign: TextAlign.center,
                style: theme.textTheme.bodySmall?.copyWith(
                  color: theme.colorScheme.onSurfaceVariant,
                ),
              ),
            ),
          ),
          const Expanded(child: Divider()),
        ],
      ),
    );
  }
}
