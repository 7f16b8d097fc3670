import 'dart:async';
import 'dart:isolate';

import 'answer_stream.dart';
import 'events.dart';
import 'exceptions.dart';
import 'model_info.dart';
import 'native.dart';
import 'options.dart';
import 'protocol.dart';
import 'stop_signal.dart';
import 'worker.dart';

/// The app's end of the line to a worker isolate.
///
/// It sends commands, hands out reports, and keeps answers of one session in a
/// queue. The native library is called from here for one thing only, which is to
/// stop: that must not wait until the worker has time.
final class Connection {
  Connection._(this._libraryPath) {
    _port = RawReceivePort(null, 'happy_phone_llm');
    ReceivePort.fromRawReceivePort(_port).listen(_onReport);
  }

  /// Starts a worker and has it load a model.
  static Future<Connection> open(
    String path, {
    required int threads,
    required void Function(double done)? onProgress,
    required StopSignal? stop,
    required LogCallback? onLog,
    required String? libraryPath,
  }) async {
    if (stop?.isStopped ?? false) {
      throw const HpLlmStoppedException('stopped before the load began');
    }
    final c = Connection._(libraryPath)
      .._onProgress = onProgress
      .._onLog = onLog
      .._load = LoadCommand(path, threads, wantsLog: onLog != null);
    try {
      c.worker = await Isolate.spawn(
        workerMain,
        WorkerStart(
          reports: c._port.sendPort,
          owner: Isolate.current.controlPort,
          libraryPath: libraryPath,
        ),
        onExit: c._port.sendPort,
        onError: c._port.sendPort,
        debugName: 'happy_phone_llm worker',
      );
    } on IsolateSpawnException catch (e) {
      c._port.close();
      throw HpLlmInternalException('the worker isolate cannot be started: $e');
    }
    unawaited(stop?.whenStopped.then((_) => c._stopLoad()));
    c.info = await c._loaded.future;
    return c;
  }

  final String? _libraryPath;
  late final RawReceivePort _port;
  final _loaded = Completer<ModelInfo>();
  final _gone = Completer<void>();
  final _answers = <int, AnswerStream>{};
  final _queues = <int, List<AnswerStream>>{};
  final _questions = <int, Completer<Object?>>{};
  final _sessionHandles = <int, int>{};
  late final int _model;
  void Function(double done)? _onProgress;
  LogCallback? _onLog;
  LoadCommand? _load;
  SendPort? _commands;
  Native? _native;
  int _lastId = 0;
  bool _disposing = false;
  bool _stopLoadAsked = false;
  String? _workerError;

  /// What the model is.
  late final ModelInfo info;

  /// The worker isolate; for this package's tests.
  late final Isolate worker;

  /// The numbers that the C interface has for the model and the sessions; for
  /// this package's tests.
  List<int> get handles => [_model, ..._sessionHandles.values];

  /// Whether [dispose] has been called, or the worker has ended.
  bool get isDisposed => _disposing || _gone.isCompleted;

  /// Throws [HpLlmArgumentException] for what cannot leave this isolate, as a
  /// port among the tools cannot.
  void _send(Command command) {
    try {
      _commands?.send(command);
      // What a port throws for such an object.
      // ignore: avoid_catching_errors
    } on ArgumentError catch (e) {
      throw HpLlmArgumentException('not of values that JSON has: ${e.message}');
    }
  }

  // ---- Answers.

  /// A stream that, when it is listened to, queues an answer for [owner].
  Stream<GenerationEvent> answer(
    Object owner,
    int session,
    ContextOptions context,
    Prompt prompt,
    GenerationOptions options,
  ) {
    final id = ++_lastId;
    late final AnswerStream answer;
    answer = AnswerStream(
      begin: () => _enqueue(answer, session),
      stop: () => _stop(answer, session),
      owner: owner,
      pause: (paused) => _send(PauseCommand(id, paused: paused)),
      command: AnswerCommand(
        id,
        session: session,
        context: context,
        prompt: prompt,
        options: options,
      ),
    );
    return answer.stream;
  }

  void _enqueue(AnswerStream answer, int session) {
    if (isDisposed) return answer.fail(_endedError());
    final queue = _queues.putIfAbsent(session, () => [])..add(answer);
    _answers[answer.command.id] = answer;
    _keepAlive();
    if (queue.length == 1) _startFirst(session);
  }

  void _startFirst(int session) {
    final answer = _queues[session]?.firstOrNull;
    if (answer == null) return;
    try {
      _send(answer.command);
    } on HpLlmArgumentException catch (e) {
      _remove(answer);
      return answer.fail(e);
    }
    answer.isRunning = true;
    if (answer.isPaused) _send(PauseCommand(answer.command.id, paused: true));
  }

