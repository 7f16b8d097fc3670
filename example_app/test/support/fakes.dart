import 'dart:async';
import 'dart:io';

import 'package:example_app/data/download.dart';
import 'package:example_app/data/failure.dart';
import 'package:example_app/data/model_file.dart';
import 'package:example_app/services/app_services.dart';
import 'package:example_app/services/download/download_service.dart';
import 'package:example_app/services/engine_service.dart';
import 'package:example_app/services/history_service.dart';
import 'package:example_app/services/model_store.dart';
import 'package:example_app/services/platform_service.dart';
import 'package:example_app/services/settings_service.dart';
import 'package:example_app/services/text_store.dart';
import 'package:flutter/services.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';

/// Texts in memory.
class MemoryTextStore implements TextStore {
  final Map<String, String> texts = {};
  final List<String> setAsideNames = [];

  /// Every write fails with it.
  Exception? error;
  int writes = 0;

  @override
  Future<List<String>> names(String folder) async => [
    for (final key in texts.keys)
      if (key.startsWith('$folder/')) key.substring(folder.length + 1),
  ];

  @override
  Future<String?> read(String folder, String name) async =>
      texts['$folder/$name'];

  @override
  Future<void> write(String folder, String name, String text) async {
    if (error case final error?) throw error;
    writes++;
    texts['$folder/$name'] = text;
  }

  @override
  Future<void> delete(String folder, String name) async {
    texts.remove('$folder/$name');
  }

  @override
  Future<void> setAside(String folder, String name) async {
    setAsideNames.add(name);
    texts.remove('$folder/$name');
  }
}

/// Models that exist by name only.
class FakeModelStore implements ModelStore {
  FakeModelStore([List<ModelFile> files = const []]) : files = [...files];

  final List<ModelFile> files;

  /// What [import] says.
  Failure? importFailure;

  @override
  Directory get folder => Directory('/models');

  @override
  Future<List<ModelFile>> list() async => [...files];

  @override
  Future<Failure?> adopt(File arrived, String name) async => null;

  @override
  Future<({String? name, Failure? failure})> import(
    String path, {
    void Function(double done)? onProgress,
  }) async {
    if (importFailure case final failure?)
      return (name: null, failure: failure);
    onProgress?.call(1);
    final name = path.split('/').last;
    files.add(fakeModel(name: name));
    return (name: name, failure: null);
  }

  @override
  Future<void> delete(String name) async =>
      files.removeWhere((file) => file.name == name);
}

/// Downloads that do what the test says.
class FakeDownloads implements DownloadService {
  final _updates = StreamController<DownloadUpdate>.broadcast();
  final List<DownloadRequest> started = [];
  final List<String> paused = [];
  final List<String> discarded = [];
  Map<String, DownloadStatus> left = {};
  Map<String, int> sizes = {};
  bool isClosed = false;

  void tell(String fileName, DownloadStatus status) =>
      _updates.add((fileName: fileName, status: status));

  @override
  Stream<DownloadUpdate> get updates => _updates.stream;

  @override
  Future<Map<String, DownloadStatus>> unfinished() async => left;

  @override
  void start(DownloadRequest request) => started.add(request);

  @override
  Future<void> pause(String fileName) async => paused.add(fileName);

  @override
  Future<void> discard(String fileName) async => discarded.add(fileName);

  @override
  Future<int?> sizeOf(String url) async => sizes[url];

  @override
  Future<void> close() async {
    isClosed = true;
    await _updates.close();
  }
}

class FakePlatform extends PlatformService {
  const FakePlatform({
    this.picker = false,
    this.picked,
    this.pickError,
    this.free,
    this.totalBytes = 6000000000,
  });

  final bool picker;
  final String? picked;
  final PlatformException? pickError;
  final int? free;
  final int totalBytes;

  @override
  Future<bool> get hasFilePicker async => picker;

  @override
  Future<String?> pickFile({required String into}) async {
    if (pickError case final error?) throw error;
    return picked;
  }

  @override
  Future<int?> freeBytes(String path) async => free;

  @override
  Future<({int total, int available})?> memory() async =>
      (total: totalBytes, available: totalBytes * 5 ~/ 12);
}

ModelFile fakeModel({
  String name = 'SmolLM2-135M-Instruct-Q4_K_M.gguf',
  MemoryFit fit = MemoryFit.yes,
}) => ModelFile(
  name: name,
  path: '/models/$name',
  bytes: 105000000,
  info: ModelInfo(
    name: name,
    architecture: 'llama',
    quantization: 'Q4_K',
    fit: fit,
    deviceBytes: 6000000000,
  ),
);

/// Services without disk, network and engine, and handles to all of them.
class FakeServices {
  FakeServices({
    List<ModelFile>? models,
    List<FakeAnswer>? answers,
    EngineLoader? loader,
    this.platform = const FakePlatform(),
  }) : models = FakeModelStore(models ?? [fakeModel()]),
       llm = FakeHappyPhoneLlm(
         answers:
             answers ??
             const [
               FakeAnswer(['Hello', '!']),
             ],
       ) {
    engine = EngineService(
      loader ??
          (path, {threads = 0, onProgress, stop}) async {
            loads.add((path: path, threads: threads));
            return llm;
          },
    );
  }

  final MemoryTextStore texts = MemoryTextStore();
  final FakeModelStore models;
  final FakeDownloads downloads = FakeDownloads();
  final FakeHappyPhoneLlm llm;
  final FakePlatform platform;
  final List<({String path, int threads})> loads = [];
  late final EngineService engine;
  late final HistoryService history = HistoryService(texts);
  late final SettingsService settings = SettingsService(texts);

  late final AppServices all = AppServices(
    engine: engine,
    models: models,
    downloads: downloads,
    history: history,
    settings: settings,
    platform: platform,
  );
}
