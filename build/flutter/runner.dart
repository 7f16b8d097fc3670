// What `flutter test` puts around a test file, for build/flutter/test.sh: it runs
// one file of many, tells each test's fate, and ends the engine.
// ignore_for_file: implementation_imports
import 'dart:async';
import 'dart:io';

import 'package:flutter_test/flutter_test.dart';
import 'package:test_api/src/backend/declarer.dart';
import 'package:test_api/src/backend/group.dart';
import 'package:test_api/src/backend/invoker.dart';
import 'package:test_api/src/backend/metadata.dart';
import 'package:test_api/src/backend/runtime.dart';
import 'package:test_api/src/backend/suite.dart';
import 'package:test_api/src/backend/suite_platform.dart';
import 'package:test_api/src/backend/test.dart';

typedef _Main = FutureOr<void> Function();

/// Runs the file of [files] that HPLLM_FLUTTER_FILE names, within [config] of
/// flutter_test_config.dart; of its tests those whose names have
/// HPLLM_FLUTTER_NAME. Ends the process: 1 where something failed or nothing ran.
Future<void> runTests(
  Map<String, Function> files, [
  Future<void> Function(_Main)? config,
]) async {
  final environment = Platform.environment;
  final file = environment['HPLLM_FLUTTER_FILE']!;
  goldenFileComparator = LocalFileComparator(
    Directory.current.uri.resolve(file),
  );
  autoUpdateGoldenFiles = environment['HPLLM_FLUTTER_GOLDENS'] == 'update';
  final run = _Run(RegExp(environment['HPLLM_FLUTTER_NAME'] ?? ''));
  try {
    final declarer = Declarer(
      metadata: Metadata(timeout: const Timeout(Duration(minutes: 2))),
    );
    await declarer.declare(() async {
      final main = files[file]!;
      FutureOr<void> body() async => main();
      await (config == null ? body() : config(body));
    });
    final root = declarer.build();
    final suite = Suite(root, SuitePlatform(Runtime.vm), path: file);
    await Invoker.guard(() => run.group(suite, root, const []));
  } on Object catch (e, s) {
    run.failed++;
    stdout.writeln('FAIL  $file cannot be loaded: $e\n$s');
  }
  stdout.writeln(
    '${run.passed} passed, ${run.failed} failed'
    '${run.skipped > 0 ? ', ${run.skipped} skipped' : ''}',
  );
  await stdout.flush();
  exit(run.failed == 0 ? 0 : 1);
}

class _Run {
  _Run(this.names);

  final RegExp names;
  int passed = 0;
  int failed = 0;
  int skipped = 0;

  Future<void> group(Suite suite, Group group, List<Group> parents) async {
    final groups = [...parents, group];
    final ready = await _run(suite, group.setUpAll, groups, counts: false);
    for (final entry in group.entries) {
      if (entry is Group) {
        await this.group(suite, entry, groups);
      } else if (entry is! Test || !names.hasMatch(entry.name)) {
        continue;
      } else if (entry.metadata.skip) {
        skipped++;
        stdout.writeln(
          'skip  ${entry.name} ${entry.metadata.skipReason ?? ''}',
        );
      } else if (ready) {
        await _run(suite, entry, groups, counts: true);
      } else {
        failed++;
        stdout.writeln('FAIL  ${entry.name}: setUpAll failed');
      }
    }
    await _run(suite, group.tearDownAll, groups, counts: false);
  }

  /// Runs a test; of setUpAll and tearDownAll only the failures count.
  Future<bool> _run(
    Suite suite,
    Test? test,
    List<Group> groups, {
    required bool counts,
  }) async {
    if (test == null) return true;
    stdout.writeln('=== RUN   ${test.name}');
    final clock = Stopwatch()..start();
    final live = test.load(suite, groups: groups);
    live.onMessage.listen((message) => stdout.writeln('      ${message.text}'));
    await live.run();
    // Timers that the test has left behind get their turn.
    await Future<void>.delayed(Duration.zero);
    if (live.errors.isEmpty && live.state.result.isPassing) {
      if (counts) {
        passed++;
        stdout.writeln('ok    ${test.name} (${clock.elapsedMilliseconds} ms)');
      }
      return true;
    }
    failed++;
    stdout.writeln('FAIL  ${test.name}');
    for (final error in live.errors) {
      stdout.writeln('${error.error}\n${error.stackTrace}');
    }
    return false;
  }
}
