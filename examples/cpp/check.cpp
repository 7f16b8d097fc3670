// Walks through hp_llm.hpp with a real model: every function once, errors, exceptions from callbacks, and
// several threads. The project's tests run it, plain and under the sanitizers.
//
// usage: check MODEL.gguf
#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "hp_llm.hpp"

namespace {

int failures = 0;

void expect(bool good, const char *what, int line) {
  if (good) return;
  std::cout << "check.cpp:" << line << ": " << what << "\n";
  failures++;
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

// The status of what f throws; HP_LLM_OK: nothing.
template <class F>
std::int32_t status(F f) {
  try {
    f();
  } catch (const hp_llm::Error &e) {
    return e.code();
  }
  return HP_LLM_OK;
}

hp_llm::Request question(std::int32_t tokens) {
  hp_llm::Request r;
  r.messages = {{"system", "You are a helpful guide."}, {"user", "Tell me about the sea. \xf0\x9f\x8c\x8a"}};
  r.sampling = hp_llm::Sampling::greedy();
  r.max_tokens = tokens;
  return r;
}

void handles(const std::string &path) {
  static_assert(!std::is_copy_constructible_v<hp_llm::Model> && !std::is_copy_constructible_v<hp_llm::Session>);
  static_assert(std::is_nothrow_move_constructible_v<hp_llm::Session> && std::is_nothrow_move_assignable_v<hp_llm::Session>);

  double last = -1;
  auto first = hp_llm::Model::load(path, 1, [&](double done) {
    EXPECT(done >= last && done <= 1);
    last = done;
    return true;
  });
  EXPECT(last == 1);
  auto session = first.session();
  const auto stale = session.handle();
  auto model = std::move(first);
  EXPECT(first.handle() == 0 && model.handle() != 0);
  session = model.session();
  EXPECT(session.handle() != stale);
  EXPECT(hp_llm_session_reset(stale, nullptr) == HP_LLM_ERROR_HANDLE);

  // A session outlives its model as an object, and says so.
  { auto gone = std::move(model); }
  EXPECT(status([&] { session.reset(); }) == HP_LLM_ERROR_HANDLE);
  EXPECT(status([&] { hp_llm::Model::load("/no/such/file.gguf"); }) == HP_LLM_ERROR_IO);
  EXPECT(status([&] { hp_llm::Model::load(path, 0, [](double) { return false; }); }) == HP_LLM_ERROR_STOPPED);
}

void texts(const hp_llm::Model &model, const std::string &path) {
  const auto info = model.info(), seen = hp_llm::Model::inspect(path);
  EXPECT(std::string(info.architecture) == seen.architecture && info.vocabulary == seen.vocabulary && info.vocabulary > 0);
  const std::string text = "The sea is blue. \xf0\x9f\x8c\x8a";
  const auto ids = model.tokenize(text);
  EXPECT(!ids.empty() && model.detokenize(ids) == text);
  EXPECT(model.tokenize("").empty() && model.detokenize({}).empty());
  EXPECT(status([&] { model.tokenize("\xff"); }) == HP_LLM_ERROR_UTF8);
  EXPECT(status([&] { model.detokenize({info.vocabulary}); }) == HP_LLM_ERROR_ARGUMENT);

  // A prompt from messages, in steps and at once.
  auto session = model.session();
  auto at_once = question(1), in_steps = at_once;
  in_steps.prompt = model.chat_prompt(at_once.messages);
  in_steps.prompt_special = true;
  in_steps.messages.clear();
  EXPECT(in_steps.prompt.find("the sea") != std::string::npos);
  EXPECT(session.answer(at_once) == session.answer(in_steps));
  EXPECT(status([&] { session.answer({}); }) == HP_LLM_ERROR_ARGUMENT);
}

void answers(const hp_llm::Model &model) {
  auto options = hp_llm::Model::session_options();
  options.context = 256;
  auto session = model.session(options);
  const auto request = question(24);
  const std::string whole = session.answer(request);
  EXPECT(!whole.empty());
  EXPECT(session.stats().generated_tokens == 24 && session.stats().context_capacity == 256);

  std::string text;
  auto finish = hp_llm::Finish::none;
  for (const auto &event : session.events(request)) text += event.text, finish = event.finish;
  EXPECT(text == whole && finish == hp_llm::Finish::length);

  // Stopped by the callback and continued: the same text.
  text.clear();
  const auto add = [&](const hp_llm::Event &e) {
    text += e.text;
    return true;
  };
  EXPECT(session.generate(request, [&](const hp_llm::Event &e) { return add(e) && e.generated_tokens < 9; }) ==
         hp_llm::Finish::stopped);
  EXPECT(text.size() < whole.size());
  EXPECT(session.resume(add) == hp_llm::Finish::length);
  EXPECT(text == whole);

  // An exception crosses the library; the session goes on.
  try {
    session.generate(request, [](const hp_llm::Event &) -> bool { throw std::logic_error("mine"); });
    EXPECT(!"the exception came out");
  } catch (const std::logic_error &e) {
    EXPECT(std::string(e.what()) == "mine");
  }
  for (const auto &event : session.events(request))
    if (event.generated_tokens == 3) break;
  EXPECT(session.answer(request) == whole);

  const auto held = session.tokens();
  EXPECT(held.size() > 24);
  session.truncate(5);
  EXPECT(session.tokens().size() == 5);
  session.reset();
  EXPECT(session.tokens().empty());

  auto cut = request;
  cut.stops = {whole.substr(whole.size() / 2, 5)};
  const std::string before = session.answer(cut);
  EXPECT(before == whole.substr(0, whole.find(cut.stops[0])));
}

// Sessions answer in threads of their own while another thread stops them again and again: each goes on and
// ends with the text of an undisturbed one. Models come and go meanwhile.
void threads(const hp_llm::Model &model, const std::string &path) {
  const auto request = question(16);
  auto quiet = model.session();
  const std::string want = quiet.answer(request);

  std::vector<hp_llm::Session> sessions;
  for (int i = 0; i < 3; i++) sessions.push_back(model.session());
  std::vector<std::string> got(sessions.size());
  std::atomic<std::size_t> busy{sessions.size()};
  std::vector<std::thread> team;
  for (std::size_t i = 0; i < sessions.size(); i++)
    team.emplace_back([&, i] {
      const auto add = [&](const hp_llm::Event &e) {
        got[i] += e.text;
        return true;
      };
      auto finish = sessions[i].generate(request, add);
      while (finish == hp_llm::Finish::stopped) finish = sessions[i].resume(add);
      busy--;
    });
  team.emplace_back([&] {
    for (std::size_t i = 0; i < 12 && busy > 0; i++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
      sessions[i % sessions.size()].stop();
    }
  });
  team.emplace_back([&] {
    for (int i = 0; i < 4; i++) {
      const auto other = hp_llm::Model::load(path, 1);
      auto session = other.session();
      session.start(question(4));
      session.next(std::chrono::milliseconds(20));
    }
  });
  for (auto &thread : team) thread.join();
  for (const auto &text : got) EXPECT(text == want);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  try {
    hp_llm::init();
    handles(argv[1]);
    {
      const auto model = hp_llm::Model::load(argv[1], 2);
      texts(model, argv[1]);
      answers(model);
      threads(model, argv[1]);
    }
    while (const auto log = hp_llm::next_log()) EXPECT(!log->text.empty());
    hp_llm::shutdown();
  } catch (const std::exception &e) {
    std::cout << "unexpected: " << e.what() << "\n";
    return 1;
  }
  std::cout << (failures ? "failed" : "ok") << "\n";
  return failures != 0;
}
