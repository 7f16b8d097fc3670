// Stopping in each phase, by each means.
import 'dart:async';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

import 'support.dart';

const moment = Duration(milliseconds: 20);

/// A prompt that takes a while to read.
final longPrompt = List.filled(120, 'word after').join(' ');

void main() {
  group('a load', () {
    test('is stopped before it begins', () async {
      await expectLater(
        HappyPhoneLlm.load(
          modelPath,
          stop: StopSignal()..stop(),
          libraryPath: libraryPath,
        ),
        throwsA(isA<HpLlmStoppedException>()),
      );
    });

    test('is stopped at any time, or is there', () async {
      for (var us = 0; us < 100000; us += 7000) {
        final stop = StopSignal();
        Timer(Duration(microseconds: us), stop.stop);
        try {
          final llm = await HappyPhoneLlm.load(
            modelPath,
            stop: stop,
            libraryPath: libraryPath,
          );
          await llm.dispose();
        } on HpLlmStoppedException {
          // As good.
        }
      }
    });
  });

  group('an answer', () {
    late HappyPhoneLlm llm;

    setUpAll(() async => llm = await loadModel(threads: 1));
    tearDownAll(() => llm.dispose());

    // After each of these the engine must answer as ever.
    tearDown(() async {
      expect(
        await llm.generate('The capital of France is', greedy(2)).fullText,
        contains('Paris'),
      );
    });

    test('is never listened to', () {
      llm.generate('x', endless);
    });

    test('is cancelled in the tick of listening', () async {
      await llm
          .generate(longPrompt, endless)
          .listen((_) => fail('text'))
          .cancel();
    });

    test('is cancelled while it waits', () async {
      final first = llm.generate('x', greedy(8)).toList();
      final second = llm.generate('y', endless).listen((_) => fail('text'));
      await Future<void>.delayed(moment);
      await second.cancel();
      expect(await first, isNotEmpty);
    });

    test('is cancelled while the prompt is read', () async {
      final all = await llm.countTokens(longPrompt);
      // Judged by what is left undone: clocks run on when a machine is busy. It
      // may also be read before this isolate's turn comes; not each time.
      for (var left = 9; ; left--) {
        final answer = llm.generate('$left $longPrompt', endless).listen(null);
        await Future<void>.delayed(moment);
        await answer.cancel();
        final stats = await llm.stats();
        if (stats.contextTokens < all) break;
        expect(left, greaterThan(0), reason: '$stats');
      }
    });

    test('is cancelled by break', () async {
      var count = 0;
      await for (final _ in llm.generate('Once', endless)) {
        if (++count == 5) break;
      }
      expect(count, 5);
    });

    test('is cancelled by an error of the listener', () async {
      await expectLater(() async {
        await for (final _ in llm.generate('Once', endless)) {
          throw const FormatException('mine');
        }
      }(), throwsFormatException);
    });

    test('goes on after an error of a callback', () async {
      final errors = <Object>[];
      final ended = Completer<void>();
      runZonedGuarded(() {
        llm
            .generate('Once', greedy(4))
            .listen(
              (_) => throw const FormatException('mine'),
              onDone: ended.complete,
            );
      }, (e, _) => errors.add(e));
      await ended.future;
      expect(errors, hasLength(greaterThan(1)));
    });

    test('is cancelled while it is paused', () async {
      final got = Completer<void>();
      late final StreamSubscription<GenerationEvent> answer;
      answer = llm.generate('Once', endless).listen((_) {
        if (got.isCompleted) return;
        answer.pause();
        got.complete();
      });
      await got.future;
      await Future<void>.delayed(moment);
      await answer.cancel();
    });

    for (final (name, stop) in <(String, void Function(HappyPhoneLlm, Chat))>[
      ('stop() of the engine', (llm, chat) => llm.stop()),
      ('stop() of the chat', (llm, chat) => chat.stop()),
    ]) {
      test('is stopped by $name: no text comes after it', () async {
        final chat = llm.startChat(options: endless);
        var stopped = false;
        GenerationEvent? last;
        await for (final event in chat.send('Tell me a story.')) {
          last = event;
          if (event is! TextDelta) continue;
          expect(stopped, isFalse);
          stop(llm, chat);
          stopped = true;
        }
        expect((last! as Done).reason, FinishReason.stopped);
        expect((last as Done).usage.generatedTokens, greaterThan(0));
        expect(chat.messages.last.content, isNotEmpty);
        await chat.dispose();
      });
    }

    test('is stopped with those that wait', () async {
      final answers = [
        for (var i = 0; i < 3; i++) llm.generate('$i', endless).toList(),
      ];
      await Future<void>.delayed(moment);
      llm.stop();
      for (final answer in answers) {
        expect(((await answer).last as Done).reason, FinishReason.stopped);
      }
      llm.stop();
    });

    test('is stopped 30 times quickly', () async {
      // The promise is 50 ms; a machine may be busy with other things, but not
      // each time.
      for (var left = 4; ; left--) {
        final times = <int>[];
        for (var i = 0; i < 30; i++) {
          final clock = Stopwatch();
          await for (final event in llm.generate('Story $i', endless)) {
            if (event is TextDelta && !clock.isRunning) {
              clock.start();
              llm.stop();
            }
          }
          times.add(clock.elapsedMicroseconds);
        }
        times.sort();
        if (times[15] < 50000) break;
        expect(left, greaterThan(0), reason: 'median of $times us');
      }
    });

    test('ends with its chat', () async {
      final chat = llm.startChat(options: endless);
      final events = chat.send('Hello').toList();
      await Future<void>.delayed(moment * 2);
      await chat.dispose();
      expect(((await events).last as Done).reason, FinishReason.stopped);
      await expectLater(
        chat.send('Hello').fullText,
        throwsA(isA<HpLlmHandleException>()),
      );
    });
  });

  group('dispose', () {
    test('in each phase, twice, and nothing works after it', () async {
      for (var ms = 0; ms < 100; ms += 25) {
        final llm = await loadModel(threads: 1);
        final chat = llm.startChat(options: endless);
        final answers = [
          llm.generate(longPrompt, endless).toList(),
          chat.send('Hello').toList(),
          llm.generate('waits', endless).toList(),
        ];
        await Future<void>.delayed(Duration(milliseconds: ms));
        expect(llm.isDisposed, isFalse);
        final disposed = [llm.dispose(), llm.dispose()];
        expect(llm.isDisposed, isTrue);
        await Future.wait(disposed);
        await llm.dispose();
        for (final answer in answers) {
          expect(((await answer).last as Done).reason, FinishReason.stopped);
        }
        await expectDisposed(llm);
        llm.stop();
        chat.stop();
        await chat.dispose();
      }
    });

    test('with a paused answer', () async {
      final llm = await loadModel(threads: 1);
      final events = <GenerationEvent>[];
      final ended = Completer<void>();
      final answer = llm
          .generate('Once', endless)
          .listen(events.add, onDone: ended.complete);
      await Future<void>.delayed(moment * 5);
      answer.pause();
      await llm.dispose();
      answer.resume();
      await ended.future;
      expect((events.last as Done).reason, FinishReason.stopped);
      await answer.cancel();
    });
  });
}

Future<void> expectDisposed(HappyPhoneLlm llm) async {
  expect(llm.startChat, throwsA(isA<HpLlmHandleException>()));
  for (final call in <Future<Object?> Function()>[
    () => llm.generate('x').fullText,
    () => llm.generateFromTokens([1]).fullText,
    () => llm.chat(const []).fullText,
    () => llm.tokenize('x'),
    () => llm.countTokens('x'),
    () => llm.detokenize([1]),
    () => llm.chatPrompt(const []),
    llm.stats,
  ]) {
    await expectLater(call(), throwsA(isA<HpLlmHandleException>()));
  }
}
