// Hot restarts of a Flutter app in mid-generation, as `flutter run` makes them:
// restart.dart KERNEL COMMAND... starts the engine (COMMAND) with the app in
// KERNEL, and over the VM's service kills the isolates that the app has spawned
// and runs it anew in its view. The last line is 'N passed, N failed'.
import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:math';

const _restarts = 10;

/// The restart after which the pools of both runtimes have what they keep.
const _settled = 3;

/// Threads more or less that the pools of the engine and of the library have at
/// a time (the engine alone: 7 to 10). A thread lost at each restart would make
/// [_restarts] - [_settled] more, which is over it.
const _threadMargin = 6;

Future<void> main(List<String> arguments) async {
  final [kernel, program, ...rest] = arguments;
  final process = await Process.start(program, [...rest, kernel]);
  final app = _App(process);
  var code = 1;
  try {
    code = await _restart(app, kernel).timeout(const Duration(minutes: 9));
  } on Object catch (e) {
    stdout.writeln('$e\n${app.log}');
    stdout.writeln('0 passed, 1 failed');
  } finally {
    process.kill(ProcessSignal.sigkill);
  }
  exit(code);
}

Future<int> _restart(_App app, String kernel) async {
  var life = app.nextLife();
  final service = await _Service.connect(await app.serviceAddress);
  final lives = [await life];
  final footprints = [app.footprint()];
  late final int settled;
  for (var i = 1; i <= _restarts; i++) {
    life = app.nextLife();
    await service.hotRestart(kernel);
    lives.add(await life);
    footprints.add(app.footprint());
    if (i == _settled) settled = await app.leastThreads();
  }
  var passed = 0, failed = 0;
  void check(String what, bool good, Object values) {
    good ? passed++ : failed++;
    stdout.writeln('${good ? 'ok   ' : 'FAIL '} $what: $values');
  }

  check('it generates after each restart', true, '$_restarts restarts');
  // A restart has less to do than the start of the process, and as much company
  // on the machine.
  final [first, ...again] = [for (final l in lives) l.loaded.inMilliseconds];
  check(
    'it has loaded again at once, in ms',
    ([...again]..sort())[_restarts ~/ 2] < max(2 * first, 5000),
    '$first at the start, then ${again.join(' ')}',
  );
  // A freed object's place in the library's table is taken by the next: with
  // one of each life left, the tenth would have a place over [_restarts].
  final places = [for (final l in lives) l.places.reduce(max)];
  check(
    'the model and the session of the old life are freed, places',
    lives.every((l) => l.places.length == 2) && places.every((p) => p < 4),
    places.join(' '),
  );

  // What was left to itself gets time.
  final clock = Stopwatch()..start();
  int isolates, threads;
  do {
    threads = await app.leastThreads();
    isolates = await service.isolates();
  } while (clock.elapsed < const Duration(seconds: 15) &&
      (threads >= settled + _threadMargin || isolates > 2));
  check('the isolates are the app and its worker', isolates == 2, isolates);
  check(
    'as many threads',
    threads < settled + _threadMargin,
    '$settled after $_settled restarts, $threads in the end '
        '(${footprints.map((f) => f.$1).join(' ')})',
  );
  // All at the same age of an answer; the collectors come when they like.
  final memory = [for (final f in footprints) f.$2 >> 10];
  final before = memory.sublist(1, _settled + 1).reduce(min);
  final after = memory.sublist(_restarts - 2).reduce(min);
  check('as much memory, in MB', after < before * 1.2, memory.join(' '));

  // Impatience: the app is killed while it starts and loads.
  for (var i = 0; i < 5; i++) {
    life = app.nextLife();
    await service.hotRestart(kernel);
    await Future<void>.delayed(Duration(milliseconds: i * 50));
  }
  final loaded = (await life).loaded.inMilliseconds;
  check('it generates after five restarts in a row', true, '$loaded ms');
  clock.reset();
  do {
    await Future<void>.delayed(const Duration(milliseconds: 100));
    isolates = await service.isolates();
  } while (clock.elapsed < const Duration(seconds: 5) && isolates > 2);
  check('they leave no isolate', isolates == 2, isolates);
  stdout.writeln('$passed passed, $failed failed');
  return failed == 0 ? 0 : 1;
}

