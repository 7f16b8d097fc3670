import 'dart:convert';
import 'dart:math';

import '../data/conversation.dart';
import 'text_store.dart';

/// Keeps conversations, each in a file of its own.
class HistoryService {
  HistoryService(this._store, {DateTime Function()? now})
    : _now = now ?? DateTime.now;

  static const _folder = 'chats';

  final TextStore _store;
  final DateTime Function() _now;
  final _random = Random();

  /// A new one, which is on disk when it is first saved.
  Conversation create() {
    final now = _now();
    final stamp = now.microsecondsSinceEpoch.toRadixString(36);
    final salt = _random.nextInt(1 << 30).toRadixString(36);
    return Conversation(id: '$stamp-$salt', created: now, updated: now);
  }

  /// All of them, the latest first. A file that cannot be understood is put aside
  /// and does not keep the others from being found.
  Future<List<Conversation>> loadAll() async {
    final found = <Conversation>[];
    for (final name in await _store.names(_folder)) {
      final text = await _store.read(_folder, name);
      if (text == null) continue;
      try {
        found.add(Conversation.fromJson(jsonDecode(text)));
      } on FormatException {
        await _store.setAside(_folder, name);
      }
    }
    return found..sort((a, b) => b.updated.compareTo(a.updated));
  }

  Future<void> save(Conversation conversation) => _store.write(
    _folder,
    '${conversation.id}.json',
    jsonEncode(conversation.toJson()),
  );

  Future<void> delete(String id) => _store.delete(_folder, '$id.json');
}
