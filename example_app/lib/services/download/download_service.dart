import 'dart:async';
import 'dart:io';

import '../../data/download.dart';
import '../../data/failure.dart';
import '../model_store.dart';
import '../platform_service.dart';
import 'download_failures.dart';
import 'download_isolate.dart';
import 'downloader.dart';
import 'part_file.dart';
import 'remote_file.dart';

/// A change of a download.
typedef DownloadUpdate = ({String fileName, DownloadStatus status});

/// Downloads models into the [ModelStore].
abstract interface class DownloadService {
  /// What happens to downloads, of all of them.
  Stream<DownloadUpdate> get updates;

  /// Downloads that the app's last life did not finish, by file name.
  Future<Map<String, DownloadStatus>> unfinished();

  /// Begins, or goes on with what is there. Nothing, if it is under way.
  void start(DownloadRequest request);

  /// Keeps what has arrived.
  Future<void> pause(String fileName);

  /// Throws away what has arrived.
  Future<void> discard(String fileName);

  /// The length of a file as the server tells it; null: it does not, or there is
  /// no connection.
  Future<int?> sizeOf(String url);

  /// Pauses all.
  Future<void> close();
}

/// The one that really downloads.
class HttpDownloadService implements DownloadService {
  HttpDownloadService(
    this._store,
    this._platform, {
    this.patience = const DownloadPatience(),
  });

  /// Left free beside the file.
  static const _margin = 64 << 20;

  final ModelStore _store;
  final PlatformService _platform;
  final DownloadPatience patience;
  final _updates = StreamController<DownloadUpdate>.broadcast();
  final _running = <String, ({DownloadIsolate isolate, Future<void> ended})>{};

  @override
  Stream<DownloadUpdate> get updates => _updates.stream;

  @override
  Future<Map<String, DownloadStatus>> unfinished() async {
    final folder = _store.folder;
    if (!await folder.exists()) return const {};
    final found = <String, DownloadStatus>{};
    await for (final entry in folder.list()) {
      final name = entry.uri.pathSegments.last;
      if (!name.endsWith(PartFile.ending)) continue;
      final fileName = name.substring(0, name.length - PartFile.ending.length);
      final part = await PartFile(folder, fileName).read();
      if (part == null) continue;
      found[fileName] = DownloadStatus(
        DownloadPhase.paused,
        received: part.length,
        total: part.version.total,
      );
    }
    return found;
  }

  @override
  void start(DownloadRequest request) {
    final name = request.fileName;
    if (_running.containsKey(name) || _updates.isClosed) return;
    var last = const DownloadStatus(DownloadPhase.connecting);
    var spaceChecked = false;
    Failure? full;
    late final DownloadIsolate isolate;

    Future<void> checkSpace(DownloadStatus status) async {
      final free = await _platform.freeBytes(_store.folder.path);
      if (free == null) return;
      final missing = status.total! - status.received + _margin - free;
      if (missing <= 0) return;
      full = DownloadFailures.diskFull(missing);
      isolate.stop();
    }

    isolate = DownloadIsolate(
      request,
      _store.folder,
      patience: patience,
      onStatus: (status) {
        last = status;
        _tell(name, status);
        if (!spaceChecked &&
            status.total != null &&
            status.phase == DownloadPhase.running) {
          spaceChecked = true;
          unawaited(checkSpace(status));
        }
      },
    );
    final ended = isolate.end.then((end) async {
      final failure = switch (end) {
        DownloadFailed(:final failure) => failure,
        DownloadStopped() => full,
        DownloadArrived() => await _adopt(name),
      };
      unawaited(_running.remove(name)?.ended);
      _tell(
        name,
        DownloadStatus(
          failure != null
              ? DownloadPhase.failed
              : end is DownloadArrived
              ? DownloadPhase.done
              : DownloadPhase.paused,
          received: last.received,
          total: last.total,
          failure: failure,
        ),
      );
    });
    _running[name] = (isolate: isolate, ended: ended);
    _tell(name, last);
  }

  /// Puts what has arrived among the models, if it is one.
  Future<Failure?> _adopt(String name) async {
    final part = PartFile(_store.folder, name);
    final failure = await _store.adopt(part.data, name);
    failure == null ? await part.forget() : await part.delete();
    return failure;
  }

  @override
  Future<void> pause(String fileName) async {
    final running = _running[fileName];
    running?.isolate.stop();
    await running?.ended;
  }

  @override
  Future<void> discard(String fileName) async {
    await pause(fileName);
    await PartFile(_store.folder, fileName).delete();
  }

  @override
  Future<int?> sizeOf(String url) async {
    final client = HttpClient()..connectionTimeout = patience.stall;
    try {
      final remote = await RemoteFile.open(
        client,
        Uri.parse(url),
        method: 'HEAD',
        followAll: false,
      ).timeout(patience.stall);
      return remote.version.total;
    } on Exception {
      return null;
    } finally {
      client.close(force: true);
    }
  }

  @override
  Future<void> close() async {
    final all = [..._running.values];
    for (final running in all) {
      running.isolate.stop();
    }
    await Future.wait([for (final running in all) running.ended]);
    await _updates.close();
  }

  void _tell(String fileName, DownloadStatus status) {
    if (!_updates.isClosed) _updates.add((fileName: fileName, status: status));
  }
}
