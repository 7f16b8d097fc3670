// hp_llm.hpp - libhappyphonellm for C++17: one header over hp_llm.h.
//
//   hp_llm::init();
//   auto model = hp_llm::Model::load("model.gguf");
//   auto session = model.session();
//   hp_llm::Request request;
//   request.messages = {{"user", "Why is the sky blue?"}};
//   for (const auto &event : session.events(request)) std::cout << event.text << std::flush;
//
// Every failure is an hp_llm::Error. Model and Session own their handles: they can be moved, not copied, and
// free what they own; a Session whose Model is gone gives errors, nothing worse. As with any object, moving or
// destroying one while another thread uses it is the caller's race: use stop(), which any thread may call.
#ifndef HP_LLM_HPP
#define HP_LLM_HPP

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hp_llm.h"

namespace hp_llm {

// What the library could not do. code() is an hp_llm_status, what() says it in words.
class Error : public std::runtime_error {
 public:
  Error(std::int32_t code, const std::string &message)
      : std::runtime_error(message.empty() ? hp_llm_status_name(code) : message), code_(code) {}
  std::int32_t code() const noexcept { return code_; }
  const char *name() const noexcept { return hp_llm_status_name(code_); }

 private:
  std::int32_t code_;
};

namespace detail {

// A C struct with its struct_size, all else zero.
template <class T>
T sized() {
  T t{};
  t.struct_size = sizeof t;
  return t;
}

// Calls f(arguments..., &error): the status, which is HP_LLM_OK or HP_LLM_PENDING; anything else is thrown.
template <class F, class... A>
std::int32_t call(F f, A... arguments) {
  auto error = sized<hp_llm_error>();
  const std::int32_t status = f(arguments..., &error);
  if (status < 0) throw Error(status, error.message);
  return status;
}

inline hp_llm_text text(std::string_view s) { return {s.data(), static_cast<std::int64_t>(s.size())}; }

inline std::int64_t size(const std::string_view &s) { return static_cast<std::int64_t>(s.size()); }

// Fills a std::string or std::vector by a function of (data, capacity, &count, error), which is asked a second
// time where expected was too few.
template <class Buffer, class F>
Buffer fill(std::size_t expected, F f) {
  Buffer buffer(expected ? expected : 1, typename Buffer::value_type{});
  for (;;) {
    std::int64_t count = 0;
    auto error = sized<hp_llm_error>();
    const std::int32_t status = f(buffer.data(), static_cast<std::int64_t>(buffer.size()), &count, &error);
    if (status < 0 && status != HP_LLM_ERROR_BUFFER) throw Error(status, error.message);
    buffer.resize(static_cast<std::size_t>(count));
    if (status != HP_LLM_ERROR_BUFFER) return buffer;
  }
}

inline std::int32_t milliseconds(std::chrono::milliseconds timeout) {
  if (timeout.count() < 0) return -1;
  return timeout.count() > INT32_MAX ? INT32_MAX : static_cast<std::int32_t>(timeout.count());
}

// Owns a handle.
class Handle {
 public:
  explicit Handle(std::uint64_t handle = 0) noexcept : handle_(handle) {}
  Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      hp_llm_free(handle_, nullptr);
      handle_ = std::exchange(other.handle_, 0);
    }
    return *this;
  }
  ~Handle() { hp_llm_free(handle_, nullptr); }
  std::uint64_t get() const noexcept { return handle_; }
  std::uint64_t *out() noexcept { return &handle_; }

 private:
  std::uint64_t handle_;
};

}  // namespace detail

// Waits without end, in next() and poll().
inline constexpr std::chrono::milliseconds forever{-1};

// Checks that this header and the library fit. log_level is an hp_llm_log_level; take messages with next_log().
inline void init(std::int32_t log_level = HP_LLM_LOG_WARN) {
  auto options = detail::sized<hp_llm_init_options>();
  options.log_level = log_level;
  detail::call(hp_llm_init, HP_LLM_ABI_VERSION, &options);
}

// Stops and frees everything; handles that are still owned become stale, which is harmless.
inline void shutdown() { detail::call(hp_llm_shutdown); }

// A message for developers.
struct Log {
  std::int32_t level = HP_LLM_LOG_NONE;
  std::string text;
};

// The oldest message that nobody has taken yet.
inline std::optional<Log> next_log() {
  Log log;
  bool none = false;
  log.text = detail::fill<std::string>(256, [&](char *data, std::int64_t room, std::int64_t *size, hp_llm_error *e) {
    const std::int32_t status = hp_llm_log_next(&log.level, data, room, size, e);
    none = status == HP_LLM_PENDING;
    return status;
  });
  if (none) return std::nullopt;
  return log;
}

