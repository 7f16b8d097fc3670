import 'package:example_app/data/conversation.dart';
import 'package:example_app/widgets/message_view.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';

import 'support/app.dart';
import 'support/conversations.dart';
import 'support/fakes.dart';

const _tick = Duration(milliseconds: 50);

/// The chat as a person sees it.
void main() {
  Future<void> ask(WidgetTester tester, String prompt) async {
    await tester.enterText(find.byType(TextField), prompt);
    await tester.pump();
    await tester.tap(find.text('Generate'));
    await tester.pump();
  }

  FakeServices singing({int words = 40}) => FakeServices(
    answers: [FakeAnswer(List.filled(words, 'la '), delay: _tick)],
  );

  Iterable<Finder> buttons() => [find.text('Generate'), find.text('Stop')];

  testWidgets('type, Generate, see it grow, Stop, Clear, undo', (tester) async {
    final services = singing();
    await showApp(tester, services);
    expect(find.text('What can I help you with?'), findsOneWidget);
    await ask(tester, 'Sing');
    expect(find.text('Sing'), findsWidgets);
    expect(find.text('Reading your prompt …'), findsOneWidget);
    expect(find.byType(CircularProgressIndicator), findsOneWidget);
    expect(find.text('Generate'), findsNothing);
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(find.text('Generating …'), findsOneWidget);
    int length() => tester
        .widgetList<MessageView>(find.byType(MessageView))
        .last
        .message
        .text
        .length;
    final before = length();
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(length(), greaterThan(before));
    await tester.tap(find.text('Stop'));
    await tester.pump();
    await tester.pump(_tick);
    expect(find.text('Stopped.'), findsOneWidget);
    expect(find.text('Generate'), findsOneWidget);
    await tester.tap(find.text('Clear'));
    await tester.pumpAndSettle();
    expect(find.text('What can I help you with?'), findsOneWidget);
    expect(find.byType(TextField).hitTestable(), findsOneWidget);
    expect(find.text('Generate').hitTestable(), findsOneWidget);
    await tester.tap(find.text('Undo'));
    await tester.pumpAndSettle();
    expect(find.text('Stopped.'), findsOneWidget);
    await closeApp(tester);
  });

  testWidgets('nothing can be asked without words', (tester) async {
    await showApp(tester, FakeServices());
    FilledButton button() => tester.widget(
      find.ancestor(
        of: find.text('Generate'),
        matching: find.byType(FilledButton),
      ),
    );
    expect(button().onPressed, isNull);
    await tester.enterText(find.byType(TextField), '   ');
    await tester.pump();
    expect(button().onPressed, isNull);
    await tester.enterText(find.byType(TextField), 'Hi');
    await tester.pump();
    expect(button().onPressed, isNotNull);
    await closeApp(tester);
  });

  testWidgets('a suggestion is asked', (tester) async {
    final services = FakeServices();
    await showApp(tester, services);
    await tester.tap(find.textContaining('sky is blue'));
    await tester.pumpAndSettle();
    expect(
      services.llm.requests.single.messages!.single.content,
      contains('sky'),
    );
    expect(find.text('Hello!', findRichText: true), findsOneWidget);
    await closeApp(tester);
  });

  testWidgets('speed is shown', (tester) async {
    await showApp(tester, FakeServices()..remember([recipes]));
    expect(
      find.text('24.1\u00a0tok/s · first token after 0.1\u00a0s'),
      findsOneWidget,
    );
    await closeApp(tester);
  });

  testWidgets('an error has words, details, and another try', (tester) async {
    final services = FakeServices(
      answers: [
        const FakeAnswer([], error: HpLlmMemoryException('hp: 4 GB')),
        const FakeAnswer(['Fine.']),
      ],
    );
    await showApp(tester, services);
    await ask(tester, 'Hi');
    await tester.pumpAndSettle();
    expect(find.textContaining('more memory'), findsOneWidget);
    expect(find.textContaining('hp: 4 GB'), findsNothing);
    await tester.tap(find.text('Details'));
    await tester.pumpAndSettle();
    expect(find.textContaining('hp: 4 GB'), findsOneWidget);
    await tester.tap(find.text('Close'));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Try again'));
    await tester.pumpAndSettle();
    expect(find.text('Fine.', findRichText: true), findsOneWidget);
    expect(find.textContaining('more memory'), findsNothing);
    await closeApp(tester);
  });

  testWidgets('copy, edit, regenerate', (tester) async {
    String? copied;
    tester.binding.defaultBinaryMessenger.setMockMethodCallHandler(
      SystemChannels.platform,
      (call) async {
        if (call.method == 'Clipboard.setData') {
          copied = (call.arguments as Map<Object?, Object?>)['text'] as String?;
        }
        return null;
      },
    );
    final services = FakeServices()..remember([recipes]);
    await showApp(tester, services);
    await tester.tap(find.byTooltip('Copy code'));
    await tester.pump();
    expect(copied, startsWith('def cook'));
    await tester.tap(find.byTooltip('Copy').last);
    await tester.pump();
    expect(copied, recipes.messages.last.text);
    expect(find.byTooltip('Copied'), findsNWidgets(2));
    await tester.pump(const Duration(seconds: 3));
    expect(find.byTooltip('Copied'), findsNothing);

    await tester.tap(find.byTooltip('Regenerate').last);
    await tester.pumpAndSettle();
    expect(find.text('Hello!', findRichText: true), findsOneWidget);
    expect(find.byTooltip('Copy code'), findsNothing);

    await tester.tap(find.byTooltip('Edit').last);
    await tester.pump();
    expect(find.text('What comes after it will be replaced.'), findsOneWidget);
    await tester.enterText(find.byType(TextField), 'In French, please!');
    await tester.pump();
    await tester.tap(find.text('Generate'));
    await tester.pumpAndSettle();
    expect(find.text('In French, please!'), findsOneWidget);
    expect(find.text('Now as code, please!'), findsNothing);
    await closeApp(tester);
  });

  testWidgets('it follows at the end, and only there', (tester) async {
    final services = FakeServices(
      answers: [FakeAnswer(List.filled(120, 'la\n\n'), delay: _tick)],
    );
    await showApp(tester, services);
    await ask(tester, 'Sing');
    ScrollPosition position() => tester
        .stateList<ScrollableState>(find.byType(Scrollable))
        .map((state) => state.position)
        .firstWhere((p) => p.axis == Axis.vertical && p.maxScrollExtent > 0);
    for (var i = 0; i < 60; i++) {
      await tester.pump(_tick);
    }
    expect(position().maxScrollExtent, greaterThan(200));
    expect(position().extentAfter, lessThan(80), reason: 'it follows');
    await tester.drag(find.byType(ListView), const Offset(0, 300));
    await tester.pump();
    final at = position().pixels;
    for (var i = 0; i < 20; i++) {
      await tester.pump(_tick);
    }
    expect(
      position().pixels,
      closeTo(at, 1),
      reason: 'who reads is left alone',
    );
    expect(position().extentAfter, greaterThan(200));
    await tester.tap(find.byTooltip('To the end'));
    await tester.pump();
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(position().extentAfter, lessThan(80));
    for (var i = 0; i < 10; i++) {
      await tester.pump(_tick);
    }
    expect(position().extentAfter, lessThan(80), reason: 'it follows again');
    await tester.tap(find.text('Stop'));
    await closeApp(tester);
  });

  testWidgets('turned in mid-answer, all goes on as it was', (tester) async {
    final services = FakeServices(
      answers: [FakeAnswer(List.filled(400, 'la\n\n'), delay: _tick)],
    );
    await showApp(tester, services, size: tablet);
    await ask(tester, 'Sing');
    for (var i = 0; i < 60; i++) {
      await tester.pump(_tick);
    }
    await tester.enterText(find.byType(TextField), 'What I am typing');
    await tester.drag(find.byType(SelectionArea), const Offset(0, 300));
    await tester.pump();
    await tester.pump(const Duration(milliseconds: 300));
    expect(find.byTooltip('To the end').hitTestable(), findsOneWidget);
    // One pane, then two, then one.
    for (final size in [tablet.flipped, tablet, phone]) {
      tester.view.physicalSize = size;
      await tester.pump(_tick);
      await tester.pump(const Duration(milliseconds: 300));
      expect(find.text('What I am typing'), findsOneWidget, reason: '$size');
      expect(
        find.byTooltip('To the end').hitTestable(),
        findsOneWidget,
        reason: 'not to lose the place: $size',
      );
      expect(find.text('Stop'), findsOneWidget);
    }
    await tester.tap(find.text('Stop'));
    await tester.pump(_tick);
    expect(services.llm.requests, hasLength(1));
    await closeApp(tester);
  });

  testWidgets('keys: Enter, Shift+Enter, Escape, Ctrl+N', (tester) async {
    await showApp(tester, singing(), size: tablet);
    final field = tester.widget<TextField>(find.byType(TextField));
    expect(field.focusNode!.hasFocus, isTrue, reason: 'ready to be typed into');
    await tester.enterText(find.byType(TextField), 'Sing');
    await tester.sendKeyDownEvent(LogicalKeyboardKey.shiftLeft);
    await tester.sendKeyEvent(LogicalKeyboardKey.enter);
    await tester.sendKeyUpEvent(LogicalKeyboardKey.shiftLeft);
    await tester.pump();
    expect(find.text('Stop'), findsNothing);
    await tester.sendKeyEvent(LogicalKeyboardKey.enter);
    await tester.pump(_tick);
    expect(find.text('Stop'), findsOneWidget);
    await tester.pump(_tick);
    await tester.sendKeyEvent(LogicalKeyboardKey.escape);
    await tester.pump(_tick);
    await tester.pump(_tick);
    expect(find.text('Stopped.'), findsOneWidget);
    await tester.sendKeyDownEvent(LogicalKeyboardKey.controlLeft);
    await tester.sendKeyEvent(LogicalKeyboardKey.keyN);
    await tester.sendKeyUpEvent(LogicalKeyboardKey.controlLeft);
    await tester.pumpAndSettle();
    expect(find.text('What can I help you with?'), findsOneWidget);
    await closeApp(tester);
  }, variant: TargetPlatformVariant.only(TargetPlatform.linux));

  testWidgets('chats: open, rename, delete, undo', (tester) async {
    await showApp(
      tester,
      FakeServices()..remember([recipes, ...others]),
      size: tablet,
    );
    await tester.tap(find.text('Explain to me why the sky is blue'));
    await tester.pumpAndSettle();
    expect(find.byTooltip('Copy code'), findsNothing);
    await tester.tap(
      find.byTooltip('More for “Explain to me why the sky is blue”'),
    );
    await tester.pumpAndSettle();
    await tester.tap(find.text('Rename'));
    await tester.pumpAndSettle();
    await tester.enterText(find.byType(TextField).last, 'Sky');
    await tester.tap(find.text('Rename').last);
    await tester.pumpAndSettle();
    expect(find.text('Sky'), findsNWidgets(2), reason: 'in the list and above');
    await tester.tap(find.byTooltip('More for “Sky”'));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Delete'));
    await tester.pumpAndSettle();
    expect(find.text('Sky'), findsNothing);
    await tester.tap(find.text('Undo'));
    await tester.pumpAndSettle();
    expect(find.text('Sky'), findsWidgets);
    await closeApp(tester);
  });

  testWidgets('a load: progress, failure, another try', (tester) async {
    var fails = true;
    final services = FakeServices(
      loader: (path, {threads = 0, onProgress, stop}) => FakeHappyPhoneLlm.load(
        delay: const Duration(milliseconds: 400),
        error: fails ? const HpLlmFormatException('tensor x') : null,
        onProgress: onProgress,
        stop: stop,
      ),
    );
    await showApp(tester, services);
    expect(find.text('Loading the model …'), findsOneWidget);
    expect(find.byType(LinearProgressIndicator), findsOneWidget);
    for (var i = 0; i < 40; i++) {
      await tester.pump(_tick);
    }
    expect(find.textContaining('damaged'), findsOneWidget);
    fails = false;
    await tester.tap(find.text('Try again'));
    for (var i = 0; i < 50; i++) {
      await tester.pump(_tick);
    }
    expect(find.textContaining('damaged'), findsNothing);
    expect(find.text('Loading the model …'), findsNothing);
    await closeApp(tester);
  });

  for (final (name, size, scale) in [
    ('a small phone', const Size(320, 568), 1.0),
    ('a small phone with huge text', const Size(320, 568), 3.0),
    ('a phone on its side with large text', phoneLandscape, 2.0),
    ('a tablet with huge text', tablet, 3.0),
  ]) {
    testWidgets('nothing overflows on $name', (tester) async {
      final services = singing()..remember([recipes, arabic]);
      await showApp(tester, services, size: size, textScale: scale);
      await ask(tester, 'Sing');
      for (var i = 0; i < 10; i++) {
        await tester.pump(_tick);
      }
      expect(buttons().where((b) => b.evaluate().isNotEmpty), hasLength(1));
      await closeApp(tester);
    });
  }

  testWidgets('in the background an answer is kept, and goes on', (
    tester,
  ) async {
    final services = singing(words: 400);
    await showApp(tester, services);
    await ask(tester, 'Sing');
    for (var i = 0; i < 5; i++) {
      await tester.pump(_tick);
    }
    bool isKept() => '${services.texts.texts}'.contains('la la');
    expect(isKept(), isFalse, reason: 'not yet by itself');
    for (final state in [
      AppLifecycleState.inactive,
      AppLifecycleState.hidden,
      AppLifecycleState.paused,
    ]) {
      tester.binding.handleAppLifecycleStateChanged(state);
    }
    await tester.idle();
    expect(isKept(), isTrue);
    for (final state in [
      AppLifecycleState.hidden,
      AppLifecycleState.inactive,
      AppLifecycleState.resumed,
    ]) {
      tester.binding.handleAppLifecycleStateChanged(state);
    }
    await tester.pump(_tick);
    expect(find.text('Stop'), findsOneWidget);
    await closeApp(tester);
  });

  testWidgets('the end of the app’s life frees the engine', (tester) async {
    final services = FakeServices();
    await showApp(tester, services);
    expect(services.llm.isDisposed, isFalse);
    await tester.binding.handleRequestAppExit();
    expect(services.llm.isDisposed, isTrue);
    expect(services.downloads.isClosed, isTrue);
    await closeApp(tester);
  });

  testWidgets('where the memory of the model begins is seen', (tester) async {
    const stats = GenerationStats(tokensPerSecond: 10);
    final services = FakeServices(
      answers: const [
        FakeAnswer(
          ['A', 'B'],
          delay: _tick,
          usage: Usage(forgottenMessages: 2),
          stats: stats,
        ),
      ],
    )..remember([recipes]);
    await showApp(tester, services, size: tablet);
    final mark = find.text('The model does not remember what is above');
    expect(mark, findsNothing);
    await ask(tester, 'More?');
    await tester.pumpAndSettle();
    expect(services.llm.requests.single.options.forgetOldest, isTrue);
    await tester.drag(find.byType(SelectionArea), const Offset(0, 3000));
    await tester.pumpAndSettle();
    double top(Finder what) => tester.getTopLeft(what).dy;
    expect(top(mark), greaterThan(top(find.text('Egg fried rice'))));
    expect(top(mark), lessThan(top(find.text('Now as code, please!'))));
    // It stays while the next answer comes, and is there after a restart.
    await ask(tester, 'And?');
    await tester.pump(_tick);
    expect(find.text('Stop'), findsOneWidget);
    await tester.drag(find.byType(SelectionArea), const Offset(0, 3000));
    await tester.pump(_tick);
    expect(mark, findsOneWidget);
    await tester.pumpAndSettle();
    expect('${services.texts.texts}', contains('"forgotten":2'));
    await closeApp(tester);
  });

  testWidgets('thoughts are folded', (tester) async {
    final services = FakeServices()
      ..remember([
        recipes.copyWith(
          messages: const [
            Message.user('Well?'),
            Message(
              role: ChatRole.assistant,
              text: '<think>Hmm, well.</think>Yes.',
            ),
          ],
        ),
      ]);
    await showApp(tester, services);
    expect(find.text('Hmm, well.'), findsNothing);
    await tester.tap(find.text('Thoughts'));
    await tester.pumpAndSettle();
    expect(find.text('Hmm, well.'), findsOneWidget);
    await closeApp(tester);
  });
}
