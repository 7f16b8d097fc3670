import 'dart:async';
import 'dart:collection';
import 'dart:isolate';
import 'dart:math';

import 'events.dart';
import 'exceptions.dart';
import 'forgetting.dart';
import 'native.dart';
import 'options.dart';
import 'protocol.dart';

/// The longest that a native call waits: so long can the end of this isolate,
/// and a command, be late.
const _waitMs = 20;

/// The worker isolate's program.
void workerMain(WorkerStart start) {
  final inbox = RawReceivePort();
  final owner = Isolate(start.owner);
  final worker = _Worker(start, inbox, owner);
  inbox.handler = worker.onCommand;
  owner.addOnExitListener(inbox.sendPort);
  start.reports.send(WorkerReady(inbox.sendPort));
}

/// An answer that is being computed.
final class _Answer {
  _Answer(this.id, this.session, this.forgotten);

  final int id;
  final NativeHandle session;

  /// Messages that had no room.
  final int forgotten;
  bool paused = false;
}

/// Owns the native objects, and takes tokens in turns: a native call waits at
/// most [_waitMs], and commands are heard after each.
final class _Worker {
  _Worker(this._start, this._inbox, this._owner);

  final WorkerStart _start;
  final RawReceivePort _inbox;
  final Isolate _owner;
  final _sessions = <int, NativeHandle>{};
  final _answers = LinkedHashMap<int, _Answer>();
  late final Native _native;
  NativeHandle? _model;
  bool _loading = false;
  bool _wantsLog = false;
  bool _pumping = false;
  bool _disposing = false;

  void _report(Report report) => _start.reports.send(report);

  void onCommand(Object? message) {
    // Of the owner's end the virtual machine tells by a null.
    if (message == null) return _end();
    switch (message as Command) {
      case final LoadCommand c:
        _load(c);
      case StopAllCommand():
        if (_model case final model?) _native.stop(model.value);
      case final AnswerCommand c:
        _begin(c);
      case StopCommand(:final id):
        if (_answers[id] case final answer?) {
          answer.paused = false;
          _native.stop(answer.session.value);
          _schedule();
        }
      case PauseCommand(:final id, :final paused):
        _answers[id]?.paused = paused;
        _schedule();
      case CloseSessionCommand(:final session):
        if (_sessions.remove(session) case final handle?) _native.free(handle);
      case AskCommand(:final id, :final question):
        _answerQuestion(id, question);
      case DisposeCommand():
        _dispose();
    }
  }

  // ---- Loading.

  void _load(LoadCommand c) {
    try {
      _native = Native.open(_start.libraryPath);
      _wantsLog = c.wantsLog;
      if (_wantsLog) _native.keepLog();
      _model = _native.beginLoad(c.path, c.threads);
      _loading = true;
      _pollLoad(-1);
    } on HpLlmException catch (e) {
      _loadFailed(e);
    }
  }

  /// Waits a moment, then lets commands be heard and comes again.
  void _pollLoad(double reported) {
    if (!_loading) return;
    try {
      final (loaded, done) = _native.pollLoad(_model!, _waitMs);
      if (done != reported) _report(LoadProgress(done));
      if (!loaded) return Timer.run(() => _pollLoad(done));
      _loading = false;
      _drainLog();
      _report(Loaded(_native.modelInfo(_model!), _model!.value));
    } on HpLlmException catch (e) {
      _loadFailed(e);
    }
  }

  void _loadFailed(HpLlmException e) {
    _drainLog();
    _report(LoadFailed(e));
    _end();
  }

  // ---- Answers.

  void _begin(AnswerCommand c) {
    try {
      final session = _sessions[c.session] ??= _makeSession(c);
      final (prompt, forgotten) = _fitting(c, session);
      _native.start(session, prompt, c.options);
      _answers[c.id] = _Answer(c.id, session, forgotten);
      // One that comes after dispose() has been called ends as the others do.
      if (_disposing) _native.stop(session.value);
      _schedule();
    } on HpLlmException catch (e) {
      _report(Failed(c.id, e));
    }
  }

