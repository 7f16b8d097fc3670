import 'dart:async';

/// Stops a load that is under way: give it to `HappyPhoneLlm.load` and call
/// [stop], any time and as often as you like. The load then ends with
/// `HpLlmStoppedException`.
final class StopSignal {
  final _stopped = Completer<void>();

  /// Whether [stop] has been called.
  bool get isStopped => _stopped.isCompleted;

  /// Completes when [stop] is called.
  Future<void> get whenStopped => _stopped.future;

  /// Gives the signal.
  void stop() {
    if (!_stopped.isCompleted) _stopped.complete();
  }
}
