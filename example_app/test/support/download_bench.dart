import 'dart:async';
import 'dart:io';

import 'package:example_app/data/download.dart';
import 'package:example_app/services/download/download_service.dart';
import 'package:example_app/services/download/downloader.dart';
import 'package:example_app/services/model_store.dart';
import 'package:example_app/services/platform_service.dart';
import 'package:flutter/foundation.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import 'fakes.dart';
import 'model_server.dart';

/// A folder, a server, and the real service between.
class DownloadBench {
  DownloadBench._(this.server, this.folder);

  static const name = 'model.gguf';

  static Future<DownloadBench> set() async {
    final folder = await Directory.systemTemp.createTemp('downloads');
    final server = await ModelServer.start(modelBytes(1));
    final bench = DownloadBench._(server, folder);
    addTearDown(() async {
      await bench.service.close();
      await server.stop();
      await folder.delete(recursive: true);
    });
    return bench;
  }

  final ModelServer server;
  final Directory folder;

  /// Whether [bytes] are a model, for the store; null: everything is.
  bool Function(Uint8List bytes)? isModel;
  PlatformService platform = const FakePlatform();

  late final FolderModelStore store = FolderModelStore(
    folder,
    inspect: (path) async {
      final good = isModel?.call(await File(path).readAsBytes()) ?? true;
      if (!good) throw const HpLlmFormatException('not a model');
      return const ModelInfo(fit: MemoryFit.yes);
    },
  );

  late HttpDownloadService service = newService();

  HttpDownloadService newService() => HttpDownloadService(
    store,
    platform,
    patience: const DownloadPatience(
      delays: [Duration(milliseconds: 5), Duration(milliseconds: 10)],
      // Longer than a busy machine keeps a program waiting.
      stall: Duration(seconds: 2),
    ),
  );

  /// As if the app had been ended and started.
  Future<void> restart() async {
    await service.close();
    service = newService();
  }

  /// Runs until the download is at rest. [until] may pause it on its way.
  Future<DownloadStatus> run({
    String? url,
    String? sha256,
    bool Function(DownloadStatus status)? until,
  }) {
    final end = Completer<DownloadStatus>();
    final updates = service.updates.listen((update) {
      final status = update.status;
      if (!status.isActive && !end.isCompleted) end.complete(status);
      if (until?.call(status) ?? false) {
        Timer(
          const Duration(milliseconds: 100),
          () => unawaited(service.pause(name)),
        );
      }
    });
    service.start(
      DownloadRequest(url: url ?? server.url, fileName: name, sha256: sha256),
    );
    return end.future
        .timeout(const Duration(minutes: 1))
        .whenComplete(() => unawaited(updates.cancel()));
  }

  /// Bytes of a part that is kept; 0: there is none.
  Future<int> get kept async =>
      (await service.unfinished())[name]?.received ?? 0;

  /// The names of all files.
  Future<List<String>> get files async =>
      [await for (final entry in folder.list()) entry.uri.pathSegments.last]
        ..sort();

  Future<void> expectModel(Uint8List bytes) async {
    expect(await files, [name], reason: 'nothing else is left behind');
    expect([for (final file in await store.list()) file.name], [name]);
    expect(
      listEquals(await File('${folder.path}/$name').readAsBytes(), bytes),
      isTrue,
      reason: 'every byte is as the server has it',
    );
  }

  Future<void> expectNoModel() async => expect(await store.list(), isEmpty);
}
