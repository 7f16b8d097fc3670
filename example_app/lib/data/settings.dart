/// Light or dark.
enum ThemeChoice {
  system,
  light,
  dark;

  String get label => switch (this) {
    system => 'System',
    light => 'Light',
    dark => 'Dark',
  };
}

/// What the person chose. Immutable.
class Settings {
  const Settings({
    this.temperature = 0.8,
    this.topP = 0.95,
    this.maxTokens = 1024,
    this.systemPrompt = '',
    this.threads = 0,
    this.theme = ThemeChoice.system,
    this.model = '',
  });

  /// Settings that [toJson] made. What is missing, or out of range, has its
  /// default: a damaged file must not keep the app from starting.
  factory Settings.fromJson(Object? json) {
    const none = Settings();
    if (json is! Map<String, Object?>) return none;
    return Settings(
      temperature:
          _number(json['temperature'], 0, maxTemperature) ?? none.temperature,
      topP: _number(json['topP'], 0, 1) ?? none.topP,
      maxTokens:
          _number(json['maxTokens'], 1, maxMaxTokens.toDouble())?.round() ??
          none.maxTokens,
      systemPrompt: switch (json['systemPrompt']) {
        final String text => text,
        _ => none.systemPrompt,
      },
      threads:
          _number(json['threads'], 0, maxThreads.toDouble())?.round() ??
          none.threads,
      theme: ThemeChoice.values.asNameMap()[json['theme']] ?? none.theme,
      model: switch (json['model']) {
        final String name => name,
        _ => none.model,
      },
    );
  }

  static const double maxTemperature = 2;
  static const int minMaxTokens = 64;
  static const int maxMaxTokens = 4096;
  static const int maxThreads = 64;

  /// 0: always the most probable word.
  final double temperature;

  /// 1: off.
  final double topP;

  /// Tokens of an answer.
  final int maxTokens;

  /// Empty: none.
  final String systemPrompt;

  /// 0: as many as the device has fast cores.
  final int threads;

  final ThemeChoice theme;

  /// File name of the model that was used last.
  final String model;

  Settings copyWith({
    double? temperature,
    double? topP,
    int? maxTokens,
    String? systemPrompt,
    int? threads,
    ThemeChoice? theme,
    String? model,
  }) => Settings(
    temperature: temperature ?? this.temperature,
    topP: topP ?? this.topP,
    maxTokens: maxTokens ?? this.maxTokens,
    systemPrompt: systemPrompt ?? this.systemPrompt,
    threads: threads ?? this.threads,
    theme: theme ?? this.theme,
    model: model ?? this.model,
  );

  Map<String, Object?> toJson() => {
    'temperature': temperature,
    'topP': topP,
    'maxTokens': maxTokens,
    'systemPrompt': systemPrompt,
    'threads': threads,
    'theme': theme.name,
    'model': model,
  };

  static double? _number(Object? value, double low, double high) =>
      value is num && value >= low && value <= high ? value.toDouble() : null;
}
