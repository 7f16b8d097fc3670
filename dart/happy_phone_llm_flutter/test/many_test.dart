// Ten thousand short answers: nothing grows.
import 'dart:async';
import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

import 'support.dart';

void main() {
  test('10,000 short answers', () async {
    final llm = await loadTiny();
    final options = greedy(1);
    var answers = 0;

    Future<void> some(int count) async {
      for (var i = 0; i < count; i++) {
        final done = await llm.generateFromTokens([
          1 + i % 100,
          2,
          3,
        ], options).last;
        expect((done as Done).usage.generatedTokens, 1);
        answers++;
      }
    }

    await some(2000);
    final (threads, mib) = (threadCount(), anonymousMiB());
    final clock = Stopwatch()..start();
    await some(8000);
    final (threadsAfter, mibAfter) = (threadCount(), anonymousMiB());
    stdout.writeln(
      '      ${(8000 / clock.elapsedMilliseconds * 1000).round()} answers a '
      'second; anonymous memory after 2,000: ${mib.toStringAsFixed(1)} MiB, '
      'after 10,000: ${mibAfter.toStringAsFixed(1)} MiB; '
      'threads $threads, $threadsAfter',
    );
    expect(answers, 10000);
    // A kilobyte lost at each would be 8; a thread at each hundredth, 80.
    expect(mibAfter, lessThan(mib + 8));
    expect(threadsAfter, lessThan(threads + 8));
    await llm.dispose();
  });

  test('60 chats of which each is disposed', () async {
    final llm = await loadModel(threads: 1);
    Future<void> some(int count) async {
      for (var i = 0; i < count; i++) {
        final chat = llm.startChat(options: greedy(1));
        await chat.send('Hello').drain<void>();
        await chat.dispose();
      }
    }

    await some(10);
    final mib = anonymousMiB();
    await some(50);
    // A context of 512 tokens is 12 MiB.
    expect(anonymousMiB(), lessThan(mib + 24));
    await llm.dispose();
  });

  test('100 loads', () async {
    Future<void> some(int count) async {
      for (var i = 0; i < count; i++) {
        await (await loadModel(threads: 1)).dispose();
      }
    }

    await some(10);
    final (threads, mib) = (threadCount(), anonymousMiB());
    await some(90);
    expect(anonymousMiB(), lessThan(mib + 16));
    expect(threadCount(), lessThan(threads + 8));
  });
}
