/// Large language models on the user's own device.
///
/// Load a GGUF file with [HappyPhoneLlm.load], then [HappyPhoneLlm.generate],
/// [HappyPhoneLlm.chat] or [HappyPhoneLlm.startChat]. All computing is done on
/// threads of the native library and all waiting in a worker isolate, so the
/// isolate that calls never blocks.
///
/// `testing.dart` has an engine that needs neither a model nor the library, for
/// an app's own tests.
library;

export 'src/chat.dart' show Chat;
export 'src/events.dart';
export 'src/exceptions.dart';
export 'src/happy_phone_llm.dart';
export 'src/messages.dart';
export 'src/model_info.dart';
export 'src/options.dart';
export 'src/stop_signal.dart';
