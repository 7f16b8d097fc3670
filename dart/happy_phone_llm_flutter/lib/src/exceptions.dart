/// What can go wrong: a class for each status of the C interface, and one for a
/// native library that cannot be found.
sealed class HpLlmException implements Exception {
  const HpLlmException._(this.code, this.message);

  /// The exception of a status of the C interface, with the library's [message].
  factory HpLlmException.fromStatus(int code, String message) => switch (code) {
    -1 => HpLlmArgumentException(message),
    -2 => HpLlmHandleException(message),
    -3 => HpLlmBusyException(message),
    -4 => HpLlmStateException(message),
    -5 => HpLlmBufferException(message),
    -6 => HpLlmVersionException(message),
    -7 => HpLlmUtf8Exception(message),
    -8 => HpLlmIoException(message),
    -9 => HpLlmFormatException(message),
    -10 => HpLlmUnsupportedException(message),
    -11 => HpLlmFileChangedException(message),
    -12 => HpLlmContextException(message),
    -13 => HpLlmMemoryException(message),
    -14 => HpLlmStoppedException(message),
    -15 => HpLlmNoVocabularyException(message),
    -16 => HpLlmTemplateException(message),
    -17 => HpLlmLimitException(message),
    -99 => HpLlmInternalException(message),
    _ => HpLlmInternalException('unknown status $code: $message'),
  };

  /// The `hp_llm_status` of the C interface; 0 where no native call was made.
  final int code;

  /// What happened, for developers: it names the file, key or argument.
  final String message;

  @override
  String toString() => '$runtimeType: $message';
}

/// An argument or option is out of range or missing; the message names it.
final class HpLlmArgumentException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmArgumentException(String message) : super._(-1, message);
}

/// The engine or chat has been disposed.
final class HpLlmHandleException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmHandleException(String message) : super._(-2, message);
}

/// The conversation is answering already.
final class HpLlmBusyException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmBusyException(String message) : super._(-3, message);
}

/// Not possible in this state: there is nothing to regenerate, for example.
final class HpLlmStateException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmStateException(String message) : super._(-4, message);
}

/// A buffer was too small: a bug of this package.
final class HpLlmBufferException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmBufferException(String message) : super._(-5, message);
}

/// The native library is of another version than this package; the message has
/// its path and both versions.
final class HpLlmVersionException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmVersionException(String message) : super._(-6, message);
}

/// A text is not UTF-8.
final class HpLlmUtf8Exception extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmUtf8Exception(String message) : super._(-7, message);
}

/// The model file cannot be opened or read.
final class HpLlmIoException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmIoException(String message) : super._(-8, message);
}

/// Not a GGUF file, or a damaged one.
final class HpLlmFormatException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmFormatException(String message) : super._(-9, message);
}

/// A good model file, of an architecture or tensor type that cannot be run.
final class HpLlmUnsupportedException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmUnsupportedException(String message) : super._(-10, message);
}

/// The model file was changed, or its disk failed, while it was in use.
final class HpLlmFileChangedException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmFileChangedException(String message) : super._(-11, message);
}

/// The prompt, or the conversation, does not fit into the context.
final class HpLlmContextException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmContextException(String message) : super._(-12, message);
}

/// More memory is needed than the device has.
final class HpLlmMemoryException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmMemoryException(String message) : super._(-13, message);
}

/// A load was stopped. (An answer that is stopped ends with a `Done` event.)
final class HpLlmStoppedException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmStoppedException(String message) : super._(-14, message);
}

/// Text was asked of a model file without a vocabulary.
final class HpLlmNoVocabularyException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmNoVocabularyException(String message) : super._(-15, message);
}

/// The model's chat template does not accept these messages.
final class HpLlmTemplateException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmTemplateException(String message) : super._(-16, message);
}

/// Too many engines or chats at once.
final class HpLlmLimitException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmLimitException(String message) : super._(-17, message);
}

/// A bug, of the library or of this package; please report its message.
final class HpLlmInternalException extends HpLlmException {
  /// Made by the library's status, or by an app's own fake.
  const HpLlmInternalException(String message) : super._(-99, message);
}

/// The native library cannot be found or opened; the message has every place
/// that was tried and what the system said.
final class HpLlmLibraryException extends HpLlmException {
  /// Made by the look-up, or by an app's own fake.
  const HpLlmLibraryException(String message) : super._(0, message);
}
