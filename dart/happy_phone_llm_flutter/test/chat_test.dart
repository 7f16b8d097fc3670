// Chats, and the fake engine that apps test with: no model, no library.
import 'dart:async';

import 'package:fake_async/fake_async.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';
import 'package:test/test.dart';

const tick = Duration(milliseconds: 5);

List<String> saidIn(Chat chat) => [for (final m in chat.messages) '$m'];

void main() {
  group('a chat', () {
    late FakeHappyPhoneLlm llm;
    late Chat chat;

    setUp(() {
      llm = FakeHappyPhoneLlm(
        answers: [
          FakeAnswer.words('I am well.', delay: tick),
          FakeAnswer.words('Second answer.', delay: tick),
        ],
      );
      chat = llm.startChat(system: 'Be brief.');
    });

    test('remembers what was said', () async {
      expect(await chat.send('How are you?').fullText, 'I am well.');
      expect(await chat.send('And now?').fullText, 'Second answer.');
      expect(saidIn(chat), [
        'system: Be brief.',
        'user: How are you?',
        'assistant: I am well.',
        'user: And now?',
        'assistant: Second answer.',
      ]);
      expect(
        llm.requests.last.messages!.map((m) => '$m'),
        saidIn(chat).take(4),
        reason: 'the engine sees all but the answer',
      );
    });

    test('begins when it is listened to', () async {
      final stream = chat.send('Hello');
      await Future<void>.delayed(tick * 4);
      expect(llm.requests, isEmpty);
      expect(saidIn(chat), ['system: Be brief.']);
      await stream.drain<void>();
      expect(llm.requests, hasLength(1));
    });

    test('is busy while it answers', () async {
      final first = chat.send('One').fullText;
      expect(chat.isAnswering, isTrue);
      await expectLater(
        chat.send('Two').fullText,
        throwsA(isA<HpLlmBusyException>()),
      );
      expect(() => chat.truncate(0), throwsA(isA<HpLlmBusyException>()));
      expect(await first, 'I am well.');
      expect(chat.isAnswering, isFalse);
      expect(saidIn(chat), hasLength(3));
    });

    test('keeps what came before a stop', () async {
      final events = <GenerationEvent>[];
      await for (final event in chat.send('Hello')) {
        events.add(event);
        if (event is TextDelta) chat.stop();
      }
      expect(events, hasLength(2));
      expect((events.last as Done).reason, FinishReason.stopped);
      expect(saidIn(chat).last, 'assistant: I');
    });

    test('keeps what came before a cancel, and can go on at once', () async {
      await for (final _ in chat.send('Hello')) {
        break;
      }
      expect(saidIn(chat).last, 'assistant: I');
      expect(chat.isAnswering, isFalse);
      expect(await chat.send('Again').fullText, 'Second answer.');
    });

    test('takes a message back whose answer failed', () async {
      llm = FakeHappyPhoneLlm(
        answers: const [
          FakeAnswer(['Half'], error: HpLlmContextException('too long')),
          FakeAnswer(['Whole']),
        ],
      );
      chat = llm.startChat();
      await expectLater(
        chat.send('Long').fullText,
        throwsA(isA<HpLlmContextException>()),
      );
      expect(chat.messages, isEmpty);
      expect(await chat.send('Short').fullText, 'Whole');
    });

    test('answers again', () async {
      await expectLater(
        chat.regenerate().fullText,
        throwsA(isA<HpLlmStateException>()),
      );
      await chat.send('Hello').drain<void>();
      expect(await chat.regenerate().fullText, 'Second answer.');
      expect(saidIn(chat), [
        'system: Be brief.',
        'user: Hello',
        'assistant: Second answer.',
      ]);
    });

    test('answers again what was not answered', () async {
      chat = llm.startChat(history: const [ChatMessage.user('Hello')]);
      expect(await chat.regenerate().fullText, 'I am well.');
      expect(saidIn(chat), ['user: Hello', 'assistant: I am well.']);
    });

    test('has its old answer back when a new one fails', () async {
      llm = FakeHappyPhoneLlm(
        answers: const [
          FakeAnswer(['Old']),
          FakeAnswer([], error: HpLlmMemoryException('none left')),
        ],
      );
      chat = llm.startChat();
      await chat.send('Hello').drain<void>();
      await expectLater(
        chat.regenerate().fullText,
        throwsA(isA<HpLlmMemoryException>()),
      );
      expect(saidIn(chat), ['user: Hello', 'assistant: Old']);
    });

    test('forgets from a message on', () async {
      await chat.send('Hello').drain<void>();
      chat.truncate(1);
      expect(saidIn(chat), ['system: Be brief.']);
      expect(() => chat.truncate(2), throwsRangeError);
    });

    test('uses its options, or those of the answer', () async {
      chat.options = const GenerationOptions(maxTokens: 2);
      expect(await chat.send('Hello').fullText, 'I am');
      await chat
          .send('Hello', chat.options.copyWith(maxTokens: 7))
          .drain<void>();
      expect(llm.requests.map((r) => r.options.maxTokens), [2, 7]);
    });

    test('takes messages of tools', () async {
      await chat
          .sendMessage(const ChatMessage.tool('12:00', name: 'clock'))
          .drain<void>();
      expect(chat.messages[1].role, ChatRole.tool);
    });

    test('ends with dispose', () async {
      expect(llm.openChats, 1);
      final answer = chat.send('Hello').toList();
      await chat.dispose();
      await chat.dispose();
      expect(llm.openChats, 0);
      expect(((await answer).last as Done).reason, FinishReason.stopped);
      await expectLater(
        chat.send('Hello').fullText,
        throwsA(isA<HpLlmHandleException>()),
      );
    });
  });

  group('the fake engine', () {
    test('gives its answers in turn, and the last one again', () async {
      final llm =
          FakeHappyPhoneLlm(
            answers: const [
              FakeAnswer(['one']),
              FakeAnswer(['two']),
            ],
          )..addAnswers(const [
            FakeAnswer(['three']),
          ]);
      final given = [
        for (var i = 0; i < 4; i++) await llm.generate('$i').fullText,
      ];
      expect(given, ['one', 'two', 'three', 'three']);
      expect(llm.requests.map((r) => r.prompt), ['0', '1', '2', '3']);
    });

    test('reads the prompt for a while, in the time of the zone', () {
      fakeAsync((async) {
        const answer = FakeAnswer(
          ['a', 'b', 'c'],
          firstDelay: Duration(seconds: 300),
          delay: Duration(seconds: 2),
        );
        final times = <int>[];
        FakeHappyPhoneLlm(answers: const [answer])
            .generate('')
            .textOnly
            .listen((_) => times.add(async.elapsed.inSeconds));
        async.elapse(const Duration(hours: 1));
        expect(times, [300, 302, 304]);
      });
    });

    test('answers of one context wait for each other', () async {
      final llm = FakeHappyPhoneLlm(
        answers: [FakeAnswer.words('a b c', delay: tick)],
      );
      final order = <String>[];
      await Future.wait([
        for (final name in ['first', 'second'])
          llm.generate(name).textOnly.forEach((t) => order.add(name)),
      ]);
      expect(order, [
        ...['first', 'first', 'first'],
        ...['second', 'second', 'second'],
      ]);
    });

    test('stops what waits, too', () async {
      final llm = FakeHappyPhoneLlm(
        answers: [FakeAnswer.words('a b c', delay: tick)],
      );
      final answers = [for (var i = 0; i < 2; i++) llm.generate('').toList()];
      llm.stop();
      for (final answer in answers) {
        final done = (await answer).single as Done;
        expect(done.reason, FinishReason.stopped);
      }
    });

    test('pauses with its listener', () async {
      final llm = FakeHappyPhoneLlm(
        answers: [FakeAnswer.words('a b c d', delay: tick)],
      );
      final got = <GenerationEvent>[];
      final ended = Completer<void>();
      final subscription = llm
          .generate('')
          .listen(got.add, onDone: ended.complete);
      await Future<void>.delayed(tick ~/ 2);
      subscription.pause();
      await Future<void>.delayed(tick * 10);
      expect(got.length, lessThan(2));
      subscription.resume();
      await ended.future;
      expect(got, hasLength(5));
      await subscription.cancel();
    });

    test('loads, fails to load, and is stopped', () async {
      final progress = <double>[];
      final llm = await FakeHappyPhoneLlm.load(onProgress: progress.add);
      expect(progress, [0.25, 0.5, 0.75, 1]);
      expect(llm.info.hasChatTemplate, isTrue);
      await expectLater(
        FakeHappyPhoneLlm.load(error: const HpLlmIoException('gone')),
        throwsA(isA<HpLlmIoException>()),
      );
      final stop = StopSignal()..stop();
      expect(stop.isStopped, isTrue);
      await expectLater(
        FakeHappyPhoneLlm.load(stop: stop),
        throwsA(isA<HpLlmStoppedException>()),
      );
    });

    test('is disposed', () async {
      final llm = FakeHappyPhoneLlm();
      await llm.dispose();
      await llm.dispose();
      expect(llm.isDisposed, isTrue);
      expect(llm.startChat, throwsA(isA<HpLlmHandleException>()));
      for (final call in <Future<Object?> Function()>[
        () => llm.generate('').fullText,
        () => llm.tokenize(''),
        () => llm.detokenize([]),
        () => llm.chatPrompt([]),
        llm.stats,
      ]) {
        await expectLater(call(), throwsA(isA<HpLlmHandleException>()));
      }
    });

    test('has tokens and figures', () async {
      final llm = FakeHappyPhoneLlm(
        answers: const [
          FakeAnswer(['x'], stats: GenerationStats(tokensPerSecond: 30)),
        ],
      );
      expect(await llm.detokenize(await llm.tokenize('hi')), 'hi');
      expect(await llm.countTokens('hi'), 2);
      expect(
        await llm.chatPrompt(const [ChatMessage.user('hi')]),
        contains('user: hi'),
      );
      await llm.generateFromTokens([1]).drain<void>();
      expect((await llm.stats()).tokensPerSecond, 30);
    });
  });
}
