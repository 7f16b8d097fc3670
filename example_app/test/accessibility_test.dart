import 'package:example_app/data/catalogue.dart';
import 'package:flutter/material.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';

import 'support/app.dart';
import 'support/conversations.dart';
import 'support/fakes.dart';

/// What people with a screen reader, large fingers or weak eyes meet, on each
/// screen: light and dark, and with large text on small phones.
void main() {
  Future<void> open(WidgetTester tester, String what) async {
    await tester.tap(find.byTooltip('Open navigation menu'));
    await tester.pumpAndSettle();
    if (what == 'drawer') return;
    await tester.tap(find.text(what));
    await tester.pumpAndSettle();
  }

  Future<void> fail(WidgetTester tester) async {
    await tester.enterText(find.byType(TextField), 'Hi');
    await tester.pump();
    await tester.tap(find.text('Generate'));
    await tester.pumpAndSettle();
  }

  FakeServices remembering() => FakeServices()..remember([recipes, ...others]);

  final screens =
      <String, (FakeServices Function(), Future<void> Function(WidgetTester))>{
        'the first screen': (
          () =>
              FakeServices(models: [])
                ..downloads.sizes = {catalogue.first.url: 105000000},
          (_) async {},
        ),
        'an empty chat': (FakeServices.new, (_) async {}),
        'a chat': (remembering, (_) async {}),
        'a failure': (
          () => FakeServices(
            answers: const [
              FakeAnswer([], error: HpLlmMemoryException('4 GB')),
            ],
          ),
          fail,
        ),
        'the drawer': (remembering, (tester) => open(tester, 'drawer')),
        'the models': (remembering, (tester) => open(tester, 'Models')),
        'the settings': (remembering, (tester) => open(tester, 'Settings')),
      };

  for (final MapEntry(key: name, value: (services, show)) in screens.entries) {
    for (final brightness in Brightness.values) {
      testWidgets('$name, ${brightness.name}', (tester) async {
        final handle = tester.ensureSemantics();
        await showApp(tester, services(), brightness: brightness);
        await show(tester);
        await expectLater(tester, meetsGuideline(labeledTapTargetGuideline));
        await expectLater(tester, meetsGuideline(androidTapTargetGuideline));
        await expectLater(tester, meetsGuideline(textContrastGuideline));
        await closeApp(tester);
        handle.dispose();
      });
    }
  }

  for (final MapEntry(key: name, value: (services, show)) in screens.entries) {
    for (final (size, scale) in [
      (const Size(320, 568), 3.0),
      (phoneLandscape, 2.0),
    ]) {
      testWidgets('$name, ${size.width.round()} points wide, text x $scale', (
        tester,
      ) async {
        await showApp(tester, services(), size: size, textScale: scale);
        // What does not fit is an error by itself.
        await show(tester);
        for (final list in tester.stateList<ScrollableState>(
          find.byType(Scrollable),
        )) {
          if (list.position.axis != Axis.vertical) continue;
          list.position.jumpTo(list.position.maxScrollExtent);
        }
        await tester.pump();
        await closeApp(tester);
      });
    }
  }

  testWidgets('who says what is said', (tester) async {
    final handle = tester.ensureSemantics();
    await showApp(tester, remembering());
    expect(find.bySemanticsLabel(RegExp('You said')), findsWidgets);
    expect(find.bySemanticsLabel(RegExp('Answer')), findsWidgets);
    await closeApp(tester);
    handle.dispose();
  });
}