enum class Finish : std::int32_t {
  none = HP_LLM_FINISH_NONE,
  stop = HP_LLM_FINISH_STOP,
  length = HP_LLM_FINISH_LENGTH,
  context = HP_LLM_FINISH_CONTEXT,
  stopped = HP_LLM_FINISH_STOPPED,
  error = HP_LLM_FINISH_ERROR
};

// A step of an answer; not Finish::none: the last one.
struct Event {
  std::string text;  // whole code points, often empty
  Finish finish = Finish::none;
  std::int32_t token = -1;
  std::int32_t prompt_tokens = 0, cached_tokens = 0, generated_tokens = 0;

  Event() = default;
  explicit Event(const hp_llm_event &e)
      : text(e.text, static_cast<std::size_t>(e.text_size)), finish(static_cast<Finish>(e.finish)), token(e.token),
        prompt_tokens(e.prompt_tokens), cached_tokens(e.cached_tokens), generated_tokens(e.generated_tokens) {}
};

// One message of a conversation; see hp_llm_message for the fields after content.
struct Message {
  std::string role, content;
  std::string reasoning{}, tool_calls{}, tool_call_id{}, name{};
};

// How tokens are chosen: the fields of hp_llm_sampling, with its defaults. samplers and biases point to memory
// of the caller.
struct Sampling : hp_llm_sampling {
  Sampling() : hp_llm_sampling{} {
    struct_size = sizeof(hp_llm_sampling);
    detail::call(hp_llm_sampling_defaults, static_cast<hp_llm_sampling *>(this));
  }
  // Always the most probable token.
  static Sampling greedy() {
    Sampling s;
    s.temperature = 0;
    return s;
  }
};

// How messages become a prompt.
struct ChatOptions {
  std::int32_t thinking = HP_LLM_THINKING_DEFAULT;
  std::string tools{};        // JSON
  bool answer_prefix = true;  // the prompt ends with the beginning of the assistant's message
};

// What an answer is asked for: exactly one of messages, prompt and tokens.
struct Request {
  std::vector<Message> messages;
  std::string prompt;
  std::vector<std::int32_t> tokens;
  ChatOptions chat;
  Sampling sampling;
  std::vector<std::string> stops;
  std::int32_t max_tokens = -1;
  bool ignore_eos = false;
  bool prompt_special = false;
};

namespace detail {

inline std::vector<hp_llm_message> views(const std::vector<Message> &messages) {
  std::vector<hp_llm_message> out;
  out.reserve(messages.size());
  for (const Message &m : messages)
    out.push_back({text(m.role), text(m.content), text(m.reasoning), text(m.tool_calls), text(m.tool_call_id),
                   text(m.name)});
  return out;
}

inline hp_llm_chat_options view(const ChatOptions &chat) {
  auto c = sized<hp_llm_chat_options>();
  c.thinking = chat.thinking;
  c.tools = text(chat.tools);
  c.no_answer_prefix = !chat.answer_prefix;
  return c;
}

// A Request as C has it. It points into the Request, and into itself: it does not move.
class RequestView {
 public:
  explicit RequestView(const Request &r) : messages_(views(r.messages)), chat_(view(r.chat)) {
    for (const std::string &stop : r.stops) stops_.push_back(text(stop));
    c_.struct_size = sizeof c_;
    call(hp_llm_request_defaults, &c_);
    if (r.ignore_eos) c_.flags |= HP_LLM_IGNORE_EOS;
    if (r.prompt_special) c_.flags |= HP_LLM_PROMPT_SPECIAL;
    c_.max_tokens = r.max_tokens;
    if (!messages_.empty()) {
      c_.messages = messages_.data();
      c_.message_count = static_cast<std::int64_t>(messages_.size());
      c_.chat = &chat_;
    }
    if (!r.prompt.empty()) c_.prompt = text(r.prompt);
    if (!r.tokens.empty()) {
      c_.tokens = r.tokens.data();
      c_.token_count = static_cast<std::int64_t>(r.tokens.size());
    }
    if (!stops_.empty()) {
      c_.stops = stops_.data();
      c_.stop_count = static_cast<std::int64_t>(stops_.size());
    }
    c_.sampling = &r.sampling;
  }
  RequestView(const RequestView &) = delete;
  RequestView &operator=(const RequestView &) = delete;
  const hp_llm_request *get() const { return &c_; }

