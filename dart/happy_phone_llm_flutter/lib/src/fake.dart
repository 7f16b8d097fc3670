import 'dart:async';

import 'chat.dart';
import 'events.dart';
import 'exceptions.dart';
import 'happy_phone_llm.dart';
import 'messages.dart';
import 'model_info.dart';
import 'options.dart';
import 'stop_signal.dart';

/// An answer that a [FakeHappyPhoneLlm] is to give.
final class FakeAnswer {
  /// [texts] one after the other, each after [delay], then [error] or the end.
  const FakeAnswer(
    this.texts, {
    this.delay = Duration.zero,
    this.firstDelay,
    this.finish = FinishReason.stop,
    this.error,
    this.usage,
    this.stats = const GenerationStats(),
  });

  /// Each word of [text] for itself.
  FakeAnswer.words(
    String text, {
    Duration delay = Duration.zero,
    Duration? firstDelay,
    FinishReason finish = FinishReason.stop,
  }) : this(
         [for (final word in RegExp(r'\s*\S+|\s+$').allMatches(text)) word[0]!],
         delay: delay,
         firstDelay: firstDelay,
         finish: finish,
       );

  /// The pieces of the answer.
  final List<String> texts;

  /// The time before each piece.
  final Duration delay;

  /// The time before the first piece, for computing the prompt; null: [delay].
  final Duration? firstDelay;

  /// How it ends.
  final FinishReason finish;

  /// How it fails after [texts], instead of ending.
  final HpLlmException? error;

  /// What the last event says, forgotten messages too; null: a token for each
  /// piece.
  final Usage? usage;

  /// What the last event says.
  final GenerationStats stats;
}

/// What a [FakeHappyPhoneLlm] was asked.
final class FakeRequest {
  /// Exactly one of the first three is not null.
  const FakeRequest(this.options, {this.prompt, this.tokens, this.messages});

  /// Of `generate`.
  final String? prompt;

  /// Of `generateFromTokens`.
  final List<int>? tokens;

  /// Of `chat` and of chats.
  final List<ChatMessage>? messages;

  /// How the answer was asked for.
  final GenerationOptions options;
}

/// An engine that gives scripted answers, in their order; when there are no more,
/// the last one again. It behaves as the real one does in what can be seen:
/// streams are cold, answers of one context wait for each other, pausing pauses,
/// and after `stop()`, a cancel or `dispose()` no text comes.
///
/// Its time is that of the zone, so that `fakeAsync` and `tester.pump` move it.
final class FakeHappyPhoneLlm implements HappyPhoneLlm {
  /// An engine that is loaded already.
  FakeHappyPhoneLlm({
    List<FakeAnswer> answers = const [
      FakeAnswer(['Hello', '!']),
    ],
    this.info = const ModelInfo(
      name: 'Fake',
      architecture: 'fake',
      context: 4096,
      vocabulary: 256,
      hasVocabulary: true,
      hasChatTemplate: true,
      fit: MemoryFit.yes,
    ),
  }) : _answers = List.of(answers) {
    if (answers.isEmpty) throw ArgumentError.value(answers, 'answers', 'empty');
  }

  /// As `HappyPhoneLlm.load`, for what takes a function that loads: [steps] of
  /// progress, each after [delay], then [engine] or [error].
  static Future<HappyPhoneLlm> load({
    FakeHappyPhoneLlm? engine,
    Duration delay = Duration.zero,
    int steps = 4,
    HpLlmException? error,
    void Function(double done)? onProgress,
    StopSignal? stop,
  }) async {
    for (var i = 1; i <= steps; i++) {
      await Future<void>.delayed(delay);
      if (stop?.isStopped ?? false) {
        throw const HpLlmStoppedException('the load was stopped');
      }
      onProgress?.call(i / steps);
    }
    if (error != null) throw error;
    return engine ?? FakeHappyPhoneLlm();
  }

  final List<FakeAnswer> _answers;
  final _running = <_FakeStream>[];
  final _lines = <Object, Future<void>>{};
  GenerationStats _stats = const GenerationStats();
  bool _disposed = false;

  /// What was asked so far.
  final List<FakeRequest> requests = [];

  /// The chats that were begun and are not disposed.
  int openChats = 0;

  @override
  final ModelInfo info;

  @override
  bool get isDisposed => _disposed;

  /// Answers to be given after those that are there.
  void addAnswers(List<FakeAnswer> answers) => _answers.addAll(answers);

  FakeAnswer _nextAnswer() =>
      _answers.length > 1 ? _answers.removeAt(0) : _answers.single;

