import 'dart:async';
import 'dart:io';

import '../../data/download.dart';
import '../../data/failure.dart';
import '../sha256.dart';
import 'download_failures.dart';
import 'part_file.dart';
import 'remote_file.dart';

/// How patient a [Downloader] is.
class DownloadPatience {
  const DownloadPatience({
    this.delays = const [
      Duration(seconds: 1),
      Duration(seconds: 2),
      Duration(seconds: 4),
      Duration(seconds: 8),
    ],
    this.stall = const Duration(seconds: 30),
  });

  /// Before each new attempt, as long as nothing arrives.
  final List<Duration> delays;

  /// A connection on which nothing comes for so long is broken.
  final Duration stall;
}

/// Fetches one file into a folder, as a [PartFile]: what has arrived is kept when
/// the connection breaks, the app ends or the person pauses, and the rest is asked
/// for by Range, if the server's file is still the same.
class Downloader {
  Downloader(
    this.request,
    Directory folder, {
    required this.onStatus,
    this.patience = const DownloadPatience(),
  }) : _part = PartFile(folder, request.fileName);

  /// Begin anew so often, where the server contradicts itself.
  static const _maxRestarts = 2;

  final DownloadRequest request;
  final void Function(DownloadStatus status) onStatus;
  final DownloadPatience patience;
  final PartFile _part;

  final _stopped = Completer<void>();
  final _clock = Stopwatch();
  HttpClient? _client;
  Version _version = const Version();
  int _received = 0;
  int _restarts = 0;
  double _speed = 0;
  int _reportedBytes = 0;

  /// Ends [run] soon; what has arrived is kept.
  void stop() {
    if (!_stopped.isCompleted) _stopped.complete();
    _client?.close(force: true);
  }

  /// True: all bytes are in the part file, and have the right checksum if one is
  /// known. False: [stop] was called. Throws [DownloadException].
  Future<bool> run() async {
    try {
      await _recall();
      _report(DownloadPhase.connecting);
      if (!await _fetchAll()) return false;
      return await _check();
    } on FileSystemException catch (e) {
      if (_stopped.isCompleted) return false;
      throw DownloadException(
        _isFull(e) ? DownloadFailures.diskFull(0) : DownloadFailures.disk('$e'),
      );
    } finally {
      _client?.close(force: true);
    }
  }

  Future<void> _recall() async {
    final part = await _part.read();
    if (part == null || part.url != request.url) {
      await _part.delete();
      return;
    }
    _version = part.version;
    _received = _reportedBytes = part.length;
  }

  Future<bool> _fetchAll() async {
    for (var attempt = 0; !_isWhole;) {
      if (_stopped.isCompleted) return false;
      final before = _received;
      try {
        await _fetch();
        continue;
      } on DownloadException {
        if (_stopped.isCompleted) return false;
        rethrow;
      } on _Retry catch (e) {
        if (_stopped.isCompleted) return false;
        if (_received > before) attempt = 0;
        if (attempt == patience.delays.length)
          throw DownloadException(e.failure);
      }
      _report(DownloadPhase.retrying);
      await Future.any([
        Future<void>.delayed(patience.delays[attempt++]),
        _stopped.future,
      ]);
    }
    return true;
  }

  bool get _isWhole => _version.total != null && _received == _version.total;

  /// One request: appends what comes. Throws [_Retry] where another may help.
  Future<void> _fetch() async {
    final client = _client = HttpClient()
      ..connectionTimeout = patience.stall
      ..autoUncompress = false;
    try {
      final remote = await RemoteFile.open(
        client,
        Uri.parse(request.url),
        offset: _received,
        known: _version,
      ).timeout(patience.stall * 2);
      await _take(remote);
    } on SocketException {
      throw const _Retry(DownloadFailures.offline);
    } on TimeoutException {
      throw const _Retry(DownloadFailures.dropped);
    } on TlsException {
      throw const _Retry(DownloadFailures.dropped);
    } on HttpException {
      throw const _Retry(DownloadFailures.dropped);
    } on StateError {
      // What a client says that was closed by stop.
      throw const _Retry(DownloadFailures.dropped);
    } finally {
      client.close(force: true);
    }
  }

