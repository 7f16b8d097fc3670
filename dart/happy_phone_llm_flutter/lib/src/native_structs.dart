part of 'native.dart';

// The structs of the C interface, filled in and read. Memory is of the arena of
// the call.

const _errorTextSize = 504;

String _versionText(int abi) => '${abi >> 16}.${abi & 0xffff}';

String _decode(Pointer<Char> data, int size) =>
    utf8.decode(data.cast<Uint8>().asTypedList(size), allowMalformed: true);

/// The first [size] bytes of a text inside a struct.
String _charsOf(Array<Char> chars, int size) => utf8.decode(
  Uint8List.fromList([for (var i = 0; i < size; i++) chars[i] & 0xff]),
  allowMalformed: true,
);

/// A terminated text inside a struct of [capacity] bytes.
String _terminated(Array<Char> chars, int capacity) {
  var size = 0;
  while (size < capacity && chars[size] != 0) {
    size++;
  }
  return _charsOf(chars, size);
}

(Pointer<Char>, int) _utf8(String text, Allocator arena) {
  final bytes = utf8.encode(text);
  if (bytes.isEmpty) return (nullptr, 0);
  final data = arena<Uint8>(bytes.length);
  data.asTypedList(bytes.length).setAll(0, bytes);
  return (data.cast(), bytes.length);
}

void _setText(hp_llm_text to, String text, Allocator arena) {
  final (data, size) = _utf8(text, arena);
  to
    ..data = data
    ..size = size;
}

Pointer<Int32> _ids(List<int> ids, Allocator arena) {
  if (ids.isEmpty) return nullptr;
  final data = arena<Int32>(ids.length);
  for (final (i, id) in ids.indexed) {
    data[i] = _int32(id, 'token $i');
  }
  return data;
}

/// Stores into fields of 32 bits would cut a larger number silently.
int _int32(int value, String what) {
  if (value == value.toSigned(32)) return value;
  throw HpLlmArgumentException('$what: $value does not fit into 32 bits');
}

Pointer<hp_llm_message> _messages(List<ChatMessage> messages, Arena arena) {
  final list = arena<hp_llm_message>(messages.length);
  for (final (i, m) in messages.indexed) {
    final to = list[i];
    _setText(to.role, m.role.name, arena);
    _setText(to.content, m.content, arena);
    _setText(to.reasoning, m.reasoning, arena);
    _setText(to.tool_calls, _json(m.toolCalls, 'toolCalls'), arena);
    _setText(to.tool_call_id, m.toolCallId, arena);
    _setText(to.name, m.name, arena);
  }
  return list;
}

Pointer<hp_llm_chat_options> _chat(GenerationOptions options, Arena arena) {
  final chat = arena<hp_llm_chat_options>();
  chat.ref
    ..struct_size = sizeOf<hp_llm_chat_options>()
    ..thinking = switch (options.thinking) {
      Thinking.byDefault => hp_llm_thinking.HP_LLM_THINKING_DEFAULT,
      Thinking.on => hp_llm_thinking.HP_LLM_THINKING_ON,
      Thinking.off => hp_llm_thinking.HP_LLM_THINKING_OFF,
    };
  _setText(chat.ref.tools, _json(options.tools, 'tools'), arena);
  return chat;
}

String _json(List<Map<String, Object?>> list, String what) {
  if (list.isEmpty) return '';
  try {
    return jsonEncode(list);
    // What jsonEncode throws for values that JSON does not have.
    // ignore: avoid_catching_errors
  } on JsonUnsupportedObjectError catch (e) {
    throw HpLlmArgumentException('$what: $e');
  }
}

Pointer<hp_llm_session_options> _context(ContextOptions options, Arena arena) {
  final to = arena<hp_llm_session_options>();
  to.ref
    ..struct_size = sizeOf<hp_llm_session_options>()
    ..context = _int32(options.tokens, 'context tokens')
    ..batch = _int32(options.batch, 'batch')
    ..kv_type = switch (options.cache) {
      KvCacheType.f16 => hp_llm_kv_type.HP_LLM_KV_F16,
      KvCacheType.f32 => hp_llm_kv_type.HP_LLM_KV_F32,
      KvCacheType.q8 => hp_llm_kv_type.HP_LLM_KV_Q8_0,
    };
  return to;
}

