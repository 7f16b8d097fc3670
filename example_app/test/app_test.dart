import 'package:example_app/app.dart';
import 'package:flutter_test/flutter_test.dart';

void main() {
  testWidgets('the app starts', (tester) async {
    await tester.pumpWidget(const HappyPhoneApp());
    expect(find.text('What can I help you with?'), findsOneWidget);
  });
}
