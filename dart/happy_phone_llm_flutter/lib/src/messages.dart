/// Who says a [ChatMessage].
enum ChatRole {
  /// Instructions for the whole conversation.
  system,

  /// The person.
  user,

  /// The model.
  assistant,

  /// A tool that the model called.
  tool,
}

/// A message of a conversation. Immutable.
final class ChatMessage {
  /// A message of any role; the other constructors are shorter.
  const ChatMessage(
    this.role,
    this.content, {
    this.reasoning = '',
    this.toolCalls = const [],
    this.toolCallId = '',
    this.name = '',
  });

  /// Instructions for the whole conversation.
  const ChatMessage.system(String content) : this(ChatRole.system, content);

  /// What the person says.
  const ChatMessage.user(String content) : this(ChatRole.user, content);

  /// What the model said.
  const ChatMessage.assistant(
    String content, {
    String reasoning = '',
    List<Map<String, Object?>> toolCalls = const [],
  }) : this(
         ChatRole.assistant,
         content,
         reasoning: reasoning,
         toolCalls: toolCalls,
       );

  /// What a tool answered to the call of [toolCallId].
  const ChatMessage.tool(
    String content, {
    String toolCallId = '',
    String name = '',
  }) : this(ChatRole.tool, content, toolCallId: toolCallId, name: name);

  /// A message that [toJson] made.
  ///
  /// Throws [FormatException] for anything else.
  factory ChatMessage.fromJson(Map<String, Object?> json) {
    final role = ChatRole.values.asNameMap()[json['role']];
    final content = json['content'];
    final calls = json['tool_calls'] ?? const <Object?>[];
    if (role == null || content is! String || calls is! List<Object?>) {
      throw FormatException('not a chat message', json);
    }
    return ChatMessage(
      role,
      content,
      reasoning: _text(json, 'reasoning'),
      toolCalls: [
        for (final call in calls)
          if (call is Map<String, Object?>)
            call
          else
            throw FormatException('not a tool call', call),
      ],
      toolCallId: _text(json, 'tool_call_id'),
      name: _text(json, 'name'),
    );
  }

  /// Who says it.
  final ChatRole role;

  /// The text.
  final String content;

  /// What the assistant thought before [content].
  final String reasoning;

  /// The calls that the assistant asked for, each with "id", "name" and
  /// "arguments", of values that JSON has.
  final List<Map<String, Object?>> toolCalls;

  /// Role [ChatRole.tool]: the call that [content] answers.
  final String toolCallId;

  /// Role [ChatRole.tool]: the tool's name.
  final String name;

  /// For `jsonEncode`: what is empty is left out.
  Map<String, Object?> toJson() => {
    'role': role.name,
    'content': content,
    if (reasoning.isNotEmpty) 'reasoning': reasoning,
    if (toolCalls.isNotEmpty) 'tool_calls': toolCalls,
    if (toolCallId.isNotEmpty) 'tool_call_id': toolCallId,
    if (name.isNotEmpty) 'name': name,
  };

  @override
  String toString() => '${role.name}: $content';
}

String _text(Map<String, Object?> json, String key) {
  final value = json[key] ?? '';
  if (value is! String) throw FormatException('$key is not a text', json);
  return value;
}
