import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

/// The native library to be tested; build/dart.sh says where it is.
final String libraryPath = _needed('HPLLM_TEST_LIBRARY');

/// SmolLM2 135M Instruct, Q4_1.
final String modelPath = _needed('HPLLM_TEST_MODEL');

/// A model of a few kilobytes without a vocabulary, for what is done very often.
final String tinyPath = _needed('HPLLM_TEST_TINY');

String _needed(String name) {
  final value = Platform.environment[name] ?? '';
  if (value.isEmpty) {
    throw StateError('$name is not set: run the tests by build/dart.sh');
  }
  return value;
}

/// The model, with a context that suits tests.
Future<HappyPhoneLlm> loadModel({int threads = 0, int tokens = 512}) =>
    HappyPhoneLlm.load(
      modelPath,
      threads: threads,
      context: ContextOptions(tokens: tokens),
      libraryPath: libraryPath,
    );

/// The tiny model.
Future<HappyPhoneLlm> loadTiny() =>
    HappyPhoneLlm.load(tinyPath, threads: 1, libraryPath: libraryPath);

/// [count] tokens, the same each time.
GenerationOptions greedy(int count) =>
    GenerationOptions(maxTokens: count, sampling: const Sampling.greedy());

/// An answer that is never finished during a test.
final endless = greedy(-1).copyWith(ignoreEndOfText: true);

/// The `dart` program, beside the virtual machine that runs this.
final String dartCommand = Platform.resolvedExecutable.replaceFirst(
  RegExp(r'dartvm$'),
  'dart',
);

/// Compiles test/programs/[name].dart; [kind] is of `dart compile`.
Future<void> compile(String kind, String name, String output) async {
  final result = await Process.run(dartCommand, [
    ...['compile', kind, '--output', output],
    '--packages=${Uri.parse(Platform.packageConfig!).toFilePath()}',
    'test/programs/$name.dart',
  ]);
  if (result.exitCode != 0) throw StateError('${result.stderr}');
}

/// Memory of this process beside mapped files, in MiB.
double anonymousMiB() => _status('RssAnon') / 1024;

/// Threads of this process.
int threadCount() => _status('Threads');

int _status(String key) {
  final line = File(
    '/proc/self/status',
  ).readAsLinesSync().firstWhere((line) => line.startsWith('$key:'));
  return int.parse(RegExp(r'\d+').firstMatch(line)![0]!);
}
