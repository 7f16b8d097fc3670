import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../data/catalogue.dart' as known;
import '../data/catalogue.dart' show CatalogueModel;
import '../data/download.dart';
import '../data/failure.dart';
import '../data/model_file.dart';
import '../services/download/download_service.dart';
import '../services/model_store.dart';
import '../services/platform_service.dart';
import 'command.dart';

/// A model in the list: on this device, or to be had.
class ModelItem {
  const ModelItem({
    required this.fileName,
    this.catalogue,
    this.file,
    this.download,
    this.bytes,
    this.fit = MemoryFit.unknown,
    this.isRecommended = false,
  });

  final String fileName;

  /// Null: the person's own file.
  final CatalogueModel? catalogue;

  /// Null: not on this device.
  final ModelFile? file;

  /// Null: not begun.
  final DownloadStatus? download;

  /// Null: not known yet.
  final int? bytes;

  /// On this device.
  final MemoryFit fit;

  /// Of those to be had, the one to begin with.
  final bool isRecommended;

  String get title => catalogue?.name ?? file?.label ?? fileName;
}

/// The models: what is there, what can be had, and the way between.
class ModelsViewModel extends ChangeNotifier {
  ModelsViewModel(
    this._store,
    this._downloads,
    this._platform, {
    this.catalogue = known.catalogue,
  }) {
    _updates = _downloads.updates.listen(_updated);
  }

  final ModelStore _store;
  final DownloadService _downloads;
  final PlatformService _platform;
  final List<CatalogueModel> catalogue;

  late final StreamSubscription<DownloadUpdate> _updates;
  List<ModelFile> _files = const [];
  final _status = <String, DownloadStatus>{};
  final _sizes = <String, int>{};
  ({int total, int available})? _memory;
  bool _hasPicker = false;
  bool _isLoaded = false;
  bool _isDisposed = false;
  double? _importProgress;

  /// Told when a model has come to this device.
  void Function(ModelFile file)? onArrived;

  /// Told before a file is deleted, as it may be in use.
  Future<void> Function(String fileName)? onDelete;

  /// Adds the file of a path; null: one that the system is asked for.
  late final addFile = Command<String?>(_add);

  /// Deletes the model of a file name.
  late final delete = Command<String>(_delete);

  bool get isLoaded => _isLoaded;

  /// Whether the system can be asked for a file; otherwise a path must be typed.
  bool get hasPicker => _hasPicker;

  /// 0 to 1 while a file is being added; null: unknown.
  double? get importProgress => _importProgress;

  /// Those on this device.
  List<ModelFile> get files => _files;

  /// The memory of this device; null: unknown.
  int? get deviceBytes =>
      _memory?.total ??
      _files
          .map((file) => file.info?.deviceBytes ?? 0)
          .where((n) => n > 0)
          .firstOrNull;

  List<ModelItem> get installed => [
    for (final file in _files)
      ModelItem(
        fileName: file.name,
        catalogue: catalogue.where((m) => m.fileName == file.name).firstOrNull,
        file: file,
        bytes: file.bytes,
        fit: file.info?.fit ?? MemoryFit.unknown,
      ),
  ];

  List<ModelItem> get available => [
    for (final model in catalogue)
      if (!_files.any((file) => file.name == model.fileName))
        ModelItem(
          fileName: model.fileName,
          catalogue: model,
          download: _status[model.fileName],
          bytes: _bytesOf(model.fileName),
          fit: _fitOf(_bytesOf(model.fileName)),
          isRecommended: model == _recommended,
        ),
  ];

  /// For who has none, the largest that leaves room for other apps: the catalogue
  /// begins with the smallest.
  CatalogueModel? get _recommended {
    final memory = _memory;
    if (_files.isNotEmpty || memory == null) return null;
    return catalogue.reversed.where((model) {
      final bytes = _bytesOf(model.fileName);
      return bytes != null &&
          bytes <= memory.total / 6 &&
          _fitOf(bytes) == MemoryFit.yes;
    }).firstOrNull;
  }

  int? _bytesOf(String name) => _status[name]?.total ?? _sizes[name];

  /// A guess from the file's size alone, until the file itself can be looked at.
  MemoryFit _fitOf(int? bytes) {
    final memory = _memory;
    if (bytes == null || memory == null) return MemoryFit.unknown;
    const beside = 256 << 20;
    if (bytes + beside <= memory.available) return MemoryFit.yes;
    // What other apps hold can be had; what the system holds cannot.
    return bytes + beside <= memory.total * 0.6
        ? MemoryFit.tight
        : MemoryFit.no;
  }

  Future<void> load() async {
    _memory = await _platform.memory();
    _hasPicker = await _platform.hasFilePicker;
    for (final MapEntry(:key, :value)
        in (await _downloads.unfinished()).entries) {
      _status.putIfAbsent(key, () => value);
    }
    await _refresh();
    _isLoaded = true;
    if (!_isDisposed) notifyListeners();
  }

  Future<void> _refresh() async {
    _files = await _store.list();
    if (!_isDisposed) notifyListeners();
  }

  /// Asks for the sizes that are not known yet; without a connection they stay so.
  Future<void> learnSizes() async {
    await Future.wait([
      for (final model in catalogue)
        if (_bytesOf(model.fileName) == null &&
            !_files.any((file) => file.name == model.fileName))
          _learnSize(model),
    ]);
  }

  Future<void> _learnSize(CatalogueModel model) async {
    final bytes = await _downloads.sizeOf(model.url);
    if (bytes == null || _isDisposed) return;
    _sizes[model.fileName] = bytes;
    notifyListeners();
  }

  void download(CatalogueModel model) => _downloads.start(
    DownloadRequest(url: model.url, fileName: model.fileName),
  );

  Future<void> pause(String fileName) => _downloads.pause(fileName);

  Future<void> discard(String fileName) async {
    await _downloads.discard(fileName);
    _status.remove(fileName);
    if (!_isDisposed) notifyListeners();
  }

  void _updated(DownloadUpdate update) {
    if (update.status.phase == DownloadPhase.done) {
      _status.remove(update.fileName);
      unawaited(_arrived(update.fileName));
      return;
    }
    _status[update.fileName] = update.status;
    notifyListeners();
  }

  Future<void> _arrived(String name) async {
    await _refresh();
    final file = _files.where((file) => file.name == name).firstOrNull;
    if (file != null && !_isDisposed) onArrived?.call(file);
  }

  Future<Failure?> _add(String? path) async {
    path ??= await _platform.pickFile(into: _store.folder.path);
    if (path == null) return null;
    var last = 0;
    try {
      final (:name, :failure) = await _store.import(
        path,
        onProgress: (done) {
          final percent = (done * 100).floor();
          if (percent == last || _isDisposed) return;
          last = percent;
          _importProgress = done;
          notifyListeners();
        },
      );
      if (name != null) await _arrived(name);
      return failure;
    } finally {
      _importProgress = null;
      if (!_isDisposed) notifyListeners();
    }
  }

  Future<Failure?> _delete(String name) async {
    await onDelete?.call(name);
    await _store.delete(name);
    await _refresh();
    return null;
  }

  @override
  void dispose() {
    _isDisposed = true;
    unawaited(_updates.cancel());
    addFile.dispose();
    delete.dispose();
    super.dispose();
  }
}
