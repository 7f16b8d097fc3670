import 'dart:convert';

import 'package:example_app/data/conversation.dart';
import 'package:example_app/data/settings.dart';
import 'package:example_app/view_models/app_view_model.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';

import 'support/conversations.dart';
import 'support/fakes.dart';

const _tick = Duration(milliseconds: 10);

/// The open chat: what is asked of the engine, and what is kept.
void main() {
  late FakeServices services;
  late AppViewModel app;

  Future<void> start(
    WidgetTester tester, {
    List<FakeAnswer>? answers,
    List<Conversation> remembered = const [],
  }) async {
    services = FakeServices(answers: answers)..remember(remembered);
    app = AppViewModel(services.all);
    await app.start();
    expect(app.phase, AppPhase.ready);
  }

  Future<void> end(WidgetTester tester) async {
    app.dispose();
    // What a cancelled subscription gives is not of the test's own time.
    await tester.runAsync(() => Future<void>.delayed(Duration.zero));
    await tester.pump(const Duration(seconds: 5));
    expect(services.llm.isDisposed, isTrue);
  }

  /// What a restart would find.
  List<Message> kept(String id) => Conversation.fromJson(
    jsonDecode(services.texts.texts['chats/$id.json']!),
  ).messages;

  testWidgets('asks, streams, keeps', (tester) async {
    await start(
      tester,
      answers: [
        FakeAnswer(
          const ['One', ' two', ' three'],
          delay: _tick * 10,
          stats: const GenerationStats(tokensPerSecond: 12.5),
        ),
      ],
    );
    final shown = <String>[];
    app.chat.running.addListener(
      () => shown.add(app.chat.running.value?.text ?? '-'),
    );
    expect(app.chat.generate('  Count!  '), isTrue);
    expect(app.chat.isGenerating, isTrue);
    expect(app.chat.generate('again'), isFalse, reason: 'one at a time');
    await tester.pump(_tick);
    expect(kept(app.chat.chatId).map((m) => m.text), ['Count!', '']);
    for (var i = 0; i < 60; i++) {
      await tester.pump(_tick);
    }
    expect(shown, ['', 'One', 'One two', '-']);
    expect(app.chat.isGenerating, isFalse);
    final last = app.chat.messages.last;
    expect((last.text, last.state), ('One two three', MessageState.complete));
    expect(last.speed?.tokensPerSecond, 12.5);
    expect(kept(app.chat.chatId).last.text, 'One two three');
    await end(tester);
  });

  testWidgets('what settings say reaches the engine', (tester) async {
    await start(tester);
    app.settings.change(
      const Settings(
        temperature: 0.2,
        topP: 0.7,
        maxTokens: 77,
        systemPrompt: ' Be kind. ',
      ),
    );
    app.chat.generate('Hi');
    await tester.pump(_tick);
    final request = services.llm.requests.single;
    expect(request.options.sampling.temperature, 0.2);
    expect(request.options.sampling.topP, 0.7);
    expect(request.options.maxTokens, 77);
    expect(request.messages!.map((m) => '$m'), [
      'system: Be kind.',
      'user: Hi',
    ]);
    await end(tester);
  });

  testWidgets('stop keeps what has come', (tester) async {
    await start(
      tester,
      answers: [FakeAnswer(List.filled(100, 'la '), delay: _tick)],
    );
    app.chat.generate('Sing');
    for (var i = 0; i < 20; i++) {
      await tester.pump(_tick);
    }
    app.chat.stop();
    await tester.pump(_tick);
    expect(app.chat.isGenerating, isFalse);
    final last = kept(app.chat.chatId).last;
    expect(last.state, MessageState.stopped);
    expect(last.text, startsWith('la la'));
    final length = app.chat.messages.last.text.length;
    await tester.pump(const Duration(seconds: 2));
    expect(app.chat.messages.last.text, hasLength(length));
    await end(tester);
  });

  testWidgets('a long answer is kept while it is written', (tester) async {
    await start(
      tester,
      answers: [FakeAnswer(List.filled(100, 'la '), delay: _tick * 10)],
    );
    app.chat.generate('Sing');
    // Each write is a whole file: there are few of them, however many pieces come.
    final before = services.texts.writes;
    for (var i = 0; i < 50; i++) {
      await tester.pump(_tick * 10);
    }
    expect(services.texts.writes - before, lessThan(10));
    expect(kept(app.chat.chatId).first.text, 'Sing');
    await end(tester);
    expect(kept(app.chats.current.id).last.text, startsWith('la la'));
  });

  for (final (finish, state) in [
    (FinishReason.length, MessageState.tooLong),
    (FinishReason.context, MessageState.contextFull),
  ]) {
    testWidgets('an answer that ended for ${finish.name}', (tester) async {
      await start(
        tester,
        answers: [
          FakeAnswer(const ['So'], finish: finish),
        ],
      );
      app.chat.generate('Hi');
      await tester.pump(_tick);
      await tester.pump(_tick);
      expect(app.chat.messages.last.state, state);
      await end(tester);
    });
  }

  testWidgets('an error in mid-answer', (tester) async {
    await start(
      tester,
      answers: [
        const FakeAnswer(['Half'], error: HpLlmMemoryException('4 GB')),
        const FakeAnswer(['Whole']),
      ],
    );
    app.chat.generate('Hi');
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chat.failure?.title, contains('memory'));
    expect(app.chat.failure?.details, contains('4 GB'));
    expect(app.chat.messages.last.text, 'Half');
    expect(app.chat.messages.last.state, MessageState.interrupted);
    app.chat.regenerate();
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chat.failure, isNull);
    expect(app.chat.messages.map((m) => m.text), ['Hi', 'Whole']);
    await end(tester);
  });

  testWidgets('an error before the answer leaves the question', (tester) async {
    await start(
      tester,
      answers: [const FakeAnswer([], error: HpLlmContextException('full'))],
    );
    app.chat.generate('Hi');
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chat.messages.single.text, 'Hi');
    expect(kept(app.chat.chatId).single.text, 'Hi');
    await end(tester);
  });

  testWidgets('an engine that is gone', (tester) async {
    await start(tester);
    await services.llm.dispose();
    app.chat.generate('Hi');
    await tester.pump(_tick);
    expect(app.chat.isGenerating, isFalse);
    expect(app.chat.failure?.title, 'The model is not loaded.');
    expect(app.chat.messages.single.text, 'Hi');
    await end(tester);
  });

  testWidgets('regenerate and edit', (tester) async {
    await start(tester, remembered: [recipes]);
    app.chat.regenerate();
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chat.messages, hasLength(4));
    expect(app.chat.messages.last.text, 'Hello!');
    expect(services.llm.requests.single.messages, hasLength(3));

    app.chat.beginEdit(0);
    expect(app.chat.draft, recipes.messages.first.text);
    app.chat.cancelEdit();
    expect((app.chat.draft, app.chat.editing), ('', null));

    app.chat.beginEdit(0);
    app.chat.generate('What can I cook with two eggs?');
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chat.messages.map((m) => m.text), [
      'What can I cook with two eggs?',
      'Hello!',
    ]);
    expect(app.chat.editing, isNull);
    await end(tester);
  });

  testWidgets('clear, and undo', (tester) async {
    await start(tester, remembered: [recipes]);
    app.chat.clear();
    await tester.pump(_tick);
    expect(app.chat.messages, isEmpty);
    expect(services.texts.texts.keys, isNot(contains('chats/recipes.json')));
    expect(app.chat.canUndoClear, isTrue);
    app.chat.undoClear();
    await tester.pump(_tick);
    expect(app.chat.messages, hasLength(4));
    expect(kept('recipes'), hasLength(4));
    await end(tester);
  });

  testWidgets('clear in mid-answer stops it', (tester) async {
    await start(
      tester,
      answers: [FakeAnswer(List.filled(100, 'la '), delay: _tick)],
    );
    app.chat.generate('Sing');
    await tester.pump(_tick * 5);
    app.chat.clear();
    await tester.pump(const Duration(seconds: 2));
    expect(app.chat.isGenerating, isFalse);
    expect(app.chat.messages, isEmpty);
    expect(
      services.texts.texts.keys.where((k) => k.startsWith('chats/')),
      isEmpty,
    );
    await end(tester);
  });

  testWidgets('another chat in mid-answer: each keeps its own', (tester) async {
    await start(
      tester,
      remembered: [recipes],
      answers: [FakeAnswer(List.filled(100, 'la '), delay: _tick)],
    );
    app.chats.openNew();
    final fresh = app.chat.chatId;
    app.chat.generate('Sing');
    for (var i = 0; i < 10; i++) {
      await tester.pump(_tick);
    }
    app.chats.open('recipes');
    await tester.pump(const Duration(seconds: 2));
    expect(app.chat.isGenerating, isFalse);
    expect(app.chat.messages, hasLength(4));
    expect(kept(fresh).last.text, startsWith('la la'));
    expect(kept(fresh).last.state, MessageState.stopped);
    await end(tester);
  });

  testWidgets('thoughts are not sent back', (tester) async {
    await start(
      tester,
      answers: [
        const FakeAnswer(['<think>Hmm.</think>Yes.']),
        const FakeAnswer(['No.']),
      ],
    );
    for (final question in ['Well?', 'Sure?']) {
      app.chat.generate(question);
      await tester.pump(_tick);
      await tester.pump(_tick);
    }
    expect(services.llm.requests.last.messages!.map((m) => m.content), [
      'Well?',
      'Yes.',
      'Sure?',
    ]);
    expect(app.chat.messages[1].text, contains('Hmm.'));
    await end(tester);
  });

  testWidgets('a disk that is full is said, and forgotten', (tester) async {
    await start(tester);
    services.texts.error = Exception('no space');
    app.chat.generate('Hi');
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chats.saveFailed, isTrue);
    expect(app.chat.messages.last.text, 'Hello!');
    services.texts.error = null;
    app.chat.regenerate();
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(app.chats.saveFailed, isFalse);
    await end(tester);
  });

  testWidgets('chats: rename, delete, restore', (tester) async {
    await start(tester, remembered: [recipes, ...others]);
    expect(app.chats.all.map((chat) => chat.id), [
      'recipes',
      'other-1',
      'other-0',
    ]);
    expect(app.chats.current.label, 'What can I cook with rice and two eggs?');
    await app.chats.rename('recipes', ' Dinner ');
    expect(app.chats.current.label, 'Dinner');
    final deleted = await app.chats.delete('recipes');
    expect(app.chat.messages, isEmpty);
    expect(app.chats.all, hasLength(2));
    await app.chats.restore(deleted!);
    expect(app.chats.current.label, 'Dinner');
    expect(kept('recipes'), hasLength(4));
    await end(tester);
  });
}
