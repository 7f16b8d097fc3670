import 'dart:async';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../data/conversation.dart';
import '../data/settings.dart';
import '../data/thought.dart';

/// Loads a model, as `HappyPhoneLlm.load` does.
typedef EngineLoader =
    Future<HappyPhoneLlm> Function(
      String path, {
      int threads,
      void Function(double done)? onProgress,
      StopSignal? stop,
    });

/// The language model, of which there is at most one at a time: two would hardly
/// fit into a phone.
class EngineService {
  EngineService(this._load);

  /// The real one; [libraryPath] is a native library instead of the bundled one.
  factory EngineService.native({String? libraryPath}) => EngineService(
    (path, {threads = 0, onProgress, stop}) => HappyPhoneLlm.load(
      path,
      threads: threads,
      onProgress: onProgress,
      stop: stop,
      libraryPath: libraryPath,
    ),
  );

  final EngineLoader _load;
  HappyPhoneLlm? _llm;
  StopSignal? _loading;
  Future<void> _last = Future.value();
  bool _isShutDown = false;

  /// What is loaded.
  ModelInfo? get info => _llm?.info;

  /// Loads the model of [path] instead of the one that is there. A load that is
  /// under way ends with `HpLlmStoppedException`. [threads] 0: the default.
  Future<ModelInfo> load(
    String path, {
    int threads = 0,
    void Function(double done)? onProgress,
  }) async {
    final stop = StopSignal();
    _loading?.stop();
    _loading = stop;
    final before = _last;
    final done = Completer<void>();
    _last = done.future;
    try {
      await before;
      await _free();
      if (stop.isStopped || _isShutDown) {
        throw const HpLlmStoppedException('the load was stopped');
      }
      final llm = await _load(
        path,
        threads: threads,
        onProgress: (done) {
          if (!stop.isStopped) onProgress?.call(done);
        },
        stop: stop,
      );
      if (stop.isStopped) {
        await llm.dispose();
        throw const HpLlmStoppedException('the load was stopped');
      }
      _llm = llm;
      return llm.info;
    } finally {
      done.complete();
    }
  }

  /// Frees the model.
  Future<void> unload() async {
    _loading?.stop();
    await _last;
    await _free();
  }

  Future<void> _free() async {
    final llm = _llm;
    _llm = null;
    await llm?.dispose();
  }

  /// Answers [messages]. Cancelling the subscription stops the computation.
  ///
  /// Throws `HpLlmHandleException` where nothing is loaded.
  Stream<GenerationEvent> answer(List<Message> messages, Settings settings) {
    final llm = _llm;
    if (llm == null) throw const HpLlmHandleException('no model is loaded');
    return llm.chat(
      [
        if (settings.systemPrompt.trim() case final prompt
            when prompt.isNotEmpty)
          ChatMessage.system(prompt),
        for (final message in messages)
          ChatMessage(
            message.role,
            // Models want their thoughts of earlier answers left out.
            message.isUser ? message.text : splitThought(message.text).answer,
          ),
      ],
      GenerationOptions(
        maxTokens: settings.maxTokens,
        forgetOldest: true,
        sampling: Sampling(
          temperature: settings.temperature,
          topP: settings.topP,
        ),
      ),
    );
  }

  /// Stops the answer: it ends with `FinishReason.stopped`.
  void stop() => _llm?.stop();

  /// At the end of the app's life: frees everything. May be called again.
  Future<void> shutdown() {
    _isShutDown = true;
    return unload();
  }
}
