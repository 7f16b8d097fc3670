import 'package:flutter/material.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart'
    show MemoryFit;

import '../data/download.dart';
import '../data/format.dart';
import '../view_models/models_view_model.dart';

/// A model on this device.
class ModelTile extends StatelessWidget {
  const ModelTile({
    required this.item,
    required this.isInUse,
    required this.onUse,
    required this.onDelete,
    super.key,
  });

  final ModelItem item;
  final bool isInUse;
  final VoidCallback onUse;
  final VoidCallback onDelete;

  @override
  Widget build(BuildContext context) {
    final failure = item.file?.failure;
    final info = item.file?.info;
    return _Tile(
      title: item.title,
      lines: [
        [
          if (item.bytes case final bytes?) formatBytes(bytes),
          if (info != null && info.quantization.isNotEmpty) info.quantization,
          if (isInUse) 'in use',
        ].join(' · '),
      ],
      fit: failure == null ? item.fit : null,
      problem: failure?.title,
      isSelected: isInUse,
      onTap: failure == null && !isInUse ? onUse : null,
      actions: [
        if (failure == null && !isInUse)
          FilledButton.tonal(onPressed: onUse, child: const Text('Use')),
        IconButton(
          tooltip: 'Delete ${item.title}',
          onPressed: onDelete,
          icon: const Icon(Icons.delete_outline),
        ),
      ],
    );
  }
}

/// A model to be had, and the way that its download has come.
class DownloadTile extends StatelessWidget {
  const DownloadTile({
    required this.item,
    required this.onDownload,
    required this.onPause,
    required this.onDiscard,
    super.key,
  });

  final ModelItem item;
  final VoidCallback onDownload;
  final VoidCallback onPause;
  final VoidCallback onDiscard;

  @override
  Widget build(BuildContext context) {
    final model = item.catalogue!;
    final download = item.download;
    final bytes = item.bytes;
    return _Tile(
      title: item.title,
      isRecommended: item.isRecommended && download == null,
      lines: [
        '${model.maker} · ${model.parameters} parameters'
            '${bytes == null ? '' : ' · ${formatBytes(bytes)}'}',
        if (download == null) model.about,
      ],
      fit: download == null ? item.fit : null,
      problem: switch (download?.failure) {
        final failure? => '${failure.title} ${failure.advice}',
        null => null,
      },
      below: download == null || download.phase == DownloadPhase.failed
          ? null
          : _Progress(download),
      actions: [
        if (download == null)
          IconButton.filledTonal(
            tooltip: 'Download ${item.title}',
            onPressed: onDownload,
            icon: const Icon(Icons.download),
          )
        else if (download.isActive)
          IconButton.filledTonal(
            tooltip: 'Pause',
            onPressed: onPause,
            icon: const Icon(Icons.pause),
          )
        else ...[
          IconButton.filledTonal(
            tooltip: download.received > 0 ? 'Resume' : 'Try again',
            onPressed: onDownload,
            icon: Icon(
              download.received > 0 ? Icons.play_arrow : Icons.refresh,
            ),
          ),
          IconButton(
            tooltip: 'Discard what has arrived',
            onPressed: onDiscard,
            icon: const Icon(Icons.close),
          ),
        ],
      ],
    );
  }
}

class _Progress extends StatelessWidget {
  const _Progress(this.download);

  final DownloadStatus download;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.only(top: 10),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.stretch,
        children: [
          LinearProgressIndicator(
            value: download.isActive || download.fraction != null
                ? download.fraction
                : 0,
            borderRadius: BorderRadius.circular(2),
            semanticsLabel: 'Download',
          ),
          const SizedBox(height: 6),
          Text(
            _text,
            style: theme.textTheme.bodySmall?.copyWith(
              color: theme.colorScheme.onSurfaceVariant,
              fontFeatures: const [FontFeature.tabularFigures()],
            ),
          ),
        ],
      ),
    );
  }

  String get _text {
    final total = download.total;
    final amount = total == null
        ? formatBytes(download.received)
        : '${formatBytes(download.received)} of ${formatBytes(total)}';
    return switch (download.phase) {
      DownloadPhase.connecting => 'Connecting …',
      DownloadPhase.retrying =>
        '$amount · the connection broke, trying again …',
      DownloadPhase.checking => 'Checking …',
      DownloadPhase.paused => '$amount · paused',
      _ => [
        amount,
        if (download.bytesPerSecond > 0)
          '${formatBytes(download.bytesPerSecond.round())}/s',
        if (download.remaining case final time?) formatRemaining(time),
      ].join(' · '),
    };
  }
}

class _Tile extends StatelessWidget {
  const _Tile({
    required this.title,
    required this.lines,
    required this.actions,
    this.fit,
    this.problem,
    this.below,
    this.isSelected = false,
    this.isRecommended = false,
    this.onTap,
  });

  final String title;
  final List<String> lines;
  final List<Widget> actions;
  final MemoryFit? fit;
  final String? problem;
  final Widget? below;
  final bool isSelected;
  final bool isRecommended;
  final VoidCallback? onTap;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    final scheme = theme.colorScheme;
    final quiet = theme.textTheme.bodySmall?.copyWith(
      color: scheme.onSurfaceVariant,
    );
    return Card(
      elevation: 0,
      color: isSelected
          ? scheme.secondaryContainer
          : scheme.surfaceContainerLow,
      margin: const EdgeInsets.symmetric(vertical: 4),
      clipBehavior: Clip.antiAlias,
      child: InkWell(
        onTap: onTap,
        child: Padding(
          padding: const EdgeInsetsDirectional.fromSTEB(16, 12, 8, 12),
          child: Column(
            crossAxisAlignment: CrossAxisAlignment.start,
            children: [
              Row(
                children: [
                  Expanded(
                    child: Column(
                      crossAxisAlignment: CrossAxisAlignment.start,
                      children: [
                        Wrap(
                          spacing: 8,
                          runSpacing: 4,
                          crossAxisAlignment: WrapCrossAlignment.center,
                          children: [
                            Text(title, style: theme.textTheme.titleMedium),
                            if (isRecommended) const _Recommended(),
                          ],
                        ),
                        for (final line in lines)
                          if (line.isNotEmpty) Text(line, style: quiet),
                        if (_fitText(scheme) case (final text, final color)?)
                          Text(text, style: quiet?.copyWith(color: color)),
                      ],
                    ),
                  ),
                  const SizedBox(width: 8),
                  ...actions,
                ],
              ),
              if (problem case final problem?)
                Padding(
                  padding: const EdgeInsets.only(top: 8),
                  child: Text(
                    problem,
                    style: theme.textTheme.bodySmall?.copyWith(
                      color: scheme.error,
                    ),
                  ),
                ),
              ?below,
            ],
          ),
        ),
      ),
    );
  }

  (String, Color)? _fitText(ColorScheme scheme) => switch (fit) {
    MemoryFit.yes => ('Fits this device', scheme.primary),
    MemoryFit.tight => ('Tight on this device: may be slow', scheme.tertiary),
    MemoryFit.no => ('Too large for this device', scheme.error),
    MemoryFit.unknown || null => null,
  };
}

class _Recommended extends StatelessWidget {
  const _Recommended();

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return DecoratedBox(
      decoration: ShapeDecoration(
        color: theme.colorScheme.primary,
        shape: const StadiumBorder(),
      ),
      child: Padding(
        padding: const EdgeInsets.symmetric(horizontal: 10, vertical: 3),
        child: Text(
          'Recommended',
          style: theme.textTheme.labelSmall?.copyWith(
            color: theme.colorScheme.onPrimary,
          ),
        ),
      ),
    );
  }
}
