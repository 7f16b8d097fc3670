/// The symbols of the library that hook/build.dart bundles. The bindings look
/// symbols up by name, so that a library of any path serves them; a code asset
/// has no path, and its symbols are known to the virtual machine only by a
/// declaration each.
@DefaultAsset(assetId)
library;

import 'dart:ffi';

/// What hook/build.dart calls the library.
const assetId = 'package:happy_phone_llm_flutter/src/asset_symbols.dart';

/// The version of the bundled library's interface. Throws [ArgumentError] where
/// no library is bundled.
@Native<Uint32 Function()>(symbol: 'hp_llm_abi_version')
external int assetAbiVersion();

/// The address of the function [name] of the bundled library.
Pointer<T> lookupAsset<T extends NativeType>(String name) {
  final address = _addresses[name];
  if (address == null)
    throw ArgumentError.value(name, 'name', 'no such symbol');
  return address().cast();
}

/// The functions that [lookupAsset] knows.
Iterable<String> get assetSymbols => _addresses.keys;

typedef _Any = NativeFunction<Void Function()>;

final Map<String, Pointer<_Any> Function()> _addresses = {
  'hp_llm_abi_version': () => Native.addressOf<_Any>(_abiVersion),
  'hp_llm_chat_prompt': () => Native.addressOf<_Any>(_chatPrompt),
  'hp_llm_detokenize': () => Native.addressOf<_Any>(_detokenize),
  'hp_llm_free': () => Native.addressOf<_Any>(_free),
  'hp_llm_generate': () => Native.addressOf<_Any>(_generate),
  'hp_llm_init': () => Native.addressOf<_Any>(_init),
  'hp_llm_inspect': () => Native.addressOf<_Any>(_inspect),
  'hp_llm_load': () => Native.addressOf<_Any>(_load),
  'hp_llm_load_begin': () => Native.addressOf<_Any>(_loadBegin),
  'hp_llm_load_poll': () => Native.addressOf<_Any>(_loadPoll),
  'hp_llm_log_next': () => Native.addressOf<_Any>(_logNext),
  'hp_llm_model_info_get': () => Native.addressOf<_Any>(_modelInfoGet),
  'hp_llm_next': () => Native.addressOf<_Any>(_next),
  'hp_llm_request_defaults': () => Native.addressOf<_Any>(_requestDefaults),
  'hp_llm_sampling_defaults': () => Native.addressOf<_Any>(_samplingDefaults),
  'hp_llm_session_create': () => Native.addressOf<_Any>(_sessionCreate),
  'hp_llm_session_reset': () => Native.addressOf<_Any>(_sessionReset),
  'hp_llm_session_tokens': () => Native.addressOf<_Any>(_sessionTokens),
  'hp_llm_session_truncate': () => Native.addressOf<_Any>(_sessionTruncate),
  'hp_llm_shutdown': () => Native.addressOf<_Any>(_shutdown),
  'hp_llm_start': () => Native.addressOf<_Any>(_start),
  'hp_llm_stats_get': () => Native.addressOf<_Any>(_statsGet),
  'hp_llm_status_name': () => Native.addressOf<_Any>(_statusName),
  'hp_llm_stop': () => Native.addressOf<_Any>(_stop),
  'hp_llm_tokenize': () => Native.addressOf<_Any>(_tokenize),
  'hp_llm_version': () => Native.addressOf<_Any>(_version),
  'hp_llm_finalize': () => Native.addressOf<_Any>(_finalize),
};

@Native<Void Function()>(symbol: 'hp_llm_abi_version')
external void _abiVersion();

@Native<Void Function()>(symbol: 'hp_llm_chat_prompt')
external void _chatPrompt();

@Native<Void Function()>(symbol: 'hp_llm_detokenize')
external void _detokenize();

@Native<Void Function()>(symbol: 'hp_llm_free')
external void _free();

@Native<Void Function()>(symbol: 'hp_llm_generate')
external void _generate();

@Native<Void Function()>(symbol: 'hp_llm_init')
external void _init();

@Native<Void Function()>(symbol: 'hp_llm_inspect')
external void _inspect();

@Native<Void Function()>(symbol: 'hp_llm_load')
external void _load();

@Native<Void Function()>(symbol: 'hp_llm_load_begin')
external void _loadBegin();

@Native<Void Function()>(symbol: 'hp_llm_load_poll')
external void _loadPoll();

@Native<Void Function()>(symbol: 'hp_llm_log_next')
external void _logNext();

@Native<Void Function()>(symbol: 'hp_llm_model_info_get')
external void _modelInfoGet();

@Native<Void Function()>(symbol: 'hp_llm_next')
external void _next();

@Native<Void Function()>(symbol: 'hp_llm_request_defaults')
external void _requestDefaults();

@Native<Void Function()>(symbol: 'hp_llm_sampling_defaults')
external void _samplingDefaults();

@Native<Void Function()>(symbol: 'hp_llm_session_create')
external void _sessionCreate();

@Native<Void Function()>(symbol: 'hp_llm_session_reset')
external void _sessionReset();

@Native<Void Function()>(symbol: 'hp_llm_session_tokens')
external void _sessionTokens();

@Native<Void Function()>(symbol: 'hp_llm_session_truncate')
external void _sessionTruncate();

@Native<Void Function()>(symbol: 'hp_llm_shutdown')
external void _shutdown();

@Native<Void Function()>(symbol: 'hp_llm_start')
external void _start();

@Native<Void Function()>(symbol: 'hp_llm_stats_get')
external void _statsGet();

@Native<Void Function()>(symbol: 'hp_llm_status_name')
external void _statusName();

@Native<Void Function()>(symbol: 'hp_llm_stop')
external void _stop();

@Native<Void Function()>(symbol: 'hp_llm_tokenize')
external void _tokenize();

@Native<Void Function()>(symbol: 'hp_llm_version')
external void _version();

@Native<Void Function()>(symbol: 'hp_llm_finalize')
external void _finalize();
