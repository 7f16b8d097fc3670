import 'dart:isolate';

import 'chat.dart';
import 'engine.dart';
import 'events.dart';
import 'messages.dart';
import 'model_info.dart';
import 'native.dart';
import 'options.dart';
import 'stop_signal.dart';

/// A loaded language model.
///
/// Everything that can fail does so with an `HpLlmException`. All methods may be
/// called at any time, also while an answer is running; none blocks. Streams of
/// events are cold: the answer begins when the stream is listened to, and only
/// one may listen. Pausing a subscription pauses the computation; cancelling it
/// stops it, in the same tick.
///
/// An interface, so that apps can be tested without a model: `testing.dart`.
abstract interface class HappyPhoneLlm {
  /// What the model is.
  ModelInfo get info;

  /// Whether [dispose] has been called.
  bool get isDisposed;

  /// Loads the GGUF file at [path] (the first part of a split one), which must
  /// not be changed until [dispose].
  ///
  /// [threads] compute; 0: as many as the device has fast cores. [context] is how
  /// the context of [generate] and [chat], and of each [startChat], is made.
  /// [onProgress] is told the part that is done, 0 to 1. [stop] can end the load.
  /// [onLog] gets messages for developers. [libraryPath] is a native library to
  /// use instead of the bundled one.
  static Future<HappyPhoneLlm> load(
    String path, {
    int threads = 0,
    ContextOptions context = const ContextOptions(),
    void Function(double done)? onProgress,
    StopSignal? stop,
    LogCallback? onLog,
    String? libraryPath,
  }) => Engine.load(
    path,
    threads: threads,
    context: context,
    onProgress: onProgress,
    stop: stop,
    onLog: onLog,
    libraryPath: libraryPath,
  );

  /// Reads what the model file at [path] is, and whether it fits into this
  /// device's memory with a context like [context], without loading it. Takes
  /// milliseconds. For a file that cannot be run it fails as [load] would.
  static Future<ModelInfo> inspect(
    String path, {
    ContextOptions context = const ContextOptions(),
    String? libraryPath,
  }) => Isolate.run(
    () => Native.open(libraryPath).inspect(path, context),
    debugName: 'happy_phone_llm inspect',
  );

  /// Continues [prompt] as it is, without the model's chat template.
  ///
  /// Answers of [generate], [generateFromTokens] and [chat] share one context and
  /// wait for each other. What a prompt has in common with the one before is not
  /// computed again.
  Stream<GenerationEvent> generate(
    String prompt, [
    GenerationOptions options = const GenerationOptions(),
  ]);

  /// Continues token ids.
  Stream<GenerationEvent> generateFromTokens(
    List<int> tokens, [
    GenerationOptions options = const GenerationOptions(),
  ]);

  /// Answers a whole conversation. [startChat] is the one that remembers.
  Stream<GenerationEvent> chat(
    List<ChatMessage> messages, [
    GenerationOptions options = const GenerationOptions(),
  ]);

  /// Begins a conversation with a context of its own, which takes memory until
  /// `Chat.dispose`. [system] and [history] come first; [options] are of each
  /// answer that has none of its own.
  Chat startChat({
    String? system,
    List<ChatMessage> history = const [],
    GenerationOptions options = const GenerationOptions(),
    ContextOptions? context,
  });

  /// The tokens of [text]. [addSpecial] adds the beginning and end as the model
  /// wants them; [parseSpecial] takes `<|im_end|>` and the like for control tokens.
  Future<List<int>> tokenize(
    String text, {
    bool addSpecial = false,
    bool parseSpecial = false,
  });

  /// How many tokens [text] has.
  Future<int> countTokens(String text);

  /// The text of tokens. [showSpecial] shows control tokens too.
  Future<String> detokenize(List<int> tokens, {bool showSpecial = false});

  /// The text that the model's chat template makes of a conversation.
  Future<String> chatPrompt(
    List<ChatMessage> messages, [
    GenerationOptions options = const GenerationOptions(),
  ]);

  /// Figures of the last answer of [generate], [generateFromTokens] or [chat].
  Future<GenerationStats> stats();

  /// Stops every answer, also those of chats: they end with
  /// [FinishReason.stopped], and no text comes after this call.
  void stop();

  /// Stops everything and frees the model with all of its chats. May be called
  /// again; each call completes when everything is freed. Afterwards every other
  /// method fails with `HpLlmHandleException`.
  Future<void> dispose();
}
