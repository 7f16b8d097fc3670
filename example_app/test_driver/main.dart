// The app as it is, watched: for build/flutter.sh drive. In the folder that
// HPLLM_DRIVE names it keeps
//
//   frames   a line for each frame: when its build began, and how long building
//            and rasterizing took, in microseconds of the system's clock
//   texts    what can be read on the screen, a line for each piece, whenever a
//            file `ask` appears (which is then removed)
import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:ui';

import 'package:example_app/main.dart' as app;
import 'package:flutter/rendering.dart';
import 'package:flutter/widgets.dart';

void main() {
  final folder = Platform.environment['HPLLM_DRIVE'];
  if (folder != null) _watch(folder);
  app.main();
}

void _watch(String folder) {
  final frames = File('$folder/frames');
  WidgetsFlutterBinding.ensureInitialized().addTimingsCallback((timings) {
    // About once a second.
    frames.writeAsStringSync(timings.map(_line).join(), mode: FileMode.append);
  });
  final ask = File('$folder/ask');
  Timer.periodic(const Duration(milliseconds: 100), (_) {
    if (!ask.existsSync()) return;
    final found = <String>[];
    for (final view in RendererBinding.instance.renderViews) {
      _texts(view, found);
    }
    File('$folder/texts.new')
      ..writeAsStringSync(found.map(jsonEncode).join('\n'), flush: true)
      ..renameSync('$folder/texts');
    ask.deleteSync();
  });
}

String _line(FrameTiming timing) =>
    '${timing.timestampInMicroseconds(FramePhase.buildStart)} '
    '${timing.buildDuration.inMicroseconds} '
    '${timing.rasterDuration.inMicroseconds}\n';

void _texts(RenderObject object, List<String> found) {
  if (object is RenderParagraph) found.add(object.text.toPlainText());
  if (object is RenderEditable) found.add(object.plainText);
  object.visitChildren((child) => _texts(child, found));
}
