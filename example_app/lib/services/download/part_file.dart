import 'dart:convert';
import 'dart:io';

/// Which version of a file on a server the bytes of a [PartFile] belong to.
class Version {
  const Version({this.etag, this.modified, this.sha256, this.total});

  /// Null: damaged, or of something else.
  static Version? fromJson(Object? json) => switch (json) {
    {
      'etag': final String? etag,
      'modified': final String? modified,
      'sha256': final String? sha256,
      'total': final int? total,
    } =>
      Version(etag: etag, modified: modified, sha256: sha256, total: total),
    _ => null,
  };

  /// The server's ETag header.
  final String? etag;

  /// The server's Last-Modified header.
  final String? modified;

  /// What the whole file must hash to, in hexadecimal; null: not known.
  final String? sha256;

  /// Its length; null: not known.
  final int? total;

  /// What If-Range may hold: RFC 9110 wants a strong validator.
  String? get validator {
    if (etag case final etag? when !etag.startsWith('W/')) return etag;
    return modified;
  }

  /// Whether bytes of the two may be put together.
  bool isSameAs(Version other) {
    if (total != null && other.total != null && total != other.total)
      return false;
    if (sha256 != null && other.sha256 != null) return sha256 == other.sha256;
    return validator != null && validator == other.validator;
  }

  Map<String, Object?> toJson() => {
    'etag': etag,
    'modified': modified,
    'sha256': sha256,
    'total': total,
  };
}

/// The part of a download that has arrived, and beside it what it is a part of.
/// Both outlive the app.
class PartFile {
  PartFile(Directory folder, String fileName)
    : data = File('${folder.path}/$fileName.part'),
      _about = File('${folder.path}/$fileName.part.json');

  static const ending = '.part.json';

  final File data;
  final File _about;

  /// Null: nothing that could be gone on with.
  Future<({String url, Version version, int length})?> read() async {
    if (!await _about.exists()) return null;
    try {
      final json = jsonDecode(await _about.readAsString());
      if (json case {'url': final String url, 'version': final Object about}) {
        final version = Version.fromJson(about);
        if (version == null) return null;
        final length = await data.exists() ? await data.length() : 0;
        return (url: url, version: version, length: length);
      }
    } on FormatException {
      return null;
    }
    return null;
  }

  /// Forgets what has arrived and begins anew with [version].
  Future<void> begin(String url, Version version) async {
    // In this order: bytes of one version never lie beside the name of another.
    await delete();
    await _about.parent.create(recursive: true);
    await update(url, version);
  }

  /// More is known about the same version.
  Future<void> update(String url, Version version) async {
    final fresh = File('${_about.path}.new');
    await fresh.writeAsString(
      jsonEncode({'url': url, 'version': version.toJson()}),
      flush: true,
    );
    await fresh.rename(_about.path);
  }

  Future<void> delete() async {
    if (await data.exists()) await data.delete();
    if (await _about.exists()) await _about.delete();
  }

  /// When the bytes have become a file of their own.
  Future<void> forget() async {
    if (await _about.exists()) await _about.delete();
  }
}
