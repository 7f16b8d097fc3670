import 'dart:async';
import 'dart:io';

import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';

import 'support/golden.dart';

/// Around each test file: letters that can be read in pictures, and pictures that
/// may differ by what another rasterizer makes of an edge.
Future<void> testExecutable(FutureOr<void> Function() main) async {
  TestWidgetsFlutterBinding.ensureInitialized();
  hasFonts = await _loadFonts();
  if (goldenFileComparator case final LocalFileComparator usual) {
    goldenFileComparator = NearlyEqualComparator(usual.basedir);
  }
  await main();
}

/// Fonts from HPLLM_TEST_FONTS (a folder), or from Flutter's own SDK.
Future<bool> _loadFonts() async {
  final environment = Platform.environment;
  final folders = [
    ?environment['HPLLM_TEST_FONTS'],
    if (environment['FLUTTER_ROOT'] case final sdk?)
      '$sdk/bin/cache/artifacts/material_fonts',
  ];
  for (final folder in folders) {
    final files = {
      for (final file
          in Directory(folder).existsSync()
              ? Directory(folder).listSync().whereType<File>()
              : const <File>[])
        file.uri.pathSegments.last: file,
    };
    final icons = files.keys.where((name) => name.startsWith('MaterialIcons-'));
    if (icons.isEmpty || !files.containsKey('Roboto-Regular.ttf')) continue;
    await _load('MaterialIcons', [files[icons.first]!]);
    await _load('Roboto', [
      for (final style in ['Regular', 'Italic', 'Medium', 'Bold'])
        ?files['Roboto-$style.ttf'],
    ]);
    if (files['DejaVuSansMono.ttf'] case final mono?) {
      await _load('monospace', [mono]);
    }
    if (files['DejaVuSans.ttf'] case final sans?)
      await _load('DejaVu Sans', [sans]);
    return true;
  }
  return false;
}

Future<void> _load(String family, List<File> files) async {
  final loader = FontLoader(family);
  for (final file in files) {
    final bytes = file.readAsBytesSync();
    loader.addFont(Future.value(ByteData.sublistView(bytes)));
  }
  await loader.load();
}
