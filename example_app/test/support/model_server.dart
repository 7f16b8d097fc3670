import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:math';
import 'dart:typed_data';

import 'package:example_app/services/sha256.dart';

/// Bytes that begin as a model does, others for each [seed].
Uint8List modelBytes(int seed, {int length = 300000}) {
  final random = Random(seed);
  final bytes = Uint8List(length);
  for (var i = 4; i < length; i++) {
    bytes[i] = random.nextInt(256);
  }
  return bytes..setAll(0, 'GGUF'.codeUnits);
}

String sha256Of(Uint8List bytes) => (Sha256()..add(bytes)).close();

/// A server on this machine that misbehaves as it is told.
class ModelServer {
  ModelServer._(this._server, this.bytes) {
    _server.listen((request) => unawaited(_serve(request)));
  }

  static Future<ModelServer> start(Uint8List bytes) async => ModelServer._(
    await HttpServer.bind(InternetAddress.loopbackIPv4, 0),
    bytes,
  );

  final HttpServer _server;

  /// The file.
  Uint8List bytes;
  String? etag = '"one"';
  String? modified;

  /// What the hub says that it is; null: there is no hub in front.
  String? linkedSha256;
  int? linkedSize;

  bool knowsRanges = true;
  bool knowsIfRange = true;

  /// The Content-Length of the next answers; null: the truth.
  int? Function(int truth)? lengthLie;

  /// Without Content-Length.
  bool isChunked = false;

  /// After so many bytes of each answer the connection breaks; one is taken for
  /// each answer, null is none.
  final List<int?> breaks = [];

  /// As [breaks], but the connection stays open and silent.
  bool hangsInsteadOfBreaking = false;

  /// Statuses of the next answers, instead of a file.
  final List<int> statuses = [];

  /// Answers of status 206 say that they begin here.
  int? rangeLie;

  /// The Range headers that were asked for, null where there was none.
  final List<String?> ranges = [];

  /// Bytes that were sent in all.
  int sent = 0;

  String get url => 'http://127.0.0.1:${_server.port}/hub/model.gguf';

  Future<void> stop() => _server.close(force: true);

  Future<void> _serve(HttpRequest request) async {
    try {
      if (request.uri.path == '/loop') return await _redirect(request, '/loop');
      if (request.uri.path.startsWith('/hub')) {
        if (linkedSha256 == null && linkedSize == null) {
          return await _redirect(request, '/storage/model.gguf');
        }
        final headers = request.response.headers;
        if (linkedSha256 case final sha?)
          headers.set('X-Linked-Etag', '"$sha"');
        headers.set('X-Linked-Size', '${linkedSize ?? bytes.length}');
        return await _redirect(request, '/storage/model.gguf?signed=1');
      }
      await _file(request);
    } on Exception {
      // The client has gone.
    }
  }

  Future<void> _redirect(HttpRequest request, String to) async {
    request.response.statusCode = HttpStatus.found;
    request.response.headers.set('Location', to);
    await request.response.close();
  }

  Future<void> _file(HttpRequest request) async {
    final range = request.headers.value('range');
    if (request.method == 'GET') ranges.add(range);
    if (statuses.isNotEmpty) {
      request.response.statusCode = statuses.removeAt(0);
      return request.response.close();
    }
    final ifRange = request.headers.value('if-range');
    final isSame =
        !knowsIfRange || ifRange == null || ifRange == (etag ?? modified);
    var start = 0;
    if (range != null && knowsRanges && isSame) {
      start = int.parse(RegExp(r'bytes=(\d+)-').firstMatch(range)![1]!);
    }
    final isPart = start > 0;
    if (start >= bytes.length) {
      request.response.statusCode = HttpStatus.requestedRangeNotSatisfiable;
      return request.response.close();
    }
    final body = Uint8List.sublistView(bytes, start);
    final length = lengthLie?.call(body.length) ?? body.length;
    final from = rangeLie ?? start;
    final head = [
      isPart ? 'HTTP/1.1 206 Partial Content' : 'HTTP/1.1 200 OK',
      if (isPart)
        'Content-Range: bytes $from-${bytes.length - 1}/${bytes.length}',
      if (isChunked)
        'Transfer-Encoding: chunked'
      else
        'Content-Length: $length',
      if (etag case final etag?) 'ETag: $etag',
      if (modified case final modified?) 'Last-Modified: $modified',
      'Connection: close',
      '',
      '',
    ].join('\r\n');
    final socket = await request.response.detachSocket(writeHeaders: false);
    socket.add(ascii.encode(head));
    if (request.method == 'HEAD') return socket.close();
    final stop = breaks.isEmpty ? null : breaks.removeAt(0);
    final count = min(stop ?? body.length, body.length);
    final part = Uint8List.sublistView(body, 0, count);
    sent += count;
    if (isChunked) {
      socket
        ..add(ascii.encode('${count.toRadixString(16)}\r\n'))
        ..add(part)
        ..add(ascii.encode(stop == null ? '\r\n0\r\n\r\n' : '\r\n'));
    } else {
      socket.add(part);
    }
    await socket.flush();
    if (stop != null && hangsInsteadOfBreaking) return;
    await socket.close();
    socket.destroy();
  }
}
