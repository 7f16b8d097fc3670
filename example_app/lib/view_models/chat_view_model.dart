import 'dart:async';

import 'package:flutter/foundation.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../data/conversation.dart';
import '../data/failure.dart';
import '../services/engine_service.dart';
import '../services/errors.dart';
import 'chats_view_model.dart';
import 'settings_view_model.dart';

/// The open chat and its answer.
class ChatViewModel extends ChangeNotifier {
  ChatViewModel(this._engine, this._chats, this._settings) {
    _chats
      ..onLeave = _leave
      ..addListener(_chatsChanged);
    _shown = _chats.current.id;
  }

  /// An answer that is being written is shown, and kept, so often.
  static const showEvery = Duration(milliseconds: 33);
  static const keepEvery = Duration(seconds: 2);

  final EngineService _engine;
  final ChatsViewModel _chats;
  final SettingsViewModel _settings;

  StreamSubscription<GenerationEvent>? _subscription;
  bool _isGenerating = false;
  final _text = StringBuffer();
  final _sinceKept = Stopwatch();
  final _clock = Stopwatch();
  Duration? _firstToken;
  Timer? _showTimer;
  late String _shown;
  Failure? _failure;
  int? _editing;
  String _draft = '';
  int _draftVersion = 0;
  List<Message>? _cleared;
  bool _isDisposed = false;

  /// The answer that is being written; null: there is none. Apart from the
  /// messages, so that only its own widget is built again for each piece.
  final ValueNotifier<Message?> running = ValueNotifier(null);

  List<Message> get messages => _chats.current.messages;

  /// How many messages, from the first on, the model did not see any more when it
  /// answered last.
  int get forgotten {
    final whole = messages.where((message) => message.speed != null);
    return whole.lastOrNull?.forgotten ?? 0;
  }

  String get chatId => _chats.current.id;

  bool get isGenerating => _isGenerating;

  /// Why there is no answer; null: there is one, or nothing was asked.
  Failure? get failure => _failure;

  bool get canGenerate => !isGenerating && _engine.info != null;

  bool get canClear => messages.isNotEmpty;

  /// Whether [undoClear] would bring something back.
  bool get canUndoClear => _cleared != null && messages.isEmpty;

  /// Which message is being edited.
  int? get editing => _editing;

  /// What the prompt field should hold since [draftVersion] changed.
  String get draft => _draft;

  int get draftVersion => _draftVersion;

  /// Says [prompt], in place of the message that is being edited, and has it
  /// answered. False, if nothing was said.
  bool generate(String prompt) {
    final text = prompt.trim();
    if (text.isEmpty || !canGenerate) return false;
    final kept = _editing == null ? messages : messages.sublist(0, _editing);
    _editing = null;
    _ask([...kept, Message.user(text)]);
    return true;
  }

  /// Answers the last question again, instead of the last answer.
  void regenerate() {
    if (!canGenerate) return;
    final last = messages.lastIndexWhere((message) => message.isUser);
    if (last < 0) return;
    _editing = null;
    _ask(messages.sublist(0, last + 1));
  }

  void stop() => _engine.stop();

  /// Forgets what was said in this chat.
  void clear() {
    if (!canClear) return;
    _leave();
    _cleared = messages;
    unawaited(_chats.update(const []));
  }

  void undoClear() {
    final cleared = _cleared;
    if (cleared == null || messages.isNotEmpty) return;
    _cleared = null;
    unawaited(_chats.update(cleared));
  }

  /// Puts a message of the person into the prompt field, to be said anew.
  void beginEdit(int index) {
    if (isGenerating) return;
    _editing = index;
    _setDraft(messages[index].text);
  }

  void cancelEdit() {
    if (_editing == null) return;
    _editing = null;
    _setDraft('');
  }

  void _setDraft(String text) {
    _draft = text;
    _draftVersion++;
    notifyListeners();
  }

