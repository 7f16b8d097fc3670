import 'dart:async';
import 'dart:convert';

import 'package:example_app/data/catalogue.dart';
import 'package:example_app/data/download.dart';
import 'package:example_app/data/failure.dart';
import 'package:example_app/services/engine_service.dart';
import 'package:example_app/view_models/app_view_model.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';

import 'support/fakes.dart';

const _tick = Duration(milliseconds: 10);

/// The app's life: init, models, shutdown.
void main() {
  testWidgets('starts with the model that was used last', (tester) async {
    final services = FakeServices(
      models: [
        fakeModel(name: 'a.gguf'),
        fakeModel(name: 'b.gguf'),
      ],
    );
    services.texts.texts['./settings.json'] = jsonEncode({
      'model': 'b.gguf',
      'threads': 3,
    });
    final app = AppViewModel(services.all);
    expect(app.phase, AppPhase.starting);
    await app.start();
    expect(app.phase, AppPhase.ready);
    expect(services.loads, [(path: '/models/b.gguf', threads: 3)]);

    app.settings.change(app.settings.value.copyWith(threads: 2));
    expect(app.needsReload, isTrue);
    await app.reload();
    expect(services.loads.last.threads, 2);
    expect(app.needsReload, isFalse);

    await app.shutdown();
    expect(services.llm.isDisposed, isTrue);
    expect(services.downloads.isClosed, isTrue);
    expect(services.texts.texts['./settings.json'], contains('"threads":2'));
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('the first model that comes is used at once', (tester) async {
    final services = FakeServices(models: []);
    final app = AppViewModel(services.all);
    await app.start();
    expect(app.phase, AppPhase.needsModel);
    final model = catalogue.first;
    app.models.download(model);
    expect(services.downloads.started.single.url, model.url);
    services.downloads.tell(
      model.fileName,
      const DownloadStatus(DownloadPhase.running, received: 1, total: 10),
    );
    await tester.pump(_tick);
    expect(app.models.available.first.download?.fraction, 0.1);
    services.models.files.add(fakeModel(name: model.fileName));
    services.downloads.tell(
      model.fileName,
      const DownloadStatus(DownloadPhase.done),
    );
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.phase, AppPhase.ready);
    expect(app.models.installed.single.title, model.name);
    expect(
      app.models.available.map((item) => item.title),
      isNot(contains(model.name)),
    );
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('a load that fails, and another that does not', (tester) async {
    final llm = FakeHappyPhoneLlm();
    var fails = true;
    final services = FakeServices(
      loader: (path, {threads = 0, onProgress, stop}) => FakeHappyPhoneLlm.load(
        engine: llm,
        delay: _tick,
        error: fails ? const HpLlmMemoryException('4 GB') : null,
        onProgress: onProgress,
        stop: stop,
      ),
    );
    final app = AppViewModel(services.all);
    unawaited(app.start());
    final progress = <double>{};
    app.addListener(() => progress.add(app.progress));
    for (var i = 0; i < 20; i++) {
      await tester.pump(_tick);
    }
    expect(progress, containsAll([0.25, 0.5, 0.75, 1.0]));
    expect(app.phase, AppPhase.failed);
    expect(app.failure?.title, contains('memory'));
    expect(app.chat.canGenerate, isFalse);
    fails = false;
    unawaited(app.reload());
    await tester.pump(_tick);
    expect(app.phase, AppPhase.loading);
    await tester.pump(const Duration(seconds: 1));
    await tester.pump(const Duration(seconds: 1));
    for (var i = 0; i < 10; i++) {
      await tester.pump(_tick);
    }
    expect(app.phase, AppPhase.ready);
    expect(app.chat.canGenerate, isTrue);
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('a choice during a load: the last one counts', (tester) async {
    final loaded = <String>[];
    final services = FakeServices(
      models: [
        fakeModel(name: 'a.gguf'),
        fakeModel(name: 'b.gguf'),
      ],
      loader: (path, {threads = 0, onProgress, stop}) async {
        final llm = await FakeHappyPhoneLlm.load(
          delay: _tick,
          onProgress: onProgress,
          stop: stop,
        );
        loaded.add(path);
        return llm;
      },
    );
    final app = AppViewModel(services.all);
    unawaited(app.start());
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.model?.name, 'a.gguf');
    unawaited(app.use(app.models.files.last));
    for (var i = 0; i < 20; i++) {
      await tester.pump(_tick);
    }
    expect(loaded, ['/models/b.gguf'], reason: 'the other was stopped');
    expect((app.phase, app.model?.name), (AppPhase.ready, 'b.gguf'));
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('deleting the model in use frees it first', (tester) async {
    final services = FakeServices();
    final app = AppViewModel(services.all);
    await app.start();
    await app.models.delete(app.model!.name);
    expect(services.llm.isDisposed, isTrue);
    expect(services.models.files, isEmpty);
    expect(app.phase, AppPhase.needsModel);
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('a model that is too large is not loaded by itself', (
    tester,
  ) async {
    final services = FakeServices(models: [fakeModel(fit: MemoryFit.no)]);
    final app = AppViewModel(services.all);
    await app.start();
    expect(app.phase, AppPhase.needsModel);
    expect(services.loads, isEmpty);
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('adding a file', (tester) async {
    final services = FakeServices(models: []);
    services.models.importFailure = const Failure('No.', 'Really.');
    final app = AppViewModel(services.all);
    await app.start();
    await app.models.addFile('/x/y.txt');
    expect(app.models.addFile.failure?.title, 'No.');
    services.models.importFailure = null;
    await app.models.addFile('/x/mine.gguf');
    expect(app.models.addFile.failure, isNull);
    await tester.pump(_tick);
    expect(app.phase, AppPhase.ready);
    expect(app.models.installed.single.title, 'mine');
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  for (final (gigabytes, name) in const [
    (1, 'SmolLM2 135M'),
    (3, 'Qwen2.5 0.5B'),
    (6, 'Llama 3.2 1B'),
    (16, 'Llama 3.2 1B'),
  ]) {
    testWidgets('what is recommended for $gigabytes GB', (tester) async {
      final services = FakeServices(
        models: [],
        platform: FakePlatform(totalBytes: gigabytes * 1000000000),
      );
      final app = AppViewModel(services.all);
      await app.start();
      List<String> recommended() => [
        for (final item in app.models.available)
          if (item.isRecommended) item.title,
      ];
      expect(recommended(), isEmpty, reason: 'no size is known');
      for (final (i, model) in catalogue.indexed) {
        services.downloads.sizes[model.url] =
            [105, 292, 271, 491, 639, 806, 808][i] * 1000000;
      }
      await app.models.learnSizes();
      expect(recommended(), [name]);
      await app.models.addFile('/mine.gguf');
      expect(recommended(), isEmpty, reason: 'they have one');
      app.dispose();
      await tester.pump(const Duration(seconds: 1));
    });
  }

  testWidgets('downloads of the last life wait to be gone on with', (
    tester,
  ) async {
    final services = FakeServices(models: []);
    final model = catalogue[2];
    services.downloads
      ..left = {
        model.fileName: const DownloadStatus(
          DownloadPhase.paused,
          received: 5,
          total: 50,
        ),
      }
      ..sizes = {catalogue[0].url: 105000000, catalogue[6].url: 8000000000};
    final app = AppViewModel(services.all);
    await app.start();
    await app.models.learnSizes();
    final items = app.models.available;
    expect(items[2].download?.phase, DownloadPhase.paused);
    expect((items[0].bytes, items[0].fit), (105000000, MemoryFit.yes));
    expect((items[1].bytes, items[1].fit), (null, MemoryFit.unknown));
    expect(items[6].fit, MemoryFit.no);
    await app.models.discard(model.fileName);
    expect(app.models.available[2].download, isNull);
    app.dispose();
    await tester.pump(const Duration(seconds: 1));
  });

  testWidgets('after shutdown nothing is loaded any more', (tester) async {
    final engine = EngineService(
      (path, {threads = 0, onProgress, stop}) async => FakeHappyPhoneLlm(),
    );
    await engine.load('/a');
    expect(engine.info, isNotNull);
    await engine.shutdown();
    expect(engine.info, isNull);
    await expectLater(engine.load('/a'), throwsA(isA<HpLlmStoppedException>()));
  });
}
