import 'dart:async';

/// A step of an answer: some [TextDelta]s, then one [Done]. What goes wrong is an
/// error of the stream, an `HpLlmException`.
sealed class GenerationEvent {
  const GenerationEvent();
}

/// More text of the answer. It never ends inside a code point.
final class TextDelta extends GenerationEvent {
  /// [text] to be added to the answer.
  const TextDelta(this.text);

  /// What to add to the text so far; never empty.
  final String text;

  @override
  String toString() => 'TextDelta($text)';
}

/// The end of an answer: the last event.
final class Done extends GenerationEvent {
  /// An answer that ended for [reason].
  const Done(this.reason, {this.usage = const Usage(), this.stats});

  /// Why it ended.
  final FinishReason reason;

  /// The tokens it took.
  final Usage usage;

  /// How long it took; null where nothing was computed.
  final GenerationStats? stats;

  @override
  String toString() => 'Done(${reason.name}, $usage)';
}

/// Why an answer ended.
enum FinishReason {
  /// The model ended its turn, or a stop text came.
  stop,

  /// As many tokens as `GenerationOptions.maxTokens`.
  length,

  /// The context is full.
  context,

  /// `stop()` or `dispose()` was called.
  stopped,
}

/// The tokens of an answer.
final class Usage {
  /// Counts of tokens.
  const Usage({
    this.promptTokens = 0,
    this.cachedTokens = 0,
    this.generatedTokens = 0,
    this.forgottenMessages = 0,
  });

  /// Tokens of the prompt.
  final int promptTokens;

  /// Of these, tokens that were in the context already and cost no time.
  final int cachedTokens;

  /// Tokens of the answer.
  final int generatedTokens;

  /// Messages of the conversation that had no room in the context:
  /// `GenerationOptions.forgetOldest`.
  final int forgottenMessages;

  @override
  String toString() =>
      'Usage(prompt: $promptTokens, cached: $cachedTokens, '
      'generated: $generatedTokens)';
}

/// Figures of an answer, and of the process. Times are milliseconds.
final class GenerationStats {
  /// Figures; what is not known is 0.
  const GenerationStats({
    this.promptTokens = 0,
    this.cachedTokens = 0,
    this.generatedTokens = 0,
    this.contextTokens = 0,
    this.contextCapacity = 0,
    this.loadMs = 0,
    this.promptMs = 0,
    this.firstTokenMs = 0,
    this.generateMs = 0,
    this.promptTokensPerSecond = 0,
    this.tokensPerSecond = 0,
    this.peakMemoryBytes = 0,
  });

  /// Tokens of the prompt.
  final int promptTokens;

  /// Of these, tokens that were in the context already.
  final int cachedTokens;

  /// Tokens of the answer.
  final int generatedTokens;

  /// Tokens in the context now.
  final int contextTokens;

  /// Tokens that the context can hold.
  final int contextCapacity;

  /// The load of the model.
  final double loadMs;

  /// Computing the prompt.
  final double promptMs;

  /// From the start of computing to the first token.
  final double firstTokenMs;

  /// Computing the answer's tokens, without pauses.
  final double generateMs;

  /// Speed of reading the prompt.
  final double promptTokensPerSecond;

  /// Speed of the answer, without its first token.
  final double tokensPerSecond;

  /// The highest memory of the process seen, without mapped files; 0: unknown.
  final int peakMemoryBytes;

  @override
  String toString() =>
      'GenerationStats(prompt: $promptTokens tokens in ${promptMs.round()} ms, '
      'answer: $generatedTokens tokens, ${tokensPerSecond.toStringAsFixed(1)}/s)';
}

/// Shortcuts for those who need the text only.
extension GenerationText on Stream<GenerationEvent> {
  /// The pieces of text, as they come.
  Stream<String> get textOnly => transform(
    StreamTransformer.fromHandlers(
      handleData: (event, sink) {
        if (event is TextDelta) sink.add(event.text);
      },
    ),
  );

  /// The whole text, when it is complete.
  Future<String> get fullText => textOnly.join();
}
