import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

/// How far a [Message] came.
enum MessageState {
  /// The model is at it. One that is found on disk was [interrupted].
  running,

  /// It is whole.
  complete,

  /// The person stopped it.
  stopped,

  /// It is as long as the settings allow.
  tooLong,

  /// The model's context is full.
  contextFull,

  /// The app ended, or the engine failed, while it was being written.
  interrupted,
}

/// A message of a [Conversation]. Immutable.
class Message {
  const Message({
    required this.role,
    required this.text,
    this.state = MessageState.complete,
    this.speed,
    this.forgotten = 0,
  });

  const Message.user(String text) : this(role: ChatRole.user, text: text);

  /// An answer that has not begun.
  const Message.answer()
    : this(role: ChatRole.assistant, text: '', state: MessageState.running);

  /// A message that [toJson] made.
  ///
  /// Throws [FormatException] for anything else.
  factory Message.fromJson(Object? json) {
    if (json case {
      'role': final String role,
      'text': final String text,
      'state': final String state,
    }) {
      final known = MessageState.values.asNameMap()[state];
      final who = ChatRole.values.asNameMap()[role];
      if (known != null && who != null) {
        return Message(
          role: who,
          text: text,
          state: known == MessageState.running
              ? MessageState.interrupted
              : known,
          speed: AnswerSpeed.fromJson(json['speed']),
          forgotten: switch (json['forgotten']) {
            final int count => count,
            _ => 0,
          },
        );
      }
    }
    throw const FormatException('not a message of a conversation');
  }

  final ChatRole role;
  final String text;
  final MessageState state;

  /// Of answers: how fast it came.
  final AnswerSpeed? speed;

  /// Of answers: so many messages of the conversation the model did not see any
  /// more, from its beginning on.
  final int forgotten;

  bool get isUser => role == ChatRole.user;

  Message copyWith({String? text, MessageState? state, AnswerSpeed? speed}) =>
      Message(
        role: role,
        text: text ?? this.text,
        state: state ?? this.state,
        speed: speed ?? this.speed,
        forgotten: forgotten,
      );

  Map<String, Object?> toJson() => {
    'role': role.name,
    'text': text,
    'state': state.name,
    if (speed case final speed?) 'speed': speed.toJson(),
    if (forgotten > 0) 'forgotten': forgotten,
  };
}

/// How fast an answer came.
class AnswerSpeed {
  const AnswerSpeed({required this.tokensPerSecond, required this.firstToken});

  static AnswerSpeed? fromJson(Object? json) => switch (json) {
    {
      'tokensPerSecond': final num tokensPerSecond,
      'firstTokenMs': final num firstToken,
    } =>
      AnswerSpeed(
        tokensPerSecond: tokensPerSecond.toDouble(),
        firstToken: Duration(milliseconds: firstToken.round()),
      ),
    _ => null,
  };

  final double tokensPerSecond;

  /// From the question to the first token.
  final Duration firstToken;

  Map<String, Object?> toJson() => {
    'tokensPerSecond': tokensPerSecond,
    'firstTokenMs': firstToken.inMilliseconds,
  };
}

/// What was said in one chat. Immutable.
class Conversation {
  const Conversation({
    required this.id,
    required this.created,
    required this.updated,
    this.title = '',
    this.messages = const [],
  });

  /// A conversation that [toJson] made.
  ///
  /// Throws [FormatException] for anything else.
  factory Conversation.fromJson(Object? json) {
    if (json case {
      'id': final String id,
      'title': final String title,
      'created': final String created,
      'updated': final String updated,
      'messages': final List<Object?> messages,
    }) {
      return Conversation(
        id: id,
        title: title,
        created: DateTime.parse(created),
        updated: DateTime.parse(updated),
        messages: [for (final message in messages) Message.fromJson(message)],
      );
    }
    throw const FormatException('not a conversation');
  }

  /// Also its file's name: letters, digits and dashes.
  final String id;

  /// What the person called it; empty: [label] is its first message.
  final String title;
  final DateTime created;
  final DateTime updated;
  final List<Message> messages;

  bool get isEmpty => messages.isEmpty;

  /// What it is called in lists.
  String get label {
    if (title.isNotEmpty) return title;
    for (final message in messages) {
      if (!message.isUser) continue;
      final line = message.text.trim().split('\n').first.trim();
      if (line.runes.length <= 60) return line;
      return '${String.fromCharCodes(line.runes.take(59)).trimRight()}…';
    }
    return 'New chat';
  }

  Conversation copyWith({
    String? title,
    DateTime? updated,
    List<Message>? messages,
  }) => Conversation(
    id: id,
    created: created,
    title: title ?? this.title,
    updated: updated ?? this.updated,
    messages: messages ?? this.messages,
  );

  Map<String, Object?> toJson() => {
    'id': id,
    'title': title,
    'created': created.toUtc().toIso8601String(),
    'updated': updated.toUtc().toIso8601String(),
    'messages': [for (final message in messages) message.toJson()],
  };
}
