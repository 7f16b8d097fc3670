// Libraries that are missing, damaged, something else, or of another version.
import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

import 'support.dart';

/// What load and inspect throw with a library.
Future<List<HpLlmException>> failures(String? library) async {
  final found = <HpLlmException>[];
  for (final call in <Future<Object?> Function()>[
    () => HappyPhoneLlm.load(tinyPath, libraryPath: library),
    () => HappyPhoneLlm.inspect(tinyPath, libraryPath: library),
  ]) {
    try {
      await call();
    } on HpLlmException catch (e) {
      found.add(e);
    }
  }
  expect(found, hasLength(2), reason: 'both fail');
  return found;
}

void main() {
  late Directory folder;

  setUpAll(() => folder = Directory.systemTemp.createTempSync('hpllm'));
  tearDownAll(() => folder.deleteSync(recursive: true));

  /// A library compiled from C.
  String compile(String name, String source) {
    final c = File('${folder.path}/$name.c')..writeAsStringSync(source);
    final library = '${folder.path}/$name.so';
    final result = Process.runSync('cc', [
      ...['-shared', '-fPIC', '-o', library, c.path],
    ]);
    expect(result.exitCode, 0, reason: '${result.stderr}');
    return library;
  }

  test('a missing one', () async {
    final path = '${folder.path}/none.so';
    for (final e in await failures(path)) {
      expect(e, isA<HpLlmLibraryException>());
      expect(e.message, contains(path));
    }
  });

  test('none given, and none bundled', () async {
    for (final e in await failures(null)) {
      expect(e, isA<HpLlmLibraryException>());
      expect(e.message, contains('code asset'));
      expect(e.message, contains('libhappyphonellm.so'));
    }
  });

  test('a file that is no library', () async {
    final path = '${folder.path}/text.so';
    File(path).writeAsStringSync('not a library');
    for (final e in await failures(path)) {
      expect(e, isA<HpLlmLibraryException>());
      expect(e.message, contains(path));
    }
  });

  test('another library', () async {
    final path = compile('other', 'int something(void) { return 1; }');
    for (final e in await failures(path)) {
      expect(e, isA<HpLlmLibraryException>());
      expect(e.message, contains('hp_llm_abi_version'));
    }
  });

  test('one of another version: the path and both versions', () async {
    for (final (version, text) in [
      ('0x00020003u', '2.3'),
      ('0x00000000u', '0.0'),
    ]) {
      final path = compile(
        'version_$text',
        'unsigned hp_llm_abi_version(void) { return $version; }',
      );
      for (final e in await failures(path)) {
        expect(e, isA<HpLlmVersionException>());
        expect(
          e.message,
          allOf(contains(path), contains(text), contains('1.')),
        );
      }
    }
  });
}
