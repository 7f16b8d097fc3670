// A chat in the terminal, over the package HappyPhone.
//
// usage: chat MODEL.gguf [--greedy] [--max TOKENS]
//
// Every line of the input is a question, the conversation is remembered.
#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
import HappyPhone

func warn(_ text: String) {
  FileDescriptor.error.write(text + "\n")
}

/// Unbuffered output: an answer is read as it comes.
struct FileDescriptor {
  static let output = FileDescriptor(number: 1), error = FileDescriptor(number: 2)
  let number: Int32

  func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let n = rest.withUnsafeBytes { bytes in
        #if canImport(Glibc)
        Glibc.write(number, bytes.baseAddress, bytes.count)
        #else
        Darwin.write(number, bytes.baseAddress, bytes.count)
        #endif
      }
      if n <= 0 { return }
      rest = rest.dropFirst(n)
    }
  }
}

var path: String?
var request = Request()
var bad = false
var rest = CommandLine.arguments.dropFirst()
while let argument = rest.popFirst() {
  if argument == "--greedy" {
    request.sampling = .greedy
  } else if argument == "--max", let value = rest.popFirst() {
    request.maxTokens = Int32(value) ?? 0
    bad = bad || request.maxTokens < 1
  } else if !argument.hasPrefix("-"), path == nil {
    path = argument
  } else {
    bad = true
  }
}
guard let path, !bad else {
  warn("usage: chat MODEL.gguf [--greedy] [--max TOKENS]")
  exit(2)
}

do {
  let session = try await Model.load(path).session()
  let terminal = isatty(0) != 0
  while true {
    if terminal { FileDescriptor.error.write("> ") }
    guard let line = readLine() else { break }
    request.messages.append(Message(role: "user", content: line))
    var answer = ""
    for try await event in try session.events(request) {
      FileDescriptor.output.write(event.text)
      answer += event.text
    }
    FileDescriptor.output.write("\n")
    request.messages.append(Message(role: "assistant", content: answer))
  }
} catch {
  warn("chat: \(error)")
  exit(1)
}
