/// What the isolate of an app and its worker isolate say to each other. Both run
/// the same program, so objects travel as they are.
library;

// Internal: what a name does not say is said.
// ignore_for_file: public_member_api_docs

import 'dart:isolate';

import 'events.dart';
import 'exceptions.dart';
import 'messages.dart';
import 'model_info.dart';
import 'options.dart';

/// What a worker is started with.
final class WorkerStart {
  const WorkerStart({
    required this.reports,
    required this.owner,
    required this.libraryPath,
  });

  /// Where its [Report]s go; the first is [WorkerReady].
  final SendPort reports;

  /// The control port of the isolate whose end is the worker's end too.
  final SendPort owner;

  /// The native library; null: as it is bundled.
  final String? libraryPath;
}

/// What an answer is to be made of: exactly one is not null.
final class Prompt {
  const Prompt({this.text, this.messages, this.tokens});

  final String? text;
  final List<ChatMessage>? messages;
  final List<int>? tokens;
}

// ---- To the worker.

sealed class Command {
  const Command();
}

/// Load a model; answered by [LoadProgress]es, then [Loaded] or [LoadFailed]. The
/// first command, and given once.
final class LoadCommand extends Command {
  const LoadCommand(this.path, this.threads, {required this.wantsLog});

  final String path;
  final int threads;
  final bool wantsLog;
}

/// Stop the load, or all answers.
final class StopAllCommand extends Command {
  const StopAllCommand();
}

/// Answer; reported by [Texts] and one [Ended] or [Failed] of the same [id].
final class AnswerCommand extends Command {
  const AnswerCommand(
    this.id, {
    required this.session,
    required this.context,
    required this.prompt,
    required this.options,
  });

  final int id;

  /// The session's number, given by the owner; the worker makes it when it is
  /// needed first, with [context].
  final int session;
  final ContextOptions context;
  final Prompt prompt;
  final GenerationOptions options;
}

/// Stop an answer, if it is still running.
final class StopCommand extends Command {
  const StopCommand(this.id);

  final int id;
}

/// Take no more tokens of an answer, until it is said again with false: computing
/// goes a few tokens ahead, then waits too.
final class PauseCommand extends Command {
  const PauseCommand(this.id, {required this.paused});

  final int id;
  final bool paused;
}

/// Free a session, which is idle.
final class CloseSessionCommand extends Command {
  const CloseSessionCommand(this.session);

  final int session;
}

/// A question, answered by a [Reply] of the same [id].
final class AskCommand extends Command {
  const AskCommand(this.id, this.question);

  final int id;
  final Question question;
}

/// Stop and free everything, report [Disposed] and end.
final class DisposeCommand extends Command {
  const DisposeCommand();
}

sealed class Question {
  const Question();
}

/// Answered by `List<int>`.
final class TokenizeQuestion extends Question {
  const TokenizeQuestion(
    this.text, {
    required this.addSpecial,
    required this.parseSpecial,
  });

  final String text;
  final bool addSpecial;
  final bool parseSpecial;
}

/// Answered by a `String`.
final class DetokenizeQuestion extends Question {
  const DetokenizeQuestion(this.ids, {required this.showSpecial});

  final List<int> ids;
  final bool showSpecial;
}

/// Answered by a `String`: the text that messages become.
final class ChatPromptQuestion extends Question {
  const ChatPromptQuestion(this.messages, this.options);

  final List<ChatMessage> messages;
  final GenerationOptions options;
}

/// Answered by [GenerationStats].
final class StatsQuestion extends Question {
  const StatsQuestion(this.session);

  final int session;
}

// ---- From the worker.

sealed class Report {
  const Report();
}

/// Commands go to [commands].
final class WorkerReady extends Report {
  const WorkerReady(this.commands);

  final SendPort commands;
}

final class LoadProgress extends Report {
  const LoadProgress(this.done);

  final double done;
}

/// The model is loaded; [handle] is its native handle, for tests only.
final class Loaded extends Report {
  const Loaded(this.info, this.handle);

  final ModelInfo info;
  final int handle;
}

/// The worker has ended.
final class LoadFailed extends Report {
  const LoadFailed(this.error);

  final HpLlmException error;
}

/// A session has been made; [handle] is its native handle, for stopping only.
final class SessionMade extends Report {
  const SessionMade(this.session, this.handle);

  final int session;
  final int handle;
}

/// Texts of an answer, none empty, in order.
final class Texts extends Report {
  const Texts(this.id, this.texts);

  final int id;
  final List<String> texts;
}

final class Ended extends Report {
  const Ended(this.id, this.done);

  final int id;
  final Done done;
}

final class Failed extends Report {
  const Failed(this.id, this.error);

  final int id;
  final HpLlmException error;
}

/// The answer to an [AskCommand]; [error] is null where it worked.
final class Reply extends Report {
  const Reply(this.id, this.value, this.error);

  final int id;
  final Object? value;
  final HpLlmException? error;
}

final class LogReport extends Report {
  const LogReport(this.level, this.message);

  final LogLevel level;
  final String message;
}

/// Everything is freed; the worker's last word.
final class Disposed extends Report {
  const Disposed();
}
