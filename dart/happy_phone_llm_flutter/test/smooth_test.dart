// The isolate that calls is never blocked: not by a load, a long prompt, an
// answer, a stop or the end; nor the first time, as apps are compiled before they
// run.
import 'dart:io';

import 'package:test/test.dart';

import 'support.dart';

void main() {
  test('no event takes 8 ms', () async {
    final folder = Directory.systemTemp.createTempSync('hpllm');
    addTearDown(() => folder.deleteSync(recursive: true));
    await compile('exe', 'smooth', '${folder.path}/smooth');
    // A busy machine holds up other threads of the process, too, which the one that
    // is measured may wait for, as for a collection of garbage; not each time.
    for (var left = 2; ; left--) {
      final result = await Process.run('${folder.path}/smooth', const []);
      expect('${result.stderr}', isEmpty);
      final [longestUs, longestWallUs, events] = [
        for (final number in '${result.stdout}'.split(' ')) int.parse(number),
      ];
      stdout.writeln(
        '      longest of $events events: $longestUs us, '
        '$longestWallUs us with waiting for a processor',
      );
      expect(events, greaterThan(100));
      if (longestUs < 8000) break;
      expect(left, greaterThan(0), reason: '$longestUs us, as twice before');
    }
  });
}
