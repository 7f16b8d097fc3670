import Dispatch
import happyphonellm

/// What the library could not do.
public struct LLMError: Error, CustomStringConvertible, Sendable {
  /// An `hp_llm_status`.
  public let code: Int32
  public let message: String

  /// "HP_LLM_ERROR_BUSY" and so on.
  public var name: String { String(cString: hp_llm_status_name(code)) }
  public var description: String { "\(message) (\(name))" }
}

/// A C struct with its `struct_size`, all else zero.
protocol Sized {
  init()
  var struct_size: UInt32 { get set }
}

extension hp_llm_error: Sized {}
extension hp_llm_init_options: Sized {}
extension hp_llm_load_options: Sized {}
extension hp_llm_session_options: Sized {}
extension hp_llm_chat_options: Sized {}
extension hp_llm_sampling: Sized {}
extension hp_llm_request: Sized {}
extension hp_llm_event: Sized {}
extension hp_llm_stats: Sized {}
extension hp_llm_model_info: Sized {}

func sized<T: Sized>(_: T.Type = T.self) -> T {
  var value = T()
  value.struct_size = UInt32(MemoryLayout<T>.size)
  return value
}

/// The text of a `char[]`, up to `size` bytes or its 0 byte.
func text<T>(of array: T, size: Int32? = nil) -> String {
  withUnsafeBytes(of: array) { bytes in
    let end = size.map(Int.init) ?? bytes.firstIndex(of: 0) ?? bytes.count
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}

/// Calls a function of the interface; gives `HP_LLM_OK` or `HP_LLM_PENDING`, throws everything else.
@discardableResult
func call(_ f: (UnsafeMutablePointer<hp_llm_error>) -> Int32) throws -> Int32 {
  var error: hp_llm_error = sized()
  let status = f(&error)
  if status < 0 { throw LLMError(code: status, message: text(of: error.message)) }
  return status
}

/// Fills an array by a function of (buffer, capacity, count, error), which is asked again where `expected` was too few.
func filled<T>(expected: Int, zero: T, _ f: (UnsafeMutablePointer<T>?, Int64, inout Int64, UnsafeMutablePointer<hp_llm_error>) -> Int32) throws -> [T] {
  var count = Int64(max(expected, 1))
  while true {
    var buffer = [T](repeating: zero, count: Int(count))
    var error: hp_llm_error = sized()
    let status = buffer.withUnsafeMutableBufferPointer { f($0.baseAddress, Int64($0.count), &count, &error) }
    if status >= 0 { return Array(buffer.prefix(Int(count))) }
    if status != HP_LLM_ERROR_BUFFER.rawValue { throw LLMError(code: status, message: text(of: error.message)) }
  }
}

/// Copies of texts and arrays for the length of a call.
final class Copies {
  private var owned: [UnsafeMutableRawPointer] = []

  deinit { for pointer in owned { pointer.deallocate() } }

  func text(_ s: String) -> hp_llm_text {
    if s.isEmpty { return hp_llm_text() }
    let bytes = array(Array(s.utf8))
    return hp_llm_text(data: UnsafeRawPointer(bytes)?.assumingMemoryBound(to: CChar.self), size: Int64(s.utf8.count))
  }

  func array<T: BitwiseCopyable>(_ values: [T]) -> UnsafePointer<T>? {
    if values.isEmpty { return nil }
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: values.count)
    pointer.initialize(from: values, count: values.count)
    owned.append(UnsafeMutableRawPointer(pointer))
    return UnsafePointer(pointer)
  }
}

/// Calls that wait run here: a task's threads must not be blocked.
let waiting = DispatchQueue(label: "happyphonellm.waiting", attributes: .concurrent)

/// Runs `f`, which may block, on a thread of its own.
func wait<T: Sendable>(_ f: @escaping @Sendable () throws -> T) async throws -> T {
  try await withCheckedThrowingContinuation { continuation in
    waiting.async { continuation.resume(with: Result(catching: f)) }
  }
}

/// For how long a blocking call waits before it is made again, in milliseconds.
let step: Int32 = 50

/// Checks once that header and library fit.
let checked: Result<Void, any Error> = Result {
  try call { hp_llm_init(HP_LLM_ABI_VERSION, nil, $0) }
}
