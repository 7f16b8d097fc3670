/// "98 MB", "1.2 GB": as shops count, a MB has a million bytes.
String formatBytes(int bytes) {
  if (bytes < 1000) return '$bytes B';
  if (bytes < 1000000) return '${(bytes / 1e3).round()} kB';
  if (bytes < 999500000) return '${(bytes / 1e6).round()} MB';
  return '${(bytes / 1e9).toStringAsFixed(1)} GB';
}

/// "about 3 min left".
String formatRemaining(Duration time) {
  if (time.inSeconds < 60) return 'less than a minute left';
  if (time.inMinutes < 60) return 'about ${time.inMinutes} min left';
  return 'about ${(time.inMinutes / 60).toStringAsFixed(1)} h left';
}

/// "0.4 s".
String formatSeconds(Duration time) =>
    '${(time.inMilliseconds / 1000).toStringAsFixed(time.inSeconds < 10 ? 1 : 0)}\u00a0s';

/// "12.3 tok/s".
String formatSpeed(double tokensPerSecond) =>
    '${tokensPerSecond.toStringAsFixed(tokensPerSecond < 100 ? 1 : 0)}\u00a0tok/s';

final _strongRtl = RegExp(
  '[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\ud802-\ud803\ud83a-\ud83b]',
);
final _strong = RegExp(r'\p{L}', unicode: true);

/// Whether [text] is read from right to left: its first letter is.
bool isRightToLeft(String text) {
  final first = _strong.firstMatch(text);
  return first != null && _strongRtl.hasMatch(first[0]!);
}
