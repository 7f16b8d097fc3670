// A program that ends without dispose: at once, or in the midst of an answer.
import 'dart:io';

import '../support.dart';

Future<void> main(List<String> arguments) async {
  final llm = await loadModel(threads: 1);
  var pieces = 0;
  await for (final _ in llm.generate('Once upon a time', endless)) {
    if (++pieces < 3) continue;
    if (arguments.contains('exit')) exit(3);
    break;
  }
  stdout.writeln('end of main');
}
