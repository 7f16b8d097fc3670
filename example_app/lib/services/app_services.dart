import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import 'download/download_service.dart';
import 'engine_service.dart';
import 'history_service.dart';
import 'model_store.dart';
import 'platform_service.dart';
import 'settings_service.dart';
import 'text_store.dart';

/// Everything that the view models work with.
class AppServices {
  const AppServices({
    required this.engine,
    required this.models,
    required this.downloads,
    required this.history,
    required this.settings,
    required this.platform,
  });

  /// The real ones. HPLLM_LIBRARY may name a native library to use instead of the
  /// bundled one.
  static Future<AppServices> real({
    PlatformService platform = const PlatformService(),
    Directory? folder,
    String? libraryPath,
  }) async {
    final data = folder ?? await platform.dataFolder();
    final library = libraryPath ?? Platform.environment['HPLLM_LIBRARY'];
    final store = FileTextStore(data);
    final models = FolderModelStore(
      Directory('${data.path}/models'),
      inspect: (path) => HappyPhoneLlm.inspect(path, libraryPath: library),
    );
    await models.folder.create(recursive: true);
    await platform.keepFromBackups(models.folder.path);
    return AppServices(
      engine: EngineService.native(libraryPath: library),
      models: models,
      downloads: HttpDownloadService(models, platform),
      history: HistoryService(store),
      settings: SettingsService(store),
      platform: platform,
    );
  }

  final EngineService engine;
  final ModelStore models;
  final DownloadService downloads;
  final HistoryService history;
  final SettingsService settings;
  final PlatformService platform;
}
