import 'dart:async';

import 'package:flutter/material.dart';

import '../data/format.dart';
import '../view_models/app_view_model.dart';
import '../view_models/command.dart';
import '../view_models/models_view_model.dart';
import 'failure_card.dart';
import 'model_tile.dart';
import 'theme.dart';

/// Models on this device and models to be had. Without any, it is the first thing
/// that the person sees.
class ModelsScreen extends StatefulWidget {
  const ModelsScreen({required this.app, this.isFirst = false, super.key});

  final AppViewModel app;

  /// There is nothing to go back to.
  final bool isFirst;

  @override
  State<ModelsScreen> createState() => _ModelsScreenState();
}

class _ModelsScreenState extends State<ModelsScreen> {
  AppViewModel get app => widget.app;
  ModelsViewModel get models => widget.app.models;

  @override
  void initState() {
    super.initState();
    unawaited(models.learnSizes());
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    appBar: widget.isFirst ? null : AppBar(title: const Text('Models')),
    body: SafeArea(
      child: ListenableBuilder(
        listenable: Listenable.merge([
          app,
          models,
          models.addFile,
          models.delete,
        ]),
        builder: (context, _) => Center(
          child: ConstrainedBox(
            constraints: const BoxConstraints(maxWidth: maxReadingWidth),
            child: ListView(
              padding: const EdgeInsets.fromLTRB(16, 0, 16, 32),
              children: [
                if (widget.isFirst) const _Welcome(),
                ..._failure(models.delete),
                if (models.installed.isNotEmpty) ...[
                  const _Section('On this device'),
                  for (final item in models.installed)
                    ModelTile(
                      key: ValueKey(item.fileName),
                      item: item,
                      isInUse: app.model?.name == item.fileName,
                      onUse: () => _use(context, item),
                      onDelete: () => unawaited(_confirmDelete(context, item)),
                    ),
                ],
                if (models.available.isNotEmpty)
                  _Section('To download', note: _memory),
                for (final item in models.available)
                  DownloadTile(
                    key: ValueKey(item.fileName),
                    item: item,
                    onDownload: () => models.download(item.catalogue!),
                    onPause: () => unawaited(models.pause(item.fileName)),
                    onDiscard: () => unawaited(models.discard(item.fileName)),
                  ),
                const _Section('Your own'),
                _OwnFile(models),
                ..._failure(models.addFile),
              ],
            ),
          ),
        ),
      ),
    ),
  );

  String? get _memory => switch (models.deviceBytes) {
    final bytes? => 'This device has ${formatBytes(bytes)} of memory.',
    null => null,
  };

  List<Widget> _failure(Command<Object?> command) => [
    if (command.failure case final failure?)
      Padding(
        padding: const EdgeInsets.symmetric(vertical: 8),
        child: FailureCard(
          failure: failure,
          actions: [
            TextButton(
              onPressed: command.forgetFailure,
              child: const Text('Close'),
            ),
          ],
        ),
      ),
  ];

  void _use(BuildContext context, ModelItem item) {
    unawaited(app.use(item.file!));
    if (!widget.isFirst) Navigator.pop(context);
  }

  Future<void> _confirmDelete(BuildContext context, ModelItem item) async {
    final sure = await showDialog<bool>(
      context: context,
      builder: (context) => AlertDialog(
        title: Text('Delete ${item.title}?'),
        content: const Text('To use it again it must be downloaded again.'),
        actions: [
          TextButton(
            onPressed: () => Navigator.pop(context),
            child: const Text('Cancel'),
          ),
          FilledButton(
            onPressed: () => Navigator.pop(context, true),
            child: const Text('Delete'),
          ),
        ],
      ),
    );
    if (sure ?? false) await models.delete(item.fileName);
  }
}

class _Welcome extends StatelessWidget {
  const _Welcome();

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.only(top: 40, bottom: 8),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.start,
        children: [
          Icon(
            Icons.forum_outlined,
            size: 44,
            color: theme.colorScheme.primary,
          ),
          const SizedBox(height: 16),
          Text('Welcome', style: theme.textTheme.headlineMedium),
          const SizedBox(height: 8),
          Text(
            'Choose a model to chat with. It is downloaded once and then runs on '
            'this device, without a connection. What you write stays here.',
            style: theme.textTheme.bodyLarge?.copyWith(
              color: theme.colorScheme.onSurfaceVariant,
            ),
          ),
        ],
      ),
    );
  }
}

class _Section extends StatelessWidget {
  const _Section(this.title, {this.note});

  final String title;
  final String? note;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.fromLTRB(4, 24, 4, 8),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.start,
        children: [
          Semantics(
            header: true,
            child: Text(
              title,
              style: theme.textTheme.titleSmall?.copyWith(
                color: theme.colorScheme.primary,
              ),
            ),
          ),
          if (note case final note?)
            Text(
              note,
              style: theme.textTheme.bodySmall?.copyWith(
                color: theme.colorScheme.onSurfaceVariant,
              ),
            ),
        ],
      ),
    );
  }
}

/// Adds a file that the person has: by the system's picker, or by its path.
class _OwnFile extends StatefulWidget {
  const _OwnFile(this.models);

  final ModelsViewModel models;

  @override
  State<_OwnFile> createState() => _OwnFileState();
}

class _OwnFileState extends State<_OwnFile> {
  final _path = TextEditingController();

  @override
  void dispose() {
    _path.dispose();
    super.dispose();
  }

  @override
  Widget build(BuildContext context) {
    final models = widget.models;
    if (models.addFile.isRunning) {
      return Column(
        crossAxisAlignment: CrossAxisAlignment.start,
        children: [
          const Text('Adding a file …'),
          const SizedBox(height: 8),
          LinearProgressIndicator(
            value: models.importProgress,
            semanticsLabel: 'Adding a file',
          ),
        ],
      );
    }
    if (models.hasPicker) {
      return Align(
        alignment: AlignmentDirectional.centerStart,
        child: OutlinedButton.icon(
          onPressed: () => unawaited(models.addFile(null)),
          icon: const Icon(Icons.folder_open),
          label: const Text('Add a .gguf file'),
        ),
      );
    }
    return Row(
      children: [
        Expanded(
          child: TextField(
            controller: _path,
            decoration: const InputDecoration(
              labelText: 'Path of a .gguf file',
            ),
            onSubmitted: (_) => _add(),
          ),
        ),
        const SizedBox(width: 12),
        FilledButton.tonal(onPressed: _add, child: const Text('Add')),
      ],
    );
  }

  void _add() => unawaited(widget.models.addFile(_path.text.trim()));
}
