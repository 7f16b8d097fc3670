import 'package:flutter/material.dart';

/// The whole app.
class HappyPhoneApp extends StatelessWidget {
  const HappyPhoneApp({super.key});

  @override
  Widget build(BuildContext context) => MaterialApp(
    title: 'Happy Phone',
    theme: ThemeData(colorSchemeSeed: const Color(0xFF3D6A5E)),
    home: const Scaffold(
      body: SafeArea(
        child: Center(child: Text('What can I help you with?')),
      ),
    ),
  );
}
