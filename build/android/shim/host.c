/* A program that loads libhappyphonellm for Android and lets it answer. usage: host LIBRARY MODEL PROMPT TOKENS */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hp_llm.h"

/* The program's thread-local data begin at the third word from the thread pointer, where Android has a slot
 * for Go: nobody else may use it. */
__thread void *reserved[14] __attribute__((aligned(16), used));

static int32_t show(void *user, const hp_llm_event *event) {
  (void)user;
  printf("%.*s", (int)event->text_size, event->text);
  fflush(stdout);
  return 0;
}

static void *library;
static void *named(const char *name) {
  void *f = dlsym(library, name);
  if (!f) {
    fprintf(stderr, "%s\n", dlerror());
    exit(3);
  }
  return f;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  library = dlopen(argv[1], RTLD_NOW);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 3;
  }
  __typeof__(hp_llm_load) *load = named("hp_llm_load");
  __typeof__(hp_llm_session_create) *create = named("hp_llm_session_create");
  __typeof__(hp_llm_request_defaults) *defaults = named("hp_llm_request_defaults");
  __typeof__(hp_llm_sampling_defaults) *sampling_defaults = named("hp_llm_sampling_defaults");
  __typeof__(hp_llm_generate) *generate = named("hp_llm_generate");
  __typeof__(hp_llm_free) *release = named("hp_llm_free");

  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_model model;
  hp_llm_session session;
  hp_llm_load_options options = {.struct_size = sizeof options, .threads = 2};
  hp_llm_session_options small = {.struct_size = sizeof small, .context = 256};
  hp_llm_sampling sampling = {.struct_size = sizeof sampling};
  hp_llm_request request = {.struct_size = sizeof request};
  if (sampling_defaults(&sampling, &error) || defaults(&request, &error)) goto failed;
  sampling.temperature = 0;
  request.sampling = &sampling;
  request.prompt = (hp_llm_text){argv[3], (int64_t)strlen(argv[3])};
  request.max_tokens = atoi(argv[4]);
  request.flags = HP_LLM_IGNORE_EOS;
  if (load(argv[2], (int64_t)strlen(argv[2]), &options, &model, &error)) goto failed;
  if (create(model, &small, &session, &error)) goto failed;
  if (generate(session, &request, show, NULL, &error)) goto failed;
  if (release(model, &error)) goto failed;
  return 0;
failed:
  fprintf(stderr, "%s\n", error.message);
  return 1;
}
