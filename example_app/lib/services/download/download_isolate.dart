import 'dart:async';
import 'dart:io';
import 'dart:isolate';

import '../../data/download.dart';
import '../../data/failure.dart';
import 'download_failures.dart';
import 'downloader.dart';

/// How a download in an isolate ended.
sealed class DownloadEnd {
  const DownloadEnd();
}

/// All bytes are there.
class DownloadArrived extends DownloadEnd {
  const DownloadArrived();
}

/// It was stopped.
class DownloadStopped extends DownloadEnd {
  const DownloadStopped();
}

/// It needs the person.
class DownloadFailed extends DownloadEnd {
  const DownloadFailed(this.failure);

  final Failure failure;
}

/// A [Downloader] in an isolate of its own, so that neither encryption nor
/// checksums take time of the one that draws.
class DownloadIsolate {
  DownloadIsolate(
    DownloadRequest request,
    Directory folder, {
    required this.onStatus,
    DownloadPatience patience = const DownloadPatience(),
  }) {
    unawaited(_start(_Job(_port.sendPort, request, folder.path, patience)));
  }

  final void Function(DownloadStatus status) onStatus;
  final _port = ReceivePort('download');
  final _end = Completer<DownloadEnd>();
  SendPort? _control;
  bool _stop = false;

  /// When it has ended, the part file is at rest.
  Future<DownloadEnd> get end => _end.future;

  void stop() {
    _stop = true;
    _control?.send(null);
  }

  Future<void> _start(_Job job) async {
    _port.listen((message) {
      switch (message) {
        case final DownloadStatus status:
          if (!_end.isCompleted) onStatus(status);
        case final DownloadEnd end:
          _finish(end);
        case final SendPort control:
          _control = control;
          if (_stop) control.send(null);
        default:
          // It died: a list of error and stack, or null at its exit.
          _finish(
            DownloadFailed(
              DownloadFailures.disk(message is List ? '${message.first}' : ''),
            ),
          );
      }
    });
    try {
      await Isolate.spawn(
        _main,
        job,
        onError: _port.sendPort,
        onExit: _port.sendPort,
        debugName: 'download',
      );
    } on IsolateSpawnException catch (e) {
      _finish(DownloadFailed(DownloadFailures.disk('$e')));
    }
  }

  void _finish(DownloadEnd end) {
    if (_end.isCompleted) return;
    _port.close();
    _end.complete(end);
  }

  static Future<void> _main(_Job job) async {
    final downloader = Downloader(
      job.request,
      Directory(job.folder),
      onStatus: job.out.send,
      patience: job.patience,
    );
    final control = ReceivePort();
    control.listen((_) => downloader.stop());
    job.out.send(control.sendPort);
    try {
      final whole = await downloader.run();
      job.out.send(whole ? const DownloadArrived() : const DownloadStopped());
    } on DownloadException catch (e) {
      job.out.send(DownloadFailed(e.failure));
    }
    control.close();
  }
}

class _Job {
  const _Job(this.out, this.request, this.folder, this.patience);

  final SendPort out;
  final DownloadRequest request;
  final String folder;
  final DownloadPatience patience;
}
