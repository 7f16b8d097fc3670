import 'dart:async';

import 'package:flutter/foundation.dart';

import '../data/conversation.dart';
import '../services/history_service.dart';

/// All chats, and which of them is open.
class ChatsViewModel extends ChangeNotifier {
  ChatsViewModel(this._history, {DateTime Function()? now})
    : _now = now ?? DateTime.now {
    _current = _history.create();
  }

  final HistoryService _history;
  final DateTime Function() _now;
  final List<Conversation> _saved = [];
  late Conversation _current;
  bool _saveFailed = false;
  bool _isDisposed = false;

  /// Told before another chat is opened, as the open one may be answering.
  void Function()? onLeave;

  /// Those with something in them, the latest first.
  List<Conversation> get all => List.unmodifiable(_saved);

  /// The open one; a new one is not in [all] until something is said.
  Conversation get current => _current;

  /// Whether the last save failed: the storage is full, perhaps.
  bool get saveFailed => _saveFailed;

  Future<void> load() async {
    _saved
      ..clear()
      ..addAll(await _history.loadAll());
    if (_current.isEmpty && _saved.isNotEmpty) _current = _saved.first;
    notifyListeners();
  }

  void open(String id) {
    if (id == _current.id) return;
    onLeave?.call();
    _current = _saved.firstWhere((chat) => chat.id == id);
    notifyListeners();
  }

  void openNew() {
    if (_current.isEmpty) return;
    onLeave?.call();
    _current = _history.create();
    notifyListeners();
  }

  /// The open chat has [messages] now. [write] keeps them.
  Future<void> update(List<Message> messages, {bool write = true}) async {
    _current = _current.copyWith(messages: messages, updated: _now());
    _saved.removeWhere((chat) => chat.id == _current.id);
    if (messages.isNotEmpty) _saved.insert(0, _current);
    notifyListeners();
    if (!write) return;
    if (messages.isEmpty) {
      await _keep(() => _history.delete(_current.id));
    } else {
      await save(_current);
    }
  }

  Future<void> save(Conversation chat) => _keep(() => _history.save(chat));

  Future<void> rename(String id, String title) async {
    final at = _saved.indexWhere((chat) => chat.id == id);
    if (at < 0) return;
    final renamed = _saved[at].copyWith(title: title.trim());
    _saved[at] = renamed;
    if (_current.id == id) _current = renamed;
    notifyListeners();
    await save(renamed);
  }

  /// Returns what [restore] brings back.
  Future<Conversation?> delete(String id) async {
    final at = _saved.indexWhere((chat) => chat.id == id);
    if (at < 0) return null;
    if (_current.id == id) {
      onLeave?.call();
      _current = _history.create();
    }
    final chat = _saved.firstWhere((chat) => chat.id == id);
    _saved.remove(chat);
    notifyListeners();
    await _keep(() => _history.delete(id));
    return chat;
  }

  Future<void> restore(Conversation chat) async {
    if (_saved.any((other) => other.id == chat.id)) return;
    _saved
      ..add(chat)
      ..sort((a, b) => b.updated.compareTo(a.updated));
    if (_current.isEmpty) _current = chat;
    notifyListeners();
    await save(chat);
  }

  Future<void> _keep(Future<void> Function() action) async {
    var failed = false;
    try {
      await action();
    } on Exception catch (e) {
      debugPrint('The history cannot be written: $e');
      failed = true;
    }
    if (failed == _saveFailed || _isDisposed) return;
    _saveFailed = failed;
    notifyListeners();
  }

  @override
  void dispose() {
    _isDisposed = true;
    super.dispose();
  }
}
