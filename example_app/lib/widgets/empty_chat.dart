import 'package:flutter/material.dart';

import 'theme.dart';

/// A chat in which nothing was said yet.
class EmptyChat extends StatelessWidget {
  const EmptyChat({required this.onSuggestion, super.key});

  /// Null: there is no model that could answer.
  final void Function(String prompt)? onSuggestion;

  static const _suggestions = [
    (Icons.lightbulb_outline, 'Explain to me why the sky is blue'),
    (Icons.restaurant_outlined, 'What can I cook with rice and two eggs?'),
    (Icons.edit_note, 'Write a kind reply to an invitation I must decline'),
    (Icons.code, 'Write a Python function that reverses a list'),
  ];

  static List<List<(IconData, String)>> _rows({required bool inPairs}) =>
      inPairs
      ? [_suggestions.sublist(0, 2), _suggestions.sublist(2)]
      : [
          for (final suggestion in _suggestions) [suggestion],
        ];

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final scheme = theme.colorScheme;
    return Center(
      child: SingleChildScrollView(
        padding: const EdgeInsets.all(24),
        child: ConstrainedBox(
          constraints: const BoxConstraints(maxWidth: maxReadingWidth),
          child: Column(
            children: [
              Icon(Icons.forum_outlined, size: 44, color: scheme.primary),
              const SizedBox(height: 16),
              Text(
                'What can I help you with?',
                textAlign: TextAlign.center,
                style: theme.textTheme.headlineSmall,
              ),
              const SizedBox(height: 8),
              Text(
                'The model runs on this device.\nWhat you write stays here.',
                textAlign: TextAlign.center,
                style: theme.textTheme.bodyMedium?.copyWith(
                  color: scheme.onSurfaceVariant,
                ),
              ),
              const SizedBox(height: 28),
              LayoutBuilder(
                builder: (context, constraints) => Column(
                  spacing: 12,
                  children: [
                    for (final row in _rows(
                      inPairs: constraints.maxWidth >= 560,
                    ))
                      IntrinsicHeight(
                        child: Row(
                          spacing: 12,
                          crossAxisAlignment: CrossAxisAlignment.stretch,
                          children: [
                            for (final (icon, text) in row)
                              Expanded(
                                child: _Suggestion(icon, text, onSuggestion),
                              ),
                          ],
                        ),
                      ),
                  ],
                ),
              ),
            ],
          ),
        ),
      ),
    );
  }
}

class _Suggestion extends StatelessWidget {
  const _Suggestion(this.icon, this.text, this.onTap);

  final IconData icon;
  final String text;
  final void Function(String prompt)? onTap;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final scheme = theme.colorScheme;
    return Material(
      color: scheme.surfaceContainerLow,
      borderRadius: BorderRadius.circular(16),
      clipBehavior: Clip.antiAlias,
      child: InkWell(
        onTap: onTap == null ? null : () => onTap!(text),
        child: Padding(
          padding: const EdgeInsets.symmetric(horizontal: 16, vertical: 14),
          child: Row(
            children: [
              Icon(icon, size: 20, color: scheme.primary),
              const SizedBox(width: 14),
              Expanded(child: Text(text, style: theme.textTheme.bodyMedium)),
            ],
          ),
        ),
      ),
    );
  }
}
