import 'dart:async';

import 'package:flutter/foundation.dart';

import '../data/settings.dart';
import '../services/settings_service.dart';

/// The settings, kept when they change.
class SettingsViewModel extends ChangeNotifier {
  SettingsViewModel(this._service);

  /// Dragging a slider is one change.
  static const _patience = Duration(milliseconds: 300);

  final SettingsService _service;
  Settings _value = const Settings();
  Timer? _timer;

  Settings get value => _value;

  Future<void> load() async {
    _value = await _service.load();
    notifyListeners();
  }

  void change(Settings value) {
    _value = value;
    notifyListeners();
    _timer?.cancel();
    _timer = Timer(_patience, () => unawaited(flush()));
  }

  /// The defaults, but for the model and the theme.
  void reset() => change(Settings(model: _value.model, theme: _value.theme));

  /// Writes what is not written yet. That it cannot be written is no reason to
  /// disturb the person: the settings hold until the app ends.
  Future<void> flush() async {
    final timer = _timer;
    if (timer == null) return;
    timer.cancel();
    _timer = null;
    try {
      await _service.save(_value);
    } on Exception catch (e) {
      debugPrint('The settings cannot be written: $e');
    }
  }

  @override
  void dispose() {
    _timer?.cancel();
    super.dispose();
  }
}
