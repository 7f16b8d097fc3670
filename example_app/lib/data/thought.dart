/// An answer of a model that thinks aloud, taken apart.
typedef Thought = ({String thinking, String answer, bool isThinking});

/// Takes the `<think>` part off the beginning of [text]. While the model is at
/// it, there is no end of it yet.
Thought splitThought(String text) {
  const open = '<think>';
  const close = '</think>';
  final begin = text.trimLeft();
  if (begin.length < open.length &&
      begin.isNotEmpty &&
      open.startsWith(begin)) {
    return (thinking: '', answer: '', isThinking: true);
  }
  if (!begin.startsWith(open)) {
    return (thinking: '', answer: text, isThinking: false);
  }
  final end = begin.indexOf(close);
  if (end < 0) {
    return (
      thinking: begin.substring(open.length).trim(),
      answer: '',
      isThinking: true,
    );
  }
  return (
    thinking: begin.substring(open.length, end).trim(),
    answer: begin.substring(end + close.length).trimLeft(),
    isThinking: false,
  );
}