  /// Stops it if it runs, takes it out of the queue if it waits.
  void _stop(AnswerStream answer, int session) {
    if (answer.isRunning) {
      _stopNative(_sessionHandles[session]);
      // The worker stops it too: it may not have begun yet.
      _send(StopCommand(answer.command.id));
      return;
    }
    _remove(answer);
    answer.end(const Done(FinishReason.stopped));
  }

  void _remove(AnswerStream answer) {
    final session = answer.command.session;
    _answers.remove(answer.command.id);
    final queue = _queues[session];
    final wasFirst = queue?.firstOrNull == answer;
    queue?.remove(answer);
    if (queue?.isEmpty ?? false) _queues.remove(session);
    if (wasFirst) _startFirst(session);
    _keepAlive();
  }

  void _stopNative(int? handle) {
    if (handle != null) _native?.stop(handle);
  }

  /// Stops the answers of one session.
  void stopSession(int session) {
    for (final answer in [...?_queues[session]].reversed) {
      answer.stop();
    }
  }

  /// Stops all answers.
  void stopAll() {
    for (final answer in [..._answers.values].reversed) {
      answer.stop();
    }
  }

  /// Stops the answers of one session and frees it.
  Future<void> closeSession(int session) async {
    if (isDisposed) return;
    final running = _queues[session]?.firstOrNull;
    stopSession(session);
    await running?.whenEnded;
    _sessionHandles.remove(session);
    _send(CloseSessionCommand(session));
  }

  // ---- Questions.

  /// Asks the worker.
  Future<T> ask<T>(Question question) async {
    if (isDisposed) throw _endedError();
    final id = ++_lastId;
    _send(AskCommand(id, question));
    final completer = _questions[id] = Completer<Object?>();
    _keepAlive();
    return await completer.future as T;
  }

  // ---- The end.

  /// Stops everything, and completes when everything is freed.
  Future<void> dispose() {
    if (!isDisposed) {
      _disposing = true;
      stopAll();
      _keepAlive();
      _send(const DisposeCommand());
    }
    return _gone.future;
  }

  void _stopLoad() {
    if (_loaded.isCompleted) return;
    _stopLoadAsked = true;
    _send(const StopAllCommand());
  }

  HpLlmException _endedError() => switch (_workerError) {
    final error? => HpLlmInternalException('the worker isolate failed: $error'),
    null when _disposing => const HpLlmHandleException(
      'the engine is disposed',
    ),
    null => const HpLlmInternalException('the worker isolate was killed'),
  };

  /// A program may end while an engine is idle, but not while it is used.
  void _keepAlive() => _port.keepIsolateAlive =
      _answers.isNotEmpty ||
      _questions.isNotEmpty ||
      !_loaded.isCompleted ||
      (_disposing && !_gone.isCompleted);

  // ---- Reports.

  void _onReport(Object? message) {
    switch (message) {
      case final Report report:
        _handle(report);
      case [final Object error, final Object? stack]:
        _workerError = '$error\n$stack';
      case _: // The isolate's end, told by the virtual machine.
        _onExit();
    }
  }

  void _handle(Report report) {
    switch (report) {
      case WorkerReady(:final commands):
        _commands = commands;
        _send(_load!);
        _load = null;
        if (_stopLoadAsked) _send(const StopAllCommand());
      case LoadProgress(:final done):
        _onProgress?.call(done);
      case Loaded(:final info, :final handle):
        _model = handle;
        _native = Native.open(_libraryPath);
        _loaded.complete(info);
        _onProgress = null;
        _keepAlive();
      case LoadFailed(:final error):
        _loaded.completeError(error);
      case SessionMade(:final session, :final handle):
        _sessionHandles[session] = handle;
      case Texts(:final id, :final texts):
        _answers[id]?.add(texts);
      case Ended(:final id, :final done):
        if (_answers[id] case final answer?) {
          _remove(answer);
          answer.end(done);
        }
      case Failed(:final id, :final error):
        if (_answers[id] case final answer?) {
          _remove(answer);
          answer.fail(error);
        }
      case Reply(:final id, :final value, :final error):
        final completer = _questions.remove(id);
        _keepAlive();
        if (error == null) {
          completer?.complete(value);
        } else {
          completer?.completeError(error);
        }
      case LogReport(:final level, :final message):
        _onLog?.call(level, message);
      case Disposed(): // [_onExit] follows.
    }
  }

  /// The worker has ended: as it should, or by an error, or killed. The native
  /// side is free in each case.
  void _onExit() {
    if (_gone.isCompleted) return;
    _gone.complete();
    final error = _endedError();
    if (!_loaded.isCompleted) _loaded.completeError(error);
    for (final answer in [..._answers.values]) {
      answer.fail(error);
    }
    _answers.clear();
    _queues.clear();
    for (final question in [..._questions.values]) {
      question.completeError(error);
    }
    _questions.clear();
    _port.close();
  }
}
