import happyphonellm

/// A loaded model file. It is freed when nobody refers to it any more; a session refers to its model.
public final class Model: Sendable {
  let handle: hp_llm_model

  private init(handle: hp_llm_model) { self.handle = handle }

  deinit { hp_llm_free(handle, nil) }

  /// Loads a GGUF file. `threads` 0: the fast cores of the device. `progress` is called with 0 to 1, on another
  /// thread. Cancelling the task gives the load up.
  public static func load(_ path: String, threads: Int32 = 0, progress: (@Sendable (Double) -> Void)? = nil) async throws -> Model {
    try checked.get()
    var options: hp_llm_load_options = sized()
    options.threads = threads
    let text = Copies()
    let name = text.text(path)
    var handle: hp_llm_model = 0
    try call { hp_llm_load_begin(name.data, name.size, &options, &handle, $0) }
    withExtendedLifetime(text) {}
    let model = Model(handle: handle)
    try await withTaskCancellationHandler {
      try await wait {
        var done = 0.0, status = Int32(HP_LLM_PENDING.rawValue)
        while status == HP_LLM_PENDING.rawValue {
          status = try call { hp_llm_load_poll(model.handle, step, &done, $0) }
          progress?(done)
        }
      }
    } onCancel: {
      hp_llm_stop(model.handle, nil)
    }
    try Task.checkCancellation()
    return model
  }

  /// What a file is, without loading it.
  public static func inspect(_ path: String, context: Int32 = 0) throws -> ModelInfo {
    try checked.get()
    let text = Copies()
    let name = text.text(path)
    var options: hp_llm_session_options = sized()
    options.context = context
    var info: hp_llm_model_info = sized()
    try call { hp_llm_inspect(name.data, name.size, &options, &info, $0) }
    withExtendedLifetime(text) {}
    return ModelInfo(info)
  }

  public var info: ModelInfo {
    get throws {
      var info: hp_llm_model_info = sized()
      try call { hp_llm_model_info_get(handle, &info, $0) }
      return ModelInfo(info)
    }
  }

  /// Token ids of a text. `addSpecial`: BOS and EOS as the model wants; `parseSpecial`: control tokens are parsed.
  public func tokenize(_ s: String, addSpecial: Bool = false, parseSpecial: Bool = false) throws -> [Int32] {
    let copies = Copies()
    let t = copies.text(s)
    let flags = (addSpecial ? HP_LLM_ADD_SPECIAL.rawValue : 0) | (parseSpecial ? HP_LLM_PARSE_SPECIAL.rawValue : 0)
    defer { withExtendedLifetime(copies) {} }
    return try filled(expected: Int(t.size) + 8, zero: Int32(0)) { hp_llm_tokenize(handle, t.data, t.size, flags, $0, $1, &$2, $3) }
  }

  public func detokenize(_ ids: [Int32], showSpecial: Bool = false) throws -> String {
    let flags = showSpecial ? HP_LLM_SHOW_SPECIAL.rawValue : 0
    let bytes = try filled(expected: ids.count * 8, zero: CChar(0)) {
      hp_llm_detokenize(handle, ids, Int64(ids.count), flags, $0, $1, &$2, $3)
    }
    return String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The prompt that the model's chat template makes of messages.
  public func chatPrompt(_ messages: [Message], chat: ChatOptions = ChatOptions()) throws -> String {
    let copies = Copies()
    let list = views(messages, copies)
    var options = chat.view(copies)
    defer { withExtendedLifetime(copies) {} }
    let bytes = try filled(expected: 1024, zero: CChar(0)) {
      hp_llm_chat_prompt(handle, list, Int64(list.count), &options, $0, $1, &$2, $3)
    }
    return String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// A new, empty conversation of at most `context` tokens; 0: that of the training, but at most 4096.
  public func session(context: Int32 = 0) throws -> Session {
    var options: hp_llm_session_options = sized()
    options.context = context
    var session: hp_llm_session = 0
    try call { hp_llm_session_create(handle, &options, &session, $0) }
    return Session(handle: session, model: self)
  }

  /// Ends the answers of all sessions, within 50 ms.
  public func stop() { hp_llm_stop(handle, nil) }
}