 private:
  std::vector<hp_llm_message> messages_;
  hp_llm_chat_options chat_;
  std::vector<hp_llm_text> stops_;
  hp_llm_request c_{};
};

}  // namespace detail

class Session;

// The events of an answer as a range, to be gone through once: for (const Event &e : session.events(request)).
// Destroying it, as leaving that loop does, stops an answer that has not ended. It refers to the Session, which
// must stay where it is.
class Events {
 public:
  explicit Events(Session &session) : session_(&session) {}
  Events(Events &&other) noexcept : session_(std::exchange(other.session_, nullptr)), event_(std::move(other.event_)) {}
  Events &operator=(Events &&) = delete;
  inline ~Events();

  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event *;
    using reference = const Event &;

    explicit iterator(Events *events = nullptr) : events_(events) {}
    reference operator*() const { return events_->event_; }
    pointer operator->() const { return &events_->event_; }
    iterator &operator++() {
      if (!events_->advance()) events_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const iterator &other) const { return events_ == other.events_; }
    bool operator!=(const iterator &other) const { return events_ != other.events_; }

   private:
    Events *events_;
  };

  iterator begin() { return advance() ? iterator(this) : end(); }
  iterator end() { return iterator(); }

 private:
  inline bool advance();

  Session *session_;  // nullptr: the last event has been taken
  Event event_;
};

// A conversation (context) on a model.
class Session {
 public:
  // Called with every event; false: stop. An exception stops too, and comes out of generate.
  using Callback = std::function<bool(const Event &)>;

  // Answers, calling back on this thread; returns after the last event with its reason.
  Finish generate(const Request &request, const Callback &callback) {
    return run(detail::RequestView(request).get(), callback);
  }

  // Goes on with an answer that was stopped.
  Finish resume(const Callback &callback) { return run(nullptr, callback); }

  // Answers on the library's threads; the events are taken with the range.
  Events events(const Request &request) {
    start(request);
    return Events(*this);
  }

  // The same by hand: next() gives nothing when the time is over.
  void start(const Request &request) { detail::call(hp_llm_start, handle_.get(), detail::RequestView(request).get()); }
  void start_again() { detail::call(hp_llm_start, handle_.get(), static_cast<const hp_llm_request *>(nullptr)); }
  std::optional<Event> next(std::chrono::milliseconds timeout = forever) {
    auto e = detail::sized<hp_llm_event>();
    if (detail::call(hp_llm_next, handle_.get(), detail::milliseconds(timeout), &e) == HP_LLM_PENDING) return std::nullopt;
    return Event(e);
  }

  // The whole text of an answer.
  std::string answer(const Request &request) {
    std::string text;
    generate(request, [&](const Event &e) {
      text += e.text;
      return true;
    });
    return text;
  }

  // Ends a running answer within 50 ms; any thread may call it, at any time.
  void stop() const noexcept { hp_llm_stop(handle_.get(), nullptr); }

  std::vector<std::int32_t> tokens() const {
    return detail::fill<std::vector<std::int32_t>>(
        1024, [&](std::int32_t *data, std::int64_t room, std::int64_t *count, hp_llm_error *e) {
          return hp_llm_session_tokens(handle_.get(), data, room, count, e);
        });
  }
  void truncate(std::int64_t length) { detail::call(hp_llm_session_truncate, handle_.get(), length); }
  void reset() { detail::call(hp_llm_session_reset, handle_.get()); }
  hp_llm_stats stats() const {
    auto s = detail::sized<hp_llm_stats>();
    detail::call(hp_llm_stats_get, handle_.get(), &s);
    return s;
  }
  hp_llm_session handle() const noexcept { return handle_.get(); }

 private:
  friend class Model;
  explicit Session(detail::Handle handle) : handle_(std::move(handle)) {}

  Finish run(const hp_llm_request *request, const Callback &callback) {
    struct State {
      const Callback &callback;
      Finish finish = Finish::none;
      std::exception_ptr thrown{};
    } state{callback};
    // No exception may pass through the library: it is kept, and thrown again on this side of the call.
    const auto step = [](void *user, const hp_llm_event *e) noexcept -> std::int32_t {
      State &state = *static_cast<State *>(user);
      try {
        const Event event(*e);
        state.finish = event.finish;
        return state.callback(event) ? 0 : 1;
      } catch (...) {
        state.thrown = std::current_exception();
        return 1;
      }
    };
    auto error = detail::sized<hp_llm_error>();
    const std::int32_t status =
        hp_llm_generate(handle_.get(), request, static_cast<hp_llm_event_callback>(step), &state, &error);
    if (state.thrown) std::rethrow_exception(state.thrown);
    if (status == HP_LLM_ERROR_STOPPED) return Finish::stopped;
    if (status < 0) throw Error(status, error.message);
    return state.finish;
  }

