import 'dart:async';

import 'events.dart';
import 'exceptions.dart';
import 'protocol.dart';

/// The stream of one answer, at the app's end of the line.
final class AnswerStream {
  /// [begin] is called when somebody listens, [stop] at most once.
  AnswerStream({
    required void Function() begin,
    required void Function() stop,
    required void Function(bool paused) pause,
    required this.owner,
    required this.command,
  }) : _stop = stop,
       _pause = pause {
    // Synchronous, so that a listener's cancel comes before the next event.
    _out = StreamController(
      sync: true,
      onListen: begin,
      onPause: () => _setPaused(true),
      onResume: () => _setPaused(false),
      onCancel: _cancel,
    );
  }

  /// The engine, kept from being taken for forgotten while there is an answer.
  final Object owner;

  /// What the worker is told to begin with.
  final AnswerCommand command;

  final void Function() _stop;
  final void Function(bool paused) _pause;
  late final StreamController<GenerationEvent> _out;
  final _ended = Completer<void>();
  bool _stopped = false;

  /// Whether the worker has been told of it.
  bool isRunning = false;

  /// Whether the listener has paused it.
  bool isPaused = false;

  /// What the app listens to.
  Stream<GenerationEvent> get stream => _out.stream;

  /// Completes when nothing is computed for it any more.
  Future<void> get whenEnded => _ended.future;

  /// Lets no more text through, and has it end.
  void stop() {
    if (_stopped || _ended.isCompleted) return;
    _stopped = true;
    _stop();
  }

  Future<void> _cancel() {
    stop();
    return whenEnded;
  }

  void _setPaused(bool paused) {
    isPaused = paused;
    if (isRunning && !_ended.isCompleted) _pause(paused);
  }

  /// More text.
  void add(List<String> texts) {
    for (final text in texts) {
      if (_stopped) return;
      _out.add(TextDelta(text));
    }
  }

  /// The end.
  void end(Done done) {
    if (_ended.isCompleted) return;
    _ended.complete();
    _out.add(
      _stopped
          ? Done(FinishReason.stopped, usage: done.usage, stats: done.stats)
          : done,
    );
    unawaited(_out.close());
  }

  /// The end by an error.
  void fail(HpLlmException error) {
    if (_ended.isCompleted) return;
    _ended.complete();
    _out.addError(error);
    unawaited(_out.close());
  }
}
