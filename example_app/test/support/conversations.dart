import 'dart:convert';

import 'package:example_app/data/conversation.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import 'fakes.dart';

final _day = DateTime.utc(2026, 3, 14, 9);

/// A chat that shows what Markdown can do.
final recipes = Conversation(
  id: 'recipes',
  created: _day,
  updated: _day.add(const Duration(hours: 3)),
  messages: const [
    Message.user('What can I cook with rice and two eggs?'),
    Message(
      role: ChatRole.assistant,
      text: '''
## Egg fried rice

A **quick** dinner, and best with rice from *yesterday*:

1. Heat a spoon of oil in a pan.
2. Fry the rice for 3 minutes.
3. Push it aside, scramble the eggs, then mix.

Season with soy sauce. More on [fried rice](https://example.org/rice).''',
      speed: AnswerSpeed(
        tokensPerSecond: 23.4,
        firstToken: Duration(milliseconds: 412),
      ),
    ),
    Message.user('Now as code, please!'),
    Message(
      role: ChatRole.assistant,
      text: '''
```python
def cook(rice, eggs):
    pan.heat()
    pan.add(rice, minutes=3)
    return pan.mix(eggs)
```

Call `cook()` while you are hungry.''',
      speed: AnswerSpeed(
        tokensPerSecond: 24.1,
        firstToken: Duration(milliseconds: 95),
      ),
    ),
  ],
);

/// One from right to left.
final arabic = Conversation(
  id: 'arabic',
  created: _day,
  updated: _day.add(const Duration(hours: 2)),
  messages: const [
    Message.user('لماذا السماء زرقاء؟'),
    Message(
      role: ChatRole.assistant,
      text: '''
لأن **الهواء** يشتت الضوء الأزرق أكثر من الأحمر:

- الضوء الأزرق قصير الموجة.
- الضوء الأحمر طويل الموجة.''',
      speed: AnswerSpeed(
        tokensPerSecond: 18.2,
        firstToken: Duration(milliseconds: 350),
      ),
    ),
  ],
);

/// Two that are only there to be in the list.
final others = [
  for (final (i, text) in [
    'Explain to me why the sky is blue',
    'Write a kind reply to an invitation I must decline',
  ].indexed)
    Conversation(
      id: 'other-$i',
      created: _day,
      updated: _day.add(Duration(minutes: i)),
      messages: [Message.user(text)],
    ),
];

extension Remember on FakeServices {
  /// As if [chats] had been there in the app's last life.
  void remember(List<Conversation> chats) {
    for (final chat in chats) {
      texts.texts['chats/${chat.id}.json'] = jsonEncode(chat.toJson());
    }
  }
}
