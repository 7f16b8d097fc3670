// What a model's file says, and what of the options its chat template sees: with
// copies of SmolLM2's file in which a text is replaced by one of the same length.
import 'dart:convert';
import 'dart:io';
import 'dart:typed_data';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
import 'package:test/test.dart';

import 'support.dart';

void main() {
  late Directory folder;

  setUpAll(() => folder = Directory.systemTemp.createTempSync('hpllm_file'));
  tearDownAll(() => folder.deleteSync(recursive: true));

  /// A copy of [path] in which the text under [key] is [text], and a comment.
  String withText(String path, String key, String text) {
    final bytes = File(path).readAsBytesSync();
    final name = ascii.encode(key);
    var at = 0;
    while (!_has(bytes, at, name)) {
      at++;
    }
    // A key is followed by its type, which is 8 for a text, and the length.
    at += name.length;
    final header = ByteData.sublistView(bytes, at, at + 12);
    expect(header.getUint32(0, Endian.little), 8);
    final length = header.getUint64(4, Endian.little);
    final padded = text.length == length
        ? text
        : '$text{#${'.' * (length - text.length - 4)}#}';
    bytes.setRange(at + 12, at + 12 + length, utf8.encode(padded));
    final copy = '${folder.path}/${text.hashCode}.gguf';
    File(copy).writeAsBytesSync(bytes);
    return copy;
  }

  Future<HappyPhoneLlm> withTemplate(String template) => HappyPhoneLlm.load(
    withText(modelPath, 'tokenizer.chat_template', template),
    context: const ContextOptions(tokens: 128),
    libraryPath: libraryPath,
  );

  test('its end and its beginning are told', () async {
    final llm = await loadModel();
    final ModelInfo(:bosToken, :eosToken, :eotToken) = llm.info;
    expect(await llm.detokenize([bosToken], showSpecial: true), '<|im_start|>');
    expect(await llm.detokenize([eosToken], showSpecial: true), '<|im_end|>');
    expect(eotToken, anyOf(-1, eosToken));
    await llm.dispose();
  });

  test('an architecture that nobody knows is said by its name', () async {
    final path = withText(tinyPath, 'general.architecture', 'camel');
    for (final call in <Future<Object> Function()>[
      () => HappyPhoneLlm.inspect(path, libraryPath: libraryPath),
      () => HappyPhoneLlm.load(path, libraryPath: libraryPath),
    ]) {
      await expectLater(
        call(),
        throwsA(
          isA<HpLlmUnsupportedException>().having(
            (e) => e.message,
            'message',
            contains('camel'),
          ),
        ),
      );
    }
  });

  test('what is wrong with it, but not deadly, is told in words', () async {
    final log = <(LogLevel, String)>[];
    final llm = await HappyPhoneLlm.load(
      tinyPath,
      threads: 1,
      onLog: (level, message) => log.add((level, message)),
      libraryPath: libraryPath,
    );
    expect(log.map((m) => m.$1), contains(LogLevel.warning));
    expect(log.map((m) => m.$2).join(), contains('token ids only'));
    await llm.dispose();
  });

  test('its template sees messages, thinking and tools', () async {
    final llm = await withTemplate(
      '{{ messages[0].content }}'
      '{% if enable_thinking is defined %} thinks:{{ enable_thinking }}{% endif %}'
      '{% if tools %} has:{{ tools[0].function.name }}{% endif %}',
    );
    Future<String> prompt([
      GenerationOptions options = const GenerationOptions(),
    ]) => llm.chatPrompt(const [ChatMessage.user('Hi')], options);
    expect(await prompt(), isNot(contains('has:')));
    expect(
      await prompt(const GenerationOptions(thinking: Thinking.on)),
      matches(RegExp(r'^Hi thinks:true$', caseSensitive: false)),
    );
    expect(
      await prompt(const GenerationOptions(thinking: Thinking.off)),
      matches(RegExp(r'^Hi thinks:false$', caseSensitive: false)),
    );
    const options = GenerationOptions(
      tools: [
        {
          'type': 'function',
          'function': {'name': 'clock', 'parameters': <String, Object?>{}},
        },
      ],
    );
    expect(await prompt(options), contains('has:clock'));
    expect(options.copyWith(thinking: Thinking.on).tools, options.tools);
    await llm.dispose();
  });

  test('a template that refuses says why', () async {
    final llm = await withTemplate(
      "{% if messages[0].content == 'Clock?' %}"
      "{{ raise_exception('no talk of clocks') }}{% endif %}"
      '{{ messages[0].content }}',
    );
    expect(await llm.chatPrompt(const [ChatMessage.user('Hi')]), 'Hi');
    const messages = [ChatMessage.user('Clock?')];
    final refuses = throwsA(
      isA<HpLlmTemplateException>().having(
        (e) => '$e',
        'text',
        contains('no talk of clocks'),
      ),
    );
    await expectLater(llm.chatPrompt(messages), refuses);
    await expectLater(llm.chat(messages).drain<void>(), refuses);
    expect(await llm.generate('Once', greedy(2)).fullText, isNotEmpty);
    await llm.dispose();
  });
}

bool _has(Uint8List bytes, int at, List<int> part) {
  for (var i = 0; i < part.length; i++) {
    if (bytes[at + i] != part[i]) return false;
  }
  return true;
}
