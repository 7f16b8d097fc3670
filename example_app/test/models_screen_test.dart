import 'package:example_app/data/catalogue.dart';
import 'package:example_app/data/download.dart';
import 'package:example_app/data/failure.dart';
import 'package:example_app/services/download/download_failures.dart';
import 'package:flutter/material.dart';
import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import 'support/app.dart';
import 'support/fakes.dart';

/// Getting, adding, choosing and deleting models; and the settings.
void main() {
  final small = catalogue.first;

  Future<void> openFromDrawer(WidgetTester tester, String what) async {
    await tester.tap(find.byTooltip('Open navigation menu'));
    await tester.pumpAndSettle();
    await tester.tap(find.text(what));
    await tester.pumpAndSettle();
  }

  Future<void> reveal(WidgetTester tester, Finder what) async {
    await tester.scrollUntilVisible(
      what,
      200,
      scrollable: find.byType(Scrollable).first,
    );
    await tester.pumpAndSettle();
  }

  testWidgets('the way of a download', (tester) async {
    final services = FakeServices(models: []);
    services.downloads.sizes = {small.url: 105000000};
    await showApp(tester, services);
    expect(find.text('Welcome'), findsOneWidget);
    expect(find.textContaining('105 MB'), findsOneWidget);
    expect(find.text('Fits this device'), findsOneWidget);
    await tester.tap(find.byTooltip('Download SmolLM2 135M'));
    expect(services.downloads.started.single.fileName, small.fileName);

    Future<void> tell(DownloadStatus status) async {
      services.downloads.tell(small.fileName, status);
      await tester.pump();
      await tester.pump();
    }

    await tell(const DownloadStatus(DownloadPhase.connecting));
    expect(find.text('Connecting …'), findsOneWidget);
    await tell(
      const DownloadStatus(
        DownloadPhase.running,
        received: 21000000,
        total: 105000000,
        bytesPerSecond: 500000,
      ),
    );
    expect(
      find.text('21 MB of 105 MB · 500 kB/s · about 2 min left'),
      findsOneWidget,
    );
    await tester.tap(find.byTooltip('Pause'));
    expect(services.downloads.paused, [small.fileName]);
    await tell(
      const DownloadStatus(
        DownloadPhase.paused,
        received: 21000000,
        total: 105000000,
      ),
    );
    expect(find.text('21 MB of 105 MB · paused'), findsOneWidget);
    await tester.tap(find.byTooltip('Resume'));
    expect(services.downloads.started, hasLength(2));
    await tell(
      const DownloadStatus(
        DownloadPhase.retrying,
        received: 21000000,
        total: 105000000,
      ),
    );
    expect(find.textContaining('trying again'), findsOneWidget);
    await tell(
      const DownloadStatus(
        DownloadPhase.failed,
        received: 21000000,
        failure: DownloadFailures.offline,
      ),
    );
    expect(
      find.textContaining('No connection to the internet.'),
      findsOneWidget,
    );
    await tell(
      DownloadStatus(
        DownloadPhase.failed,
        received: 21000000,
        failure: DownloadFailures.diskFull(84000000),
      ),
    );
    expect(find.textContaining('Free 84 MB'), findsOneWidget);
    await tell(
      const DownloadStatus(DownloadPhase.checking, received: 1, total: 2),
    );
    expect(find.text('Checking …'), findsOneWidget);
    services.models.files.add(fakeModel(name: small.fileName));
    await tell(const DownloadStatus(DownloadPhase.done));
    await tester.pumpAndSettle();
    expect(find.text('What can I help you with?'), findsOneWidget);
    await closeApp(tester);
  });

  testWidgets('a path where there is no picker', (tester) async {
    final services = FakeServices(models: []);
    services.models.importFailure = const Failure(
      'This is not a model file.',
      'Sorry.',
    );
    await showApp(tester, services);
    await reveal(tester, find.text('Add'));
    await tester.enterText(find.byType(TextField), '/home/me/mine.txt');
    await tester.tap(find.text('Add'));
    await tester.pumpAndSettle();
    await reveal(tester, find.text('This is not a model file.').hitTestable());
    services.models.importFailure = null;
    await reveal(tester, find.text('Add'));
    await tester.enterText(find.byType(TextField), '/home/me/mine.gguf');
    await tester.tap(find.text('Add'));
    await tester.pumpAndSettle();
    expect(find.text('What can I help you with?'), findsOneWidget);
    expect(find.text('mine'), findsOneWidget);
    await closeApp(tester);
  });

  testWidgets('the system’s picker where there is one', (tester) async {
    final services = FakeServices(
      models: [],
      platform: const FakePlatform(picker: true, picked: '/picked/own.gguf'),
    );
    await showApp(tester, services);
    await reveal(tester, find.text('Add a .gguf file'));
    await tester.tap(find.text('Add a .gguf file'));
    await tester.pumpAndSettle();
    expect(find.text('own'), findsOneWidget);
    await closeApp(tester);
  });

  for (final (code, title) in const [
    ('notAModel', 'This is not a model file.'),
    ('copy', 'The file cannot be added.'),
  ]) {
    testWidgets('a picker that fails: $code', (tester) async {
      final services = FakeServices(
        models: [],
        platform: FakePlatform(
          picker: true,
          pickError: PlatformException(code: code, message: 'no space left'),
        ),
      );
      await showApp(tester, services);
      await reveal(tester, find.text('Add a .gguf file'));
      await tester.tap(find.text('Add a .gguf file'));
      await tester.pumpAndSettle();
      await reveal(tester, find.text(title).hitTestable());
      await reveal(tester, find.text('Close').hitTestable());
      await tester.tap(find.text('Close'));
      await tester.pumpAndSettle();
      expect(find.text(title), findsNothing);
      await closeApp(tester);
    });
  }

  testWidgets('choose another, delete the one in use', (tester) async {
    final services = FakeServices(
      models: [
        fakeModel(),
        fakeModel(name: 'big.gguf', fit: MemoryFit.tight),
      ],
    );
    await showApp(tester, services);
    await openFromDrawer(tester, 'Models');
    expect(find.textContaining('in use'), findsOneWidget);
    expect(find.textContaining('Tight on this device'), findsOneWidget);
    await tester.tap(find.text('Use'));
    await tester.pumpAndSettle();
    expect(services.loads.last.path, '/models/big.gguf');
    expect(find.text('big'), findsOneWidget, reason: 'back in the chat');

    await openFromDrawer(tester, 'Models');
    await tester.tap(find.byTooltip('Delete big'));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Cancel'));
    await tester.pumpAndSettle();
    expect(services.models.files, hasLength(2));
    await tester.tap(find.byTooltip('Delete big'));
    await tester.pumpAndSettle();
    await tester.tap(find.text('Delete'));
    await tester.pumpAndSettle();
    expect(services.models.files.single.name, small.fileName);
    expect(services.llm.isDisposed, isTrue);
    await closeApp(tester);
  });

  testWidgets('settings are kept', (tester) async {
    final services = FakeServices();
    await showApp(tester, services);
    await openFromDrawer(tester, 'Settings');
    await tester.tap(find.text('Dark'));
    await tester.enterText(find.byType(TextField), 'Be brief.');
    await tester.drag(find.byType(Slider).first, const Offset(-500, 0));
    await tester.pumpAndSettle(const Duration(milliseconds: 400));
    final kept = services.texts.texts['./settings.json']!;
    expect(kept, contains('"theme":"dark"'));
    expect(kept, contains('"systemPrompt":"Be brief."'));
    expect(kept, contains('"temperature":0.0'));
    expect(
      Theme.of(tester.element(find.byType(Slider).first)).brightness,
      Brightness.dark,
    );
    await tester.tap(find.text('Reset'));
    await tester.pumpAndSettle(const Duration(milliseconds: 400));
    expect(
      services.texts.texts['./settings.json'],
      contains('"temperature":0.8'),
    );
    expect(find.text('Be brief.'), findsNothing);
    await tester.tap(find.text('Licences'));
    await tester.pumpAndSettle();
    expect(find.byType(LicensePage), findsOneWidget);
    await closeApp(tester);
  });

  testWidgets('other threads need the model to be loaded again', (
    tester,
  ) async {
    final services = FakeServices();
    await showApp(tester, services);
    await openFromDrawer(tester, 'Settings');
    await tester.drag(find.byType(Slider).last, const Offset(500, 0));
    await tester.pumpAndSettle();
    await tester.pageBack();
    await tester.pumpAndSettle();
    await tester.tap(find.text('Load again'));
    await tester.pumpAndSettle();
    expect(services.loads.last.threads, 16);
    expect(find.text('Load again'), findsNothing);
    await closeApp(tester);
  });
}
