import 'dart:convert';
import 'dart:ffi';
import 'dart:typed_data';

import 'package:ffi/ffi.dart';

import 'bindings.g.dart';
import 'events.dart';
import 'exceptions.dart';
import 'library.dart';
import 'messages.dart';
import 'model_info.dart';
import 'options.dart';
import 'protocol.dart';

part 'native_structs.dart';

/// The version of the C interface that the bindings are of.
const abiVersion = HP_LLM_ABI_VERSION;

/// A native object. When its isolate ends in whatever way, or when it is no longer
/// used, the object is freed.
final class NativeHandle implements Finalizable {
  NativeHandle._(this.value);

  /// The number that the C interface knows the object by.
  final int value;
}

/// A step of an answer.
typedef NativeEvent = ({String text, FinishReason? finish, Usage usage});

/// The native library in this isolate, in Dart's types. The only file that knows
/// the bindings; it marshals, and decides nothing.
///
/// No call takes longer than it says, and none is called back from: an isolate can
/// be killed between any two of them.
final class Native implements Finalizable {
  Native._(this._c, this._finalizer, this._error, this._event) {
    // The two buffers live as long as this object.
    _buffers
      ..attach(this, _error.cast())
      ..attach(this, _event.cast());
  }

  /// Opens the library: see [findLibrary].
  ///
  /// Throws [HpLlmLibraryException], and [HpLlmVersionException] for a library of
  /// another version.
  factory Native.open(String? path) {
    final found = findLibrary(path);
    final c = HpLlmBindings.fromLookup(found.lookup);
    final theirs = c.hp_llm_abi_version();
    final fits =
        theirs >> 16 == abiVersion >> 16 &&
        theirs & 0xffff >= abiVersion & 0xffff;
    if (!fits) {
      throw HpLlmVersionException(
        '${found.where}: the library has version ${_versionText(theirs)} of the '
        'interface, this package needs ${_versionText(abiVersion)}',
      );
    }
    final finalizer = NativeFinalizer(found.lookup('hp_llm_finalize'));
    final error = calloc<hp_llm_error>();
    error.ref.struct_size = sizeOf<hp_llm_error>();
    final event = calloc<hp_llm_event>();
    event.ref.struct_size = sizeOf<hp_llm_event>();
    return Native._(c, finalizer, error, event);
  }

  static final _buffers = NativeFinalizer(calloc.nativeFree);

  final HpLlmBindings _c;
  final NativeFinalizer _finalizer;
  final Pointer<hp_llm_error> _error;
  final Pointer<hp_llm_event> _event;

  /// The library's own version.
  String get version => _c.hp_llm_version().cast<Utf8>().toDartString();

  /// Milliseconds.
  ModelInfo inspect(String path, ContextOptions context) => using((arena) {
    final (text, size) = _utf8(path, arena);
    final info = arena<hp_llm_model_info>();
    info.ref.struct_size = sizeOf<hp_llm_model_info>();
    final options = _context(context, arena);
    _check(_c.hp_llm_inspect(text, size, options, info, _error));
    return _modelInfo(info.ref);
  });

  /// Returns at once.
  NativeHandle beginLoad(String path, int threads) => using((arena) {
    final (text, size) = _utf8(path, arena);
    final options = arena<hp_llm_load_options>();
    options.ref
      ..struct_size = sizeOf<hp_llm_load_options>()
      ..threads = threads;
    final model = arena<Uint64>();
    _check(_c.hp_llm_load_begin(text, size, options, model, _error));
    return _own(model.value);
  });

  /// Waits for at most [timeoutMs]. True: it is loaded.
  (bool, double) pollLoad(NativeHandle model, int timeoutMs) => using((arena) {
    final done = arena<Double>();
    final status = _c.hp_llm_load_poll(model.value, timeoutMs, done, _error);
    if (status == hp_llm_status.HP_LLM_PENDING) return (false, done.value);
    _check(status);
    return (true, done.value);
  });

  /// At once.
  ModelInfo modelInfo(NativeHandle model) => using((arena) {
    final info = arena<hp_llm_model_info>();
    info.ref.struct_size = sizeOf<hp_llm_model_info>();
    _check(_c.hp_llm_model_info_get(model.value, info, _error));
    return _modelInfo(info.ref);
  });