  /// The prompt, and how many of its messages have no room beside an answer.
  (Prompt, int) _fitting(AnswerCommand c, NativeHandle session) {
    final messages = c.prompt.messages;
    if (messages == null || !c.options.forgetOldest) return (c.prompt, 0);
    final capacity = _native.stats(session).contextCapacity;
    final limit = c.options.maxTokens;
    final answer = limit < 0 ? capacity ~/ 4 : min(limit, capacity ~/ 4);
    final kept = whatFits(
      messages,
      capacity - answer,
      (some) => _native
          .tokenize(
            _model!,
            _native.chatPrompt(_model!, some, c.options),
            addSpecial: true,
            parseSpecial: true,
          )
          .length,
    );
    return (Prompt(messages: kept), messages.length - kept.length);
  }

  NativeHandle _makeSession(AnswerCommand c) {
    final handle = _native.createSession(_model!, c.context);
    _report(SessionMade(c.session, handle.value));
    return handle;
  }

  void _schedule() {
    if (_pumping) return;
    _pumping = true;
    Timer.run(_pump);
  }

  /// Takes what there is of all answers; where there is nothing, waits for the
  /// one whose turn it is.
  void _pump() {
    _pumping = false;
    final running = [
      for (final answer in _answers.values)
        if (!answer.paused) answer,
    ];
    if (running.isEmpty) {
      if (_disposing && _answers.isEmpty) _end();
      return;
    }
    var quiet = true;
    for (final answer in running) {
      if (_take(answer, 0)) quiet = false;
    }
    if (quiet) {
      final first = running.first;
      // To the end of the line, so that the others get their turn.
      _answers.remove(first.id);
      _answers[first.id] = first;
      _take(first, _waitMs);
    }
    _schedule();
  }

  /// Takes the events that are there, waiting for the first; false: none came.
  bool _take(_Answer answer, int waitMs) {
    final texts = <String>[];
    Report? last;
    var any = false;
    // As many as the library computes ahead, so that nobody waits for long.
    for (var i = 0; i < 16 && last == null; i++) {
      try {
        final event = _native.next(answer.session, i == 0 ? waitMs : 0);
        if (event == null) break;
        any = true;
        if (event.text.isNotEmpty) texts.add(event.text);
        if (event.finish case final finish?) {
          final stats = _native.stats(answer.session);
          last = Ended(
            answer.id,
            Done(
              finish,
              usage: Usage(
                promptTokens: event.usage.promptTokens,
                cachedTokens: event.usage.cachedTokens,
                generatedTokens: event.usage.generatedTokens,
                forgottenMessages: answer.forgotten,
              ),
              stats: stats,
            ),
          );
        }
      } on HpLlmException catch (e) {
        last = Failed(answer.id, e);
      }
    }
    if (texts.isNotEmpty) _report(Texts(answer.id, texts));
    if (last != null) {
      _answers.remove(answer.id);
      _drainLog();
      _report(last);
    }
    return any;
  }

  // ---- Questions.

  void _answerQuestion(int id, Question question) {
    try {
      _report(Reply(id, _value(question), null));
    } on HpLlmException catch (e) {
      _report(Reply(id, null, e));
    }
  }

  Object _value(Question question) => switch (question) {
    TokenizeQuestion(:final text, :final addSpecial, :final parseSpecial) =>
      _native.tokenize(
        _model!,
        text,
        addSpecial: addSpecial,
        parseSpecial: parseSpecial,
      ),
    DetokenizeQuestion(:final ids, :final showSpecial) => _native.detokenize(
      _model!,
      ids,
      showSpecial: showSpecial,
    ),
    ChatPromptQuestion(:final messages, :final options) => _native.chatPrompt(
      _model!,
      messages,
      options,
    ),
    StatsQuestion(:final session) => switch (_sessions[session]) {
      final handle? => _native.stats(handle),
      null => const GenerationStats(),
    },
  };

  void _drainLog() {
    if (!_wantsLog) return;
    try {
      while (true) {
        final (LogLevel, String)? next = _native.nextLog();
        if (next == null) return;
        _report(LogReport(next.$1, next.$2));
      }
    } on HpLlmException {
      // A message that cannot be told is no reason to fail.
    }
  }

  // ---- The end.

  /// Running answers end first, so that their listeners hear of it.
  void _dispose() {
    _disposing = true;
    for (final answer in _answers.values) {
      answer.paused = false;
    }
    if (_model case final model?) _native.stop(model.value);
    _schedule();
  }

  void _end() {
    _loading = false;
    if (_model case final model?) _native.free(model);
    _model = null;
    _sessions.clear();
    _answers.clear();
    _owner.removeOnExitListener(_inbox.sendPort);
    _inbox.close();
    _report(const Disposed());
  }
}
