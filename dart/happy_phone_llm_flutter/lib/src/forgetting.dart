import 'dart:convert';

import 'messages.dart';

/// Of a conversation that is too long what [room] tokens hold: its newest turns,
/// with the system messages that it begins with. [count] says how many tokens the
/// prompt of some messages has.
///
/// The place of the cut follows from the messages alone and moves by about half
/// of [room] at a time. So most answers begin with the same tokens as the one
/// before, and these are not computed again.
List<ChatMessage> whatFits(
  List<ChatMessage> messages,
  int room,
  int Function(List<ChatMessage> some) count,
) {
  final head = messages.takeWhile((m) => m.role == ChatRole.system).length;
  // Each turn, with the bytes that are before it.
  final turns = <(int, int)>[];
  var total = 0;
  for (final (i, m) in messages.indexed) {
    if (i >= head && m.role == ChatRole.user) turns.add((i, total));
    total += utf8.encode('${m.content}${m.reasoning}').length;
  }
  List<ChatMessage> from(int turn) => [
    ...messages.take(head),
    ...messages.skip(turn),
  ];
  // Not to count a novel: a token has hardly more than 8 bytes.
  bool mayFit(int before) => total - before <= 8 * room;
  if (mayFit(0) && count(messages) <= room) return messages;
  // A token has three bytes, more or less.
  int stepOf(int before) => before ~/ (3 * room ~/ 2 + 1);
  // First the turns that begin a step, then the others of the last step.
  var last = 0;
  for (final (turn, before) in turns) {
    if (stepOf(before) <= last) continue;
    last = stepOf(before);
    if (mayFit(before) && count(from(turn)) <= room) return from(turn);
  }
  for (final (turn, before) in turns) {
    if (stepOf(before) < last || !mayFit(before)) continue;
    if (count(from(turn)) <= room) return from(turn);
  }
  return turns.isEmpty ? messages : from(turns.last.$1);
}
