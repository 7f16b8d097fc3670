import 'dart:io';

import 'package:flutter/services.dart';
import 'package:happy_phone_llm_flutter/happy_phone_llm_flutter.dart';

import '../data/failure.dart';

/// A file that was picked has not the name of a model.
const noModelName = Failure(
  'This is not a model file.',
  'Its name must end with “.gguf”.',
);

/// What the runners say of a file for which [noModelName] holds.
const notAModel = 'notAModel';

/// What went wrong, in words for people.
Failure describeError(Object error) => switch (error) {
  HpLlmException() => _describe(error),
  PlatformException(code: notAModel) => noModelName,
  PlatformException(:final code, :final message) => Failure(
    'The file cannot be added.',
    'Is there enough space on this device?',
    details: '$code: $message',
  ),
  FileSystemException() => Failure(
    'A file cannot be read or written.',
    'Is the storage full or read-only?',
    details: '$error',
  ),
  _ => Failure('Something went wrong.', 'Try again.', details: '$error'),
};

Failure _describe(HpLlmException error) {
  final (title, advice) = switch (error) {
    HpLlmMemoryException() => (
      'This model needs more memory than the device has free.',
      'Close other apps, or choose a smaller model.',
    ),
    HpLlmContextException() => (
      'This is more than the model can read at once.',
      'Shorten your message, or the system prompt in the settings.',
    ),
    HpLlmFormatException() => (
      'This file is damaged, or is not a model.',
      'Delete it and download it again.',
    ),
    HpLlmUnsupportedException() => (
      'This kind of model cannot be used yet.',
      'Choose another model.',
    ),
    HpLlmNoVocabularyException() => (
      'This model cannot read or write text.',
      'Choose another model.',
    ),
    HpLlmIoException() => (
      'The model file cannot be read.',
      'Was it moved or deleted? Choose a model again.',
    ),
    HpLlmFileChangedException() => (
      'The model file was changed while it was in use.',
      'Load it again.',
    ),
    HpLlmTemplateException() => (
      'This model does not accept such a conversation.',
      'Start a new chat, or remove the system prompt in the settings.',
    ),
    HpLlmLibraryException() || HpLlmVersionException() => (
      'The app is not installed completely.',
      'Install it again.',
    ),
    HpLlmBusyException() => (
      'The model is busy.',
      'Wait until the answer is there.',
    ),
    HpLlmHandleException() ||
    HpLlmStoppedException() => ('The model is not loaded.', 'Load it again.'),
    HpLlmLimitException() => (
      'Too much is going on at once.',
      'Try again in a moment.',
    ),
    HpLlmArgumentException() => (
      'The settings do not fit this model.',
      'Set them back and try again.',
    ),
    HpLlmStateException() ||
    HpLlmBufferException() ||
    HpLlmUtf8Exception() ||
    HpLlmInternalException() => (
      'Something went wrong in the engine.',
      'Try again. If it happens again, please report it.',
    ),
  };
  return Failure(title, advice, details: '$error');
}
