import 'dart:io';

import 'download_failures.dart';
import 'part_file.dart';

/// A server's answer about a file: its head has been read, its body has not.
class RemoteFile {
  RemoteFile._(this.response, this.version, this._offset);

  /// Asks for [url] from [offset] on, where that is bytes of [known].
  ///
  /// Redirects are followed by hand, as what Hugging Face tells about a file (its
  /// SHA-256 as X-Linked-Etag, its length as X-Linked-Size) is in the answer that
  /// redirects to the storage.
  static Future<RemoteFile> open(
    HttpClient client,
    Uri url, {
    String method = 'GET',
    int offset = 0,
    Version? known,
    bool followAll = true,
  }) async {
    String? sha256;
    int? length;
    var at = url;
    for (var hops = 0; hops <= _maxHops; hops++) {
      final request = await client.openUrl(method, at);
      request.followRedirects = false;
      // Compressed, the lengths would be those of something else.
      request.headers.set(HttpHeaders.acceptEncodingHeader, 'identity');
      if (offset > 0) {
        request.headers.set(HttpHeaders.rangeHeader, 'bytes=$offset-');
        if (known?.validator case final validator?) {
          request.headers.set(HttpHeaders.ifRangeHeader, validator);
        }
      }
      final response = await request.close();
      final headers = response.headers;
      final isHub = headers.value('x-repo-commit') != null;
      sha256 ??= _sha256(headers.value('x-linked-etag'));
      if (isHub && !response.isRedirect) {
        sha256 ??= _sha256(headers.value(HttpHeaders.etagHeader));
      }
      length ??= _count(headers.value('x-linked-size'));
      if (!response.isRedirect || (!followAll && length != null)) {
        final version = Version(
          etag: headers.value(HttpHeaders.etagHeader),
          modified: headers.value(HttpHeaders.lastModifiedHeader),
          sha256: sha256,
          total: length ?? _total(response),
        );
        return RemoteFile._(response, version, offset);
      }
      final location = headers.value(HttpHeaders.locationHeader);
      await response.drain<void>();
      final next = location == null ? null : Uri.tryParse(location);
      if (next == null) break;
      final resolved = at.resolveUri(next);
      if (at.isScheme('https') && !resolved.isScheme('https')) break;
      at = resolved;
    }
    throw const DownloadException(DownloadFailures.changing);
  }

  static const _maxHops = 8;

  final HttpClientResponse response;

  /// What the server says that it is.
  final Version version;

  final int _offset;

  int get status => response.statusCode;

  /// Whether the body begins where it was asked to.
  bool get continues =>
      status == HttpStatus.partialContent && _range(response)?.start == _offset;

  static int? _total(HttpClientResponse response) =>
      switch (response.statusCode) {
        HttpStatus.partialContent => _range(response)?.total,
        HttpStatus.ok when response.contentLength >= 0 =>
          response.contentLength,
        _ => null,
      };

  static final _rangeForm = RegExp(
    r'^bytes (\d{1,15})-\d{1,15}/(\d{1,15}|\*)$',
  );

  static ({int start, int? total})? _range(HttpClientResponse response) {
    final text = response.headers.value(HttpHeaders.contentRangeHeader);
    final match = text == null ? null : _rangeForm.firstMatch(text);
    if (match == null) return null;
    return (start: int.parse(match[1]!), total: int.tryParse(match[2]!));
  }

  static int? _count(String? text) {
    final value = text == null ? null : int.tryParse(text);
    return value != null && value > 0 ? value : null;
  }

  static final _hex = RegExp(r'^"?([0-9a-fA-F]{64})"?$');

  static String? _sha256(String? etag) =>
      etag == null ? null : _hex.firstMatch(etag)?[1]?.toLowerCase();
}
