import 'package:flutter/material.dart';

import '../data/failure.dart';

/// What went wrong, what to do, and buttons to do it.
class FailureCard extends StatelessWidget {
  const FailureCard({
    required this.failure,
    this.actions = const [],
    super.key,
  });

  final Failure failure;
  final List<Widget> actions;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final scheme = theme.colorScheme;
    return Semantics(
      container: true,
      liveRegion: true,
      child: TextButtonTheme(
        data: TextButtonThemeData(
          style: TextButton.styleFrom(foregroundColor: scheme.onErrorContainer),
        ),
        child: Card(
          elevation: 0,
          color: scheme.errorContainer,
          margin: EdgeInsets.zero,
          child: Padding(
            padding: const EdgeInsets.fromLTRB(16, 14, 16, 8),
            child: Column(
              crossAxisAlignment: CrossAxisAlignment.start,
              children: [
                Row(
                  crossAxisAlignment: CrossAxisAlignment.start,
                  children: [
                    Icon(Icons.error_outline, color: scheme.onErrorContainer),
                    const SizedBox(width: 12),
                    Expanded(
                      child: Column(
                        crossAxisAlignment: CrossAxisAlignment.start,
                        children: [
                          Text(
                            failure.title,
                            style: theme.textTheme.titleSmall?.copyWith(
                              color: scheme.onErrorContainer,
                            ),
                          ),
                          const SizedBox(height: 2),
                          Text(
                            failure.advice,
                            style: theme.textTheme.bodyMedium?.copyWith(
                              color: scheme.onErrorContainer,
                            ),
                          ),
                        ],
                      ),
                    ),
                  ],
                ),
                Padding(
                  padding: const EdgeInsets.only(top: 4),
                  child: OverflowBar(
                    alignment: MainAxisAlignment.end,
                    children: [
                      if (failure.details.isNotEmpty)
                        TextButton(
                          onPressed: () => _showDetails(context),
                          child: const Text('Details'),
                        ),
                      ...actions,
                    ],
                  ),
                ),
              ],
            ),
          ),
        ),
      ),
    );
  }

  Future<void> _showDetails(BuildContext context) => showDialog<void>(
    context: context,
    builder: (context) => AlertDialog(
      title: const Text('Details'),
      content: SingleChildScrollView(child: SelectableText(failure.details)),
      actions: [
        TextButton(
          onPressed: () => Navigator.pop(context),
          child: const Text('Close'),
        ),
      ],
    ),
  );
}
