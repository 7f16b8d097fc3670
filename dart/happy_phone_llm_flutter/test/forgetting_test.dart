// What of a long conversation stays.
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:happy_phone_llm_flutter/src/forgetting.dart';
import 'package:test/test.dart';

import 'support.dart';

/// A word is a token, and a message has two beside its words.
int count(List<ChatMessage> messages) =>
    messages.fold(0, (sum, m) => sum + m.content.split(' ').length + 2);

/// A turn of a question and an answer, of 24 tokens.
List<ChatMessage> turn(int i) => [
  ChatMessage.user('q$i${' word' * 9}'),
  ChatMessage.assistant('a$i${' word' * 9}'),
];

void main() {
  const system = ChatMessage.system('Be brief.');
  List<ChatMessage> conversation(int turns) => [
    system,
    for (var i = 0; i < turns; i++) ...turn(i),
    const ChatMessage.user('Last?'),
  ];

  test('all of what has room stays', () {
    final all = conversation(3);
    expect(whatFits(all, 100, count), all);
    expect(whatFits(const [], 100, count), isEmpty);
  });

  test('the oldest turns go, in few steps', () {
    final cuts = <int>[];
    for (var turns = 0; turns < 60; turns++) {
      final all = conversation(turns);
      final kept = whatFits(all, 200, count);
      expect(count(kept), lessThanOrEqualTo(200));
      expect(kept.first, system);
      expect(kept[1].role, ChatRole.user, reason: 'templates want it');
      expect(kept.last, all.last);
      final forgotten = all.length - kept.length;
      expect(kept.skip(1), all.skip(1 + forgotten));
      if (forgotten > 0) {
        expect(count(kept), greaterThan(40), reason: 'not more than needed');
      }
      cuts.add(forgotten);
    }
    expect(cuts, orderedEquals([...cuts]..sort()));
    expect(cuts.last, greaterThan(100));
    // Eight turns have room: to cut one at each answer would be 52 times.
    expect(cuts.toSet().length, lessThan(20));
  });

  test('one long turn at the end', () {
    final all = [
      ...conversation(10),
      const ChatMessage.assistant('Yes.'),
      ChatMessage.user('word ' * 150),
    ];
    final kept = whatFits(all, 200, count);
    expect(kept.first, system);
    expect(kept.last, all.last);
    expect(count(kept), lessThanOrEqualTo(200));
  });

  test('what never has room is left to fail', () {
    final all = [...conversation(10), ChatMessage.user('word ' * 500)];
    expect(whatFits(all, 200, count), [system, all.last]);
    final none = [ChatMessage.system('word ' * 500)];
    expect(whatFits(none, 200, count), none);
  });

  test('of a novel little is counted', () {
    final all = conversation(20000);
    var counted = 0;
    final kept = whatFits(all, 200, (some) {
      counted += some.length;
      return count(some);
    });
    expect(kept.length, greaterThan(4));
    expect(counted, lessThan(300));
  });

  test('a real conversation goes on and on', () async {
    final llm = await loadModel();
    final chat = llm.startChat(
      system: 'You are a helpful assistant.',
      context: const ContextOptions(tokens: 256),
      options: greedy(24).copyWith(forgetOldest: true),
    );
    final forgotten = <int>[];
    var cached = 0;
    for (var i = 0; i < 12; i++) {
      final done = await chat.send('Tell me fact number $i.').last as Done;
      expect(done.reason, isNot(FinishReason.context));
      expect(done.stats!.contextTokens, lessThanOrEqualTo(256));
      forgotten.add(done.usage.forgottenMessages);
      // More than the system message: the turns before.
      if (done.usage.cachedTokens > 40) cached++;
    }
    expect(chat.messages, hasLength(25), reason: 'the chat itself has all');
    expect(forgotten.first, 0);
    expect(forgotten.last, greaterThan(8));
    expect(forgotten.toSet().length, lessThan(8), reason: '$forgotten');
    expect(cached, greaterThan(4), reason: 'most is not computed again');

    chat.options = chat.options.copyWith(forgetOldest: false);
    await expectLater(
      chat.send('And now?').fullText,
      throwsA(isA<HpLlmContextException>()),
    );
    await expectLater(
      chat
          .send(
            List.filled(400, 'word').join(' '),
            chat.options.copyWith(forgetOldest: true),
          )
          .fullText,
      throwsA(isA<HpLlmContextException>()),
    );
    await llm.dispose();
  });
}
