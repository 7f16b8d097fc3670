import 'package:example_app/app.dart';
import 'package:example_app/data/catalogue.dart';
import 'package:example_app/data/download.dart';
import 'package:example_app/services/download/download_failures.dart';
import 'package:flutter/material.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/testing.dart';

import 'support/app.dart';
import 'support/conversations.dart';
import 'support/fakes.dart';
import 'support/golden.dart';

/// Pictures of the main states, in goldens/.
void main() {
  final skip = hasFonts
      ? false
      : 'no fonts: set HPLLM_TEST_FONTS to a folder with Roboto-Regular.ttf and '
            'MaterialIcons-Regular.ttf';

  void picture(String name, Future<void> Function(WidgetTester tester) show) =>
      testWidgets(name, (tester) async {
        await show(tester);
        await expectLater(
          find.byType(HappyPhoneApp),
          matchesGoldenFile('goldens/$name.png'),
        );
        await closeApp(tester);
      }, skip: skip != false);

  FakeServices withChats() => FakeServices()..remember([recipes, ...others]);

  picture('phone_light', (tester) => showApp(tester, withChats()));

  picture(
    'phone_dark',
    (tester) => showApp(tester, withChats(), brightness: Brightness.dark),
  );

  picture('phone_empty', (tester) => showApp(tester, FakeServices()));

  picture(
    'phone_large_text',
    (tester) => showApp(tester, withChats(), textScale: 2),
  );

  picture(
    'phone_landscape',
    (tester) => showApp(tester, withChats(), size: phoneLandscape),
  );

  picture('phone_rtl', (tester) async {
    await showApp(
      tester,
      FakeServices()..remember([arabic, ...others]),
      direction: TextDirection.rtl,
    );
  });

  picture('tablet', (tester) => showApp(tester, withChats(), size: tablet));

  picture('phone_drawer', (tester) async {
    await showApp(tester, withChats());
    await tester.tap(find.byIcon(Icons.menu));
    await tester.pumpAndSettle();
  });

  picture('phone_first_run', (tester) async {
    final services = FakeServices(
      models: [],
      platform: const FakePlatform(totalBytes: 3000000000),
    );
    const megabytes = [105, 292, 271, 491, 639, 806, 808];
    services.downloads.sizes = {
      for (final (i, model) in catalogue.indexed)
        model.url: megabytes[i] * 1000000,
    };
    await showApp(tester, services);
    services.downloads.tell(
      catalogue[0].fileName,
      const DownloadStatus(
        DownloadPhase.running,
        received: 61000000,
        total: 105000000,
        bytesPerSecond: 4200000,
      ),
    );
    services.downloads.tell(
      catalogue[1].fileName,
      const DownloadStatus(
        DownloadPhase.failed,
        received: 21000000,
        total: 292000000,
        failure: DownloadFailures.offline,
      ),
    );
    await tester.pump();
    await tester.pump();
  });

  picture('phone_settings', (tester) async {
    await showApp(tester, withChats());
    await tester.tap(find.byIcon(Icons.menu));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Settings'));
    await tester.pumpAndSettle();
  });

  picture('phone_generating', (tester) async {
    final services = FakeServices(
      answers: [
        FakeAnswer.words(
          'The air scatters **blue** light more than red light, so it comes from '
          'everywhere at once, while the rest comes straight from the sun.',
          delay: const Duration(milliseconds: 50),
        ),
      ],
    );
    await showApp(tester, services);
    await tester.enterText(find.byType(TextField), 'Why is the sky blue?');
    await tester.pump();
    await tester.tap(find.text('Generate'));
    for (var i = 0; i < 16; i++) {
      await tester.pump(const Duration(milliseconds: 50));
    }
  });

  picture('phone_failure', (tester) async {
    final services = FakeServices(
      answers: [
        const FakeAnswer(
          [],
          error: HpLlmContextException('9000 tokens of 4096'),
        ),
      ],
    );
    await showApp(tester, services);
    await tester.enterText(find.byType(TextField), 'Tell me everything.');
    await tester.pump();
    await tester.tap(find.text('Generate'));
    await tester.pumpAndSettle();
  });
}
