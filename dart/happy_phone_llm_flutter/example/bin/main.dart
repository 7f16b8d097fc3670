// A chat on the console: dart run bin/main.dart MODEL.gguf
// Ctrl-C stops an answer; an empty line, or Ctrl-C between answers, ends.
import 'dart:convert';
import 'dart:io';

import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

Future<void> main(List<String> arguments) async {
  if (arguments.length != 1) {
    stderr.writeln('usage: dart run bin/main.dart MODEL.gguf');
    exit(2);
  }
  try {
    await converse(arguments.single);
  } on HpLlmException catch (e) {
    stderr.writeln(e.message);
    exitCode = 1;
  }
}

Future<void> converse(String path) async {
  final found = await HappyPhoneLlm.inspect(path);
  if (found.fit == MemoryFit.no) {
    throw HpLlmMemoryException('$path does not fit into this memory.');
  }
  final llm = await HappyPhoneLlm.load(
    path,
    onProgress: (done) => stderr.write('\rLoading ${(done * 100).round()} %'),
  );
  stderr.writeln('\r${found.name}, ${found.quantization}. Say something.');

  final chat = llm.startChat(
    system: 'You are a helpful assistant.',
    options: const GenerationOptions(maxTokens: 400, forgetOldest: true),
  );
  final interrupts = ProcessSignal.sigint.watch().listen((_) {
    if (!chat.isAnswering) exit(130);
    chat.stop();
  });
  final lines = stdin.transform(utf8.decoder).transform(const LineSplitter());
  stdout.write('> ');
  await for (final line in lines) {
    if (line.isEmpty) break;
    await answer(chat.send(line));
    stdout.write('> ');
  }
  await interrupts.cancel();
  await llm.dispose();
}

Future<void> answer(Stream<GenerationEvent> events) async {
  await for (final event in events) {
    switch (event) {
      case TextDelta(:final text):
        stdout.write(text);
      case Done(:final reason, :final stats):
        final speed = stats?.tokensPerSecond.toStringAsFixed(1) ?? '?';
        stdout.writeln('\n[${reason.name}, $speed tokens a second]');
    }
  }
}