  Future<void> _take(RemoteFile remote) async {
    switch (remote.status) {
      case HttpStatus.ok || HttpStatus.partialContent:
        break;
      case HttpStatus.requestedRangeNotSatisfiable:
        return _restart();
      case HttpStatus.notFound || HttpStatus.gone:
        throw const DownloadException(DownloadFailures.notFound);
      case HttpStatus.unauthorized || HttpStatus.forbidden:
        throw const DownloadException(DownloadFailures.forbidden);
      case HttpStatus.tooManyRequests || HttpStatus.requestTimeout || >= 500:
        throw _Retry(DownloadFailures.server(remote.status));
      default:
        throw DownloadException(DownloadFailures.server(remote.status));
    }
    var skip = 0;
    if (_received == 0) {
      if (remote.status == HttpStatus.partialContent) return _restart();
      await _begin(remote.version);
    } else if (!remote.version.isSameAs(_version)) {
      // The server has another file now: what we have is of no use.
      if (remote.status == HttpStatus.partialContent) return _restart();
      _countRestart();
      await _begin(remote.version);
    } else if (remote.status == HttpStatus.ok) {
      // It knows no ranges. What we have is still good.
      skip = _received;
    } else if (!remote.continues) {
      return _restart();
    }
    await _append(remote.response, skip);
  }

  Future<void> _begin(Version version) async {
    _version = Version(
      etag: version.etag,
      modified: version.modified,
      sha256: request.sha256 ?? version.sha256,
      total: version.total,
    );
    _received = _reportedBytes = 0;
    await _part.begin(request.url, _version);
  }

  Future<void> _append(Stream<List<int>> body, int skip) async {
    final file = await _part.data.open(mode: FileMode.writeOnlyAppend);
    _report(DownloadPhase.running);
    var isTooMuch = false;
    try {
      await for (final bytes in body.timeout(patience.stall)) {
        if (_stopped.isCompleted) return;
        final start = skip < bytes.length ? skip : bytes.length;
        skip -= start;
        if (start == bytes.length) continue;
        await file.writeFrom(bytes, start);
        _received += bytes.length - start;
        if (_version.total case final total? when _received > total) {
          isTooMuch = true;
          break;
        }
        if (_clock.elapsedMilliseconds >= 100 || !_clock.isRunning) {
          _report(DownloadPhase.running);
        }
      }
      await file.flush();
    } finally {
      await file.close();
    }
    if (isTooMuch) return _restart();
    if (_version.total == null) {
      // Only the end of the body tells the length.
      _version = Version(
        etag: _version.etag,
        modified: _version.modified,
        sha256: _version.sha256,
        total: _received,
      );
      await _part.update(request.url, _version);
    }
    if (!_isWhole && !_stopped.isCompleted) {
      throw const _Retry(DownloadFailures.dropped);
    }
  }

  /// What we have and what the server says do not go together.
  Future<void> _restart() async {
    _countRestart();
    await _part.delete();
    _version = const Version();
    _received = _reportedBytes = 0;
  }

  void _countRestart() {
    if (_restarts++ == _maxRestarts) {
      throw const DownloadException(DownloadFailures.changing);
    }
  }

  Future<bool> _check() async {
    if (await _firstBytes() != 'GGUF') {
      await _part.delete();
      throw const DownloadException(DownloadFailures.notAModel);
    }
    final want = _version.sha256;
    if (want == null) return true;
    _clock.reset();
    final total = _received;
    final have = await sha256OfFile(
      _part.data,
      onProgress: (done) {
        if (done == total || _clock.elapsedMilliseconds >= 100) {
          _clock.reset();
          onStatus(
            DownloadStatus(
              DownloadPhase.checking,
              received: done,
              total: total,
            ),
          );
        }
        return !_stopped.isCompleted;
      },
    );
    if (have == null) return false;
    if (have == want.toLowerCase()) return true;
    await _part.delete();
    throw const DownloadException(DownloadFailures.damaged);
  }

  Future<String> _firstBytes() async {
    if (_received < 4) return '';
    final file = await _part.data.open();
    try {
      return String.fromCharCodes(await file.read(4));
    } finally {
      await file.close();
    }
  }

  void _report(DownloadPhase phase) {
    final seconds = _clock.elapsedMicroseconds / 1e6;
    if (phase == DownloadPhase.running && seconds > 0.05) {
      final now = (_received - _reportedBytes) / seconds;
      _speed = _speed == 0 ? now : _speed + (now - _speed) * 0.1;
    }
    _reportedBytes = _received;
    _clock
      ..reset()
      ..start();
    onStatus(
      DownloadStatus(
        phase,
        received: _received,
        total: _version.total,
        bytesPerSecond: phase == DownloadPhase.running ? _speed : 0,
      ),
    );
  }

  static bool _isFull(FileSystemException e) =>
      // ENOSPC, EDQUOT (Linux, Apple), and Windows' ERROR_DISK_FULL.
      switch (e.osError?.errorCode) {
        28 => true,
        122 when Platform.isLinux || Platform.isAndroid => true,
        69 when Platform.isMacOS || Platform.isIOS => true,
        112 when Platform.isWindows => true,
        _ => false,
      };
}

/// A broken attempt; another may work.
class _Retry implements Exception {
  const _Retry(this.failure);

  final Failure failure;
}
