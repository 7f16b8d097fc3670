// Hot restarts of a Flutter app in mid-generation, as `flutter run` makes them:
// restart.dart KERNEL COMMAND... starts the engine (COMMAND) with the app in
// KERNEL, and over the VM's service kills the isolates that the app has spawned
// and runs it anew in its view. The last line is 'N passed, N failed'.
import 'dart:async';
import 'dart:convert';
import 'dart:io';

const _restarts = 10;

Future<void> main(List<String> arguments) async {
  final [kernel, program, ...rest] = arguments;
  final process = await Process.start(program, [...rest, kernel]);
  final app = _App(process);
  var code = 1;
  try {
    code = await _restart(app, kernel).timeout(const Duration(minutes: 3));
  } on Object catch (e) {
    stdout.writeln('$e\n${app.log}');
    stdout.writeln('0 passed, 1 failed');
  } finally {
    process.kill(ProcessSignal.sigkill);
  }
  exit(code);
}

Future<int> _restart(_App app, String kernel) async {
  final service = await _Service.connect(await app.serviceAddress);
  await app.generates();
  final footprints = [app.footprint()];
  for (var i = 0; i < _restarts; i++) {
    await service.hotRestart(kernel);
    await app.generates();
    footprints.add(app.footprint());
  }
  var passed = 0;
  void check(String what, bool good, Iterable<int> values) {
    if (good) passed++;
    stdout.writeln('${good ? 'ok   ' : 'FAIL '} $what: ${values.join(' ')}');
  }

  // The first starts fill pools that stay.
  final settled = footprints[3];
  final last = footprints.last;
  check('it generates after each of $_restarts restarts', true, const []);
  check('as many threads', last.$1 <= settled.$1, footprints.map((f) => f.$1));
  check(
    'as much memory, in MB',
    last.$2 < settled.$2 * 1.2,
    footprints.map((f) => f.$2 >> 10),
  );
  stdout.writeln('$passed passed, ${3 - passed} failed');
  return passed == 3 ? 0 : 1;
}

/// The engine's process, and what the app in it prints.
final class _App {
  _App(this._process) {
    unawaited(_process.exitCode.then((code) => _fail('it ended with $code')));
    for (final stream in [_process.stdout, _process.stderr]) {
      stream
          .transform(const SystemEncoding().decoder)
          .transform(const LineSplitter())
          .listen(_line);
    }
  }

  final Process _process;
  final _address = Completer<Uri>();
  final log = StringBuffer();
  int _pieces = 0;
  bool _loaded = false;
  Completer<void>? _generating;

  Future<Uri> get serviceAddress => _address.future;

  void _line(String line) {
    log.writeln(line);
    final address = RegExp(r'listening on (http://\S+)').firstMatch(line);
    if (address != null && !_address.isCompleted) {
      _address.complete(Uri.parse(address[1]!));
    }
    if (line.contains('app: loaded')) {
      _loaded = true;
      _pieces = 0;
    }
    if (!line.contains(' pieces')) return;
    _pieces++;
    // Ten lines after a load: in the middle of a long answer.
    if (_loaded && _pieces >= 10) {
      _loaded = false;
      _generating?.complete();
      _generating = null;
    }
  }

  void _fail(String why) {
    _generating?.completeError(StateError(why));
    if (!_address.isCompleted) _address.completeError(StateError(why));
  }

  /// Completes when the app has been loading and is generating (again).
  Future<void> generates() => (_generating ??= Completer<void>()).future
      .timeout(const Duration(seconds: 60));

  /// The threads and kB of memory of the process.
  (int, int) footprint() {
    final status = File('/proc/${_process.pid}/status').readAsStringSync();
    int field(String name) =>
        int.parse(RegExp('$name:\\s+(\\d+)').firstMatch(status)![1]!);
    return (field('Threads'), field('RssAnon'));
  }
}

/// The VM's service, in JSON over a web socket.
final class _Service {
  _Service(this._socket) {
    _socket.listen((message) {
      final answer = jsonDecode(message as String) as Map<String, Object?>;
      _waiting.remove(answer['id'])?.complete(answer);
    });
  }

  static Future<_Service> connect(Uri address) async =>
      _Service(await WebSocket.connect('${address.replace(scheme: 'ws')}ws'));

  final WebSocket _socket;
  final _waiting = <Object?, Completer<Map<String, Object?>>>{};
  int _next = 0;

  Future<Map<String, Object?>> _call(
    String method, [
    Map<String, Object?> parameters = const {},
  ]) async {
    final id = '${_next++}';
    final completer = _waiting[id] = Completer();
    _socket.add(
      jsonEncode({
        'jsonrpc': '2.0',
        'id': id,
        'method': method,
        'params': parameters,
      }),
    );
    final answer = await completer.future;
    if (answer['error'] case final Object error)
      throw StateError('$method: $error');
    return answer['result']! as Map<String, Object?>;
  }

  /// What pressing R in `flutter run` does.
  Future<void> hotRestart(String kernel) async {
    final views =
        (await _call('_flutter.listViews'))['views']! as List<Object?>;
    final view = views.single! as Map<String, Object?>;
    final ui = (view['isolate']! as Map<String, Object?>)['id'];
    final isolates = (await _call('getVM'))['isolates']! as List<Object?>;
    for (final isolate in isolates.cast<Map<String, Object?>>()) {
      if (isolate['id'] != ui)
        await _call('kill', {'isolateId': isolate['id']});
    }
    await _call('_flutter.runInView', {
      'viewId': view['id'],
      'mainScript': kernel,
      'assetDirectory': '',
    });
  }
}
