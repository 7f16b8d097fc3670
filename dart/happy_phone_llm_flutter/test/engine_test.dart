// Every public member, with the real library and SmolLM2.
import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:isolate';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

import 'support.dart';

Matcher throwsLlm<T extends HpLlmException>(String part) =>
    throwsA(isA<T>().having((e) => e.message, 'message', contains(part)));

void main() {
  group('inspect', () {
    test('says what a model is before it is loaded', () async {
      final info = await HappyPhoneLlm.inspect(
        modelPath,
        context: const ContextOptions(tokens: 1024),
        libraryPath: libraryPath,
      );
      expect(info.architecture, 'llama');
      expect(info.quantization, 'Q4_1');
      expect(info.name, isNotEmpty);
      expect(info.fileBytes, 98362432);
      expect(info.parameters, closeTo(134515008, 1e6));
      expect((info.layers, info.embedding, info.vocabulary), (30, 576, 49152));
      expect((info.trainedContext, info.context), (8192, 1024));
      expect(info.fit, MemoryFit.yes);
      expect(info.memoryBytes, greaterThan(1024 * info.kvBytesPerToken));
      expect(info.deviceBytes, greaterThan(info.availableBytes));
      expect(info.threads, greaterThan(0));
      expect(info.hasVocabulary && info.hasChatTemplate, isTrue);
      expect('$info', contains('llama'));
    });

    test('has a smaller cache in 8 bits', () async {
      Future<int> bytes(KvCacheType cache) async =>
          (await HappyPhoneLlm.inspect(
            modelPath,
            context: ContextOptions(tokens: 1024, cache: cache),
            libraryPath: libraryPath,
          )).kvBytesPerToken;
      final f16 = await bytes(KvCacheType.f16);
      expect(await bytes(KvCacheType.f32), 2 * f16);
      expect(await bytes(KvCacheType.q8), lessThan(f16));
    });

    test('fails as a load does', () async {
      for (final call in <Future<Object> Function(String)>[
        (path) => HappyPhoneLlm.inspect(path, libraryPath: libraryPath),
        (path) => HappyPhoneLlm.load(path, libraryPath: libraryPath),
      ]) {
        await expectLater(
          call('/nowhere/möbius.gguf'),
          throwsLlm<HpLlmIoException>('möbius.gguf'),
        );
        await expectLater(
          call(libraryPath),
          throwsLlm<HpLlmFormatException>('.so'),
        );
        await expectLater(call(''), throwsA(isA<HpLlmException>()));
      }
    });
  });

  group('a load', () {
    test('tells its progress and its messages', () async {
      final progress = <double>[];
      final log = <String>[];
      final llm = await HappyPhoneLlm.load(
        modelPath,
        threads: 256,
        context: const ContextOptions(
          tokens: 9000,
          cache: KvCacheType.q8,
          batch: 16,
        ),
        onProgress: progress.add,
        onLog: (level, message) => log.add('${level.name} $message'),
        libraryPath: libraryPath,
      );
      expect(progress.last, 1);
      expect(progress, orderedEquals([...progress]..sort()));
      expect(llm.info.threads, lessThanOrEqualTo(Platform.numberOfProcessors));
      expect(llm.info.fileBytes, 98362432);
      expect(await llm.generate('Once', greedy(3)).fullText, isNotEmpty);
      await llm.dispose();
      expect(log, [
        allOf(startsWith('info 256 threads'), contains('cores')),
        allOf(startsWith('warning'), contains('trained on 8192 tokens')),
      ]);
    });

    test('refuses wrong options by name', () async {
      await expectLater(
        HappyPhoneLlm.load(modelPath, threads: 1000, libraryPath: libraryPath),
        throwsLlm<HpLlmArgumentException>('threads'),
      );
    });
  });

  group('an engine', () {
    late HappyPhoneLlm llm;

    setUpAll(() async => llm = await loadModel());
    tearDownAll(() => llm.dispose());

    test('generates text, then says how it ended', () async {
      final events = await llm
          .generate('The capital of France is', greedy(8))
          .toList();
      final text = events.whereType<TextDelta>().map((e) => e.text).join();
      expect(text, contains('Paris'));
      final done = events.last as Done;
      expect(done.reason, FinishReason.length);
      expect(done.usage.generatedTokens, 8);
      expect(done.usage.promptTokens, 5);
      final stats = done.stats!;
      expect(stats.tokensPerSecond, greaterThan(0));
      expect(stats.promptTokensPerSecond, greaterThan(0));
      expect(stats.firstTokenMs, greaterThan(0));
      expect(stats.generateMs, greaterThan(0));
      expect(stats.promptMs, greaterThan(0));
      expect(stats.loadMs, greaterThan(0));
      expect(stats.contextCapacity, 512);
      expect(stats.contextTokens, inInclusiveRange(12, 13));
      expect(stats.peakMemoryBytes, greaterThan(1 << 20));
      expect('${(await llm.stats())}', '$stats');
      expect('$done', contains('length'));
    });

    test('answers the same from text, tokens and again', () async {
      final options = greedy(12);
      const prompt = 'Three primary colours are';
      final first = await llm.generate(prompt, options).fullText;
      final again = await llm.generate(prompt, options).toList();
      expect(again.whereType<TextDelta>().map((e) => e.text).join(), first);
      expect((again.last as Done).usage.cachedTokens, greaterThan(0));
      final tokens = await llm.tokenize(prompt, addSpecial: true);
      expect(await llm.generateFromTokens(tokens, options).fullText, first);
    });

    test('answers a conversation', () async {
      const messages = [
        ChatMessage.system('You are a terse geographer.'),
        ChatMessage.user('What is the capital of Italy?'),
      ];
      final events = await llm.chat(messages, greedy(64)).toList();
      final text = events.whereType<TextDelta>().map((e) => e.text).join();
      expect(text, contains('Rome'));
      expect((events.last as Done).reason, FinishReason.stop);
      final prompt = await llm.chatPrompt(messages);
      expect(prompt, contains('<|im_start|>user'));
      expect(
        await llm
            .generate(prompt, greedy(64).copyWith(parseSpecial: true))
            .fullText,
        text,
        reason: 'the same by hand',
      );
    });

    test('has chats that do not disturb each other', () async {
      final chats = [
        for (final name in ['Anna', 'Boris'])
          llm.startChat(
            system: 'You are a helpful assistant.',
            options: greedy(24),
            history: [
              ChatMessage.user('My name is $name.'),
              ChatMessage.assistant('Hello, $name!'),
            ],
          ),
      ];
      const question = 'What is my name?';
      final both = await Future.wait([
        for (final chat in chats) chat.send(question).fullText,
      ]);
      expect(both[0], contains('Anna'));
      expect(both[1], contains('Boris'));
      final stats = await chats[0].stats();
      expect(stats.generatedTokens, greaterThan(0));
      final alone = llm.startChat(options: greedy(24));
      for (final m in chats[1].messages.take(3)) {
        expect(m.content, isNotEmpty);
      }
      await alone.dispose();
      for (final chat in chats) {
        await chat.dispose();
      }
    });

    test('computes of a conversation only what is new', () async {
      final chat = llm.startChat(options: greedy(8));
      await chat.send('Hello').drain<void>();
      final done = await chat.send('And now?').last as Done;
      expect(done.usage.cachedTokens, greaterThan(20));
      final before = chat.messages;
      final again = await chat.regenerate().last as Done;
      expect(again.usage.generatedTokens, 8);
      expect(chat.messages, hasLength(before.length));
      expect(chat.messages.last.content, before.last.content);
      await chat.dispose();
    });

    test('tokenizes both ways', () async {
      for (final text in [
        '',
        'Hello, world!',
        'नमस्ते दुनिया',
        '👩‍👩‍👧‍👦 and 🇮🇳',
        'Cafe\u0301 Zalgo\u0336\u0337',
        'a\u0000b',
      ]) {
        final ids = await llm.tokenize(text);
        expect(await llm.detokenize(ids), text);
        expect(await llm.countTokens(text), ids.length);
      }
      expect(await llm.tokenize('<|im_end|>', parseSpecial: true), [2]);
      expect((await llm.tokenize('<|im_end|>')).length, greaterThan(1));
      expect(await llm.detokenize([2]), '');
      expect(await llm.detokenize([2], showSpecial: true), '<|im_end|>');
      await expectLater(
        llm.detokenize([1 << 20]),
        throwsA(isA<HpLlmArgumentException>()),
      );
      await expectLater(
        llm.detokenize([1 << 40]),
        throwsLlm<HpLlmArgumentException>('token 0'),
      );
    });

    test('ends at stop texts', () async {
      final options = greedy(40).copyWith(stops: [' four', ',']);
      final events = await llm.generate('one, two, three', options).toList();
      expect(events.single, isA<Done>());
      expect((events.single as Done).reason, FinishReason.stop);
    });

    for (final (what, text, piece) in const [
      ('an emoji of four code points', '👩🏽‍🚀 ', '🚀'),
      ('emoji', '🦊🚀 ', '🦊'),
      ('Hindi', 'नमस्ते दुनिया ', 'त'),
      ('combining marks', 'e\u0301o\u0302 ', '\u0302'),
    ]) {
      test('never cuts a code point: $what', () async {
        // Code points have several tokens, and the model likes to repeat.
        final ids = await llm.tokenize(text);
        final events = await llm
            .generate(text * 12, greedy(6 * ids.length))
            .toList();
        final deltas = [
          for (final event in events)
            if (event is TextDelta) event.text,
        ];
        final Done(:usage) = events.last as Done;
        expect(deltas.length, lessThan(usage.generatedTokens));
        expect(deltas.join(), contains(piece));
        // The last one may be cut, by the number of tokens.
        for (final delta in deltas.take(deltas.length - 1)) {
          expect(delta, isNot(anyOf(isEmpty, contains('\uFFFD'))));
          expect(utf8.decode(utf8.encode(delta)), delta);
        }
      });
    }

    test('is told how to choose tokens', () async {
      Future<String> answer(Sampling sampling) => llm
          .generate(
            'My favourite',
            GenerationOptions(maxTokens: 6, sampling: sampling),
          )
          .fullText;
      const all = Sampling(
        seed: 7,
        temperature: 1.2,
        topK: 50,
        topP: 0.9,
        minP: 0.01,
        typicalP: 0.99,
        topNSigma: 3,
        dynamicTemperatureRange: 0.1,
        dynamicTemperatureExponent: 1.1,
        xtcProbability: 0.1,
        xtcThreshold: 0.2,
        adaptiveTarget: -1,
        adaptiveDecay: 0.8,
        mirostat: 0,
        mirostatTau: 4,
        mirostatEta: 0.2,
        repeatLastN: 32,
        repeatPenalty: 1.1,
        presencePenalty: 0.1,
        frequencyPenalty: 0.1,
        dryMultiplier: 0.1,
        dryBase: 1.5,
        dryAllowedLength: 3,
        dryPenaltyLastN: 32,
        minKeep: 1,
        samplers: 'kpt',
      );
      expect(await answer(all), await answer(all));
      expect({
        for (var seed = 0; seed < 4; seed++) await answer(Sampling(seed: seed)),
      }, hasLength(greaterThan(1)));
      final usual = await llm.tokenize(' is');
      final text = await answer(
        Sampling(
          temperature: 0,
          logitBias: {usual.single: double.negativeInfinity},
        ),
      );
      expect(text, isNot(startsWith(' is')));
      await expectLater(
        answer(const Sampling(topP: 7)),
        throwsLlm<HpLlmArgumentException>('top-p'),
      );
      await expectLater(
        answer(const Sampling(topK: 1 << 40)),
        throwsLlm<HpLlmArgumentException>('topK'),
      );
      await expectLater(
        answer(const Sampling(samplers: 'kp?')),
        throwsA(isA<HpLlmArgumentException>()),
      );
    });

    test('fails in streams, and works on', () async {
      final long = List.filled(600, 'word').join(' ');
      await expectLater(
        llm.generate(long, greedy(1)).fullText,
        throwsA(isA<HpLlmContextException>()),
      );
      await expectLater(
        llm.generateFromTokens([1 << 20]).fullText,
        throwsA(isA<HpLlmArgumentException>()),
      );
      await expectLater(
        llm.chat(const []).fullText,
        throwsA(isA<HpLlmArgumentException>()),
      );
      await expectLater(
        llm.generate('x', greedy(1).copyWith(stops: [''])).fullText,
        throwsLlm<HpLlmArgumentException>('stop'),
      );
      final port = ReceivePort();
      for (final (what, name) in [('tools', Object()), ('JSON', port)]) {
        final options = greedy(1).copyWith(
          tools: [
            {'name': name},
          ],
        );
        const messages = [ChatMessage.user('x')];
        for (final call in [
          () => llm.chat(messages, options).fullText,
          () => llm.chatPrompt(messages, options),
        ]) {
          await expectLater(call(), throwsLlm<HpLlmArgumentException>(what));
        }
      }
      port.close();
      expect(await llm.generate('Hello', greedy(2)).fullText, isNotEmpty);
    });

    test('says when the context is full', () async {
      final chat = llm.startChat(context: const ContextOptions(tokens: 48));
      final done = await chat.send('Hello', endless).last as Done;
      expect(done.reason, FinishReason.context);
      expect(done.stats!.contextCapacity, 48);
      await chat.dispose();
    });

    test('says what has no room in memory, and works on', () async {
      const huge = ContextOptions(tokens: 100000000);
      final info = await HappyPhoneLlm.inspect(
        modelPath,
        context: huge,
        libraryPath: libraryPath,
      );
      expect(info.fit, MemoryFit.no);
      final chat = llm.startChat(context: huge);
      await expectLater(
        chat.send('Hello').fullText,
        throwsLlm<HpLlmMemoryException>('100000000 tokens'),
      );
      expect(chat.messages, isEmpty);
      await chat.dispose();
      expect(await llm.generate('Hello', greedy(2)).fullText, isNotEmpty);
    });

    test('answers one after the other', () async {
      final ends = <int>[];
      await Future.wait([
        for (var i = 0; i < 4; i++)
          llm.generate('$i', greedy(3)).drain<void>().then((_) => ends.add(i)),
      ]);
      expect(ends, [0, 1, 2, 3]);
    });

    test('waits while its listener is paused', () async {
      final got = <String>[];
      final subscription = llm
          .generate('Once upon a time', endless)
          .textOnly
          .listen(got.add);
      while (got.length < 3) {
        await Future<void>.delayed(const Duration(milliseconds: 1));
      }
      subscription.pause();
      final count = got.length;
      await Future<void>.delayed(const Duration(seconds: 1));
      final ahead = (await llm.stats()).generatedTokens - count;
      expect(got, hasLength(count));
      expect(ahead, lessThan(24), reason: 'the library goes 16 events ahead');
      subscription.resume();
      while (got.length < count + 20) {
        await Future<void>.delayed(const Duration(milliseconds: 1));
      }
      await subscription.cancel();
    });
  });

  group('two engines', () {
    test('answer at once', () async {
      final both = await Future.wait([loadModel(threads: 1), loadTiny()]);
      final text = both[0].generate('The sky is', greedy(16)).fullText;
      final done = await both[1].generateFromTokens([1, 2, 3], greedy(50)).last;
      expect((done as Done).usage.generatedTokens, 50);
      expect(await text, isNotEmpty);
      await both[1].dispose();
      expect(await both[0].generate('A', greedy(1)).fullText, isNotEmpty);
      await both[0].dispose();
    });

    test('a model without a vocabulary has no text', () async {
      final llm = await loadTiny();
      expect(llm.info.hasVocabulary, isFalse);
      for (final call in <Future<Object?> Function()>[
        () => llm.tokenize('x'),
        () => llm.detokenize([1]),
        () => llm.generate('x').fullText,
      ]) {
        await expectLater(call(), throwsA(isA<HpLlmNoVocabularyException>()));
      }
      await llm.dispose();
    });
  });
}
