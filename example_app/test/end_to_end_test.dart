import 'dart:io';

import 'package:example_app/app.dart';
import 'package:example_app/services/app_services.dart';
import 'package:example_app/widgets/message_view.dart';
import 'package:flutter/material.dart';
import 'package:flutter_test/flutter_test.dart';

/// The app, the native library and a real model: nothing is faked.
void main() {
  final model = Platform.environment['HPLLM_TEST_MODEL'];
  final library = Platform.environment['HPLLM_TEST_LIBRARY'];
  final isThere = model != null && library != null;
  if (!isThere) {
    // Seen in the output of every run without them.
    debugPrint(
      'end_to_end_test.dart: set HPLLM_TEST_MODEL and HPLLM_TEST_LIBRARY',
    );
  }

  testWidgets(
    'type, Generate, see text grow, Stop; it is there after a restart; Clear',
    (tester) async {
      tester.view
        ..physicalSize = const Size(412, 892)
        ..devicePixelRatio = 1;
      addTearDown(tester.view.reset);
      final folder = (await tester.runAsync(() async {
        final folder = await Directory.systemTemp.createTemp('end_to_end');
        await Directory('${folder.path}/models').create();
        await Link('${folder.path}/models/SmolLM2.gguf').create(model!);
        return folder;
      }))!;

      // The engine's time is real, that of the widgets is the test's.
      Future<void> until(String what, bool Function() isTrue) async {
        final clock = Stopwatch()..start();
        while (!isTrue()) {
          if (clock.elapsed > const Duration(seconds: 90)) fail('never: $what');
          await tester.runAsync(
            () => Future<void>.delayed(const Duration(milliseconds: 10)),
          );
          await tester.pump(const Duration(milliseconds: 40));
        }
      }

      bool sees(String text) => find.text(text).evaluate().isNotEmpty;
      String answer() => tester
          .widgetList<MessageView>(find.byType(MessageView))
          .last
          .message
          .text;

      Future<void> start() async {
        await tester.pumpWidget(
          HappyPhoneApp(
            key: UniqueKey(),
            createServices: () =>
                AppServices.real(folder: folder, libraryPath: library),
          ),
        );
        await until(
          'the app is ready',
          () => sees('SmolLM2') && !sees('Loading the model …'),
        );
      }

      await start();
      await tester.enterText(
        find.byType(TextField),
        'Tell me a long story about a dragon.',
      );
      await tester.pump();
      await tester.tap(find.text('Generate'));
      await tester.pump();
      expect(find.text('Stop'), findsOneWidget);
      await until(
        'the first words',
        () => sees('Generating …') && answer().isNotEmpty,
      );
      final first = answer().length;
      await until('more words', () => answer().length > first + 40);
      await tester.tap(find.text('Stop'));
      await until('it stopped', () => sees('Stopped.'));
      final text = answer();
      expect(find.text('Generate'), findsOneWidget);
      expect(find.textContaining('tok/s'), findsOneWidget);

      // The end of this life, and another.
      await tester.pumpWidget(const SizedBox());
      await until('the chat is on disk', () {
        final chats = Directory('${folder.path}/chats');
        return chats.existsSync() &&
            chats.listSync().whereType<File>().any(
              (file) => file.readAsStringSync().contains('"stopped"'),
            );
      });
      await start();
      expect(answer(), text);
      await tester.tap(find.text('Clear'));
      await until('it is clear', () => sees('What can I help you with?'));

      // The end in mid-answer: nothing is left running.
      await tester.pump(const Duration(seconds: 10));
      await tester.enterText(find.byType(TextField), 'Hello!');
      await tester.pump();
      await tester.tap(find.text('Generate'));
      await tester.pump();
      await tester.pumpWidget(const SizedBox());
      await tester.runAsync(
        () => Future<void>.delayed(const Duration(seconds: 1)),
      );
      await tester.pump(const Duration(seconds: 10));
      await tester.runAsync(() => folder.delete(recursive: true));
    },
    skip: !isThere,
    timeout: const Timeout(Duration(minutes: 3)),
  );
}
