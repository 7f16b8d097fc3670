// Loads, asks, stops and ends, and takes the time of each event of the isolate that
// calls, with all that it waits for; but not the time that its thread is ready to
// run and gets no processor, so that it does not matter what else runs here.
import 'dart:async';
import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../support.dart';

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

/// Prints how long the longest event took, in microseconds: as it was, and with
/// waiting for a processor.
Future<void> main() async {
  final (:longestUs, :longestWallUs, :events) = await timeEvents(everything);
  stdout.writeln('$longestUs $longestWallUs $events');
}
