// Walks through HappyPhone with a real model: every function once, errors, cancellation, several tasks. The
// project's tests run it.
//
// usage: check MODEL.gguf
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
import HappyPhone

var failures = 0

@MainActor func expect(_ good: Bool, _ what: @autoclosure () -> String, line: Int = #line) {
  if good { return }
  failures += 1
  print("check/main.swift:\(line): \(what())")
}

/// The status that `f` throws; "": nothing.
@MainActor func status(_ f: () async throws -> Void) async -> String {
  do {
    try await f()
    return ""
  } catch let error as LLMError {
    return error.name
  } catch {
    return "\(type(of: error))"
  }
}

func question(_ tokens: Int32) -> Request {
  var r = Request(messages: [
    Message(role: "system", content: "You are a helpful guide."),
    Message(role: "user", content: "Tell me about the sea. 🌊"),
  ])
  r.sampling = .greedy
  r.maxTokens = tokens
  return r
}

@MainActor func texts(_ model: Model, _ path: String) async throws {
  let info = try model.info, seen = try Model.inspect(path)
  expect(info.architecture == seen.architecture && info.vocabulary == seen.vocabulary && seen.vocabulary > 0, "\(info)")
  let text = "The sea is blue. 🌊"
  let ids = try model.tokenize(text)
  expect(try model.detokenize(ids) == text, "\(ids)")
  expect(try model.tokenize("").isEmpty && model.detokenize([]).isEmpty, "the empty text")
  let outside = await status { _ = try model.detokenize([seen.vocabulary]) }
  expect(outside == "HP_LLM_ERROR_ARGUMENT", outside)
  let missing = await status { _ = try await Model.load("/no/such/файл.gguf") }
  expect(missing == "HP_LLM_ERROR_IO", missing)

  let session = try model.session()
  let atOnce = try await session.answer(question(8))
  var inSteps = question(8)
  inSteps.prompt = try model.chatPrompt(inSteps.messages)
  inSteps.promptSpecial = true
  inSteps.messages = []
  let same = try await session.answer(inSteps)
  expect(same == atOnce, "\(same), want \(atOnce)")
  var banned = question(8)
  banned.sampling.biases = [try model.tokenize(atOnce)[0]: -.infinity]
  let other = try await session.answer(banned)
  expect(other != atOnce, "a banned token came")
  let empty = await status { _ = try await session.answer(Request()) }
  expect(empty == "HP_LLM_ERROR_ARGUMENT", empty)
}

@MainActor func answers(_ model: Model) async throws {
  let session = try model.session(context: 256)
  let request = question(24)
  let whole = try await session.answer(request)
  expect(!whole.isEmpty, "no answer")
  expect(try session.stats.generated_tokens == 24 && session.stats.context_capacity == 256, "stats")

  // Left in the middle and continued: the beginning of the same text, and the same again.
  var text = ""
  for try await event in try session.events(request) {
    text += event.text
    if event.generatedTokens == 9 { break }
  }
  expect(text.utf8.count < whole.utf8.count && whole.hasPrefix(text), text)
  let again = try await session.answer(request)
  expect(again == whole, again)

  var finish: Finish?
  for try await event in try session.events(request) { finish = event.finish }
  expect(finish == .length, "\(String(describing: finish))")
  try session.truncate(5)
  expect(try session.tokens.count == 5, "tokens")
  var cut = request
  let words = whole.split(separator: " ")
  cut.stops = [" " + words[words.count / 2]]
  let before = try await session.answer(cut)
  expect(whole.hasPrefix(before) && before.count < whole.count && !before.contains(cut.stops[0]), before)
}

@MainActor func cancellation(_ model: Model) async throws {
  let session = try model.session()
  let request = question(16)
  let want = try await session.answer(request)

  // Cancelled in mid-answer: it ends with an event, and the session goes on.
  let task = Task { () -> Finish? in
    var last: Finish?
    for try await event in try session.events(question(-1)) { last = event.finish }
    return last
  }
  try await Task.sleep(nanoseconds: 200_000_000)
  task.cancel()
  let last = try await task.value
  expect(last == .stopped, "\(String(describing: last))")
  let rest = try session.resume()
  for try await event in rest where event.generatedTokens > 0 { break }
  let next = try await session.answer(request)
  expect(next == want, next)

  // Several sessions at the same time.
  var tasks: [Task<String, any Error>] = []
  for _ in 0..<3 {
    let session = try model.session()
    tasks.append(Task { try await session.answer(request) })
  }
  for task in tasks {
    let text = try await task.value
    expect(text == want, text)
  }

  let busy = try session.events(question(-1))
  let second = await status { _ = try session.events(request) }
  expect(second == "HP_LLM_ERROR_BUSY", second)
  withExtendedLifetime(busy) {}
}

guard CommandLine.arguments.count == 2 else { exit(2) }
do {
  let path = CommandLine.arguments[1]
  let model = try await Model.load(path, threads: 2) { done in precondition((0...1).contains(done)) }
  try await texts(model, path)
  try await answers(model)
  try await cancellation(model)
} catch {
  print("unexpected: \(error)")
  exit(1)
}
print(failures == 0 ? "ok" : "failed")
exit(failures == 0 ? 0 : 1)
