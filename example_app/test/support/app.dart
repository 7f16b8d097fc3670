import 'package:example_app/app.dart';
import 'package:flutter/material.dart';
import 'package:flutter_test/flutter_test.dart';

import 'fakes.dart';

/// A phone of usual size, a phone on its side, a tablet.
const phone = Size(412, 892);
const phoneLandscape = Size(892, 412);
const tablet = Size(1180, 820);

/// Shows the app on [services] until it has started; ends it with the test.
Future<void> showApp(
  WidgetTester tester,
  FakeServices services, {
  Size size = phone,
  Brightness brightness = Brightness.light,
  double textScale = 1,
  TextDirection? direction,
}) async {
  tester.view
    ..physicalSize = size
    ..devicePixelRatio = 1;
  tester.platformDispatcher
    ..platformBrightnessTestValue = brightness
    ..textScaleFactorTestValue = textScale;
  addTearDown(tester.view.reset);
  addTearDown(tester.platformDispatcher.clearAllTestValues);
  await tester.pumpWidget(
    HappyPhoneApp(
      createServices: () async => services.all,
      textDirection: direction,
    ),
  );
  for (var i = 0; i < 10; i++) {
    await tester.pump(const Duration(milliseconds: 50));
  }
}

/// Takes the app away, and waits until what it left behind has ended.
Future<void> closeApp(WidgetTester tester) async {
  await tester.pumpWidget(const SizedBox());
  await tester.pump(const Duration(seconds: 10));
}
