// The small types: exceptions one to one with the statuses of the header,
// messages as JSON.
import 'dart:convert';
import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

void main() {
  test('every status of the header has an exception of its own', () {
    final header = File('../../include/hp_llm.h').readAsStringSync();
    final statuses = {
      for (final m in RegExp(
        r'HP_LLM_ERROR_([A-Z0-9_]+) = (-\d+)',
      ).allMatches(header))
        int.parse(m[2]!): m[1]!,
    };
    expect(statuses.length, greaterThan(15));
    for (final MapEntry(key: code, value: name) in statuses.entries) {
      final e = HpLlmException.fromStatus(code, 'text');
      final words = [
        for (final word in name.split('_'))
          word[0] + word.substring(1).toLowerCase(),
      ];
      expect('${e.runtimeType}', 'HpLlm${words.join()}Exception');
      expect(e.code, code);
      expect('$e', contains('text'));
    }
    final unknown = HpLlmException.fromStatus(-1234, 'new');
    expect(unknown, isA<HpLlmInternalException>());
    expect(unknown.message, contains('-1234'));
  });

  test('messages survive JSON', () {
    const messages = [
      ChatMessage.system('Be brief.'),
      ChatMessage.user('नमस्ते 👋🏽'),
      ChatMessage.assistant(
        '',
        reasoning: 'A clock is needed.',
        toolCalls: [
          {'id': '1', 'name': 'clock', 'arguments': <String, Object?>{}},
        ],
      ),
      ChatMessage.tool('12:00', toolCallId: '1', name: 'clock'),
    ];
    for (final message in messages) {
      final text = jsonEncode(message);
      final back = ChatMessage.fromJson(
        jsonDecode(text) as Map<String, Object?>,
      );
      expect(jsonEncode(back), text);
      expect(back.role, message.role);
    }
    expect(jsonEncode(messages[1]), '{"role":"user","content":"नमस्ते 👋🏽"}');
  });

  test('what is no message is refused', () {
    for (final json in <Map<String, Object?>>[
      {},
      {'role': 'nobody', 'content': ''},
      {'role': 'user'},
      {'role': 'user', 'content': 1},
      {'role': 'user', 'content': '', 'name': 1},
      {'role': 'user', 'content': '', 'tool_calls': 'x'},
      {
        'role': 'user',
        'content': '',
        'tool_calls': ['x'],
      },
    ]) {
      expect(() => ChatMessage.fromJson(json), throwsFormatException);
    }
  });

  test('a stop signal may be given twice', () async {
    final signal = StopSignal();
    expect(signal.isStopped, isFalse);
    signal
      ..stop()
      ..stop();
    await signal.whenStopped;
    expect(signal.isStopped, isTrue);
  });
}
