// For build/flutter/restart.sh: an app that loads a model when it starts and
// generates without an end. It prints what it does.
import 'dart:async';
import 'dart:io';

import 'package:flutter/widgets.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';
// ignore: implementation_imports
import 'package:happy_phone_llm_flutter/src/engine.dart';

void main() => runApp(const _Talker());

class _Talker extends StatefulWidget {
  const _Talker();

  @override
  State<_Talker> createState() => _TalkerState();
}

class _TalkerState extends State<_Talker> {
  String _text = '';

  @override
  void initState() {
    super.initState();
    unawaited(_talk());
  }

  Future<void> _talk() async {
    final environment = Platform.environment;
    const options = GenerationOptions(maxTokens: 1900, ignoreEndOfText: true);
    var pieces = 0;
    try {
      final llm = await HappyPhoneLlm.load(
        environment['HPLLM_TEST_MODEL']!,
        libraryPath: environment['HPLLM_TEST_LIBRARY'],
      );
      stdout.writeln('app: loaded');
      await for (final event in llm.generate('Once upon a time', options)) {
        if (event is! TextDelta) break;
        setState(() => _text += event.text);
        if (++pieces == 1) {
          // The lower half of a handle is its place in the library's table.
          final places = (llm as Engine).connection.handles.map(
            (handle) => handle & 0xffffffff,
          );
          stdout.writeln('app: places ${places.join(' ')}');
        }
        if (pieces % 5 == 0) stdout.writeln('app: $pieces pieces');
      }
    } on HpLlmException catch (e) {
      // The worker isolate is killed before this one.
      stdout.writeln('app: $e');
    }
  }

  @override
  Widget build(BuildContext context) =>
      Text(_text, textDirection: TextDirection.ltr);
}
