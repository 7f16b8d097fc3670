import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import 'failure.dart';

/// A model file that is on this device. Immutable.
class ModelFile {
  const ModelFile({
    required this.name,
    required this.path,
    required this.bytes,
    this.info,
    this.failure,
  });

  /// Its file's name.
  final String name;
  final String path;
  final int bytes;

  /// What is in it; null: not looked at yet, or [failure].
  final ModelInfo? info;

  /// Why it cannot be used.
  final Failure? failure;

  /// What it is called in lists.
  String get label =>
      name.endsWith('.gguf') ? name.substring(0, name.length - 5) : name;

  bool get isUsable => failure == null && info?.fit != MemoryFit.no;

  ModelFile copyWith({int? bytes, ModelInfo? info, Failure? failure}) =>
      ModelFile(
        name: name,
        path: path,
        bytes: bytes ?? this.bytes,
        info: info ?? this.info,
        failure: failure ?? this.failure,
      );
}
