import 'dart:ffi';
import 'dart:io';

import 'asset_symbols.dart';
import 'exceptions.dart';

/// A look-up of symbols, as the bindings want it.
typedef SymbolLookup = Pointer<T> Function<T extends NativeType>(String name);

/// The opened native library.
final class FoundLibrary {
  /// A library that has been opened.
  const FoundLibrary(this.where, this.lookup);

  /// Its path, or how it was found, for messages.
  final String where;

  /// The address of a function.
  final SymbolLookup lookup;
}

/// Opens the native library: that of [path] only, if it is given; otherwise what
/// hook/build.dart bundled, then what the system finds by its usual names.
///
/// Throws [HpLlmLibraryException] with every place that was tried.
FoundLibrary findLibrary(String? path) {
  final tried = <String>[];
  final found = path != null ? _open(path, tried) : _bundled(tried);
  if (found != null) return found;
  throw HpLlmLibraryException(
    'the native library cannot be opened; tried:\n${tried.join('\n')}',
  );
}

FoundLibrary? _bundled(List<String> tried) {
  try {
    assetAbiVersion();
    return const FoundLibrary('the bundled code asset', lookupAsset);
    // The virtual machine's way of saying that there is no such asset.
    // ignore: avoid_catching_errors
  } on ArgumentError catch (e) {
    tried.add('- code asset $assetId: ${_oneLine(e.message)}');
  }
  for (final name in _usualNames()) {
    final found = _open(name, tried);
    if (found != null) return found;
  }
  return null;
}

FoundLibrary? _open(String path, List<String> tried) {
  try {
    final library = DynamicLibrary.open(path);
    if (!library.providesSymbol('hp_llm_abi_version')) {
      tried.add('- $path: a library, but not this one: no hp_llm_abi_version');
      return null;
    }
    return FoundLibrary(path, library.lookup);
    // DynamicLibrary.open has no other way to fail.
    // ignore: avoid_catching_errors
  } on ArgumentError catch (e) {
    tried.add('- $path: ${_oneLine(e.message)}');
    return null;
  }
}

/// Where app builds that do without the hook put the library.
List<String> _usualNames() {
  final beside = File(Platform.resolvedExecutable).parent.path;
  return switch (Platform.operatingSystem) {
    'ios' || 'macos' => const [
      'happyphonellm.framework/happyphonellm',
      'libhappyphonellm.dylib',
    ],
    'windows' => const ['happyphonellm.dll'],
    'linux' => ['$beside/lib/libhappyphonellm.so', 'libhappyphonellm.so'],
    _ => const ['libhappyphonellm.so'],
  };
}

String _oneLine(Object? message) => '$message'
    .trim()
    .split('\n')
    .first
    .replaceFirst('Invalid argument(s): ', '');
