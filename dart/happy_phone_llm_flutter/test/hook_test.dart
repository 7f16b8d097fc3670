// Programs of users: an app that depends on this package, built by the SDK with
// the hook; the README's quick start; the console chat.
import 'dart:convert';
import 'dart:io';

import 'package:test/test.dart';

import 'support.dart';

final package = Directory.current.path;

/// The folder of a package that this test itself uses.
String folderOf(String name) {
  final config = File.fromUri(Uri.parse(Platform.packageConfig!));
  final json = jsonDecode(config.readAsStringSync()) as Map<String, Object?>;
  final entry = (json['packages']! as List<Object?>)
      .cast<Map<String, Object?>>()
      .firstWhere((p) => p['name'] == name);
  return config.uri.resolve(entry['rootUri']! as String).toFilePath();
}

void main() {
  late Directory folder;

  setUp(() {
    folder = Directory.systemTemp.createTempSync('hpllm_app');
    // The library where an app may have its own.
    Directory('${folder.path}/own/host').createSync(recursive: true);
    Link('${folder.path}/own/host/libhappyphonellm.so').createSync(libraryPath);
    Link('${folder.path}/model.gguf').createSync(modelPath);
  });

  tearDown(() => folder.deleteSync(recursive: true));

  Future<ProcessResult> dart(
    List<String> arguments, {
    List<String> input = const [],
  }) async {
    final process = await Process.start(
      dartCommand,
      arguments,
      workingDirectory: folder.path,
      environment: {'HOME': folder.path},
    );
    final out = process.stdout.transform(utf8.decoder).join();
    final err = process.stderr.transform(utf8.decoder).join();
    input.forEach(process.stdin.writeln);
    await process.stdin.close();
    return ProcessResult(
      process.pid,
      await process.exitCode,
      await out,
      await err,
    );
  }

  void expectSuccess(ProcessResult result) =>
      expect(result.exitCode, 0, reason: '${result.stdout}${result.stderr}');

  /// An app with the program [source], as a user would write it; but for packages
  /// that come from the local disk.
  Future<void> makeApp(String source) async {
    Directory('${folder.path}/bin').createSync();
    File('${folder.path}/bin/app.dart').writeAsStringSync(source);
    File('${folder.path}/pubspec.yaml').writeAsStringSync('''
name: app
environment:
  sdk: ^3.10.0
dependencies:
  happy_phone_llm_flutter:
    path: $package
dependency_overrides:
  ffi: {path: ${folderOf('ffi')}}
hooks:
  user_defines:
    happy_phone_llm_flutter:
      library_folder: own
''');
    expectSuccess(await dart(['pub', 'get', '--offline']));
  }

  group('the hook', () {
    late Directory compiled;

    setUpAll(() => compiled = Directory.systemTemp.createTempSync('hook'));
    tearDownAll(() => compiled.deleteSync(recursive: true));

    /// Runs the hook as the SDK does for a target; returns its output.
    Future<(int, Map<String, Object?>, String)> build(
      String os,
      String architecture, {
      List<String> types = const ['code_assets/code'],
      String iosSdk = 'iphoneos',
    }) async {
      final output = File('${folder.path}/output.json');
      final input = File('${folder.path}/input.json')
        ..writeAsStringSync(
          jsonEncode({
            'package_name': 'happy_phone_llm_flutter',
            'package_root': package,
            'out_dir_shared': folder.path,
            'out_file': output.path,
            'user_defines': {
              'workspace_pubspec': {
                'base_path': '${folder.path}/pubspec.yaml',
                'defines': {'library_folder': 'own'},
              },
            },
            'config': {
              'build_asset_types': types,
              'extensions': {
                'code_assets': {
                  'link_mode_preference': 'dynamic',
                  'target_os': os,
                  'target_architecture': architecture,
                  if (os == 'ios')
                    'ios': {'target_sdk': iosSdk, 'target_version': 13},
                },
              },
            },
          }),
        );
      // Compiled once, as the SDK does.
      final hook = '${compiled.path}/hook.dill';
      if (!File(hook).existsSync()) {
        expectSuccess(
          await dart([
            ...['compile', 'kernel', '--output', hook],
            '$package/hook/build.dart',
          ]),
        );
      }
      final result = await Process.run(Platform.resolvedExecutable, [
        hook,
        '--config=${input.path}',
      ]);
      final json = jsonDecode(output.readAsStringSync());
      return (
        result.exitCode,
        json as Map<String, Object?>,
        '${result.stderr}',
      );
    }

    for (final (os, architecture, file) in const [
      ('android', 'arm64', 'android-arm64/libhappyphonellm.so'),
      ('android', 'x64', 'android-amd64/libhappyphonellm.so'),
      ('ios', 'arm64', 'ios-arm64/libhappyphonellm.dylib'),
      (
        'iphonesimulator',
        'arm64',
        'ios-simulator-arm64/libhappyphonellm.dylib',
      ),
      ('iphonesimulator', 'x64', 'ios-simulator-amd64/libhappyphonellm.dylib'),
      ('macos', 'arm64', 'macos-arm64/libhappyphonellm.dylib'),
      ('macos', 'x64', 'macos-amd64/libhappyphonellm.dylib'),
      ('linux', 'arm64', 'linux-arm64/libhappyphonellm.so'),
      ('windows', 'x64', 'windows-amd64/happyphonellm.dll'),
    ]) {
      test('finds the library of $os on $architecture', () async {
        File('${folder.path}/own/$file').createSync(recursive: true);
        final (code, output, text) = os == 'iphonesimulator'
            ? await build('ios', architecture, iosSdk: os)
            : await build(os, architecture);
        expect((code, text), (0, ''));
        final asset =
            (output['assets']! as List<Object?>).single!
                as Map<String, Object?>;
        expect(asset['encoding'], {
          'id': 'package:happy_phone_llm_flutter/src/asset_symbols.dart',
          'file': '${folder.path}/own/$file',
          'link_mode': {'type': 'dynamic_loading_bundle'},
        });
        expect(output['dependencies'], contains('${folder.path}/own/$file'));
      });
    }

    for (final (os, architecture, make, file) in const [
      ('ios', 'arm64', 'xcframework', 'ios-arm64/libhappyphonellm.dylib'),
      ('android', 'arm64', 'lib-android-arm64', 'android-arm64/libhappyph'),
      ('android', 'x64', 'lib-android-amd64', 'android-amd64/libhappyphone'),
    ]) {
      test('fails for $os on $architecture without one', () async {
        final (code, output, text) = await build(os, architecture);
        expect(code, 1);
        expect(output['status'], 'failure');
        expect(text, allOf(contains('`make $make`'), contains('own/$file')));
        // What it advises is there to be called.
        final makefile = File('../../Makefile').readAsStringSync();
        expect(makefile, contains('\n$make: '));
      });
    }

    for (final (os, architecture, advice) in const [
      ('windows', 'x64', 'fails with HpLlmLibraryException'),
      ('macos', 'arm64', '`make xcframework`'),
      // What `flutter build apk` asks for, beside 64 bits.
      ('android', 'arm', 'fails with HpLlmLibraryException'),
    ]) {
      test('warns for $os on $architecture without one', () async {
        final (code, output, text) = await build(os, architecture);
        expect(code, 0);
        expect(output['status'], 'success');
        expect(output['assets'], isNull);
        expect(text, contains(advice));
      });
    }

    test('has nothing for those who want no code', () async {
      final (code, output, text) = await build(
        'ios',
        'arm64',
        types: ['data_assets/data'],
      );
      expect((code, text), (0, ''));
      expect(output['assets'], isNull);
    });
  });

  test('the quick start of the README runs', () async {
    final code = RegExp(
      r'```dart\n(.*?)```',
      dotAll: true,
    ).firstMatch(File('README.md').readAsStringSync())![1]!;
    expect('\n'.allMatches(code).length, lessThanOrEqualTo(15));
    await makeApp(code);
    final result = await dart(['run', 'bin/app.dart']);
    expectSuccess(result);
    expect('${result.stdout}', matches(r'\w[^]*\n\((stop|length)\)\n$'));
  });

  test('the console chat chats, as a built program', () async {
    await makeApp(File('example/bin/main.dart').readAsStringSync());
    expectSuccess(await dart(['build', 'cli', '--output', 'out']));
    final program = File('${folder.path}/out/bundle/bin/app');
    expect(program.existsSync(), isTrue);
    final process = await Process.start(program.path, [
      '${folder.path}/model.gguf',
    ]);
    process.stdin
      ..writeln('What is the capital of France?')
      ..writeln('And of Italy?');
    await process.stdin.close();
    final out = await process.stdout.transform(utf8.decoder).join();
    final err = await process.stderr.transform(utf8.decoder).join();
    expect(await process.exitCode, 0, reason: err);
    // What it says is left to chance, as it is for people.
    expect(out, matches(r'^> \w'));
    expect('tokens a second]'.allMatches(out), hasLength(2));
    expect(err, contains('Q4_1'));

    // It says what is wrong.
    final none = await Process.run(program.path, ['none.gguf']);
    expect(none.exitCode, 1);
    expect('${none.stderr}', contains('none.gguf'));
    expect((await Process.run(program.path, const [])).exitCode, 2);
  });
}
