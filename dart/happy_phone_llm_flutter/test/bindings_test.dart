// The bindings are those of include/hp_llm.h: every function with its types, every
// struct with its fields, every number; and the library has every symbol.
import 'dart:ffi';
import 'dart:io';

import 'package:happy_phone_llm_flutter/src/asset_symbols.dart';
import 'package:test/test.dart';

import 'support.dart';

final header = File(
  '../../include/hp_llm.h',
).readAsStringSync().replaceAll(RegExp(r'/\*.*?\*/', dotAll: true), ' ');
final bindings = File('lib/src/bindings.g.dart').readAsStringSync();

const numbers = {
  'int32_t': 'ffi.Int32',
  'uint32_t': 'ffi.Uint32',
  'int64_t': 'ffi.Int64',
  'uint64_t': 'ffi.Uint64',
  'float': 'ffi.Float',
  'double': 'ffi.Double',
  'char': 'ffi.Char',
  'void': 'ffi.Void',
};

/// A C type in the words of the bindings.
String dartType(String c) {
  final name = c.replaceAll(RegExp(r'\bconst\b|\*'), '').trim();
  var type = numbers[name] ?? name;
  for (var i = '*'.allMatches(c).length; i > 0; i--) {
    type = 'ffi.Pointer<$type>';
  }
  return type;
}

/// 'const char *path' is of type 'const char *'.
String typeOf(String declaration) =>
    declaration.replaceFirst(RegExp(r'\w+\s*$'), '').trim();

Map<String, String> functionsOfHeader() => {
  for (final m in RegExp(
    r'HP_LLM_API\s+([\w\s*]+?)\b(hp_llm_\w+)\(([^)]*)\)',
  ).allMatches(header))
    m[2]!:
        '${dartType(m[1]!)} Function(${[for (final p in m[3]!.split(','))
          if (p.trim() != 'void') dartType(typeOf(p))].join(', ')})',
};

Map<String, String> functionsOfBindings() => {
  for (final m in RegExp(
    r"_lookup<ffi\.NativeFunction<(.*?)>>\('(\w+)'",
  ).allMatches(bindings.replaceAll(RegExp(r'\s+'), '')))
    m[2]!: m[1]!
        .replaceFirst('Function(', ' Function(')
        .replaceAll(',)', ')')
        .replaceAll(',', ', '),
};

Map<String, List<String>> structsOfHeader() => {
  for (final m in RegExp(
    r'typedef struct (\w+) \{(.*?)\}',
    dotAll: true,
  ).allMatches(header.replaceAll(RegExp('//[^\n]*'), '')))
    m[1]!: [
      for (final line in m[2]!.split(';'))
        if (line.trim().isNotEmpty) ...fields(line.trim()),
    ],
};

/// 'int32_t bos, eos' are two fields.
Iterable<String> fields(String line) sync* {
  final names = line.split(',').map((n) => n.trim()).toList();
  final first = RegExp(r'^(.*?)(\w+)(\[\d+\])?$', dotAll: true);
  final type = first.firstMatch(names[0])![1]!;
  for (final (i, name) in names.indexed) {
    final m = first.firstMatch(i == 0 ? name : '$type$name')!;
    yield '${dartType(m[1]!)}${m[3] ?? ''} ${m[2]}';
  }
}

Map<String, List<String>> structsOfBindings() => {
  for (final m in RegExp(
    r'final class (\w+) extends ffi\.Struct \{(.*?)\n\}',
    dotAll: true,
  ).allMatches(bindings))
    m[1]!: [
      for (final f in RegExp(
        r'(?:@(ffi\.(?!Array)\w+)\(\)\s+|@ffi\.Array\.multi\((\[\d+\])\)\s+)?external ([\w.<>]+) (\w+);',
      ).allMatches(m[2]!))
        if (f[2] != null)
          '${f[3]!.replaceAll(RegExp('ffi.Array<|>'), '')}${f[2]} ${f[4]}'
        else
          '${f[1] ?? f[3]} ${f[4]}',
    ],
};

void main() {
  test('functions', () {
    final wanted = functionsOfHeader();
    expect(wanted.length, greaterThan(25));
    expect(wanted['hp_llm_stop'], contains('ffi.Uint64'));
    expect(functionsOfBindings(), wanted);
  });

  test('structs', () {
    final wanted = structsOfHeader();
    expect(wanted.length, greaterThan(10));
    expect(wanted['hp_llm_model_info'], contains('ffi.Int32 eos'));
    expect(wanted['hp_llm_event'], contains('ffi.Char[260] text'));
    expect(structsOfBindings(), wanted);
  });

  test('numbers', () {
    final wanted = {
      for (final m in RegExp(r'(HP_LLM_\w+) = (-?\w+)').allMatches(header))
        m[1]!: m[2]!,
    };
    expect(wanted.length, greaterThan(30));
    expect({
      for (final m in RegExp(
        r'static const (HP_LLM_\w+) = (-?\w+);',
      ).allMatches(bindings))
        m[1]!: m[2]!,
    }, wanted);
    final abi = RegExp(r'HP_LLM_ABI_VERSION (0x\w+?)u').firstMatch(header)![1]!;
    expect(
      bindings,
      contains('const int HP_LLM_ABI_VERSION = ${int.parse(abi)};'),
    );
  });

  test('the library and the code asset have every function', () {
    final library = DynamicLibrary.open(libraryPath);
    final names = functionsOfHeader().keys;
    for (final name in names) {
      expect(library.providesSymbol(name), isTrue, reason: name);
    }
    expect(assetSymbols.toSet(), names.toSet());
  });

  test('one file imports the bindings, and who knows it is the inside', () {
    final importers = <String, List<String>>{};
    for (final file in Directory('lib').listSync(recursive: true)) {
      if (file is! File) continue;
      for (final m in RegExp(
        r"^(?:import|export) '(?:.*/)?(\w+(?:\.g)?\.dart)'",
        multiLine: true,
      ).allMatches(file.readAsStringSync())) {
        importers
            .putIfAbsent(m[1]!, () => [])
            .add(file.path.substring('lib/'.length));
      }
    }
    importers.forEach((_, files) => files.sort());
    expect(importers['bindings.g.dart'], ['src/native.dart']);
    expect(importers['asset_symbols.dart'], ['src/library.dart']);
    expect(importers['library.dart'], ['src/native.dart']);
    expect(importers['native.dart'], [
      'src/connection.dart',
      'src/happy_phone_llm.dart',
      'src/worker.dart',
    ]);
    expect(importers['worker.dart'], ['src/connection.dart']);
    expect(importers['connection.dart'], ['src/engine.dart']);
  });
}
