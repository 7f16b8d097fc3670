import 'dart:io';
import 'dart:typed_data';

/// SHA-256 (FIPS 180-4) of bytes that come in pieces. Dart's own libraries have
/// none.
class Sha256 {
  final _state = Uint32List.fromList(_initial);
  final _words = Uint32List(64);
  final _block = Uint8List(64);
  int _filled = 0;
  int _length = 0;

  /// Adds [bytes] from [start] to [end].
  void add(Uint8List bytes, [int start = 0, int? end]) {
    end ??= bytes.length;
    _length += end - start;
    var at = start;
    if (_filled > 0) {
      final take = (end - at).clamp(0, 64 - _filled);
      _block.setRange(_filled, _filled + take, bytes, at);
      _filled += take;
      at += take;
      if (_filled < 64) return;
      _compress(_block, 0);
      _filled = 0;
    }
    for (; at + 64 <= end; at += 64) {
      _compress(bytes, at);
    }
    _filled = end - at;
    _block.setRange(0, _filled, bytes, at);
  }

  /// The digest in hexadecimal, of all that was added. Nothing may be added
  /// afterwards.
  String close() {
    final bits = _length * 8;
    final padding = Uint8List((_filled < 56 ? 64 : 128) - _filled);
    padding[0] = 0x80;
    ByteData.sublistView(padding).setUint64(padding.length - 8, bits);
    add(padding);
    return [
      for (final word in _state) word.toRadixString(16).padLeft(8, '0'),
    ].join();
  }

  void _compress(Uint8List bytes, int at) {
    final w = _words;
    for (var i = 0; i < 16; i++, at += 4) {
      w[i] =
          bytes[at] << 24 |
          bytes[at + 1] << 16 |
          bytes[at + 2] << 8 |
          bytes[at + 3];
    }
    for (var i = 16; i < 64; i++) {
      final x = w[i - 15];
      final y = w[i - 2];
      final s0 = _rotate(x, 7) ^ _rotate(x, 18) ^ (x >>> 3);
      final s1 = _rotate(y, 17) ^ _rotate(y, 19) ^ (y >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    var a = _state[0], b = _state[1], c = _state[2], d = _state[3];
    var e = _state[4], f = _state[5], g = _state[6], h = _state[7];
    for (var i = 0; i < 64; i++) {
      final s1 = _rotate(e, 6) ^ _rotate(e, 11) ^ _rotate(e, 25);
      final t1 = h + s1 + ((e & f) ^ (~e & g & _mask)) + _rounds[i] + w[i];
      final s0 = _rotate(a, 2) ^ _rotate(a, 13) ^ _rotate(a, 22);
      final t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = (d + t1) & _mask;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) & _mask;
    }
    _state[0] += a;
    _state[1] += b;
    _state[2] += c;
    _state[3] += d;
    _state[4] += e;
    _state[5] += f;
    _state[6] += g;
    _state[7] += h;
  }

  static const _mask = 0xffffffff;

  static int _rotate(int x, int n) => (x >>> n | x << (32 - n)) & _mask;

  static const _initial = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, //
    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ];

  static final _rounds = Uint32List.fromList(const [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, //
    0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5,
    0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ]);
}

/// The SHA-256 of a file, which is read in pieces. [onProgress] is told the bytes
/// that are done; when it gives false, the result is null. Takes seconds for a
/// large file, of the isolate that calls it.
Future<String?> sha256OfFile(
  File file, {
  bool Function(int done)? onProgress,
}) async {
  final hash = Sha256();
  final buffer = Uint8List(1 << 20);
  final open = await file.open();
  try {
    var done = 0;
    while (true) {
      final got = await open.readInto(buffer);
      if (got == 0) return hash.close();
      hash.add(buffer, 0, got);
      done += got;
      if (!(onProgress?.call(done) ?? true)) return null;
    }
  } finally {
    await open.close();
  }
}
