/* A host that has handlers of its own for faults and timers, from before it loads the library or from after: they
 * must go on working, and so must the library. usage: signals before|after LIBRARY MODEL MODEL_TO_CUT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "hp_llm.h"

static const int numbers[] = {SIGSEGV, SIGBUS, SIGPROF, SIGURG};
static struct sigaction previous[65];
static volatile sig_atomic_t counts[65];
static volatile sig_atomic_t expecting; /* a fault of our own is on its way */
static sigjmp_buf back;

static void handler(int number, siginfo_t *info, void *context) {
  counts[number]++;
  if (number != SIGSEGV && number != SIGBUS) return;
  if (expecting) siglongjmp(back, 1);
  /* Not ours: it is for whoever was there before. */
  if (previous[number].sa_flags & SA_SIGINFO) {
    previous[number].sa_sigaction(number, info, context);
    return;
  }
  _exit(66);
}

static void install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (sigaction(numbers[i], &action, &previous[numbers[i]])) exit(67);
}

static void check(int ok, const char *what) {
  if (ok) return;
  printf("FAILED: %s\n", what);
  exit(1);
}

static int32_t count_tokens(void *user, const hp_llm_event *event) {
  *(int *)user += event->token >= 0;
  return 0;
}

static void own_faults(void) {
  char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (volatile int i = 0; i < 100; i++) {
    volatile int before = counts[SIGSEGV];
    expecting = 1;
    if (!sigsetjmp(back, 1)) {
      *(volatile char *)page = 1;
      check(0, "a write to a locked page went through");
    }
    expecting = 0;
    check(counts[SIGSEGV] == before + 1, "our handler did not get our fault");
  }
  volatile int before = counts[SIGBUS];
  expecting = 1;
  if (!sigsetjmp(back, 1)) raise(SIGBUS);
  expecting = 0;
  check(counts[SIGBUS] == before + 1, "our handler did not get SIGBUS");
  before = counts[SIGSEGV];
  expecting = 1;
  if (!sigsetjmp(back, 1)) raise(SIGSEGV);
  expecting = 0;
  check(counts[SIGSEGV] == before + 1, "our handler did not get a SIGSEGV that was sent");
  before = counts[SIGURG];
  raise(SIGURG);
  check(counts[SIGURG] > before, "our handler did not get SIGURG");
  munmap(page, 4096);
}

#define FUNCTIONS(F) F(load) F(session_create) F(request_defaults) F(generate) F(free) F(init) F(status_name)
#define DECLARE(name) static __typeof__(hp_llm_##name) *name##_;
FUNCTIONS(DECLARE)

static void open_library(const char *path) {
  void *library = dlopen(path, RTLD_NOW);
  if (!library) {
    printf("FAILED: %s\n", dlerror());
    exit(1);
  }
#define FIND(name) *(void **)&name##_ = dlsym(library, "hp_llm_" #name);
  FUNCTIONS(FIND)
}

static void status(int32_t got, int32_t want, const char *what, const hp_llm_error *error) {
  if (got == want) return;
  printf("FAILED: %s: %s: %s, not %s\n", what, status_name_(got), error->message, status_name_(want));
  exit(1);
}

static void answer(const char *path, int cut) {
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_model model;
  hp_llm_session session;
  hp_llm_request request = {.struct_size = sizeof request};
  int tokens = 0;
  status(load_(path, (int64_t)strlen(path), NULL, &model, &error), HP_LLM_OK, "load", &error);
  status(session_create_(model, NULL, &session, &error), HP_LLM_OK, "session_create", &error);
  request_defaults_(&request, NULL);
  request.prompt = (hp_llm_text){"Once upon a time", 16};
  request.max_tokens = 16;
  request.flags = HP_LLM_IGNORE_EOS;
  status(generate_(session, &request, count_tokens, &tokens, &error), HP_LLM_OK, "generate", &error);
  check(tokens == 16, "the answer has not 16 tokens");
  if (cut) {
    check(truncate(path, 4096) == 0, "truncate");
    request.prompt = (hp_llm_text){"Another prompt", 14};
    status(generate_(session, &request, count_tokens, &tokens, &error), HP_LLM_ERROR_FILE_CHANGED,
           "generate from a cut file", &error);
    own_faults(); /* ours still come to us */
  }
  status(free_(model, &error), HP_LLM_OK, "free", &error);
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int before = !strcmp(argv[1], "before");
  if (before) install();
  open_library(argv[2]);
  hp_llm_error error = {.struct_size = sizeof error};
  status(init_(HP_LLM_ABI_VERSION, NULL, &error), HP_LLM_OK, "init", &error);
  if (!before) install();
  struct itimerval ticks = {{0, 2000}, {0, 2000}};
  setitimer(ITIMER_PROF, &ticks, NULL);
  own_faults();
  answer(argv[3], 0);
  own_faults();
  answer(argv[4], 1);
  check(counts[SIGPROF] > 0, "no profiling ticks came");
  puts("ok");
  return 0;
}
