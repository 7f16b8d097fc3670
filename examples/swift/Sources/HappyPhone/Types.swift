import happyphonellm

/// One message of a conversation; see `hp_llm_message`.
public struct Message: Sendable {
  public var role: String
  public var content: String
  public var reasoning = ""
  public var toolCalls = ""
  public var toolCallID = ""
  public var name = ""

  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// How messages become a prompt; see `hp_llm_chat_options`.
public struct ChatOptions: Sendable {
  public enum Thinking: Int32, Sendable { case `default`, on, off }
  public var thinking = Thinking.default
  public var tools = ""
  public var answerPrefix = true
  public init() {}

  func view(_ copies: Copies) -> hp_llm_chat_options {
    var c: hp_llm_chat_options = sized()
    c.thinking = thinking.rawValue
    c.tools = copies.text(tools)
    c.no_answer_prefix = answerPrefix ? 0 : 1
    return c
  }
}

/// How tokens are chosen: the fields of `hp_llm_sampling`, at first with the library's defaults.
@dynamicMemberLookup
public struct Sampling: @unchecked Sendable {  // its pointers are set in a copy, for the length of a call
  private var values: hp_llm_sampling = sized()
  /// Their order, a letter each; "": the usual.
  public var order = ""
  /// What is added to a token's logit; -infinity bans it.
  public var biases: [Int32: Float] = [:]

  public init() {
    hp_llm_sampling_defaults(&values, nil)
  }

  /// Always the most probable token.
  public static var greedy: Sampling {
    var s = Sampling()
    s.temperature = 0
    return s
  }

  public subscript<T: Numeric>(dynamicMember field: WritableKeyPath<hp_llm_sampling, T>) -> T {
    get { values[keyPath: field] }
    set { values[keyPath: field] = newValue }
  }

  func view(_ copies: Copies) -> hp_llm_sampling {
    var c = values
    c.samplers = copies.text(order)
    c.biases = copies.array(biases.map { hp_llm_logit_bias(token: $0.key, bias: $0.value) })
    c.bias_count = Int64(biases.count)
    return c
  }
}

/// What an answer is asked for: exactly one of messages, prompt and tokens.
public struct Request: Sendable {
  public var messages: [Message] = []
  public var prompt = ""
  public var tokens: [Int32] = []
  /// -1: until the context is full.
  public var maxTokens: Int32 = -1
  public var sampling = Sampling()
  public var stops: [String] = []
  public var chat = ChatOptions()
  public var ignoreEOS = false
  public var promptSpecial = false

  public init() {}
  public init(messages: [Message]) { self.messages = messages }
  public init(prompt: String) { self.prompt = prompt }

  /// Begins the answer.
  func start(_ session: hp_llm_session) throws {
    let copies = Copies()
    var c: hp_llm_request = sized()
    try call { hp_llm_request_defaults(&c, $0) }
    if ignoreEOS { c.flags |= HP_LLM_IGNORE_EOS.rawValue }
    if promptSpecial { c.flags |= HP_LLM_PROMPT_SPECIAL.rawValue }
    c.max_tokens = maxTokens
    c.messages = copies.array(views(messages, copies))
    c.message_count = Int64(messages.count)
    c.prompt = copies.text(prompt)
    c.tokens = copies.array(tokens)
    c.token_count = Int64(tokens.count)
    c.stops = copies.array(stops.map(copies.text))
    c.stop_count = Int64(stops.count)
    var options = chat.view(copies), chosen = sampling.view(copies)
    try withUnsafePointer(to: &options) { options in
      if !messages.isEmpty { c.chat = options }
      try withUnsafePointer(to: &chosen) { chosen in
        c.sampling = chosen
        try call { hp_llm_start(session, &c, $0) }
      }
    }
    withExtendedLifetime(copies) {}
  }
}

func views(_ messages: [Message], _ copies: Copies) -> [hp_llm_message] {
  messages.map {
    hp_llm_message(
      role: copies.text($0.role), content: copies.text($0.content), reasoning: copies.text($0.reasoning),
      tool_calls: copies.text($0.toolCalls), tool_call_id: copies.text($0.toolCallID), name: copies.text($0.name))
  }
}

/// Why an answer ended.
public enum Finish: Int32, Sendable { case stop = 1, length, context, stopped, error }

/// A step of an answer. `finish` is set in the last one; `text` has whole code points and is often empty.
public struct Event: Sendable {
  public let text: String
  public let token: Int32?
  public let finish: Finish?
  public let promptTokens, cachedTokens, generatedTokens: Int32

  init(_ e: hp_llm_event) {
    text = HappyPhone.text(of: e.text, size: e.text_size)
    token = e.token < 0 ? nil : e.token
    finish = Finish(rawValue: e.finish)
    promptTokens = e.prompt_tokens
    cachedTokens = e.cached_tokens
    generatedTokens = e.generated_tokens
  }
}

/// Figures of a session's last answer so far: the fields of `hp_llm_stats`.
public typealias Stats = hp_llm_stats

/// What there is to know about a model: the fields of `hp_llm_model_info`, and its texts.
@dynamicMemberLookup
public struct ModelInfo: Sendable {
  public let architecture, quantization, name: String
  private let values: hp_llm_model_info

  init(_ i: hp_llm_model_info) {
    values = i
    architecture = text(of: i.architecture)
    quantization = text(of: i.quantization)
    name = text(of: i.name)
  }

  public subscript<T: Numeric>(dynamicMember field: KeyPath<hp_llm_model_info, T>) -> T { values[keyPath: field] }
}