ModelInfo _modelInfo(hp_llm_model_info i) => ModelInfo(
  architecture: _terminated(i.architecture, 64),
  name: _terminated(i.name, 256),
  quantization: _terminated(i.quantization, 16),
  fileBytes: i.file_bytes,
  parameters: i.parameters,
  memoryBytes: i.memory_bytes,
  kvBytesPerToken: i.kv_bytes_per_token,
  deviceBytes: i.device_bytes,
  availableBytes: i.available_bytes,
  fit: switch (i.fit) {
    hp_llm_fit.HP_LLM_FIT_YES => MemoryFit.yes,
    hp_llm_fit.HP_LLM_FIT_TIGHT => MemoryFit.tight,
    hp_llm_fit.HP_LLM_FIT_NO => MemoryFit.no,
    _ => MemoryFit.unknown,
  },
  trainedContext: i.context_train,
  context: i.context,
  vocabulary: i.vocabulary,
  layers: i.layers,
  embedding: i.embedding,
  threads: i.threads,
  bosToken: i.bos,
  eosToken: i.eos,
  eotToken: i.eot,
  hasVocabulary: i.has_vocabulary != 0,
  hasChatTemplate: i.has_chat_template != 0,
);

/// Changes the defaults in [to] where [from] says something.
void _setSampling(hp_llm_sampling to, Sampling from, Arena arena) {
  to
    ..seed = from.seed?.toUnsigned(32) ?? to.seed
    ..temperature = from.temperature ?? to.temperature
    ..top_k = _int32(from.topK ?? to.top_k, 'topK')
    ..top_p = from.topP ?? to.top_p
    ..min_p = from.minP ?? to.min_p
    ..typical_p = from.typicalP ?? to.typical_p
    ..top_n_sigma = from.topNSigma ?? to.top_n_sigma
    ..dynatemp_range = from.dynamicTemperatureRange ?? to.dynatemp_range
    ..dynatemp_exponent =
        from.dynamicTemperatureExponent ?? to.dynatemp_exponent
    ..xtc_probability = from.xtcProbability ?? to.xtc_probability
    ..xtc_threshold = from.xtcThreshold ?? to.xtc_threshold
    ..adaptive_target = from.adaptiveTarget ?? to.adaptive_target
    ..adaptive_decay = from.adaptiveDecay ?? to.adaptive_decay
    ..mirostat = _int32(from.mirostat ?? to.mirostat, 'mirostat')
    ..mirostat_tau = from.mirostatTau ?? to.mirostat_tau
    ..mirostat_eta = from.mirostatEta ?? to.mirostat_eta
    ..repeat_last_n = _int32(
      from.repeatLastN ?? to.repeat_last_n,
      'repeatLastN',
    )
    ..repeat_penalty = from.repeatPenalty ?? to.repeat_penalty
    ..presence_penalty = from.presencePenalty ?? to.presence_penalty
    ..frequency_penalty = from.frequencyPenalty ?? to.frequency_penalty
    ..dry_multiplier = from.dryMultiplier ?? to.dry_multiplier
    ..dry_base = from.dryBase ?? to.dry_base
    ..dry_allowed_length = _int32(
      from.dryAllowedLength ?? to.dry_allowed_length,
      'dryAllowedLength',
    )
    ..dry_penalty_last_n = _int32(
      from.dryPenaltyLastN ?? to.dry_penalty_last_n,
      'dryPenaltyLastN',
    )
    ..min_keep = _int32(from.minKeep ?? to.min_keep, 'minKeep');
  if (from.samplers case final samplers?) {
    _setText(to.samplers, samplers, arena);
  }
  if (from.logitBias.isEmpty) return;
  final biases = arena<hp_llm_logit_bias>(from.logitBias.length);
  for (final (i, MapEntry(:key, :value)) in from.logitBias.entries.indexed) {
    biases[i]
      ..token = _int32(key, 'logitBias')
      ..bias = value;
  }
  to
    ..biases = biases
    ..bias_count = from.logitBias.length;
}
