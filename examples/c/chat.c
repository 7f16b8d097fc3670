/* A chat in the terminal, in C11 and nothing but include/hp_llm.h (and POSIX's sigaction for Ctrl-C).
 *
 * usage: chat MODEL.gguf [--greedy] [--max TOKENS]
 *
 * Every line of the input is a question, the conversation is remembered. Ctrl-C stops the answer, or the
 * load; at the prompt it ends the program.
 *
 * It takes the events one by one with hp_llm_next, with a timeout: so it sees Ctrl-C in every phase, and
 * needs neither a callback nor a second thread. The example at the top of the header uses the callback. */
#define _XOPEN_SOURCE 700
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hp_llm.h"

enum { POLL_MS = 50, MAX_LINE = 1 << 20 };

/* A growing string: an answer. */
typedef struct {
  char *data;
  size_t size, room;
} text;

/* The conversation so far. Texts of messages are owned here. */
typedef struct {
  hp_llm_message *messages;
  size_t count, room;
} history;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

/* SA_ONSTACK: the signal may arrive on one of the library's threads, whose stacks are small. */
static void catch_interrupts(void) {
  struct sigaction action = {0};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_ONSTACK;
  sigaction(SIGINT, &action, NULL);
}

static void *grow(void *data, size_t *room, size_t need, size_t item) {
  if (need <= *room) return data;
  *room = need + need / 2 + 64;
  data = realloc(data, *room * item);
  if (!data) {
    fputs("chat: out of memory\n", stderr);
    exit(1);
  }
  return data;
}

static void append(text *t, const char *data, size_t size) {
  t->data = grow(t->data, &t->room, t->size + size + 1, 1);
  memcpy(t->data + t->size, data, size);
  t->size += size;
  t->data[t->size] = 0;
}

static hp_llm_text view(const char *data, size_t size) {
  hp_llm_text t = {data, (int64_t)size};
  return t;
}

/* Takes ownership of content.data. */
static void say(history *h, const char *role, text content) {
  h->messages = grow(h->messages, &h->room, h->count + 1, sizeof *h->messages);
  memset(&h->messages[h->count], 0, sizeof *h->messages);
  h->messages[h->count].role = view(role, strlen(role));
  h->messages[h->count].content = view(content.data, content.size);
  h->count++;
}

static void forget(history *h) {
  for (size_t i = 0; i < h->count; i++) free((char *)h->messages[i].content.data);
  free(h->messages);
}

static int failed(const char *what, const hp_llm_error *error) {
  fprintf(stderr, "chat: %s: %s (%s)\n", what, error->message, hp_llm_status_name(error->code));
  return 1;
}

/* Reads a line without its end. 0: there is no further one. */
static int read_line(text *line) {
  memset(line, 0, sizeof *line);
  append(line, "", 0);
  for (;;) {
    int c = getchar();
    if (c == EOF) return line->size > 0 && !ferror(stdin);
    if (c == '\n') return 1;
    char byte = (char)c;
    if (line->size < MAX_LINE) append(line, &byte, 1);
  }
}

/* Loads the model in the background, so that Ctrl-C gets through. */
static int load(const char *path, hp_llm_model *model, hp_llm_error *error) {
  int32_t status = hp_llm_load_begin(path, (int64_t)strlen(path), NULL, model, error);
  if (status != HP_LLM_OK) return status;
  do {
    if (interrupted) hp_llm_stop(*model, NULL);
    status = hp_llm_load_poll(*model, POLL_MS, NULL, error);
  } while (status == HP_LLM_PENDING);
  return status;
}

/* Prints the answer to a request as it comes, and keeps it. */
static int32_t answer(hp_llm_session session, const hp_llm_request *request, text *kept, hp_llm_error *error) {
  int32_t status = hp_llm_start(session, request, error);
  hp_llm_event event = {.struct_size = sizeof event};
  while (status == HP_LLM_OK || status == HP_LLM_PENDING) {
    status = hp_llm_next(session, POLL_MS, &event, error);
    if (status != HP_LLM_OK && status != HP_LLM_PENDING) break;
    append(kept, event.text, (size_t)event.text_size);
    fwrite(event.text, 1, (size_t)event.text_size, stdout);
    fflush(stdout);
    if (event.finish != HP_LLM_FINISH_NONE) break;
    if (interrupted) hp_llm_stop(session, NULL); /* the last event comes within 50 ms */
  }
  putchar('\n');
  if (event.finish == HP_LLM_FINISH_CONTEXT) fputs("[the context is full]\n", stderr);
  return status;
}

static void print_speed(hp_llm_session session) {
  hp_llm_stats stats = {.struct_size = sizeof stats};
  if (hp_llm_stats_get(session, &stats, NULL)) return;
  fprintf(stderr, "[%" PRId32 " of %" PRId32 " prompt tokens were there already; first token after %.0f ms; %.1f tokens/s]\n",
          stats.cached_tokens, stats.prompt_tokens, stats.first_token_ms, stats.tokens_per_s);
}

static int chat(hp_llm_session session, int greedy, int32_t max_tokens) {
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_sampling sampling = {.struct_size = sizeof sampling};
  hp_llm_request request = {.struct_size = sizeof request};
  if (hp_llm_sampling_defaults(&sampling, &error)) return failed("sampling", &error);
  if (hp_llm_request_defaults(&request, &error)) return failed("request", &error);
  if (greedy) sampling.temperature = 0;
  request.sampling = &sampling;
  request.max_tokens = max_tokens;

  int terminal = isatty(STDIN_FILENO), result = 0;
  history h = {0};
  for (;;) {
    text line, reply = {0};
    interrupted = 0;
    if (terminal) fputs("> ", stderr);
    if (!read_line(&line)) {
      free(line.data);
      break;
    }
    say(&h, "user", line);
    request.messages = h.messages;
    request.message_count = (int64_t)h.count;
    append(&reply, "", 0);
    if (answer(session, &request, &reply, &error)) {
      free(reply.data);
      result = failed("answer", &error);
      break;
    }
    say(&h, "assistant", reply);
    if (terminal) print_speed(session);
  }
  forget(&h);
  return result;
}

int main(int argc, char **argv) {
  const char *path = NULL;
  int greedy = 0, bad = 0;
  long max_tokens = -1;
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--greedy")) {
      greedy = 1;
    } else if (!strcmp(argv[i], "--max") && i + 1 < argc) {
      char *end;
      max_tokens = strtol(argv[++i], &end, 10);
      bad |= *end || max_tokens < 1 || max_tokens > INT32_MAX;
    } else if (argv[i][0] != '-' && !path) {
      path = argv[i];
    } else {
      bad = 1;
    }
  }
  if (!path || bad) {
    fputs("usage: chat MODEL.gguf [--greedy] [--max TOKENS]\n", stderr);
    return 2;
  }

  catch_interrupts();
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_model model = 0;
  hp_llm_session session = 0;
  int result;
  if (hp_llm_init(HP_LLM_ABI_VERSION, NULL, &error)) {
    result = failed("init", &error);
  } else if (load(path, &model, &error)) {
    result = failed("load", &error);
  } else if (hp_llm_session_create(model, NULL, &session, &error)) {
    result = failed("session", &error);
  } else {
    result = chat(session, greedy, (int32_t)max_tokens);
  }
  hp_llm_free(session, NULL);
  hp_llm_free(model, NULL);
  hp_llm_shutdown(NULL);
  return result;
}
