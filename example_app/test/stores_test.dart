import 'dart:io';

import 'package:example_app/data/conversation.dart';
import 'package:example_app/data/settings.dart';
import 'package:example_app/services/history_service.dart';
import 'package:example_app/services/model_store.dart';
import 'package:example_app/services/settings_service.dart';
import 'package:example_app/services/text_store.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import 'support/conversations.dart';

/// What outlives the app: settings, chats, models.
void main() {
  late Directory folder;
  late FileTextStore store;
  setUp(() async {
    folder = await Directory.systemTemp.createTemp('stores');
    store = FileTextStore(folder);
  });
  tearDown(() => folder.delete(recursive: true));

  group('texts', () {
    test('are replaced as a whole, in the order of the calls', () async {
      await Future.wait([
        for (var i = 0; i < 50; i++) store.write('a', 'x.json', '$i'),
      ]);
      expect(await store.read('a', 'x.json'), '49');
      expect(await store.names('a'), ['x.json']);
      expect(await Directory('${folder.path}/a').list().length, 1);
    });

    test('survive a write that fails', () async {
      await store.write('a', 'x.json', 'old');
      // The fresh file cannot be made where a folder has its name.
      await Directory('${folder.path}/a/x.json.new').create();
      await expectLater(
        store.write('a', 'x.json', 'new'),
        throwsA(isA<FileSystemException>()),
      );
      expect(await store.read('a', 'x.json'), 'old');
      await Directory('${folder.path}/a/x.json.new').delete();
      await store.write('a', 'x.json', 'newer');
      expect(await store.read('a', 'x.json'), 'newer');
    });
  });

  group('settings', () {
    test('come back', () async {
      const settings = Settings(
        temperature: 0.3,
        topP: 0.5,
        maxTokens: 99,
        systemPrompt: 'Be brief.',
        threads: 3,
        theme: ThemeChoice.dark,
        model: 'm.gguf',
      );
      await SettingsService(store).save(settings);
      final found = await SettingsService(store).load();
      expect(found.toJson(), settings.toJson());
    });

    test('that are damaged have their defaults, and are kept aside', () async {
      await store.write('.', 'settings.json', '{"temperature": 0.');
      final found = await SettingsService(store).load();
      expect(found.toJson(), const Settings().toJson());
      expect(File('${folder.path}/settings.json.damaged').existsSync(), isTrue);
    });

    test('that are out of range have their defaults', () {
      final found = Settings.fromJson({
        'temperature': -1,
        'topP': 'much',
        'maxTokens': 1e9,
        'threads': null,
        'theme': 'pink',
        'systemPrompt': 5,
        'model': <Object?>[],
      });
      expect(found.toJson(), const Settings().toJson());
    });
  });

  group('history', () {
    test('comes back, the latest first', () async {
      final history = HistoryService(store);
      for (final chat in [...others, recipes]) {
        await history.save(chat);
      }
      final found = await HistoryService(store).loadAll();
      expect(found.map((chat) => chat.id), ['recipes', 'other-1', 'other-0']);
      expect(found.first.toJson(), recipes.toJson());
      await history.delete('other-1');
      expect(await HistoryService(store).loadAll(), hasLength(2));
    });

    test('an answer that was being written is interrupted, not lost', () async {
      final history = HistoryService(store);
      await history.save(
        recipes.copyWith(
          messages: [
            const Message.user('Go on'),
            const Message.answer().copyWith(text: 'Half an ans'),
          ],
        ),
      );
      final found = (await HistoryService(store).loadAll()).single;
      expect(found.messages.last.text, 'Half an ans');
      expect(found.messages.last.state, MessageState.interrupted);
    });

    test('a damaged chat does not take the others with it', () async {
      final history = HistoryService(store);
      await history.save(recipes);
      await store.write('chats', 'bad.json', '{"id": "bad"}');
      await store.write('chats', 'worse.json', '\u0000');
      expect(await history.loadAll(), hasLength(1));
      expect(
        File('${folder.path}/chats/bad.json.damaged').existsSync(),
        isTrue,
      );
    });

    test('names are never used twice', () {
      final history = HistoryService(store, now: () => DateTime(2026));
      final ids = {for (var i = 0; i < 200; i++) history.create().id};
      expect(ids, hasLength(200));
      expect(ids, everyElement(matches(RegExp(r'^[0-9a-z-]+$'))));
    });
  });

  group('models', () {
    late FolderModelStore models;
    HpLlmException? problem;
    setUp(() {
      problem = null;
      models = FolderModelStore(
        Directory('${folder.path}/models'),
        inspect: (path) async {
          if (problem case final problem?) throw problem;
          return const ModelInfo(fit: MemoryFit.yes);
        },
      );
    });

    Future<String> source(String name) async {
      final file = File('${folder.path}/$name');
      await file.writeAsString('GGUF and so on');
      return file.path;
    }

    test('a file of the person is copied', () async {
      final progress = <double>[];
      final path = await source('mine.gguf');
      final (:name, :failure) = await models.import(
        path,
        onProgress: progress.add,
      );
      expect((name, failure), ('mine.gguf', null));
      expect(progress.last, 1);
      expect(File(path).existsSync(), isTrue);
      final found = (await models.list()).single;
      expect((found.name, found.bytes, found.label), ('mine.gguf', 14, 'mine'));
      await models.delete('mine.gguf');
      expect(await models.list(), isEmpty);
    });

    test('what is no model stays out', () async {
      expect((await models.import(await source('a.txt'))).failure, isNotNull);
      expect((await models.import('/nowhere/a.gguf')).failure, isNotNull);
      problem = const HpLlmFormatException('no magic');
      expect((await models.import(await source('b.gguf'))).failure, isNotNull);
      expect(await models.list(), isEmpty);
      expect(
        await models.folder.list().toList(),
        isEmpty,
        reason: 'no copy is left',
      );
    });

    test('a copy that the picker made stays, if it is a model', () async {
      await models.folder.create();
      final copy = File('${models.folder.path}/picked.gguf')
        ..writeAsStringSync('GGUF');
      expect((await models.import(copy.path)).name, 'picked.gguf');
      expect(copy.existsSync(), isTrue);
      problem = const HpLlmFormatException('no magic');
      expect((await models.import(copy.path)).failure, isNotNull);
      expect(copy.existsSync(), isFalse);
    });

    test('one that cannot be run is in the list, with the reason', () async {
      problem = const HpLlmUnsupportedException('architecture x');
      expect((await models.import(await source('new.gguf'))).failure, isNull);
      final found = (await models.list()).single;
      expect(found.isUsable, isFalse);
      expect(found.failure?.details, contains('architecture x'));
    });

    test('parts, and later parts of split models, are no models', () async {
      await models.folder.create();
      for (final name in [
        'a-00001-of-00003.gguf',
        'a-00002-of-00003.gguf',
        'a-00003-of-00003.gguf',
        'b.gguf.part',
        'c.gguf.import',
        '.d.gguf',
      ]) {
        await File('${models.folder.path}/$name').writeAsString('GGUF');
      }
      await File('${models.folder.path}/a-00001-of-00002.gguf').create();
      Future<List<String>> names() async => [
        for (final file in await models.list()) file.name,
      ];
      expect(await names(), ['a-00001-of-00002.gguf', 'a-00001-of-00003.gguf']);
      await models.delete('a-00001-of-00003.gguf');
      expect(await names(), ['a-00001-of-00002.gguf']);
      expect(
        [await for (final e in models.folder.list()) e.uri.pathSegments.last],
        unorderedEquals([
          'a-00001-of-00002.gguf',
          ...['b.gguf.part', 'c.gguf.import', '.d.gguf'],
        ]),
        reason: 'all parts of that one, and nothing else',
      );
    });
  });
}
