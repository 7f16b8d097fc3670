import 'dart:io';
import 'dart:math';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../data/failure.dart';
import '../data/model_file.dart';
import 'errors.dart';

/// Reads what a model file is, as `HappyPhoneLlm.inspect` does.
typedef Inspect = Future<ModelInfo> Function(String path);

/// The models on this device.
abstract interface class ModelStore {
  /// Where they are.
  Directory get folder;

  /// All of them by name, each with what is in it.
  Future<List<ModelFile>> list();

  /// Makes the complete file [arrived] (in [folder]) the model [name], all at
  /// once. A file that is no model stays out; what is wrong with it is returned.
  Future<Failure?> adopt(File arrived, String name);

  /// Copies the file of [path] here. [onProgress] is told the part that is done,
  /// 0 to 1. Returns its name, or what is wrong with it.
  Future<({String? name, Failure? failure})> import(
    String path, {
    void Function(double done)? onProgress,
  });

  Future<void> delete(String name);
}

/// Models in a folder.
class FolderModelStore implements ModelStore {
  FolderModelStore(this.folder, {required Inspect inspect})
    : _inspect = inspect;

  @override
  final Directory folder;

  final Inspect _inspect;

  /// A part of a split model; the first one stands for all of them.
  static final _part = RegExp(r'^(.+)-(\d{5})-of-(\d{5})\.gguf$');

  @override
  Future<List<ModelFile>> list() async {
    if (!await folder.exists()) return const [];
    final found = <ModelFile>[];
    await for (final entry in folder.list()) {
      final name = entry.uri.pathSegments.last;
      if (entry is! File || !isModelName(name)) continue;
      if (_part.firstMatch(name) case final part? when part[2] != '00001') {
        continue;
      }
      final file = ModelFile(
        name: name,
        path: entry.path,
        bytes: await entry.length(),
      );
      found.add(await _lookInto(file));
    }
    return found..sort((a, b) => a.name.compareTo(b.name));
  }

  Future<ModelFile> _lookInto(ModelFile file) async {
    try {
      final info = await _inspect(file.path);
      // Of all parts.
      return file.copyWith(info: info, bytes: max(file.bytes, info.fileBytes));
    } on HpLlmException catch (e) {
      return file.copyWith(failure: describeError(e));
    }
  }

  @override
  Future<Failure?> adopt(File arrived, String name) async {
    try {
      await _inspect(arrived.path);
    } on HpLlmUnsupportedException {
      // A good file; the list says that it cannot be used.
    } on HpLlmLibraryException {
      // Nothing can be said about it, and nothing is wrong with it.
    } on HpLlmException catch (e) {
      return describeError(e);
    }
    try {
      await arrived.rename('${folder.path}/$name');
      return null;
    } on FileSystemException catch (e) {
      return describeError(e);
    }
  }

  @override
  Future<({String? name, Failure? failure})> import(
    String path, {
    void Function(double done)? onProgress,
  }) async {
    final source = File(path);
    final name = source.uri.pathSegments.last;
    if (!isModelName(name)) return (name: null, failure: noModelName);
    final target = '${folder.path}/$name';
    final copy = File('$target.import');
    try {
      // The system's picker may have made the copy already.
      final isHere = source.absolute.path == File(target).absolute.path;
      final arrived = isHere ? source : copy;
      if (!isHere) {
        await folder.create(recursive: true);
        await _copy(source, copy, onProgress);
      }
      final failure = await adopt(arrived, name);
      if (failure != null) {
        await arrived.delete();
        return (name: null, failure: failure);
      }
      return (name: name, failure: null);
    } on FileSystemException catch (e) {
      if (await copy.exists()) await copy.delete();
      return (name: null, failure: describeError(e));
    }
  }

  static Future<void> _copy(
    File source,
    File target,
    void Function(double done)? onProgress,
  ) async {
    final total = await source.length();
    final output = await target.open(mode: FileMode.writeOnly);
    try {
      var done = 0;
      await for (final bytes in source.openRead()) {
        await output.writeFrom(bytes);
        done += bytes.length;
        onProgress?.call(total == 0 ? 1 : done / total);
      }
      await output.flush();
    } finally {
      await output.close();
    }
  }

  @override
  Future<void> delete(String name) async {
    if (!await folder.exists()) return;
    final part = _part.firstMatch(name);
    bool isOfIt(String other) => switch (_part.firstMatch(other)) {
      final also? => also[1] == part?[1] && also[3] == part?[3],
      null => other == name,
    };
    await for (final entry in folder.list()) {
      if (entry is File && isOfIt(entry.uri.pathSegments.last)) {
        await entry.delete();
      }
    }
  }

  /// Whether a file of this name can be a model, and is only a name.
  static bool isModelName(String name) =>
      name.toLowerCase().endsWith('.gguf') &&
      !name.startsWith('.') &&
      !name.contains(RegExp(r'[/\\]'));
}
