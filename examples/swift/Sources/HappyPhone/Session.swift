import happyphonellm

/// A conversation (context) on a model. One answer at a time: a second one throws `HP_LLM_ERROR_BUSY`.
public final class Session: Sendable {
  let handle: hp_llm_session
  private let model: Model

  init(handle: hp_llm_session, model: Model) {
    self.handle = handle
    self.model = model
  }

  deinit { hp_llm_free(handle, nil) }

  /// Begins to answer: `for try await event in try session.events(request) { print(event.text) }`. Leaving the
  /// loop stops the answer. Cancelling the task does too: the last event then is one of `Finish.stopped`.
  public func events(_ request: Request) throws -> Events {
    try request.start(handle)
    return Events(Answer(self))
  }

  /// Goes on with an answer that was stopped.
  public func resume() throws -> Events {
    try call { hp_llm_start(handle, nil, $0) }
    return Events(Answer(self))
  }

  /// The whole text of an answer. Throws CancellationError where the task is cancelled.
  public func answer(_ request: Request) async throws -> String {
    var text = ""
    for try await event in try events(request) { text += event.text }
    try Task.checkCancellation()
    return text
  }

  /// Ends a running answer within 50 ms; the session stays usable.
  public func stop() { hp_llm_stop(handle, nil) }

  /// The tokens in the context.
  public var tokens: [Int32] {
    get throws { try filled(expected: 1024, zero: Int32(0)) { hp_llm_session_tokens(handle, $0, $1, &$2, $3) } }
  }

  /// Forgets the tokens from position `length` on.
  public func truncate(_ length: Int64) throws { try call { hp_llm_session_truncate(handle, length, $0) } }

  public var stats: Stats {
    get throws {
      var stats: hp_llm_stats = sized()
      try call { hp_llm_stats_get(handle, &stats, $0) }
      return stats
    }
  }
}

/// The events of one answer, to be gone through once.
public struct Events: AsyncSequence, Sendable {
  private let answer: Answer

  init(_ answer: Answer) { self.answer = answer }

  public func makeAsyncIterator() -> Iterator { Iterator(listener: Listener(answer)) }

  public struct Iterator: AsyncIteratorProtocol {
    let listener: Listener

    /// Takes events one at a time, when asked: the library computes at most 16 ahead.
    public mutating func next() async throws -> Event? {
      let answer = listener.answer
      if answer.ended { return nil }
      do {
        let event = try await answer.next()
        answer.ended = event.finish != nil
        return event
      } catch {
        answer.ended = true
        throw error
      }
    }
  }
}

/// An answer. It stops where nobody can listen to it any more.
final class Answer: @unchecked Sendable {  // ended belongs to the one listener
  let session: Session
  var ended = false

  init(_ session: Session) { self.session = session }

  deinit { leave() }

  func next() async throws -> Event {
    let session = session
    return try await withTaskCancellationHandler {
      try await wait {
        var event: hp_llm_event = sized()
        while try call({ hp_llm_next(session.handle, step, &event, $0) }) == HP_LLM_PENDING.rawValue {}
        return Event(event)
      }
    } onCancel: {
      session.stop()
    }
  }

  func leave() {
    if !ended { session.stop() }
    ended = true
  }
}

/// What an iterator's copies share: with the last of them the loop has been left, even if the sequence is kept.
final class Listener {
  let answer: Answer

  init(_ answer: Answer) { self.answer = answer }

  deinit { answer.leave() }
}
