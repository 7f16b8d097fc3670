import 'dart:async';
import 'dart:ui' show AppExitResponse;

import 'package:flutter/material.dart';

import 'data/failure.dart';
import 'data/settings.dart';
import 'services/app_services.dart';
import 'services/errors.dart';
import 'view_models/app_view_model.dart';
import 'widgets/chat_screen.dart';
import 'widgets/failure_card.dart';
import 'widgets/models_screen.dart';
import 'widgets/theme.dart';

/// The whole app. What it works with is made when it starts, and shut down when
/// its life ends.
class HappyPhoneApp extends StatefulWidget {
  const HappyPhoneApp({
    required this.createServices,
    this.textDirection,
    super.key,
  });

  /// The real ones, or a test's.
  final Future<AppServices> Function() createServices;

  /// Null: as the language has it that the app speaks, which is English so far.
  final TextDirection? textDirection;

  @override
  State<HappyPhoneApp> createState() => _HappyPhoneAppState();
}

class _HappyPhoneAppState extends State<HappyPhoneApp> {
  late final AppLifecycleListener _lifecycle;
  AppViewModel? _app;
  Failure? _failure;

  @override
  void initState() {
    super.initState();
    _lifecycle = AppLifecycleListener(
      onExitRequested: () async {
        await _app?.shutdown();
        return AppExitResponse.exit;
      },
      onDetach: () => unawaited(_app?.shutdown()),
      onPause: () => unawaited(_app?.keep()),
    );
    unawaited(_start());
  }

  Future<void> _start() async {
    setState(() => _failure = null);
    try {
      final app = AppViewModel(await widget.createServices());
      if (!mounted) return app.dispose();
      setState(() => _app = app);
      await app.start();
    } on Exception catch (e) {
      if (mounted) setState(() => _failure = describeError(e));
    }
  }

  @override
  void dispose() {
    _lifecycle.dispose();
    _app?.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final app = _app;
    return ListenableBuilder(
      listenable: Listenable.merge([app?.settings]),
      builder: (context, _) => MaterialApp(
        title: 'Happy Phone',
        debugShowCheckedModeBanner: false,
        theme: appTheme(Brightness.light),
        darkTheme: appTheme(Brightness.dark),
        themeMode: switch (app?.settings.value.theme) {
          ThemeChoice.light => ThemeMode.light,
          ThemeChoice.dark => ThemeMode.dark,
          ThemeChoice.system || null => ThemeMode.system,
        },
        builder: (context, child) => Directionality(
          textDirection: widget.textDirection ?? Directionality.of(context),
          child: child!,
        ),
        home: switch ((app, _failure)) {
          (_, final failure?) => _StartFailed(failure, _start),
          (null, _) => const _Starting(),
          (final app?, _) => ListenableBuilder(
            listenable: app,
            builder: (context, _) => switch (app.phase) {
              AppPhase.starting => const _Starting(),
              AppPhase.needsModel => ModelsScreen(app: app, isFirst: true),
              AppPhase.loading ||
              AppPhase.ready ||
              AppPhase.failed => ChatScreen(app: app),
            },
          ),
        },
      ),
    );
  }
}

class _Starting extends StatelessWidget {
  const _Starting();

  @override
  Widget build(BuildContext context) => const Scaffold(
    body: Center(child: CircularProgressIndicator(semanticsLabel: 'Starting')),
  );
}

class _StartFailed extends StatelessWidget {
  const _StartFailed(this.failure, this.onRetry);

  final Failure failure;
  final Future<void> Function() onRetry;

  @override
  Widget build(BuildContext context) => Scaffold(
    body: Center(
      child: Padding(
        padding: const EdgeInsets.all(24),
        child: FailureCard(
          failure: failure,
          actions: [
            TextButton(
              onPressed: () => unawaited(onRetry()),
              child: const Text('Try again'),
            ),
          ],
        ),
      ),
    ),
  );
}