  /// Milliseconds, but a second for a megabyte.
  List<int> tokenize(
    NativeHandle model,
    String text, {
    required bool addSpecial,
    required bool parseSpecial,
  }) => using((arena) {
    final (data, size) = _utf8(text, arena);
    final count = arena<Int64>();
    final flags =
        (addSpecial ? hp_llm_text_flags.HP_LLM_ADD_SPECIAL : 0) |
        (parseSpecial ? hp_llm_text_flags.HP_LLM_PARSE_SPECIAL : 0);
    int call(Pointer<Int32> ids, int capacity) => _c.hp_llm_tokenize(
      model.value,
      data,
      size,
      flags,
      ids,
      capacity,
      count,
      _error,
    );
    // Hardly a text has more tokens than bytes, so one call does.
    var capacity = size + 8;
    var ids = arena<Int32>(capacity);
    var status = call(ids, capacity);
    if (status == hp_llm_status.HP_LLM_ERROR_BUFFER) {
      capacity = count.value;
      ids = arena<Int32>(capacity);
      status = call(ids, capacity);
    }
    _check(status);
    return Int32List.fromList(ids.asTypedList(count.value));
  });

  /// Milliseconds.
  String detokenize(
    NativeHandle model,
    List<int> ids, {
    required bool showSpecial,
  }) => using((arena) {
    final data = _ids(ids, arena);
    final flags = showSpecial ? hp_llm_text_flags.HP_LLM_SHOW_SPECIAL : 0;
    return _text(
      arena,
      (buffer, capacity, size) => _c.hp_llm_detokenize(
        model.value,
        data,
        ids.length,
        flags,
        buffer,
        capacity,
        size,
        _error,
      ),
    );
  });

  /// Milliseconds.
  String chatPrompt(
    NativeHandle model,
    List<ChatMessage> messages,
    GenerationOptions options,
  ) => using((arena) {
    final list = _messages(messages, arena);
    final chat = _chat(options, arena);
    return _text(
      arena,
      (buffer, capacity, size) => _c.hp_llm_chat_prompt(
        model.value,
        list,
        messages.length,
        chat,
        buffer,
        capacity,
        size,
        _error,
      ),
    );
  });

  /// Milliseconds.
  NativeHandle createSession(NativeHandle model, ContextOptions context) =>
      using((arena) {
        final session = arena<Uint64>();
        final options = _context(context, arena);
        _check(_c.hp_llm_session_create(model.value, options, session, _error));
        return _own(session.value);
      });

  /// Returns at once: the events come from [next].
  void start(
    NativeHandle session,
    Prompt prompt,
    GenerationOptions options,
  ) => using((arena) {
    final request = arena<hp_llm_request>();
    request.ref.struct_size = sizeOf<hp_llm_request>();
    _check(_c.hp_llm_request_defaults(request, _error));
    final r = request.ref;
    r.max_tokens = _int32(options.maxTokens, 'maxTokens');
    r.flags =
        (options.ignoreEndOfText ? hp_llm_request_flags.HP_LLM_IGNORE_EOS : 0) |
        (options.parseSpecial ? hp_llm_request_flags.HP_LLM_PROMPT_SPECIAL : 0);
    if (prompt.messages case final messages?) {
      r.messages = _messages(messages, arena);
      r.message_count = messages.length;
      r.chat = _chat(options, arena);
    }
    if (prompt.text case final text?) _setText(r.prompt, text, arena);
    if (prompt.tokens case final tokens?) {
      r.tokens = _ids(tokens, arena);
      r.token_count = tokens.length;
    }
    r.stops = arena<hp_llm_text>(options.stops.length);
    r.stop_count = options.stops.length;
    for (final (i, stop) in options.stops.indexed) {
      _setText(r.stops[i], stop, arena);
    }
    final sampling = arena<hp_llm_sampling>();
    sampling.ref.struct_size = sizeOf<hp_llm_sampling>();
    _check(_c.hp_llm_sampling_defaults(sampling, _error));
    _setSampling(sampling.ref, options.sampling, arena);
    r.sampling = sampling;
    _check(_c.hp_llm_start(session.value, request, _error));
  });

