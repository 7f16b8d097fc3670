// A chat in the terminal, in C++17 over hp_llm.hpp.
//
// usage: chat MODEL.gguf [--greedy] [--max TOKENS]
//
// Every line of the input is a question, the conversation is remembered. Ctrl-C stops the answer.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <string>

#include "hp_llm.hpp"

namespace {

volatile sig_atomic_t interrupted;

// SA_ONSTACK: the signal may arrive on one of the library's threads, whose stacks are small.
void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGINT, &action, nullptr);
}

void chat(const char *path, bool greedy, std::int32_t max_tokens) {
  hp_llm::init();
  const auto model = hp_llm::Model::load(path, 0, [](double) { return !interrupted; });
  auto session = model.session();

  hp_llm::Request request;
  request.max_tokens = max_tokens;
  if (greedy) request.sampling.temperature = 0;

  const bool terminal = isatty(STDIN_FILENO);
  for (std::string line;;) {
    interrupted = 0;
    if (terminal) std::cerr << "> ";
    if (!std::getline(std::cin, line)) return;
    request.messages.push_back({"user", line});

    std::string answer;
    for (const auto &event : session.events(request)) {
      std::cout << event.text << std::flush;
      answer += event.text;
      if (interrupted) break;
    }
    std::cout << std::endl;
    request.messages.push_back({"assistant", answer});
    if (terminal) std::cerr << "[" << session.stats().tokens_per_s << " tokens/s]\n";
  }
}

}  // namespace

int main(int argc, char **argv) {
  const char *path = nullptr;
  bool greedy = false, bad = false;
  long max_tokens = -1;
  for (int i = 1; i < argc; i++) {
    if (!std::strcmp(argv[i], "--greedy")) {
      greedy = true;
    } else if (!std::strcmp(argv[i], "--max") && i + 1 < argc) {
      char *end;
      max_tokens = std::strtol(argv[++i], &end, 10);
      bad |= *end || max_tokens < 1 || max_tokens > INT32_MAX;
    } else if (argv[i][0] != '-' && !path) {
      path = argv[i];
    } else {
      bad = true;
    }
  }
  if (!path || bad) {
    std::cerr << "usage: chat MODEL.gguf [--greedy] [--max TOKENS]\n";
    return 2;
  }
  catch_interrupts();
  try {
    chat(path, greedy, static_cast<std::int32_t>(max_tokens));
  } catch (const hp_llm::Error &e) {
    std::cerr << "chat: " << e.what() << " (" << e.name() << ")\n";
    return 1;
  } catch (const std::exception &e) {
    std::cerr << "chat: " << e.what() << "\n";
    return 1;
  }
}
