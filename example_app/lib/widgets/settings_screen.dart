import 'package:flutter/material.dart';

import '../data/settings.dart';
import '../view_models/app_view_model.dart';
import 'theme.dart';

/// How the model answers, and how the app looks.
class SettingsScreen extends StatefulWidget {
  const SettingsScreen({required this.app, super.key});

  final AppViewModel app;

  @override
  State<SettingsScreen> createState() => _SettingsScreenState();
}

class _SettingsScreenState extends State<SettingsScreen> {
  late final _system = TextEditingController(
    text: widget.app.settings.value.systemPrompt,
  );

  @override
  void dispose() {
    _system.dispose();
    super.dispose();
  }

  void _change(Settings Function(Settings now) change) =>
      widget.app.settings.change(change(widget.app.settings.value));

  void _reset() {
    widget.app.settings.reset();
    _system.text = widget.app.settings.value.systemPrompt;
  }

  @override
  Widget build(BuildContext context) => Scaffold(
    appBar: AppBar(
      title: const Text('Settings'),
      actions: [
        TextButton(onPressed: _reset, child: const Text('Reset')),
        const SizedBox(width: 8),
      ],
    ),
    body: SafeArea(
      child: Center(
        child: ConstrainedBox(
          constraints: const BoxConstraints(maxWidth: maxReadingWidth),
          child: ListenableBuilder(
            listenable: widget.app.settings,
            builder: (context, _) => _list(context, widget.app.settings.value),
          ),
        ),
      ),
    ),
  );

  Widget _list(BuildContext context, Settings settings) => ListView(
    padding: const EdgeInsets.fromLTRB(20, 8, 20, 32),
    children: [
      _SliderSetting(
        title: 'Temperature',
        about: 'Low: matter-of-fact. High: inventive.',
        value: settings.temperature,
        max: Settings.maxTemperature,
        divisions: 40,
        label: settings.temperature.toStringAsFixed(2),
        onChanged: (value) =>
            _change((now) => now.copyWith(temperature: value)),
      ),
      _SliderSetting(
        title: 'Top-p',
        about: 'How many of the less probable words may be chosen.',
        value: settings.topP,
        max: 1,
        divisions: 20,
        label: settings.topP.toStringAsFixed(2),
        onChanged: (value) => _change((now) => now.copyWith(topP: value)),
      ),
      _SliderSetting(
        title: 'Length of answers',
        about: 'A token is about three quarters of a word.',
        value: settings.maxTokens.toDouble(),
        min: Settings.minMaxTokens.toDouble(),
        max: Settings.maxMaxTokens.toDouble(),
        divisions: 63,
        label: '${settings.maxTokens} tokens',
        onChanged: (value) =>
            _change((now) => now.copyWith(maxTokens: value.round())),
      ),
      _SliderSetting(
        title: 'Threads',
        about: 'How many processor cores compute.',
        value: settings.threads.clamp(0, 16).toDouble(),
        max: 16,
        divisions: 16,
        label: settings.threads == 0 ? 'Automatic' : '${settings.threads}',
        onChanged: (value) =>
            _change((now) => now.copyWith(threads: value.round())),
      ),
      const SizedBox(height: 16),
      TextField(
        controller: _system,
        minLines: 2,
        maxLines: 8,
        textCapitalization: TextCapitalization.sentences,
        decoration: const InputDecoration(
          labelText: 'System prompt',
          hintText: 'You are a helpful assistant.',
          alignLabelWithHint: true,
        ),
        onChanged: (text) => _change((now) => now.copyWith(systemPrompt: text)),
      ),
      const SizedBox(height: 24),
      Text('Theme', style: Theme.of(context).textTheme.titleSmall),
      const SizedBox(height: 8),
      Wrap(
        spacing: 8,
        runSpacing: 8,
        children: [
          for (final choice in ThemeChoice.values)
            ChoiceChip(
              label: Text(choice.label),
              selected: settings.theme == choice,
              onSelected: (_) => _change((now) => now.copyWith(theme: choice)),
            ),
        ],
      ),
      const SizedBox(height: 24),
      Align(
        alignment: AlignmentDirectional.centerStart,
        child: TextButton(
          onPressed: () => showLicensePage(context: context),
          child: const Text('Licences'),
        ),
      ),
    ],
  );
}

class _SliderSetting extends StatelessWidget {
  const _SliderSetting({
    required this.title,
    required this.about,
    required this.value,
    required this.max,
    required this.divisions,
    required this.label,
    required this.onChanged,
    this.min = 0,
  });

  final String title;
  final String about;
  final double value;
  final double min;
  final double max;
  final int divisions;
  final String label;
  final ValueChanged<double> onChanged;

  @override
  Widget build(BuildContext context) {
    final theme = Theme.of(context);
    return Padding(
      padding: const EdgeInsets.only(top: 16),
      child: Column(
        crossAxisAlignment: CrossAxisAlignment.start,
        children: [
          Row(
            children: [
              Expanded(child: Text(title, style: theme.textTheme.titleSmall)),
              Text(
                label,
                style: theme.textTheme.titleSmall?.copyWith(
                  color: theme.colorScheme.primary,
                  fontFeatures: const [FontFeature.tabularFigures()],
                ),
              ),
            ],
          ),
          Text(
            about,
            style: theme.textTheme.bodySmall?.copyWith(
              color: theme.colorScheme.onSurfaceVariant,
            ),
          ),
          Slider(
            padding: const EdgeInsets.symmetric(vertical: 12),
            value: value.clamp(min, max),
            min: min,
            max: max,
            divisions: divisions,
            label: label,
            semanticFormatterCallback: (_) => '$title: $label',
            onChanged: onChanged,
          ),
        ],
      ),
    );
  }
}