  void _ask(List<Message> asked) {
    _failure = null;
    _cleared = null;
    _text.clear();
    _firstToken = null;
    _clock
      ..reset()
      ..start();
    _sinceKept
      ..reset()
      ..start();
    running.value = const Message.answer();
    _isGenerating = true;
    // On disk before the answer begins: a crash loses nothing that was typed.
    unawaited(_chats.update([...asked, const Message.answer()]));
    try {
      _subscription = _engine
          .answer(asked, _settings.value)
          .listen(_take, onError: _fail, onDone: _ended);
      // It may have failed in the same tick.
      if (!_isGenerating) _subscription = null;
    } on HpLlmException catch (e) {
      _fail(e);
    }
  }

  void _take(GenerationEvent event) {
    switch (event) {
      case TextDelta(:final text):
        _firstToken ??= _clock.elapsed;
        _text.write(text);
        _showTimer ??= Timer(showEvery, _show);
      case Done(:final reason, :final stats, :final usage):
        _finish(
          switch (reason) {
            FinishReason.stop => MessageState.complete,
            FinishReason.length => MessageState.tooLong,
            FinishReason.context => MessageState.contextFull,
            FinishReason.stopped => MessageState.stopped,
          },
          speed: _speedOf(stats),
          forgotten: usage.forgottenMessages,
        );
    }
  }

  AnswerSpeed? _speedOf(GenerationStats? stats) {
    final first = _firstToken;
    if (stats == null || first == null || stats.tokensPerSecond <= 0)
      return null;
    return AnswerSpeed(
      tokensPerSecond: stats.tokensPerSecond,
      // As the person saw it, with all that is between here and the engine.
      firstToken: first,
    );
  }

  Message get _soFar => const Message.answer().copyWith(text: '$_text');

  void _show() {
    _showTimer = null;
    running.value = _soFar;
    if (_sinceKept.elapsed >= keepEvery) unawaited(keep());
  }

  /// Writes what there is of a running answer.
  Future<void> keep() async {
    if (!_isGenerating) return;
    _sinceKept.reset();
    final messages = [..._withoutAnswer(), _soFar];
    await _chats.save(_chats.current.copyWith(messages: messages));
  }

  List<Message> _withoutAnswer() {
    final all = messages;
    final hasAnswer = all.isNotEmpty && all.last.state == MessageState.running;
    return hasAnswer ? all.sublist(0, all.length - 1) : all;
  }

  void _fail(Object error) {
    _failure = describeError(error);
    _finish(MessageState.interrupted);
  }

  void _ended() {
    if (isGenerating) _finish(MessageState.interrupted);
  }

  /// The answer stays as far as it came; an empty one only where it is an answer.
  void _finish(MessageState state, {AnswerSpeed? speed, int forgotten = 0}) {
    _showTimer?.cancel();
    _showTimer = null;
    _subscription = null;
    _isGenerating = false;
    running.value = null;
    final keeps = _text.isNotEmpty || state == MessageState.complete;
    final answer = Message(
      role: ChatRole.assistant,
      text: '$_text',
      state: state,
      speed: speed,
      forgotten: forgotten,
    );
    unawaited(_chats.update([..._withoutAnswer(), if (keeps) answer]));
    if (!_isDisposed) notifyListeners();
  }

  /// Another chat is opened, or this one is emptied.
  void _leave() {
    final subscription = _subscription;
    if (_isGenerating) _finish(MessageState.stopped);
    unawaited(subscription?.cancel());
    _failure = null;
    cancelEdit();
  }

  void _chatsChanged() {
    if (_shown != _chats.current.id) {
      _shown = _chats.current.id;
      _failure = null;
      _cleared = null;
    }
    notifyListeners();
  }

  /// Stops, and keeps what there is of the answer.
  Future<void> close() async {
    final subscription = _subscription;
    _leave();
    await subscription?.cancel();
  }

  @override
  void dispose() {
    _isDisposed = true;
    _chats
      ..removeListener(_chatsChanged)
      ..onLeave = null;
    _showTimer?.cancel();
    unawaited(_subscription?.cancel());
    running.dispose();
    super.dispose();
  }
}