/// A life of the app, from a restart to the middle of an answer: how long it
/// took to load, and the places that the model and the session have in the
/// library's table.
typedef _Life = ({Duration loaded, List<int> places});

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
  final _clock = Stopwatch();
  Duration? _loaded;
  List<int>? _places;
  int _pieces = 0;
  Completer<_Life>? _life;

  Future<Uri> get serviceAddress => _address.future;

  void _line(String line) {
    final piece = line.contains(' pieces');
    if (!piece) log.writeln(line);
    final address = RegExp(r'listening on (http://\S+)').firstMatch(line);
    if (address != null && !_address.isCompleted) {
      _address.complete(Uri.parse(address[1]!));
    }
    if (line.contains('app: loaded')) {
      _loaded = _clock.elapsed;
      _pieces = 0;
    }
    if (line.split('app: places ') case [_, final places]) {
      _places = places.split(' ').map(int.parse).toList();
    }
    if (!piece || ++_pieces < 10) return;
    // Ten lines after a load: in the middle of a long answer.
    if ((_loaded, _places) case (final loaded?, final places?)) {
      _life?.complete((loaded: loaded, places: places));
      _life = null;
    }
  }

  void _fail(String why) {
    _life?.completeError(StateError(why));
    if (!_address.isCompleted) _address.completeError(StateError(why));
  }

  /// Begins to wait for the app to load and to generate (again).
  Future<_Life> nextLife() {
    _loaded = _places = null;
    _clock
      ..reset()
      ..start();
    final life = _life = Completer();
    // One that is cut short by the next is waited for by nobody.
    return life.future.timeout(const Duration(minutes: 2))..ignore();
  }

  /// The threads and kB of memory of the process.
  (int, int) footprint() {
    final status = File('/proc/${_process.pid}/status').readAsStringSync();
    int field(String name) =>
        int.parse(RegExp('$name:\\s+(\\d+)').firstMatch(status)![1]!);
    return (field('Threads'), field('RssAnon'));
  }

  /// The least threads that it has within a second.
  Future<int> leastThreads() async {
    var least = footprint().$1;
    for (var i = 0; i < 20; i++) {
      await Future<void>.delayed(const Duration(milliseconds: 50));
      least = min(least, footprint().$1);
    }
    return least;
  }
}

/// The VM's service, in JSON over a web socket.
final class _Service {
  _Service(this._socket) {
    _socket.listen((message) {
      final answer = jsonDecode(message as String) as Map<String, Object?>;
      if (answer['method'] == 'streamNotify') {
        final parameters = answer['params']! as Map<String, Object?>;
        final event = parameters['event']! as Map<String, Object?>;
        if (event['kind'] != 'IsolateRunnable') return;
        _runnable?.complete();
        _runnable = null;
      } else {
        _waiting.remove(answer['id'])?.complete(answer);
      }
    });
  }

  static Future<_Service> connect(Uri address) async {
    final socket = await WebSocket.connect(
      '${address.replace(scheme: 'ws')}ws',
    );
    final service = _Service(socket);
    await service._call('streamListen', {'streamId': 'Isolate'});
    return service;
  }

  final WebSocket _socket;
  final _waiting = <Object?, Completer<Map<String, Object?>>>{};
  Completer<void>? _runnable;
  int _next = 0;

  Future<Map<String, Object?>> _call(
    String method, [
    Map<String, Object?> parameters = const {},
    int? harmless,
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
    if (answer['error'] case final Map<String, Object?> error) {
      if (error['code'] == harmless) return const {};
      throw StateError('$method: $error');
    }
    return answer['result']! as Map<String, Object?>;
  }

  Future<List<Map<String, Object?>>> _isolates() async {
    final vm = await _call('getVM');
    return (vm['isolates']! as List<Object?>).cast();
  }

  /// How many isolates there are, beside those of the VM itself.
  Future<int> isolates() async => (await _isolates()).length;

  /// What pressing R in `flutter run` does: those that were killed may still be
  /// there when the app begins anew.
  Future<void> hotRestart(String kernel) async {
    final views =
        (await _call('_flutter.listViews'))['views']! as List<Object?>;
    final view = views.single! as Map<String, Object?>;
    final ui = (view['isolate'] as Map<String, Object?>?)?['id'];
    await Future.wait([
      for (final isolate in await _isolates())
        if (isolate['id'] != ui)
          // 105: one that is not yet runnable.
          _call('kill', {'isolateId': isolate['id']}, 105),
    ]);
    // The engine only says that it "could not create the root isolate".
    if (!File(kernel).existsSync()) throw StateError('$kernel is gone');
    final runnable = _runnable = Completer<void>();
    await _call('_flutter.runInView', {
      'viewId': view['id'],
      'mainScript': kernel,
      'assetDirectory': '',
    });
    await runnable.future;
  }
}
