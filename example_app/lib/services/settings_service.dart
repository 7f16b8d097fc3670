import 'dart:convert';

import '../data/settings.dart';
import 'text_store.dart';

/// Keeps the [Settings].
class SettingsService {
  SettingsService(this._store);

  static const _folder = '.';
  static const _name = 'settings.json';

  final TextStore _store;

  /// The defaults, where there are none or they are damaged.
  Future<Settings> load() async {
    final text = await _store.read(_folder, _name);
    if (text == null) return const Settings();
    try {
      return Settings.fromJson(jsonDecode(text));
    } on FormatException {
      await _store.setAside(_folder, _name);
      return const Settings();
    }
  }

  Future<void> save(Settings settings) =>
      _store.write(_folder, _name, jsonEncode(settings.toJson()));
}
