import 'dart:io';

import 'package:example_app/services/platform_service.dart';
import 'package:flutter/services.dart';
import 'package:flutter_test/flutter_test.dart';

/// What the runners answer, and what there is where they do not.
void main() {
  const platform = PlatformService();

  void answer(Future<Object?>? Function(MethodCall call)? handler) =>
      TestDefaultBinaryMessengerBinding.instance.defaultBinaryMessenger
          .setMockMethodCallHandler(
            const MethodChannel('happy_phone/platform'),
            handler,
          );

  tearDown(() => answer(null));

  test('the runner is asked', () async {
    final folder = await Directory.systemTemp.createTemp('platform');
    addTearDown(() => folder.delete(recursive: true));
    final calls = <MethodCall>[];
    answer((call) async {
      calls.add(call);
      return switch (call.method) {
        'hasFilePicker' => true,
        'pickFile' => '/picked.gguf',
        'freeBytes' => 42,
        'directories' => {'support': folder.path},
        _ => null,
      };
    });
    expect(await platform.hasFilePicker, isTrue);
    expect(await platform.pickFile(into: '/models'), '/picked.gguf');
    expect(calls.last.arguments, {'into': '/models'});
    expect(await platform.freeBytes('/x'), 42);
    await platform.keepFromBackups('/models');
    expect(calls.last.method, 'keepFromBackups');
    expect(calls.last.arguments, {'path': '/models'});
    final data = await platform.dataFolder();
    expect(data.path, '${folder.path}/happy_phone');
    expect(data.existsSync(), isTrue);
  });

  test('without a runner, and with one that fails', () async {
    expect(await platform.hasFilePicker, isFalse);
    expect(await platform.pickFile(into: '/models'), isNull);
    answer((call) async => throw PlatformException(code: 'no'));
    expect(await platform.hasFilePicker, isFalse);
    await platform.keepFromBackups('/models');
    await expectLater(
      platform.pickFile(into: '/models'),
      throwsA(isA<PlatformException>()),
      reason: 'the person is to hear of it',
    );
  });

  test('on Linux the system itself tells', () async {
    expect(await platform.freeBytes(Directory.systemTemp.path), greaterThan(0));
    expect(await platform.freeBytes('/there/is/no/such/folder'), isNull);
    final memory = await platform.memory();
    expect(memory!.total, greaterThanOrEqualTo(memory.available));
    expect(memory.available, greaterThan(0));
  }, skip: !Platform.isLinux);
}