  @override
  Stream<GenerationEvent> generate(
    String prompt, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _answer(this, FakeRequest(options, prompt: prompt));

  @override
  Stream<GenerationEvent> generateFromTokens(
    List<int> tokens, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _answer(this, FakeRequest(options, tokens: tokens));

  @override
  Stream<GenerationEvent> chat(
    List<ChatMessage> messages, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _answer(this, FakeRequest(options, messages: messages));

  Stream<GenerationEvent> _answer(Object line, FakeRequest request) =>
      _FakeStream(this, line, request).stream;

  @override
  Chat startChat({
    String? system,
    List<ChatMessage> history = const [],
    GenerationOptions options = const GenerationOptions(),
    ContextOptions? context,
  }) {
    _check();
    openChats++;
    return Chat(
      _FakeChat(this),
      system: system,
      history: history,
      options: options,
    );
  }

  /// A token for each code unit.
  @override
  Future<List<int>> tokenize(
    String text, {
    bool addSpecial = false,
    bool parseSpecial = false,
  }) async {
    _check();
    return text.codeUnits;
  }

  @override
  Future<int> countTokens(String text) async => (await tokenize(text)).length;

  @override
  Future<String> detokenize(
    List<int> tokens, {
    bool showSpecial = false,
  }) async {
    _check();
    return String.fromCharCodes(tokens);
  }

  @override
  Future<String> chatPrompt(
    List<ChatMessage> messages, [
    GenerationOptions options = const GenerationOptions(),
  ]) async {
    _check();
    return '${messages.join('\n')}\nassistant: ';
  }

  @override
  Future<GenerationStats> stats() async {
    _check();
    return _stats;
  }

  @override
  void stop() {
    for (final answer in [..._running]) {
      answer.stop();
    }
  }

  @override
  Future<void> dispose() async {
    _disposed = true;
    stop();
  }

  void _check() {
    if (_disposed) throw const HpLlmHandleException('the engine is disposed');
  }
}

final class _FakeChat implements ChatBackend {
  _FakeChat(this._engine);

  final FakeHappyPhoneLlm _engine;
  GenerationStats _stats = const GenerationStats();
  bool _closed = false;

  @override
  Stream<GenerationEvent> answer(
    List<ChatMessage> messages,
    GenerationOptions options,
  ) => _engine._answer(this, FakeRequest(options, messages: messages));

  @override
  Future<GenerationStats> stats() async => _stats;

  @override
  void stop() {
    for (final answer in [..._engine._running]) {
      if (answer.line == this) answer.stop();
    }
  }

  @override
  Future<void> close() async {
    if (_closed) return;
    _closed = true;
    _engine.openChats--;
    stop();
  }
}

/// One answer of the fake; [line] is the context that it waits for.
final class _FakeStream {
  _FakeStream(this._engine, this.line, this._request) {
    _out = StreamController(
      sync: true,
      onListen: () => unawaited(_play()),
      onPause: () => _resumed = Completer(),
      onResume: () => _resumed?.complete(),
      onCancel: stop,
    );
  }

  final FakeHappyPhoneLlm _engine;
  final Object line;
  final FakeRequest _request;
  final _stopped = Completer<void>();
  late final StreamController<GenerationEvent> _out;
  Completer<void>? _resumed;
  int _given = 0;

  Stream<GenerationEvent> get stream => _out.stream;

  void stop() {
    if (!_stopped.isCompleted) _stopped.complete();
  }

  Future<void> _play() async {
    if (_engine.isDisposed) {
      _out.addError(const HpLlmHandleException('the engine is disposed'));
      return _out.close();
    }
    _engine._running.add(this);
    final before = _engine._lines[line];
    final ended = Completer<void>();
    _engine._lines[line] = ended.future;
    if (before != null) await Future.any([before, _stopped.future]);
    await _playAnswer();
    _engine._running.remove(this);
    ended.complete();
    await _out.close();
  }

  Future<void> _playAnswer() async {
    if (_stopped.isCompleted) {
      return _out.add(const Done(FinishReason.stopped));
    }
    _engine.requests.add(_request);
    final answer = _engine._nextAnswer();
    final limit = _request.options.maxTokens;
    final cut = limit >= 0 && limit < answer.texts.length;
    for (final text in cut ? answer.texts.take(limit) : answer.texts) {
      await _sleep(_given == 0 ? answer.firstDelay : null, answer.delay);
      if (_stopped.isCompleted) break;
      _given++;
      if (text.isNotEmpty) _out.add(TextDelta(text));
    }
    if (answer.error case final error? when !_stopped.isCompleted) {
      return _out.addError(error);
    }
    _end(answer, cut ? FinishReason.length : answer.finish);
  }

  void _end(FakeAnswer answer, FinishReason finish) {
    _engine._stats = answer.stats;
    if (line case final _FakeChat chat) chat._stats = answer.stats;
    _out.add(
      Done(
        _stopped.isCompleted ? FinishReason.stopped : finish,
        usage: answer.usage ?? Usage(generatedTokens: _given),
        stats: answer.stats,
      ),
    );
  }

  /// Ends early when the answer is stopped; also waits while it is paused.
  Future<void> _sleep(Duration? first, Duration delay) async {
    final slept = Completer<void>();
    final timer = Timer(first ?? delay, slept.complete);
    await Future.any([slept.future, _stopped.future]);
    timer.cancel();
    if (_out.isPaused && !_stopped.isCompleted) {
      await Future.any([_resumed!.future, _stopped.future]);
    }
  }
}
