import 'dart:async';

import 'chat.dart';
import 'connection.dart';
import 'events.dart';
import 'exceptions.dart';
import 'happy_phone_llm.dart';
import 'messages.dart';
import 'model_info.dart';
import 'options.dart';
import 'protocol.dart';
import 'stop_signal.dart';

/// The engine that is made of the native library and a worker isolate.
final class Engine implements HappyPhoneLlm {
  Engine._(this._connection, this._context) {
    _net.attach(this, _connection, detach: this);
  }

  /// See [HappyPhoneLlm.load].
  static Future<HappyPhoneLlm> load(
    String path, {
    required int threads,
    required ContextOptions context,
    required void Function(double done)? onProgress,
    required StopSignal? stop,
    required LogCallback? onLog,
    required String? libraryPath,
  }) async {
    final connection = await Connection.open(
      path,
      threads: threads,
      onProgress: onProgress,
      stop: stop,
      onLog: onLog,
      libraryPath: libraryPath,
    );
    return Engine._(connection, context);
  }

  /// Engines that are forgotten instead of disposed.
  static final _net = Finalizer<Connection>((c) => unawaited(c.dispose()));

  /// The session of [generate] and [chat]; chats have the numbers after it.
  static const _mainSession = 0;

  final Connection _connection;
  final ContextOptions _context;
  int _lastSession = _mainSession;

  /// The way to the worker isolate; for this package's tests.
  Connection get connection => _connection;

  @override
  ModelInfo get info => _connection.info;

  @override
  bool get isDisposed => _connection.isDisposed;

  @override
  Stream<GenerationEvent> generate(
    String prompt, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _answer(Prompt(text: prompt), options);

  @override
  Stream<GenerationEvent> generateFromTokens(
    List<int> tokens, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _answer(Prompt(tokens: List.of(tokens)), options);

  @override
  Stream<GenerationEvent> chat(
    List<ChatMessage> messages, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _answer(Prompt(messages: List.of(messages)), options);

  Stream<GenerationEvent> _answer(Prompt prompt, GenerationOptions options) =>
      _connection.answer(this, _mainSession, _context, prompt, options);

  @override
  Chat startChat({
    String? system,
    List<ChatMessage> history = const [],
    GenerationOptions options = const GenerationOptions(),
    ContextOptions? context,
  }) {
    if (isDisposed) throw const HpLlmHandleException('the engine is disposed');
    return Chat(
      _ChatBackend(this, ++_lastSession, context ?? _context),
      system: system,
      history: history,
      options: options,
    );
  }

  @override
  Future<List<int>> tokenize(
    String text, {
    bool addSpecial = false,
    bool parseSpecial = false,
  }) => _connection.ask<List<int>>(
    TokenizeQuestion(text, addSpecial: addSpecial, parseSpecial: parseSpecial),
  );

  @override
  Future<int> countTokens(String text) async => (await tokenize(text)).length;

  @override
  Future<String> detokenize(List<int> tokens, {bool showSpecial = false}) =>
      _connection.ask<String>(
        DetokenizeQuestion(List.of(tokens), showSpecial: showSpecial),
      );

  @override
  Future<String> chatPrompt(
    List<ChatMessage> messages, [
    GenerationOptions options = const GenerationOptions(),
  ]) => _connection.ask<String>(ChatPromptQuestion(List.of(messages), options));

  @override
  Future<GenerationStats> stats() =>
      _connection.ask<GenerationStats>(const StatsQuestion(_mainSession));

  @override
  void stop() => _connection.stopAll();

  @override
  Future<void> dispose() {
    _net.detach(this);
    return _connection.dispose();
  }
}

final class _ChatBackend implements ChatBackend {
  _ChatBackend(this._engine, this._session, this._context);

  /// Not only its connection: a chat in use keeps the engine from being taken
  /// for forgotten.
  final Engine _engine;
  final int _session;
  final ContextOptions _context;

  @override
  Stream<GenerationEvent> answer(
    List<ChatMessage> messages,
    GenerationOptions options,
  ) => _engine._connection.answer(
    _engine,
    _session,
    _context,
    Prompt(messages: messages),
    options,
  );

  @override
  Future<GenerationStats> stats() =>
      _engine._connection.ask<GenerationStats>(StatsQuestion(_session));

  @override
  void stop() => _engine._connection.stopSession(_session);

  @override
  Future<void> close() => _engine._connection.closeSession(_session);
}
