// The build hook: hands the native library to `dart` and `flutter`, which put it
// into the app. They run it for each operating system and architecture.
//
// It speaks the hooks' JSON protocol (dart.dev/tools/hooks) itself, which saves
// every app two packages for what are thirty lines.
import 'dart:convert';
import 'dart:io';

const _package = 'happy_phone_llm_flutter';

void main(List<String> arguments) {
  final input = _Json.read(_path(arguments));
  final output = _build(input);
  File(input.text('out_file')).writeAsStringSync(
    jsonEncode({
      'timestamp': DateTime.now().toUtc().toIso8601String(),
      ...output,
    }),
  );
  if (output['status'] == 'failure') exitCode = 1;
}

String _path(List<String> arguments) {
  for (final (i, argument) in arguments.indexed) {
    if (argument.startsWith('--config=')) return argument.substring(9);
    if (argument == '--config') return arguments[i + 1];
  }
  throw ArgumentError('usage: build.dart --config=INPUT.json');
}

Map<String, Object?> _build(_Json input) {
  final config = input.object('config');
  if (!config.texts('build_asset_types').contains('code_assets/code')) {
    return const {'status': 'success'};
  }
  final code = config.object('extensions').object('code_assets');
  final target = _Target(
    code.text('target_os'),
    code.text('target_architecture'),
    isSimulator: code.maybe('ios')?.text('target_sdk') == 'iphonesimulator',
  );
  final tried = _candidates(input, target);
  // All of them: the hook is asked again when one appears.
  final dependencies = [for (final file in tried) file.path];
  final found = tried.where((f) => f.existsSync()).firstOrNull;
  if (found != null) {
    return {
      'status': 'success',
      'assets': [
        {
          'type': 'code_assets/code',
          'encoding': {
            'id': 'package:$_package/src/asset_symbols.dart',
            'file': found.path,
            'link_mode': {'type': 'dynamic_loading_bundle'},
          },
        },
      ],
      'dependencies': dependencies,
    };
  }
  final advice = switch (target.makeTarget) {
    final make? =>
      'build it by `make $make` in the checkout, or say where it is '
          '(README.md, "The native library")',
    null => 'a load there fails with HpLlmLibraryException',
  };
  stderr.writeln(
    '$_package: there is no library for ${target.folder}; $advice. Tried:\n'
    '  ${dependencies.join('\n  ')}',
  );
  if (!target.isNeeded) {
    return {'status': 'success', 'dependencies': dependencies};
  }
  return const {
    'status': 'failure',
    'failure_details': {'type': 'build'},
  };
}

/// Where the library may be, the best place first.
List<File> _candidates(_Json input, _Target target) {
  final root = Uri.directory(input.text('package_root'));
  final places = [
    ..._userFolders(input),
    root.resolve('native/'),
    root.resolve('../../build/lib/'),
  ];
  return [
    for (final place in places)
      for (final folder in [target.folder, if (target.isHost) 'host'])
        File.fromUri(place.resolve('$folder/${target.libraryName}')),
  ];
}

/// The app's own folder, from its pubspec.yaml: hooks: user_defines:
/// happy_phone_llm_flutter: library_folder: PATH (relative to the pubspec).
Iterable<Uri> _userFolders(_Json input) sync* {
  final defines = input.maybe('user_defines')?.maybe('workspace_pubspec');
  final folder = defines?.maybe('defines')?.values['library_folder'];
  if (defines == null || folder is! String) return;
  yield Uri.file(defines.text('base_path')).resolveUri(Uri.directory(folder));
}

/// What is built for.
final class _Target {
  _Target(this.os, String architecture, {required this.isSimulator})
    : architecture = architecture == 'x64' ? 'amd64' : architecture;

  final String os;
  final String architecture;

  /// Of iOS, whose simulator is another system with the same names.
  final bool isSimulator;

  bool get _is64Bit => architecture == 'arm64' || architecture == 'amd64';

  /// An app for phones is not to be built without it. On desktops tests run too,
  /// and those with the fake engine need no library. `flutter build apk` asks for
  /// phones of 32 bits by itself, which have none: to fail would mean that no app
  /// can be built.
  bool get isNeeded => os == 'ios' || os == 'android' && _is64Bit;

  /// As the folders of build/lib are called.
  String get folder =>
      isSimulator ? '$os-simulator-$architecture' : '$os-$architecture';

  bool get isHost =>
      os == Platform.operatingSystem &&
      Platform.version.contains(
        architecture == 'amd64' ? '_x64"' : '_$architecture"',
      );

  /// What makes it; null: nothing does.
  String? get makeTarget => switch (os) {
    _ when isHost => 'lib',
    _ when !_is64Bit => null,
    'ios' || 'macos' => 'xcframework',
    'android' => 'lib-$folder',
    'linux' when architecture == 'arm64' => 'lib-linux-arm64',
    _ => null,
  };

  String get libraryName => switch (os) {
    'windows' => 'happyphonellm.dll',
    'macos' || 'ios' => 'libhappyphonellm.dylib',
    _ => 'libhappyphonellm.so',
  };
}

/// A JSON object that says what is wrong with it.
final class _Json {
  _Json(this.name, this.values);

  factory _Json.read(String path) => _Json(
    path,
    jsonDecode(File(path).readAsStringSync()) as Map<String, Object?>,
  );

  final String name;
  final Map<String, Object?> values;

  T _get<T>(String key) => switch (values[key]) {
    final T value => value,
    final other => throw FormatException('$name: $key is $other'),
  };

  String text(String key) => _get<String>(key);

  List<String> texts(String key) => _get<List<Object?>>(key).cast<String>();

  _Json object(String key) =>
      _Json('$name: $key', _get<Map<String, Object?>>(key));

  _Json? maybe(String key) => values[key] == null ? null : object(key);
}
