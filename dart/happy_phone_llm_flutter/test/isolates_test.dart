// Isolates that end in mid-generation, by whatever means: nothing aborts, the
// native side is freed, and a new load works at once.
import 'dart:async';
import 'dart:io';
import 'dart:isolate';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/src/engine.dart';
import 'package:test/test.dart';

import 'support.dart';

/// Generates without end in an isolate of its own; [start] has a port that hears
/// of each piece of text.
Future<void> owner((SendPort, String) start) async {
  final (heard, fate) = start;
  final llm = await loadModel(threads: 1, tokens: 256);
  final chat = llm.startChat(options: endless);
  chat.send('Tell me a story.').listen((event) {
    heard.send(true);
    if (fate == 'throws') throw const FormatException('of the listener');
    if (fate == 'exits') Isolate.exit();
  });
}

/// Lets an isolate generate, and come to its end. Completes when it is there.
Future<void> endOfOwner(String fate) async {
  final heard = ReceivePort();
  final ended = ReceivePort();
  final errors = ReceivePort();
  final isolate = await Isolate.spawn(
    owner,
    (heard.sendPort, fate),
    onExit: ended.sendPort,
    onError: errors.sendPort,
  );
  await heard.first;
  if (fate == 'killed') isolate.kill(priority: Isolate.immediate);
  await ended.first;
  errors.close();
}

/// Kills the worker isolate in mid-generation.
Future<void> killWorker() async {
  final llm = await loadModel(threads: 1, tokens: 256);
  final killed = expectLater(
    llm.generate('Once upon a time', endless),
    emitsInOrder([
      // Sent before the kill, or overtaken by it.
      mayEmitMultiple(isA<TextDelta>()),
      emitsError(
        isA<HpLlmInternalException>().having(
          (e) => e.message,
          'message',
          contains('killed'),
        ),
      ),
      emitsDone,
    ]),
  );
  final waits = llm.generate('waits', endless).drain<void>();
  final killedToo = expectLater(waits, throwsA(isA<HpLlmInternalException>()));
  while ((await llm.stats()).generatedTokens < 2) {}
  (llm as Engine).connection.worker.kill(priority: Isolate.immediate);
  await killed;
  await killedToo;
  expect(llm.isDisposed, isTrue);
  await expectLater(llm.tokenize('x'), throwsA(isA<HpLlmInternalException>()));
  await llm.dispose();
}

/// What the process has, when what was left to itself has had time: until it is
/// [enough], but not for ever.
Future<(int threads, double mib)> settled(
  bool Function(int threads, double mib) enough,
) async {
  for (var i = 0; ; i++) {
    await Future<void>.delayed(const Duration(milliseconds: 100));
    final (threads, mib) = (threadCount(), anonymousMiB());
    if (enough(threads, mib) || i == 100) return (threads, mib);
  }
}

void main() {
  for (final (name, rounds, round) in <(String, int, Future<void> Function())>[
    ('100 workers killed', 100, killWorker),
    ('100 owners killed', 100, () => endOfOwner('killed')),
    ('10 owners ended by an error', 10, () => endOfOwner('throws')),
    ('10 owners exited', 10, () => endOfOwner('exits')),
  ]) {
    test('$name in mid-generation', () async {
      for (var i = 0; i < 5; i++) {
        await round();
      }
      await Future<void>.delayed(const Duration(seconds: 1));
      final (threads, mib) = (threadCount(), anonymousMiB());
      for (var i = 0; i < rounds; i++) {
        await round();
      }
      // The pools of both runtimes come and go by up to 4 threads; one lost in
      // each round would be 10 at least.
      bool isAsBefore(int threadsNow, double mibNow) =>
          threadsNow < threads + 8 && mibNow < mib + 32;
      final (threadsAfter, mibAfter) = await settled(isAsBefore);
      stdout.writeln(
        '      threads $threads -> $threadsAfter, '
        'anonymous memory ${mib.round()} -> ${mibAfter.round()} MiB',
      );
      expect(isAsBefore(threadsAfter, mibAfter), isTrue);
      final llm = await loadModel();
      expect(
        await llm.generate('The capital of France is', greedy(2)).fullText,
        contains('Paris'),
      );
      // The lower half of a handle is its place in the library's table; what was
      // left there keeps its place for ever.
      for (final handle in (llm as Engine).connection.handles) {
        expect(handle & 0xffffffff, lessThan(8));
      }
      await llm.dispose();
    });
  }

  test(
    'an owner and its worker killed together, as a hot restart does',
    () async {
      final llm = await loadModel(threads: 1);
      for (var i = 0; i < 20; i++) {
        await Future.wait([endOfOwner('killed'), killWorker()]);
      }
      expect(await llm.generate('A', greedy(2)).fullText, isNotEmpty);
      await llm.dispose();
    },
  );

  test('engines that are forgotten are freed', () async {
    Future<void> forget() async {
      final llm = await loadModel(threads: 1, tokens: 256);
      await llm.generate('Hello', greedy(1)).drain<void>();
    }

    await forget();
    final before = threadCount();
    for (var i = 0; i < 10; i++) {
      await forget();
    }
    // The collector comes when there is something to collect.
    for (var i = 0; i < 200 && threadCount() > before + 8; i++) {
      List.generate(100000, (i) => '$i').join();
      await Future<void>.delayed(const Duration(milliseconds: 20));
    }
    expect(threadCount(), lessThanOrEqualTo(before + 8));
  });

  test('an answer keeps its engine', () async {
    final events = (await loadModel(threads: 1)).generate('Once', greedy(40));
    final collector = Timer.periodic(
      const Duration(milliseconds: 2),
      (_) => List.generate(100000, (i) => '$i').join(),
    );
    expect(((await events.last) as Done).reason, FinishReason.length);
    collector.cancel();
  });

  group('a program', () {
    late Directory folder;

    // Compiled once.
    setUpAll(() async {
      folder = Directory.systemTemp.createTempSync('hpllm');
      await compile('kernel', 'forgetful', '${folder.path}/forgetful.dill');
    });
    tearDownAll(() => folder.deleteSync(recursive: true));

    Future<ProcessResult> run(List<String> arguments) => Process.run(
      Platform.resolvedExecutable,
      ['${folder.path}/forgetful.dill', ...arguments],
    );

    test('that forgets dispose ends all the same', () async {
      final result = await run([]);
      expect('${result.stderr}', isEmpty);
      expect('${result.stdout}', contains('end of main'));
      expect(result.exitCode, 0);
    });

    test('that exits in mid-generation does so', () async {
      final result = await run(['exit']);
      expect('${result.stderr}', isEmpty);
      expect(result.exitCode, 3);
    });
  });
}
