/// Whether a model fits into the memory of this device.
enum MemoryFit {
  /// The system does not tell its memory.
  unknown,

  /// Weights and working memory fit into what is free now.
  yes,

  /// Working memory fits, but the weights will be read from disk again and
  /// again: slow.
  tight,

  /// It will not run.
  no,
}

/// What there is to know about a model. Where there is none, token ids are -1,
/// numbers 0 and texts "".
final class ModelInfo {
  /// Made by `HappyPhoneLlm.inspect`, or by an app's own fake.
  const ModelInfo({
    this.architecture = '',
    this.name = '',
    this.quantization = '',
    this.fileBytes = 0,
    this.parameters = 0,
    this.memoryBytes = 0,
    this.kvBytesPerToken = 0,
    this.deviceBytes = 0,
    this.availableBytes = 0,
    this.fit = MemoryFit.unknown,
    this.trainedContext = 0,
    this.context = 0,
    this.vocabulary = 0,
    this.layers = 0,
    this.embedding = 0,
    this.threads = 0,
    this.bosToken = -1,
    this.eosToken = -1,
    this.eotToken = -1,
    this.hasVocabulary = false,
    this.hasChatTemplate = false,
  });

  /// The architecture, "llama" for example.
  final String architecture;

  /// The name that the file gives itself.
  final String name;

  /// The type of most of the weights, "Q4_K" for example.
  final String quantization;

  /// Size of the file, or of all its parts.
  final int fileBytes;

  /// Numbers in all tensors.
  final int parameters;

  /// Estimate of the memory beside the weights.
  final int memoryBytes;

  /// Memory of the context, a token.
  final int kvBytesPerToken;

  /// Memory of this device; 0: unknown.
  final int deviceBytes;

  /// Of that, free for programs now; 0: unknown.
  final int availableBytes;

  /// Whether it fits.
  final MemoryFit fit;

  /// Tokens of context in training.
  final int trainedContext;

  /// Tokens of context that [memoryBytes] is about.
  final int context;

  /// Token ids are 0 to vocabulary-1.
  final int vocabulary;

  /// Layers of the network.
  final int layers;

  /// Width of the network.
  final int embedding;

  /// Threads that compute; of a model that is not loaded: the default.
  final int threads;

  /// The token of a text's beginning.
  final int bosToken;

  /// The token of a text's end.
  final int eosToken;

  /// The token of a turn's end.
  final int eotToken;

  /// Whether text works; otherwise only token ids do.
  final bool hasVocabulary;

  /// Whether the file has a chat template; otherwise one is chosen by the tokens
  /// that the vocabulary has.
  final bool hasChatTemplate;

  @override
  String toString() =>
      'ModelInfo($name, $architecture, $quantization, $fileBytes bytes, '
      'fit: ${fit.name})';
}
