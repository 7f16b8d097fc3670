import 'dart:io';

import 'package:flutter_test/flutter_test.dart';

/// Which folders of lib/ the files of a folder may import, and which packages.
const _may = {
  'data': (folders: {'data'}, packages: {'happy_phone_llm_flutter'}),
  'markdown': (folders: {'markdown'}, packages: <String>{}),
  'services': (
    folders: {'data', 'services'},
    packages: {'happy_phone_llm_flutter', 'flutter/services.dart'},
  ),
  'view_models': (
    folders: {'data', 'services', 'view_models'},
    packages: {'happy_phone_llm_flutter', 'flutter/foundation.dart'},
  ),
  'widgets': (
    folders: {'data', 'markdown', 'view_models', 'widgets'},
    packages: {'flutter', 'happy_phone_llm_flutter'},
  ),
};

/// What widgets leave to the layers below them.
const _notInWidgets = {'dart:io', 'dart:isolate', 'dart:convert'};

void main() {
  final files = Directory('lib')
      .listSync(recursive: true)
      .whereType<File>()
      .where((file) => file.path.endsWith('.dart'))
      .toList();
  final import = RegExp(r"^(?:import|export) '([^']+)'", multiLine: true);

  test('arrows point downward: widgets, view models, services, data', () {
    expect(files, hasLength(greaterThan(30)));
    for (final file in files) {
      final layer = file.path.split('/')[1];
      final may = _may[layer];
      if (may == null) continue;
      for (final match in import.allMatches(file.readAsStringSync())) {
        final target = match[1]!;
        final where = '${file.path} imports $target';
        if (target.startsWith('dart:')) {
          expect(
            layer == 'widgets' && _notInWidgets.contains(target),
            isFalse,
            reason: where,
          );
        } else if (target.startsWith('package:')) {
          final package = target.substring('package:'.length);
          expect(
            may.packages.any((p) => package == p || package.startsWith('$p/')),
            isTrue,
            reason: where,
          );
        } else {
          final folder = file.absolute.uri
              .resolve(target)
              .path
              .split('/lib/')
              .last
              .split('/')
              .first;
          expect(may.folders, contains(folder), reason: where);
        }
      }
    }
  });

  test('widgets use of the engine only the names of what it tells', () {
    for (final file in files.where(
      (file) => file.path.startsWith('lib/widgets/'),
    )) {
      final text = file.readAsStringSync();
      if (!text.contains('happy_phone_llm_flutter')) continue;
      expect(text, contains('show MemoryFit'), reason: file.path);
    }
  });

  test('files are short', () {
    for (final file in files) {
      expect(file.readAsLinesSync().length, lessThan(500), reason: file.path);
    }
  });
}
