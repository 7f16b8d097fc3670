// The program of docs/flutter.md, which build/flutter/test.sh has put into
// lib/first_hour.dart, with a real model.
import 'dart:io';

import 'package:example_app/first_hour.dart';
import 'package:flutter/material.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  testWidgets('an answer streams', (tester) async {
    final model = Platform.environment['HPLLM_TEST_MODEL']!;
    await tester.runAsync(() async {
      await tester.pumpWidget(MaterialApp(home: AskPage(model)));
      Future<String> shown(bool Function(String text) enough) async {
        for (var i = 0; i < 600; i++) {
          await Future<void>.delayed(const Duration(milliseconds: 50));
          await tester.pump();
          final text = tester.widget<Text>(find.byType(Text)).data!;
          if (enough(text)) return text;
        }
        fail('not within 30 s');
      }

      await shown((text) => text.isEmpty);
      await tester.enterText(find.byType(TextField), 'Name three fruits.');
      await tester.testTextInput.receiveAction(TextInputAction.done);
      final first = await shown((text) => text.isNotEmpty);
      final later = await shown((text) => text.length > first.length + 10);
      expect(later, startsWith(first));
      await tester.pumpWidget(const SizedBox());
    });
  });
}
