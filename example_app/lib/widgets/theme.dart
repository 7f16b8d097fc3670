import 'package:flutter/material.dart';

/// A quiet green.
const _seed = Color(0xFF3D6A5E);

/// Chats are no wider than what can be read.
const maxReadingWidth = 720.0;

/// From here on there is room for the list of chats beside the chat.
const twoPaneWidth = 840.0;

ThemeData appTheme(Brightness brightness) {
  final scheme = ColorScheme.fromSeed(seedColor: _seed, brightness: brightness);
  final base = ThemeData(colorScheme: scheme);
  return base.copyWith(
    appBarTheme: AppBarTheme(
      backgroundColor: scheme.surface,
      scrolledUnderElevation: 0,
      centerTitle: false,
    ),
    snackBarTheme: const SnackBarThemeData(behavior: SnackBarBehavior.floating),
    inputDecorationTheme: InputDecorationTheme(
      filled: true,
      fillColor: scheme.surfaceContainerHighest,
      border: OutlineInputBorder(
        borderRadius: BorderRadius.circular(16),
        borderSide: BorderSide.none,
      ),
    ),
    dividerTheme: DividerThemeData(color: scheme.outlineVariant, space: 1),
  );
}

/// Code, in whatever the system has for it.
TextStyle codeStyle(TextStyle base) => base.copyWith(
  fontFamily: 'monospace',
  fontFamilyFallback: const [
    'Menlo',
    'Consolas',
    'DejaVu Sans Mono',
    'Courier',
  ],
  fontSize: (base.fontSize ?? 16) * 0.875,
  height: 1.45,
);
