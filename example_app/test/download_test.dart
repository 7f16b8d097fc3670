import 'dart:io';

import 'package:example_app/data/download.dart';
import 'package:example_app/services/download/download_failures.dart';
import 'package:flutter/foundation.dart';
import 'package:flutter_test/flutter_test.dart';

import 'support/download_bench.dart';
import 'support/fakes.dart';
import 'support/model_server.dart';

/// Downloads from a server on this machine that does everything wrong: there is
/// never a corrupt model in the list, and never a lost part.
void main() {
  // The test binding's own client answers 400 to everything.
  setUp(() => HttpOverrides.global = null);

  late DownloadBench bench;
  late ModelServer server;
  setUp(() async {
    bench = await DownloadBench.set();
    server = bench.server;
  });

  test('a whole file, with the checksum that the hub tells', () async {
    server.linkedSha256 = sha256Of(server.bytes);
    final phases = <DownloadPhase>{};
    bench.service.updates.listen((update) => phases.add(update.status.phase));
    final end = await bench.run();
    expect(end.phase, DownloadPhase.done);
    expect(phases, contains(DownloadPhase.checking));
    await bench.expectModel(server.bytes);
  });

  test('a connection that breaks costs nothing but time', () async {
    server.breaks.addAll([70000, 100000, 0, 1, null]);
    final end = await bench.run();
    expect(end.phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
    expect(server.ranges.first, isNull);
    expect(server.ranges.skip(1), everyElement(startsWith('bytes=')));
    expect(server.sent, server.bytes.length, reason: 'no byte came twice');
  });

  test('a connection that falls silent is broken', () async {
    server
      ..hangsInsteadOfBreaking = true
      ..breaks.add(120000);
    final end = await bench.run();
    expect(end.phase, DownloadPhase.done);
    expect(server.ranges, [null, 'bytes=120000-']);
    await bench.expectModel(server.bytes);
  });

  test('when it breaks each time, what has arrived is kept', () async {
    server.breaks.addAll([50000, 0, 0, 0, 0]);
    final end = await bench.run();
    expect(end.phase, DownloadPhase.failed);
    expect(end.failure, same(DownloadFailures.dropped));
    await bench.expectNoModel();
    expect(await bench.kept, 50000);
    server.breaks.clear();
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
    expect(server.sent, server.bytes.length);
  });

  test('pause, the end of the app, and on from there', () async {
    server
      ..hangsInsteadOfBreaking = true
      ..breaks.add(200000);
    final paused = await bench.run(
      until: (status) => status.phase == DownloadPhase.running,
    );
    expect(paused.phase, DownloadPhase.paused);
    await bench.expectNoModel();
    await bench.restart();
    expect(await bench.kept, 200000);
    expect((await bench.run()).phase, DownloadPhase.done);
    expect(server.ranges, [null, 'bytes=200000-']);
    await bench.expectModel(server.bytes);
  });

  test('a server without ranges: nothing is thrown away', () async {
    server
      ..knowsRanges = false
      ..breaks.addAll([70000, 140000, null]);
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  for (final knowsIfRange in [true, false]) {
    test('the file changes between two parts '
        '(If-Range ${knowsIfRange ? 'known' : 'ignored'})', () async {
      server
        ..knowsIfRange = knowsIfRange
        ..breaks.addAll([90000, 0, 0, 0]);
      await bench.run();
      expect(await bench.kept, 90000);
      server
        ..breaks.clear()
        ..bytes = modelBytes(2)
        ..etag = '"two"';
      expect((await bench.run()).phase, DownloadPhase.done);
      await bench.expectModel(server.bytes);
    });
  }

  test('the file changes, and only the hub tells', () async {
    server
      ..etag = null
      ..linkedSha256 = sha256Of(server.bytes)
      ..breaks.addAll([90000, 0, 0, 0]);
    await bench.run();
    expect(await bench.kept, 90000);
    server
      ..breaks.clear()
      ..bytes = modelBytes(2)
      ..linkedSha256 = sha256Of(modelBytes(2));
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  test('the file changes, and nobody tells: the checksum does', () async {
    server
      ..linkedSha256 = sha256Of(server.bytes)
      ..breaks.addAll([90000, 0, 0, 0]);
    await bench.run();
    server
      ..breaks.clear()
      ..bytes = modelBytes(2);
    final end = await bench.run();
    expect(end.failure, same(DownloadFailures.damaged));
    expect(await bench.files, isEmpty);
  });

  test(
    'a part without any validator is not put together with others',
    () async {
      server
        ..etag = null
        ..breaks.addAll([90000, 0, 0, 0]);
      await bench.run();
      server
        ..breaks.clear()
        ..bytes = modelBytes(2);
      expect((await bench.run()).phase, DownloadPhase.done);
      await bench.expectModel(server.bytes);
    },
  );

  test('a wrong checksum: the file is thrown away', () async {
    server.linkedSha256 = sha256Of(modelBytes(9));
    final end = await bench.run();
    expect(end.failure, same(DownloadFailures.damaged));
    expect(await bench.files, isEmpty);
  });

  test('a checksum that the app knows is stronger than the hub’s', () async {
    server.linkedSha256 = sha256Of(server.bytes);
    final end = await bench.run(sha256: sha256Of(modelBytes(9)));
    expect(end.failure, same(DownloadFailures.damaged));
    expect(await bench.files, isEmpty);
  });

  test('it says more than it sends', () async {
    server.lengthLie = (truth) => truth + 1000;
    final end = await bench.run();
    expect(end.phase, DownloadPhase.failed);
    await bench.expectNoModel();
  });

  test('it says less than it has, and the hub knows better', () async {
    server
      ..linkedSha256 = sha256Of(server.bytes)
      ..lengthLie = (truth) => truth > 100000 ? 100000 : truth;
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  test('it says less than it has, and nobody knows better', () async {
    bench.isModel = (bytes) => listEquals(bytes, server.bytes);
    server.lengthLie = (truth) => 100000;
    final end = await bench.run();
    expect(end.phase, DownloadPhase.failed);
    expect(await bench.files, isEmpty, reason: 'half a model is none');
  });

  test('it sends more than the hub says', () async {
    server
      ..linkedSize = 200000
      ..isChunked = true;
    final end = await bench.run();
    expect(end.failure, same(DownloadFailures.changing));
    await bench.expectNoModel();
  });

  test('a length that nobody tells', () async {
    server.isChunked = true;
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  test('a part that begins elsewhere is not appended', () async {
    server.breaks.addAll([90000, 0, 0, 0]);
    await bench.run();
    server
      ..breaks.clear()
      ..rangeLie = 5;
    final end = await bench.run();
    expect(end.phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  test('what a hotel’s network sends is no model', () async {
    server.bytes = Uint8List.fromList('<html>Sign in!</html>'.codeUnits);
    final end = await bench.run();
    expect(end.failure, same(DownloadFailures.notAModel));
    expect(await bench.files, isEmpty);
  });

  for (final (status, failure) in [
    (404, DownloadFailures.notFound),
    (410, DownloadFailures.notFound),
    (401, DownloadFailures.forbidden),
    (403, DownloadFailures.forbidden),
  ]) {
    test('status $status', () async {
      server.statuses.add(status);
      final end = await bench.run();
      expect(end.failure, same(failure));
      await bench.expectNoModel();
    });
  }

  test('a server that is tired gets time', () async {
    server.statuses.addAll([503, 429]);
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  test('a server that stays tired', () async {
    server.statuses.addAll([500, 500, 500, 500]);
    final end = await bench.run();
    expect(end.failure?.title, DownloadFailures.server(500).title);
    await bench.expectNoModel();
  });

  test('redirects without end', () async {
    final end = await bench.run(
      url: server.url.replaceFirst('/hub/', '/loop/../loop?'),
    );
    expect(end.phase, DownloadPhase.failed);
    await bench.expectNoModel();
  });

  test('offline: what has arrived is kept', () async {
    server.breaks.addAll([90000, 0, 0, 0]);
    await bench.run();
    final url = server.url;
    await server.stop();
    final end = await bench.run(url: url);
    expect(end.failure, same(DownloadFailures.offline));
    expect(await bench.kept, 90000);
  });

  test('too little space is said before it is full', () async {
    bench.platform = const FakePlatform(free: 1000);
    server
      ..bytes = modelBytes(4, length: 32 << 20)
      ..linkedSha256 = null;
    final end = await bench.run();
    expect(end.phase, DownloadPhase.failed);
    expect(end.failure?.title, DownloadFailures.diskFull(1).title);
    await bench.expectNoModel();
  });

  test('discard leaves nothing', () async {
    server.breaks.addAll([90000, 0, 0, 0]);
    await bench.run();
    expect(await bench.files, isNotEmpty);
    await bench.service.discard(DownloadBench.name);
    expect(await bench.files, isEmpty);
    expect(await bench.service.unfinished(), isEmpty);
  });

  test('a damaged note about a part is no part', () async {
    server.breaks.addAll([90000, 0, 0, 0]);
    await bench.run();
    File('${bench.folder.path}/model.gguf.part.json').writeAsStringSync('{');
    server.breaks.clear();
    expect(await bench.kept, 0);
    expect((await bench.run()).phase, DownloadPhase.done);
    await bench.expectModel(server.bytes);
  });

  test('the size, without the file', () async {
    expect(await bench.service.sizeOf(server.url), server.bytes.length);
    server.linkedSize = 77;
    expect(await bench.service.sizeOf(server.url), 77);
    expect(server.ranges, isEmpty);
    server.statuses.add(404);
    server.linkedSize = null;
    expect(await bench.service.sizeOf(server.url), isNull);
  });
}
