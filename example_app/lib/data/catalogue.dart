/// A model that the app can download.
class CatalogueModel {
  const CatalogueModel({
    required this.name,
    required this.maker,
    required this.parameters,
    required this.about,
    required this.url,
  });

  final String name;
  final String maker;

  /// For people: "135 million".
  final String parameters;

  /// A line on what it is good for.
  final String about;

  /// Where its file is. Size and SHA-256 are the server's to tell: Hugging Face
  /// does, for each file of this kind.
  final String url;

  /// The name of its file.
  String get fileName => Uri.parse(url).pathSegments.last;
}

const _hub = 'https://huggingface.co';

/// Small and well known, the smallest first.
const List<CatalogueModel> catalogue = [
  CatalogueModel(
    name: 'SmolLM2 135M',
    maker: 'Hugging Face',
    parameters: '135 million',
    about: 'The smallest: to see that it runs',
    url:
        '$_hub/bartowski/SmolLM2-135M-Instruct-GGUF/resolve/main/'
        'SmolLM2-135M-Instruct-Q4_K_M.gguf',
  ),
  CatalogueModel(
    name: 'Gemma 3 270M',
    maker: 'Google',
    parameters: '270 million',
    about: 'Very fast, for short texts',
    url:
        '$_hub/ggml-org/gemma-3-270m-it-GGUF/resolve/main/'
        'gemma-3-270m-it-Q8_0.gguf',
  ),
  CatalogueModel(
    name: 'SmolLM2 360M',
    maker: 'Hugging Face',
    parameters: '360 million',
    about: 'Fast on any phone',
    url:
        '$_hub/bartowski/SmolLM2-360M-Instruct-GGUF/resolve/main/'
        'SmolLM2-360M-Instruct-Q4_K_M.gguf',
  ),
  CatalogueModel(
    name: 'Qwen2.5 0.5B',
    maker: 'Alibaba',
    parameters: '0.5 billion',
    about: 'Many languages',
    url:
        '$_hub/Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/main/'
        'qwen2.5-0.5b-instruct-q4_k_m.gguf',
  ),
  CatalogueModel(
    name: 'Qwen3 0.6B',
    maker: 'Alibaba',
    parameters: '0.6 billion',
    about: 'Thinks before it answers',
    url: '$_hub/Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf',
  ),
  CatalogueModel(
    name: 'Gemma 3 1B',
    maker: 'Google',
    parameters: '1 billion',
    about: 'A good choice for most phones',
    url:
        '$_hub/ggml-org/gemma-3-1b-it-GGUF/resolve/main/'
        'gemma-3-1b-it-Q4_K_M.gguf',
  ),
  CatalogueModel(
    name: 'Llama 3.2 1B',
    maker: 'Meta',
    parameters: '1.2 billion',
    about: 'A good all-rounder',
    url:
        '$_hub/bartowski/Llama-3.2-1B-Instruct-GGUF/resolve/main/'
        'Llama-3.2-1B-Instruct-Q4_K_M.gguf',
  ),
];