  detail::Handle handle_;
};

inline bool Events::advance() {
  if (!session_ || event_.finish != Finish::none) {
    session_ = nullptr;
    return false;
  }
  event_ = *session_->next();
  return true;
}

inline Events::~Events() {
  if (session_ && event_.finish == Finish::none) session_->stop();
}

// A model file, loading or loaded.
class Model {
 public:
  // Called with 0 to 1 while loading; false: give up.
  using Progress = std::function<bool(double)>;

  static Model load(std::string_view path, std::int32_t threads = 0, const Progress &progress = nullptr) {
    Model model = begin(path, threads);
    for (double done = 0;;) {
      const bool ready = model.poll(std::chrono::milliseconds(progress ? 20 : -1), &done);
      if (progress && !progress(done)) throw Error(HP_LLM_ERROR_STOPPED, "the load was given up");
      if (ready) return model;
    }
  }

  // Begins to load and returns at once; poll() says whether it is done. Destroying the model cancels it.
  static Model begin(std::string_view path, std::int32_t threads = 0) {
    auto options = detail::sized<hp_llm_load_options>();
    options.threads = threads;
    Model model;
    detail::call(hp_llm_load_begin, path.data(), detail::size(path), &options, model.handle_.out());
    return model;
  }
  bool poll(std::chrono::milliseconds timeout, double *done = nullptr) {
    return detail::call(hp_llm_load_poll, handle_.get(), detail::milliseconds(timeout), done) == HP_LLM_OK;
  }

  // What a file is, without loading it; options: the session that memory_bytes and fit are about.
  static hp_llm_model_info inspect(std::string_view path, hp_llm_session_options options = session_options()) {
    auto info = detail::sized<hp_llm_model_info>();
    detail::call(hp_llm_inspect, path.data(), detail::size(path), &options, &info);
    return info;
  }
  hp_llm_model_info info() const {
    auto info = detail::sized<hp_llm_model_info>();
    detail::call(hp_llm_model_info_get, handle_.get(), &info);
    return info;
  }

  // flags: hp_llm_text_flags.
  std::vector<std::int32_t> tokenize(std::string_view text, std::uint32_t flags = 0) const {
    return detail::fill<std::vector<std::int32_t>>(
        text.size() + 8, [&](std::int32_t *data, std::int64_t room, std::int64_t *count, hp_llm_error *e) {
          return hp_llm_tokenize(handle_.get(), text.data(), detail::size(text), flags, data, room, count, e);
        });
  }
  std::string detokenize(const std::vector<std::int32_t> &ids, std::uint32_t flags = 0) const {
    return detail::fill<std::string>(
        ids.size() * 8, [&](char *data, std::int64_t room, std::int64_t *size, hp_llm_error *e) {
          return hp_llm_detokenize(handle_.get(), ids.data(), static_cast<std::int64_t>(ids.size()), flags, data, room, size, e);
        });
  }

  // The prompt that the model's chat template makes of messages.
  std::string chat_prompt(const std::vector<Message> &messages, const ChatOptions &chat = {}) const {
    const auto list = detail::views(messages);
    const auto options = detail::view(chat);
    return detail::fill<std::string>(1024, [&](char *data, std::int64_t room, std::int64_t *size, hp_llm_error *e) {
      return hp_llm_chat_prompt(handle_.get(), list.data(), static_cast<std::int64_t>(list.size()), &options, data,
                                room, size, e);
    });
  }

  // The defaults, to be changed and given to session().
  static hp_llm_session_options session_options() { return detail::sized<hp_llm_session_options>(); }
  Session session(hp_llm_session_options options = session_options()) const {
    detail::Handle handle;
    detail::call(hp_llm_session_create, handle_.get(), &options, handle.out());
    return Session(std::move(handle));
  }

  // Cancels a load, or ends the answers of all sessions; any thread may call it.
  void stop() const noexcept { hp_llm_stop(handle_.get(), nullptr); }
  hp_llm_model handle() const noexcept { return handle_.get(); }

 private:
  Model() = default;

  detail::Handle handle_;
};

}  // namespace hp_llm

#endif
