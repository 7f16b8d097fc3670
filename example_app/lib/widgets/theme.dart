import 'package:flutter/material.dart';

/// A quiet green.
const _seed = Color(0xFF3D6A5E);

/// Chats are no wider than what can be read.
const maxReadingWidth = 720.0;

/// Of an icon button: what is around its icon, which is to stand below the first
/// letter of a text.
const aroundIcon = (kMinInteractiveDimension - smallIcon) / 2;
const smallIcon = 18.0;

/// Whether there is room for the list of chats beside the chat. A phone on its side
/// is wide, but too low for it.
bool hasTwoPanes(Size size) => size.width >= 840 && size.height >= 480;

ThemeData appTheme(Brightness brightness) {
  final scheme = ColorScheme.fromSeed(seedColor: _seed, brightness: brightness);
  final base = ThemeData(
    colorScheme: scheme,
    // On Linux, for letters that its usual font has not.
    fontFamilyFallback: const ['DejaVu Sans'],
  );
  final text = base.textTheme;
  return base.copyWith(
    // Answers are long: a little closer than Material's default.
    textTheme: text.copyWith(
      bodyLarge: text.bodyLarge?.copyWith(letterSpacing: 0.15),
      bodyMedium: text.bodyMedium?.copyWith(letterSpacing: 0.1),
      bodySmall: text.bodySmall?.copyWith(letterSpacing: 0.2),
    ),
    sliderTheme: const SliderThemeData(
      tickMarkShape: RoundSliderTickMarkShape(tickMarkRadius: 0),
    ),
    appBarTheme: AppBarTheme(
      backgroundColor: WidgetStateColor.resolveWith(
        (states) => states.contains(WidgetState.scrolledUnder)
            ? scheme.surfaceContainer
            : scheme.surface,
      ),
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
