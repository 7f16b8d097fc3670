// The app as it is, watched: for build/flutter.sh drive. In the folder that
// HPLLM_DRIVE names it keeps
//
//   frames   a line for each frame: when its build began, how long building and
//            rasterizing took, and how long the framework worked on it, without
//            the time that its thread waited for a processor, in microseconds
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
  final binding = _WatchedBinding();
  binding.addTimingsCallback((timings) {
    // About once a second.
    frames.writeAsStringSync(
      timings.map(binding.line).join(),
      mode: FileMode.append,
    );
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

final class _WatchedBinding extends WidgetsFlutterBinding {
  final _works = <int, int>{};
  final _clock = Stopwatch()..start();
  int _begin = 0;

  @override
  void handleBeginFrame(Duration? rawTimeStamp) {
    _begin = _worked();
    super.handleBeginFrame(rawTimeStamp);
  }

  @override
  void handleDrawFrame() {
    super.handleDrawFrame();
    final number = PlatformDispatcher.instance.frameData.frameNumber;
    _works[number] = _worked() - _begin;
  }

  /// A clock that stands while this thread is ready to run and others run.
  int _worked() {
    final [_, waited, ...] = File(
      '/proc/thread-self/schedstat',
    ).readAsStringSync().split(' ');
    return _clock.elapsedMicroseconds - int.parse(waited) ~/ 1000;
  }

  String line(FrameTiming timing) =>
      '${timing.timestampInMicroseconds(FramePhase.buildStart)} '
      '${timing.buildDuration.inMicroseconds} '
      '${timing.rasterDuration.inMicroseconds} '
      '${_works.remove(timing.frameNumber)!}\n';
}

void _texts(RenderObject object, List<String> found) {
  if (object is RenderParagraph) found.add(object.text.toPlainText());
  if (object is RenderEditable) found.add(object.plainText);
  object.visitChildren((child) => _texts(child, found));
}
