import 'dart:async';
import 'dart:io';

/// Small named texts that outlive the app.
abstract interface class TextStore {
  /// The names in [folder].
  Future<List<String>> names(String folder);

  /// Null: there is none.
  Future<String?> read(String folder, String name);

  /// All of [text] is there afterwards, or what was there before.
  Future<void> write(String folder, String name, String text);

  Future<void> delete(String folder, String name);

  /// Puts a text that cannot be understood out of the way, but keeps it.
  Future<void> setAside(String folder, String name);
}

/// Texts in files below [root]. A file is replaced as a whole, so that neither a
/// crash nor a full disk leaves half of one.
class FileTextStore implements TextStore {
  FileTextStore(this.root);

  final Directory root;

  /// The last write of each file: they must not overtake each other.
  final _writes = <String, Future<void>>{};

  @override
  Future<List<String>> names(String folder) async {
    final directory = Directory('${root.path}/$folder');
    if (!await directory.exists()) return const [];
    return [
      await for (final entry in directory.list())
        if (entry is File && entry.path.endsWith('.json'))
          entry.uri.pathSegments.last,
    ]..sort();
  }

  @override
  Future<String?> read(String folder, String name) async {
    final file = _file(folder, name);
    return await file.exists() ? file.readAsString() : null;
  }

  @override
  Future<void> write(String folder, String name, String text) =>
      _inLine(folder, name, () async {
        final file = _file(folder, name);
        await file.parent.create(recursive: true);
        final fresh = File('${file.path}.new');
        await fresh.writeAsString(text, flush: true);
        await fresh.rename(file.path);
      });

  @override
  Future<void> delete(String folder, String name) =>
      _inLine(folder, name, () async {
        final file = _file(folder, name);
        if (await file.exists()) await file.delete();
      });

  @override
  Future<void> setAside(String folder, String name) =>
      _inLine(folder, name, () async {
        final file = _file(folder, name);
        if (await file.exists()) await file.rename('${file.path}.damaged');
      });

  Future<void> _inLine(
    String folder,
    String name,
    Future<void> Function() action,
  ) {
    final key = '$folder/$name';
    final before = _writes[key] ?? Future<void>.value();
    // An earlier failure was its own caller's to know.
    final mine = before.then((_) {}, onError: (_) {}).then((_) => action());
    _writes[key] = mine;
    return mine;
  }

  File _file(String folder, String name) => File('${root.path}/$folder/$name');
}
