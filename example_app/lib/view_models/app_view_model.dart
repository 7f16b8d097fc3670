import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../data/catalogue.dart' as known;
import '../data/catalogue.dart' show CatalogueModel;
import '../data/failure.dart';
import '../data/model_file.dart';
import '../services/app_services.dart';
import '../services/errors.dart';
import 'chat_view_model.dart';
import 'chats_view_model.dart';
import 'models_view_model.dart';
import 'settings_view_model.dart';

/// What the app as a whole is doing.
enum AppPhase {
  /// Reading what it knows from disk.
  starting,

  /// There is no model: the person must get one.
  needsModel,

  /// A model is being loaded.
  loading,

  /// The model answers.
  ready,

  /// The model could not be loaded.
  failed,
}

/// The app: it is started once, and shut down once.
class AppViewModel extends ChangeNotifier {
  AppViewModel(
    this._services, {
    List<CatalogueModel> catalogue = known.catalogue,
  }) : settings = SettingsViewModel(_services.settings),
       models = ModelsViewModel(
         _services.models,
         _services.downloads,
         _services.platform,
         catalogue: catalogue,
       ),
       chats = ChatsViewModel(_services.history) {
    chat = ChatViewModel(_services.engine, chats, settings);
    models
      ..onArrived = _arrived
      ..onDelete = _beforeDelete;
  }

  final AppServices _services;
  final SettingsViewModel settings;
  final ModelsViewModel models;
  final ChatsViewModel chats;
  late final ChatViewModel chat;

  AppPhase _phase = AppPhase.starting;
  ModelFile? _model;
  double _progress = 0;
  int _threads = 0;
  Failure? _failure;
  Future<void>? _shutdown;
  bool _isDisposed = false;

  AppPhase get phase => _phase;

  /// The model that is loaded, or being loaded.
  ModelFile? get model => _model;

  /// Of the load, 0 to 1.
  double get progress => _progress;

  /// Why the model could not be loaded.
  Failure? get failure => _failure;

  /// Whether the settings ask for other threads than the loaded model has.
  bool get needsReload =>
      _phase == AppPhase.ready && _threads != settings.value.threads;

  /// Init: everything from disk, then the model that was used last.
  Future<void> start() async {
    await settings.load();
    await Future.wait([chats.load(), models.load()]);
    final usable = models.files.where((file) => file.isUsable);
    final last = settings.value.model;
    final choice =
        usable.where((file) => file.name == last).firstOrNull ??
        usable.firstOrNull;
    if (choice == null) return _enter(AppPhase.needsModel);
    await use(choice);
  }

  /// Loads [file] instead of the model that is there.
  Future<void> use(ModelFile file) async {
    if (_shutdown != null) return;
    await chat.close();
    _model = file;
    _progress = 0;
    _failure = null;
    _enter(AppPhase.loading);
    final threads = settings.value.threads;
    try {
      await _services.engine.load(
        file.path,
        threads: threads,
        onProgress: (done) {
          _progress = done;
          if (!_isDisposed) notifyListeners();
        },
      );
      _threads = threads;
      settings.change(settings.value.copyWith(model: file.name));
      _enter(AppPhase.ready);
    } on HpLlmStoppedException {
      // Another load took its place, or the app is ending.
    } on Exception catch (e) {
      if (_model?.name != file.name) return;
      _failure = describeError(e);
      _enter(AppPhase.failed);
    }
  }

  /// Loads the same model again: after a failure, or with other threads.
  Future<void> reload() async {
    if (_model case final model?) await use(model);
  }

  /// The first model is used at once; later ones wait to be chosen.
  void _arrived(ModelFile file) {
    if (_phase == AppPhase.needsModel && file.isUsable) unawaited(use(file));
  }

  Future<void> _beforeDelete(String fileName) async {
    if (_model?.name != fileName) return;
    await chat.close();
    _model = null;
    await _services.engine.unload();
    _enter(AppPhase.needsModel);
  }

  /// Writes what is not on disk yet: a phone may end the app without a word.
  Future<void> keep() => Future.wait([settings.flush(), chat.keep()]);

  void _enter(AppPhase phase) {
    _phase = phase;
    if (!_isDisposed) notifyListeners();
  }

  /// Shutdown: stops everything, keeps what is to be kept, frees the model. May be
  /// called again.
  Future<void> shutdown() => _shutdown ??= _shutDown();

  Future<void> _shutDown() async {
    await chat.close();
    await Future.wait([
      settings.flush(),
      _services.downloads.close(),
      _services.engine.shutdown(),
    ]);
  }

  @override
  void dispose() {
    _isDisposed = true;
    unawaited(shutdown());
    chat.dispose();
    chats.dispose();
    models.dispose();
    settings.dispose();
    super.dispose();
  }
}
