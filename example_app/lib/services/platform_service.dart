import 'dart:async';
import 'dart:io';

import 'package:flutter/services.dart';

/// What the app wants to know of the system. There are no plugins: the runners of
/// each system answer `happy_phone/platform`, and where one does not, there is
/// another way or none.
class PlatformService {
  const PlatformService();

  static const _channel = MethodChannel('happy_phone/platform');

  /// Whether the person must type a path, as there is no file picker.
  Future<bool> get hasFilePicker async =>
      await _ask<bool>('hasFilePicker') ?? false;

  /// Lets the person pick a file. Where files of others can only be read through
  /// the system, a copy is made in [into]. Null: none was picked.
  ///
  /// Throws [PlatformException] where there can be no copy.
  Future<String?> pickFile({required String into}) async {
    try {
      return await _channel.invokeMethod<String>('pickFile', {'into': into});
    } on MissingPluginException {
      return null;
    }
  }

  /// Models can be downloaded again: they are not to fill up the person's backups.
  Future<void> keepFromBackups(String path) =>
      _ask<void>('keepFromBackups', {'path': path});

  /// Free space where [path] is; null: unknown.
  Future<int?> freeBytes(String path) async {
    final told = await _ask<int>('freeBytes', {'path': path});
    if (told != null || Platform.isWindows || Platform.isIOS) return told;
    try {
      final result = await Process.run('df', ['-Pk', path]);
      final fields = '${result.stdout}'
          .trim()
          .split('\n')
          .last
          .split(RegExp(r'\s+'));
      final blocks = fields.length < 4 ? null : int.tryParse(fields[3]);
      return blocks == null ? null : blocks * 1024;
    } on ProcessException {
      return null;
    }
  }

  /// The memory of this device; null: unknown.
  Future<({int total, int available})?> memory() async {
    if (!Platform.isLinux && !Platform.isAndroid) return null;
    try {
      final text = await File('/proc/meminfo').readAsString();
      final total = _meminfo(text, 'MemTotal');
      final available = _meminfo(text, 'MemAvailable');
      if (total == null || available == null) return null;
      return (total: total, available: available);
    } on FileSystemException {
      return null;
    }
  }

  /// Where the app may keep its files.
  Future<Directory> dataFolder() async {
    final told = await _ask<Map<Object?, Object?>>('directories');
    if (told?['support'] case final String path) {
      return Directory('$path/$_name').create(recursive: true);
    }
    return Directory(
      _usualFolder(Platform.environment),
    ).create(recursive: true);
  }

  static const _name = 'happy_phone';

  static String _usualFolder(Map<String, String> environment) {
    final home = environment['HOME'] ?? Directory.systemTemp.path;
    if (Platform.isAndroid) {
      // Flutter's temporary folder is one of the app's own.
      return '${Directory.systemTemp.parent.path}/files/$_name';
    }
    if (Platform.isIOS || Platform.isMacOS) {
      return '$home/Library/Application Support/$_name';
    }
    if (Platform.isWindows) {
      return '${environment['APPDATA'] ?? Directory.systemTemp.path}/$_name';
    }
    final data = environment['XDG_DATA_HOME'] ?? '';
    return '${data.startsWith('/') ? data : '$home/.local/share'}/$_name';
  }

  static int? _meminfo(String text, String key) {
    final match = RegExp(
      '^$key: +([0-9]{1,15}) kB',
      multiLine: true,
    ).firstMatch(text);
    return match == null ? null : int.parse(match[1]!) * 1024;
  }

  static Future<T?> _ask<T>(
    String method, [
    Map<String, Object?>? arguments,
  ]) async {
    try {
      return await _channel.invokeMethod<T>(method, arguments);
    } on MissingPluginException {
      return null;
    } on PlatformException {
      return null;
    }
  }
}
