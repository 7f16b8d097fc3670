import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import 'package:example_app/services/sha256.dart';
import 'package:flutter_test/flutter_test.dart';

/// The examples of FIPS 180-4 and of NIST's test files.
void main() {
  String of(String text) => (Sha256()..add(utf8.encode(text))).close();

  test('what the standard says', () {
    expect(
      of(''),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(
      of('abc'),
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    expect(
      of('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    );
    expect(
      of('a' * 1000000),
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    );
  });

  test('pieces of any size give the same', () {
    final bytes = Uint8List.fromList([
      for (var i = 0; i < 1000; i++) i * 7 & 255,
    ]);
    final whole = (Sha256()..add(bytes)).close();
    for (final step in [1, 3, 55, 56, 63, 64, 65, 127, 128, 999]) {
      final hash = Sha256();
      for (var at = 0; at < bytes.length; at += step) {
        final end = at + step < bytes.length ? at + step : bytes.length;
        hash.add(bytes, at, end);
      }
      expect(hash.close(), whole, reason: 'in steps of $step');
    }
  });

  test('a file, and one that is given up', () async {
    final folder = await Directory.systemTemp.createTemp('sha256');
    addTearDown(() => folder.delete(recursive: true));
    final file = File('${folder.path}/a')..writeAsStringSync('a' * 1000000);
    expect(
      await sha256OfFile(file),
      'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
    );
    expect(await sha256OfFile(file, onProgress: (_) => false), isNull);
  });
}
