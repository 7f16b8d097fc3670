// The isolate that calls is never blocked: not by a load, a long prompt, an
// answer, a stop or the end. Measured is the time that each event of this isolate
// takes, with all that it waits for; but not the time that its thread is ready to
// run and gets no processor, so that it does not matter what else runs here.
import 'dart:async';
import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

import 'support.dart';

/// A clock that stands while its thread waits for a processor. Of Linux.
final class WorkClock {
  final _clock = Stopwatch()..start();

  int get microseconds {
    final [_, waitedNs, ...] = File(
      '/proc/thread-self/schedstat',
    ).readAsStringSync().split(' ');
    return _clock.elapsedMicroseconds - int.parse(waitedNs) ~/ 1000;
  }
}

/// Runs [body] and takes the time of each event that is handled for it.
Future<({int events, int longestUs, int longestWallUs})> timeEvents(
  Future<void> Function() body,
) async {
  final clock = WorkClock();
  final wall = Stopwatch()..start();
  var depth = 0;
  var events = 0;
  var longest = 0;
  var longestWall = 0;

  R timed<R>(R Function() f) {
    if (depth > 0) return f();
    depth++;
    final (from, fromWall) = (clock.microseconds, wall.elapsedMicroseconds);
    try {
      return f();
    } finally {
      depth--;
      events++;
      final us = clock.microseconds - from;
      final wallUs = wall.elapsedMicroseconds - fromWall;
      if (us > longest) longest = us;
      if (wallUs > longestWall) longestWall = wallUs;
    }
  }

  await runZoned(
    body,
    zoneSpecification: ZoneSpecification(
      run: <R>(self, parent, zone, f) => timed(() => parent.run(zone, f)),
      runUnary: <R, T>(self, parent, zone, f, arg) =>
          timed(() => parent.runUnary(zone, f, arg)),
      runBinary: <R, T1, T2>(self, parent, zone, f, a, b) =>
          timed(() => parent.runBinary(zone, f, a, b)),
    ),
  );
  return (events: events, longestUs: longest, longestWallUs: longestWall);
}

Future<void> everything() async {
  final llm = await HappyPhoneLlm.load(
    modelPath,
    context: const ContextOptions(tokens: 1024),
    onProgress: (_) {},
    libraryPath: libraryPath,
  );
  final long = List.filled(100, 'word after').join(' ');
  await llm.generate(long, greedy(100)).drain<void>();
  await llm.tokenize(long * 20);
  final chat = llm.startChat(options: greedy(40));
  await chat.send('Tell me a story.').drain<void>();
  var pieces = 0;
  await for (final _ in chat.send('Another one.', endless)) {
    if (++pieces == 10) llm.stop();
  }
  await for (final _ in llm.generate('Once', endless)) {
    break;
  }
  await llm.dispose();
}

void main() {
  test('no event takes 8 ms', () async {
    // The first time the virtual machine compiles what it runs; an app's release
    // build is compiled before.
    final first = await timeEvents(everything);
    // A busy machine holds up other threads of this process, too, which this one
    // may wait for, as for a collection of garbage; not at the same place again.
    for (var left = 2; ; left--) {
      final next = await timeEvents(everything);
      stdout.writeln(
        '      longest of ${next.events} events: ${next.longestUs} us, '
        '${next.longestWallUs} us with waiting for a processor (uncompiled: '
        '${first.longestUs} and ${first.longestWallUs} us)',
      );
      expect(next.events, greaterThan(100));
      if (left > 0 && next.longestUs >= 8000) continue;
      expect(next.longestUs, lessThan(8000));
      break;
    }
  });
}