  /// Waits for at most [timeoutMs]; null: no event yet.
  NativeEvent? next(NativeHandle session, int timeoutMs) {
    final status = _c.hp_llm_next(session.value, timeoutMs, _event, _error);
    if (status == hp_llm_status.HP_LLM_PENDING) return null;
    _check(status);
    final e = _event.ref;
    return (
      text: e.text_size == 0 ? '' : _charsOf(e.text, e.text_size),
      finish: switch (e.finish) {
        hp_llm_finish.HP_LLM_FINISH_NONE => null,
        hp_llm_finish.HP_LLM_FINISH_STOP => FinishReason.stop,
        hp_llm_finish.HP_LLM_FINISH_LENGTH => FinishReason.length,
        hp_llm_finish.HP_LLM_FINISH_CONTEXT => FinishReason.context,
        hp_llm_finish.HP_LLM_FINISH_STOPPED => FinishReason.stopped,
        final other => throw HpLlmInternalException('unknown finish $other'),
      },
      usage: Usage(
        promptTokens: e.prompt_tokens,
        cachedTokens: e.cached_tokens,
        generatedTokens: e.generated_tokens,
      ),
    );
  }

  /// At once.
  GenerationStats stats(NativeHandle session) => using((arena) {
    final stats = arena<hp_llm_stats>();
    stats.ref.struct_size = sizeOf<hp_llm_stats>();
    _check(_c.hp_llm_stats_get(session.value, stats, _error));
    final s = stats.ref;
    return GenerationStats(
      promptTokens: s.prompt_tokens,
      cachedTokens: s.cached_tokens,
      generatedTokens: s.generated_tokens,
      contextTokens: s.context_tokens,
      contextCapacity: s.context_capacity,
      loadMs: s.load_ms,
      promptMs: s.prompt_ms,
      firstTokenMs: s.first_token_ms,
      generateMs: s.generate_ms,
      promptTokensPerSecond: s.prompt_tokens_per_s,
      tokensPerSecond: s.tokens_per_s,
      peakMemoryBytes: s.peak_memory_bytes,
    );
  });

  /// Has messages of all levels wait for [nextLog], those of other engines too. At
  /// once.
  void keepLog() => using((arena) {
    final options = arena<hp_llm_init_options>();
    options.ref
      ..struct_size = sizeOf<hp_llm_init_options>()
      ..log_level = hp_llm_log_level.HP_LLM_LOG_INFO;
    _check(_c.hp_llm_init(abiVersion, options, _error));
  });

  /// Takes a waiting log message; null: there is none. At once.
  (LogLevel, String)? nextLog() => using((arena) {
    final level = arena<Int32>();
    final size = arena<Int64>();
    int call(Pointer<Char> buffer, int capacity) =>
        _c.hp_llm_log_next(level, buffer, capacity, size, _error);
    final first = call(nullptr, 0);
    if (first == hp_llm_status.HP_LLM_PENDING) return null;
    _check(first);
    final buffer = arena<Char>(size.value + 1);
    final second = call(buffer, size.value + 1);
    // Another engine may have taken it meanwhile.
    if (second == hp_llm_status.HP_LLM_PENDING) return null;
    _check(second);
    return (
      level.value == hp_llm_log_level.HP_LLM_LOG_WARN
          ? LogLevel.warning
          : LogLevel.info,
      _decode(buffer, size.value),
    );
  });

  /// Stops what an object is doing; its number may be of an object of another
  /// isolate, or of one that is gone. Returns at once.
  void stop(int handle) => _c.hp_llm_stop(handle, nullptr);

  /// Frees an object; milliseconds.
  void free(NativeHandle handle) {
    _finalizer.detach(handle);
    _c.hp_llm_free(handle.value, nullptr);
  }

  NativeHandle _own(int value) {
    final handle = NativeHandle._(value);
    _finalizer.attach(handle, Pointer.fromAddress(value), detach: handle);
    return handle;
  }

  void _check(int status) {
    if (status == hp_llm_status.HP_LLM_OK) return;
    final message = _error.ref.message;
    var size = 0;
    while (size < _errorTextSize && message[size] != 0) {
      size++;
    }
    throw HpLlmException.fromStatus(status, _charsOf(message, size));
  }

  String _text(
    Arena arena,
    int Function(Pointer<Char> buffer, int capacity, Pointer<Int64> size) call,
  ) {
    final size = arena<Int64>();
    _check(call(nullptr, 0, size));
    final capacity = size.value;
    if (capacity == 0) return '';
    final buffer = arena<Char>(capacity);
    _check(call(buffer, capacity, size));
    return _decode(buffer, size.value);
  }
}
