/// A stand-in for `package:test` on machines without a pub server, made of the
/// two packages that it is made of itself, test_api and matcher. A test file is
/// run as a program: its last line is `N passed, N failed`, and its exit code is
/// 1 where something failed or nothing passed.
library;

import 'dart:async';
import 'dart:io';

import 'package:test_api/backend.dart';
import 'package:test_api/scaffolding.dart' show Timeout;

export 'package:matcher/expect.dart';
export 'package:test_api/scaffolding.dart'
    show Timeout, addTearDown, markTestSkipped, printOnFailure;

Declarer? _declarer;

/// The tests run when main has returned: nothing else tells that all are there.
Declarer get _tests => _declarer ??= _newDeclarer();

Declarer _newDeclarer() {
  Timer.run(() => unawaited(_run()));
  // As dart_test.yaml says it to the real one.
  return Declarer(
    metadata: Metadata(timeout: const Timeout(Duration(minutes: 10))),
  );
}

/// Declares a test.
void test(Object name, FutureOr<void> Function() body, {Timeout? timeout}) =>
    _nested.test('$name', body, timeout: timeout);

/// Declares a group of tests.
void group(Object name, void Function() body) => _nested.group('$name', body);

/// Runs before each test of the group.
void setUp(FutureOr<void> Function() body) => _nested.setUp(body);

/// Runs after each test of the group.
void tearDown(FutureOr<void> Function() body) => _nested.tearDown(body);

/// Runs before the first test of the group.
void setUpAll(FutureOr<void> Function() body) => _nested.setUpAll(body);

/// Runs after the last test of the group.
void tearDownAll(FutureOr<void> Function() body) => _nested.tearDownAll(body);

/// Inside the body of a group test_api keeps that group's declarer in the zone.
Declarer get _nested => (Zone.current[#test.declarer] as Declarer?) ?? _tests;

int _passed = 0;
int _failed = 0;

Future<void> _run() async {
  final root = _tests.build();
  await Invoker.guard(
    () => _runGroup(Suite(root, SuitePlatform(Runtime.vm)), root, []),
  );
  stdout.writeln('$_passed passed, $_failed failed');
  await stdout.flush();
  // Not to wait for ports that a failed test has left open.
  exit(_failed == 0 && _passed > 0 ? 0 : 1);
}

Future<void> _runGroup(Suite suite, Group group, List<Group> parents) async {
  final groups = [...parents, group];
  final ready = await _runTest(suite, group.setUpAll, groups, counts: false);
  for (final entry in group.entries) {
    switch (entry) {
      case final Group inner when ready:
        await _runGroup(suite, inner, groups);
      case final Test test when ready:
        await _runTest(suite, test, groups, counts: true);
      case _:
        _failed++;
        stdout.writeln('FAIL  ${entry.name}: setUpAll failed');
    }
  }
  await _runTest(suite, group.tearDownAll, groups, counts: false);
}

/// Runs a test; of setUpAll and tearDownAll only the failures count.
Future<bool> _runTest(
  Suite suite,
  Test? test,
  List<Group> groups, {
  required bool counts,
}) async {
  if (test == null) return true;
  final clock = Stopwatch()..start();
  final live = test.load(suite, groups: groups);
  live.onMessage.listen((message) => stdout.writeln('      ${message.text}'));
  await live.run();
  if (live.errors.isEmpty && live.state.result.isPassing) {
    if (counts) {
      _passed++;
      stdout.writeln('ok    ${test.name} (${clock.elapsedMilliseconds} ms)');
    }
    return true;
  }
  _failed++;
  stdout.writeln('FAIL  ${test.name}');
  for (final error in live.errors) {
    stdout.writeln('${error.error}\n${error.stackTrace}');
  }
  return false;
}
