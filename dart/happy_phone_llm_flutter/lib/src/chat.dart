import 'dart:async';

import 'events.dart';
import 'exceptions.dart';
import 'messages.dart';
import 'options.dart';

/// What a [Chat] needs of an engine.
abstract interface class ChatBackend {
  /// Answers [messages].
  Stream<GenerationEvent> answer(
    List<ChatMessage> messages,
    GenerationOptions options,
  );

  /// Figures of the last answer.
  Future<GenerationStats> stats();

  /// Stops the answer.
  void stop();

  /// Frees the conversation's context.
  Future<void> close();
}

/// A conversation that remembers what was said. Made by `HappyPhoneLlm.startChat`.
final class Chat {
  /// A conversation on [_backend].
  Chat(
    this._backend, {
    String? system,
    List<ChatMessage> history = const [],
    this.options = const GenerationOptions(),
  }) : _messages = [if (system != null) ChatMessage.system(system), ...history];

  final ChatBackend _backend;
  final List<ChatMessage> _messages;
  bool _answering = false;
  bool _disposed = false;

  /// Of each answer that is not given its own; may be changed between answers.
  GenerationOptions options;

  /// What was said: a copy that does not change.
  List<ChatMessage> get messages => List.unmodifiable(_messages);

  /// Whether an answer is running.
  bool get isAnswering => _answering;

  /// Says [text] and answers it. When the stream is listened to, the message is
  /// added to [messages]; when the answer ends, so is the answer, as far as it
  /// came where it was stopped or cancelled. An answer that fails takes its
  /// message back, so that the same can be sent again.
  ///
  /// Fails with [HpLlmBusyException] while another answer is running.
  Stream<GenerationEvent> send(String text, [GenerationOptions? options]) =>
      sendMessage(ChatMessage.user(text), options);

  /// As [send], but any message: what a tool answered, for example.
  Stream<GenerationEvent> sendMessage(
    ChatMessage message, [
    GenerationOptions? options,
  ]) => _answer(options, () {
    _messages.add(message);
    return _messages.removeLast;
  });

  /// Answers the last message again, instead of the last answer.
  ///
  /// Fails with [HpLlmStateException] where nothing was said.
  Stream<GenerationEvent> regenerate([GenerationOptions? options]) =>
      _answer(options, () {
        if (_messages.lastOrNull?.role != ChatRole.assistant) {
          if (_messages.isNotEmpty && _messages.last.role != ChatRole.system) {
            return () {};
          }
          throw const HpLlmStateException('there is nothing to answer again');
        }
        final old = _messages.removeLast();
        return () => _messages.add(old);
      });

  /// Forgets what was said from message [index] on: to say something else in its
  /// place, for example.
  ///
  /// Throws [HpLlmBusyException] while an answer is running, and [RangeError].
  void truncate(int index) {
    if (_answering) throw const HpLlmBusyException('the chat is answering');
    RangeError.checkValueInInterval(index, 0, _messages.length, 'index');
    _messages.length = index;
  }

  /// Figures of the last answer.
  Future<GenerationStats> stats() => _backend.stats();

  /// Stops the answer: it ends with [FinishReason.stopped].
  void stop() => _backend.stop();

  /// Frees the conversation's context; [messages] stay. May be called again.
  Future<void> dispose() {
    _disposed = true;
    return _backend.close();
  }

  /// An answer to [messages] as [prepare] leaves them when the stream is listened
  /// to; the function that it returns puts them back after a failure.
  Stream<GenerationEvent> _answer(
    GenerationOptions? options,
    void Function() Function() prepare,
  ) {
    final text = StringBuffer();
    late final StreamSubscription<GenerationEvent> source;
    late final StreamController<GenerationEvent> out;
    var running = false;

    void finish() {
      if (!running) return;
      running = _answering = false;
      _messages.add(ChatMessage.assistant('$text'));
    }

    void begin() {
      final void Function() undo;
      try {
        if (_disposed) throw const HpLlmHandleException('the chat is disposed');
        if (_answering) throw const HpLlmBusyException('the chat is answering');
        undo = prepare();
      } on HpLlmException catch (e, stack) {
        source = const Stream<GenerationEvent>.empty().listen(null);
        out.addError(e, stack);
        unawaited(out.close());
        return;
      }
      running = _answering = true;
      source = _backend
          .answer(messages, options ?? this.options)
          .listen(
            (event) {
              if (event is TextDelta) text.write(event.text);
              if (event is Done) finish();
              out.add(event);
            },
            onError: (Object e, StackTrace stack) {
              if (running) {
                running = _answering = false;
                undo();
              }
              out.addError(e, stack);
            },
            onDone: () {
              finish();
              unawaited(out.close());
            },
          );
    }

    out = StreamController(
      sync: true,
      onListen: begin,
      onPause: () => source.pause(),
      onResume: () => source.resume(),
      onCancel: () {
        finish();
        return source.cancel();
      },
    );
    return out.stream;
  }
}
