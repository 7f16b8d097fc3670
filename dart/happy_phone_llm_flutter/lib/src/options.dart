/// In what form a conversation's context is kept in memory.
enum KvCacheType {
  /// 16-bit numbers: the usual.
  f16,

  /// 32-bit numbers: twice the memory.
  f32,

  /// 8-bit numbers: half the memory, nearly the same answers.
  q8,
}

/// How a context is made.
final class ContextOptions {
  /// The defaults suit phones.
  const ContextOptions({
    this.tokens = 0,
    this.cache = KvCacheType.f16,
    this.batch = 0,
  });

  /// Tokens that the context can hold, prompt and answer together; 0: as many as
  /// the model was trained with, but at most 4096.
  final int tokens;

  /// The form of the cache.
  final KvCacheType cache;

  /// Prompt tokens computed at once, 0: 512. Answers do not depend on it.
  final int batch;
}

/// Whether a model that can think before it answers should.
enum Thinking {
  /// As the model's template does by itself.
  byDefault,

  /// Yes.
  on,

  /// No.
  off,
}

/// What an answer is asked for.
final class GenerationOptions {
  /// All of it has a default.
  const GenerationOptions({
    this.maxTokens = -1,
    this.sampling = const Sampling(),
    this.stops = const [],
    this.ignoreEndOfText = false,
    this.parseSpecial = false,
    this.thinking = Thinking.byDefault,
    this.tools = const [],
    this.forgetOldest = false,
  });

  /// Tokens of the answer; -1: until the context is full.
  final int maxTokens;

  /// How tokens are chosen.
  final Sampling sampling;

  /// Texts that end the answer and are no part of it; at most 64, none empty.
  final List<String> stops;

  /// Go on after the model's own end.
  final bool ignoreEndOfText;

  /// Of a plain prompt: control tokens like `<|im_end|>` in it are parsed.
  /// Leave it off for text that a person typed.
  final bool parseSpecial;

  /// Of conversations: for models that can do both.
  final Thinking thinking;

  /// Of conversations: tools that the model may call, each with "name",
  /// "description" and "parameters" (a JSON schema), of values that JSON has.
  final List<Map<String, Object?>> tools;

  /// Of conversations: one that leaves no room in the context for an answer, of
  /// [maxTokens] or a quarter of the context, is answered without its oldest turns
  /// (`Usage.forgottenMessages`), instead of failing with `HpLlmContextException`.
  /// System messages at the beginning stay.
  final bool forgetOldest;

  /// The same but for what is given.
  GenerationOptions copyWith({
    int? maxTokens,
    Sampling? sampling,
    List<String>? stops,
    bool? ignoreEndOfText,
    bool? parseSpecial,
    Thinking? thinking,
    List<Map<String, Object?>>? tools,
    bool? forgetOldest,
  }) => GenerationOptions(
    maxTokens: maxTokens ?? this.maxTokens,
    sampling: sampling ?? this.sampling,
    stops: stops ?? this.stops,
    ignoreEndOfText: ignoreEndOfText ?? this.ignoreEndOfText,
    parseSpecial: parseSpecial ?? this.parseSpecial,
    thinking: thinking ?? this.thinking,
    tools: tools ?? this.tools,
    forgetOldest: forgetOldest ?? this.forgetOldest,
  );
}

/// How tokens are chosen. Null is the library's default, which is llama.cpp's, as
/// is the meaning of each.
final class Sampling {
  /// What is not given has its default.
  const Sampling({
    this.seed,
    this.temperature,
    this.topK,
    this.topP,
    this.minP,
    this.typicalP,
    this.topNSigma,
    this.dynamicTemperatureRange,
    this.dynamicTemperatureExponent,
    this.xtcProbability,
    this.xtcThreshold,
    this.adaptiveTarget,
    this.adaptiveDecay,
    this.mirostat,
    this.mirostatTau,
    this.mirostatEta,
    this.repeatLastN,
    this.repeatPenalty,
    this.presencePenalty,
    this.frequencyPenalty,
    this.dryMultiplier,
    this.dryBase,
    this.dryAllowedLength,
    this.dryPenaltyLastN,
    this.minKeep,
    this.samplers,
    this.logitBias = const {},
  });

  /// Always the most probable token: the same answer each time, on each device.
  const Sampling.greedy() : this(temperature: 0);

  /// The same seed gives the same answer; null: a fresh one each time.
  final int? seed;

  /// 0.8; 0: always the most probable token.
  final double? temperature;

  /// 40; 0: off.
  final int? topK;

  /// 0.95; 1: off.
  final double? topP;

  /// 0.05; 0: off.
  final double? minP;

  /// 1: off.
  final double? typicalP;

  /// -1: off.
  final double? topNSigma;

  /// 0: off.
  final double? dynamicTemperatureRange;

  /// 1.
  final double? dynamicTemperatureExponent;

  /// 0: off.
  final double? xtcProbability;

  /// 0.1.
  final double? xtcThreshold;

  /// -1: off.
  final double? adaptiveTarget;

  /// 0.9.
  final double? adaptiveDecay;

  /// 0: off, 1, 2.
  final int? mirostat;

  /// 5.
  final double? mirostatTau;

  /// 0.1.
  final double? mirostatEta;

  /// 64: tokens that the three penalties look back; 0: off.
  final int? repeatLastN;

  /// 1: off.
  final double? repeatPenalty;

  /// 0: off.
  final double? presencePenalty;

  /// 0: off.
  final double? frequencyPenalty;

  /// 0: off.
  final double? dryMultiplier;

  /// 1.75.
  final double? dryBase;

  /// 2.
  final int? dryAllowedLength;

  /// 64.
  final int? dryPenaltyLastN;

  /// 0: candidates that filters leave at least.
  final int? minKeep;

  /// The order of the samplers, a letter each as `llama-cli --sampler-seq`.
  final String? samplers;

  /// Added to the logits of tokens; `double.negativeInfinity` bans one.
  final Map<int, double> logitBias;
}

/// How important a message for developers is.
enum LogLevel {
  /// Something is wrong, or slower than it could be.
  warning,

  /// What happens.
  info,
}

/// A receiver of messages for developers.
typedef LogCallback = void Function(LogLevel level, String message);
