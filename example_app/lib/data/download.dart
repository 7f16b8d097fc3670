import 'failure.dart';

/// Where a download is.
enum DownloadPhase {
  /// Asking the server.
  connecting,

  /// Bytes are coming.
  running,

  /// The connection broke, and is being made again.
  retrying,

  /// All is there and is compared with its checksum.
  checking,

  /// The person paused it, or the app ended: it goes on where it was.
  paused,

  /// It needs the person: see [DownloadStatus.failure].
  failed,

  /// The model is in the list.
  done,
}

/// A download at one moment. Immutable.
class DownloadStatus {
  const DownloadStatus(
    this.phase, {
    this.received = 0,
    this.total,
    this.bytesPerSecond = 0,
    this.failure,
  });

  final DownloadPhase phase;

  /// Bytes that are safe on disk; while [DownloadPhase.checking], those that are
  /// compared.
  final int received;

  /// Null: the server has not told.
  final int? total;
  final double bytesPerSecond;

  /// Of [DownloadPhase.failed].
  final Failure? failure;

  bool get isActive => switch (phase) {
    DownloadPhase.connecting ||
    DownloadPhase.running ||
    DownloadPhase.retrying ||
    DownloadPhase.checking => true,
    _ => false,
  };

  /// 0 to 1; null: unknown.
  double? get fraction => switch (total) {
    final total? when total > 0 => (received / total).clamp(0, 1),
    _ => null,
  };

  /// Null: unknown.
  Duration? get remaining {
    final total = this.total;
    if (phase != DownloadPhase.running || total == null || bytesPerSecond < 1) {
      return null;
    }
    return Duration(seconds: ((total - received) / bytesPerSecond).ceil());
  }
}

/// What is asked of a download.
class DownloadRequest {
  const DownloadRequest({
    required this.url,
    required this.fileName,
    this.sha256,
  });

  final String url;

  /// In the folder of models.
  final String fileName;

  /// Null: what the server tells.
  final String? sha256;
}
