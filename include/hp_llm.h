/* hp_llm.h - the C interface of libhappyphonellm: GGUF language models on phones and desktops.
 *
 * A complete program (compiled and run by the project's tests):
 *
 * [example]
 * #include <stdio.h>
 * #include <string.h>
 * #include "hp_llm.h"
 *
 * static int32_t show(void *user, const hp_llm_event *event) {
 *   (void)user;
 *   fwrite(event->text, 1, (size_t)event->text_size, stdout);
 *   fflush(stdout);
 *   return 0;                                        // not 0: stop
 * }
 *
 * static int fail(const char *what, const hp_llm_error *error) {
 *   fprintf(stderr, "%s: %s (%s)\n", what, error->message, hp_llm_status_name(error->code));
 *   return 1;
 * }
 *
 * int main(int argc, char **argv) {
 *   if (argc != 3) return 2;                         // program MODEL.gguf QUESTION
 *   hp_llm_error error = {.struct_size = sizeof error};
 *   hp_llm_model model = 0;
 *   hp_llm_session session = 0;
 *   if (hp_llm_init(HP_LLM_ABI_VERSION, NULL, &error)) return fail("init", &error);
 *   if (hp_llm_load(argv[1], (int64_t)strlen(argv[1]), NULL, &model, &error)) return fail("load", &error);
 *   if (hp_llm_session_create(model, NULL, &session, &error)) return fail("session", &error);
 *
 *   hp_llm_message message = {.role = {"user", 4}, .content = {argv[2], (int64_t)strlen(argv[2])}};
 *   hp_llm_request request = {.struct_size = sizeof request};
 *   if (hp_llm_request_defaults(&request, &error)) return fail("defaults", &error);
 *   request.messages = &message;
 *   request.message_count = 1;
 *   request.max_tokens = 64;
 *   if (hp_llm_generate(session, &request, show, NULL, &error)) return fail("generate", &error);
 *   putchar('\n');
 *
 *   hp_llm_free(session, NULL);
 *   hp_llm_free(model, NULL);
 *   hp_llm_shutdown(NULL);
 *   return 0;
 * }
 * [end]
 *
 * The rules, true of every function unless it says otherwise:
 *
 * Status    Fallible functions return HP_LLM_OK (0), HP_LLM_PENDING (1, not an error) or a negative
 *           hp_llm_status. The last argument, error, receives code and text; it may be NULL.
 * Threads   Any function may be called from any thread at any time. There is no thread-local state.
 * Blocking  Only hp_llm_load and hp_llm_generate run for long. hp_llm_next and hp_llm_load_poll return
 *           within their timeout. Computing is done on the library's own threads.
 * Memory    The library keeps no pointer of yours after a call (but callbacks, as their options say), and
 *           gives you none of its own: results are copied into your structs and buffers. The two static
 *           texts, hp_llm_version and hp_llm_status_name, last as long as the process.
 * Text      UTF-8 as pointer and length in bytes, not terminated. NULL with length 0 is the empty text.
 *           Invalid UTF-8 is an error. Texts inside structs (char[]) are cut at a code point to fit, are
 *           terminated by a 0 byte, and have their length beside them where it matters.
 * Buffers   Functions with (buffer, capacity, count) always store the count that is needed. With capacity 0
 *           they return HP_LLM_OK: that is how to ask. With a capacity that is too small they return
 *           HP_LLM_ERROR_BUFFER and write nothing to the buffer.
 * Structs   Set struct_size to sizeof before the call. Later versions only append fields; a struct of
 *           an older header gets defaults for the rest, one of a newer header is accepted where what this
 *           library does not know is 0. Unknown flags are an error.
 * Handles   64-bit numbers, never 0, never used twice: a freed or invented one is HP_LLM_ERROR_HANDLE.
 * Misuse    A wrong argument is an error, never a crash. (What C cannot check stays true: a pointer must
 *           have room for what you say. Reads from an unmapped address are an error all the same.)
 * Callbacks run on the thread that called the library, during that call. They may call every function,
 *           also hp_llm_stop and hp_llm_free on the object in use. They must return: no longjmp, no exception.
 * Output    Nothing is written to stdout or stderr, and no environment is read (but by the Go
 *           runtime: GODEBUG, GOGC, GOMEMLIMIT, GOMAXPROCS, GOTRACEBACK).
 * Process   The library cannot be unloaded (dlclose does nothing useful) and must not be used after fork.
 *           Signals: see docs/abi.md.
 */
#ifndef HP_LLM_H
#define HP_LLM_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define HP_LLM_API
#else
#define HP_LLM_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. The library serves programs compiled with a header of the same
 * upper 16 bits (major) and any lower 16 bits (minor) up to its own. */
#define HP_LLM_ABI_VERSION 0x00010000u

/* What functions return. */
enum hp_llm_status {
  HP_LLM_OK = 0,
  HP_LLM_PENDING = 1,               /* nothing yet: call again */
  HP_LLM_ERROR_ARGUMENT = -1,       /* an argument is out of range or missing; the text names it */
  HP_LLM_ERROR_HANDLE = -2,         /* no such handle: 0, freed, or of another kind */
  HP_LLM_ERROR_BUSY = -3,           /* the session is answering; or another thread is waiting on it */
  HP_LLM_ERROR_STATE = -4,          /* not now: model not loaded yet, no answer begun */
  HP_LLM_ERROR_BUFFER = -5,         /* the buffer is too small; the needed size has been stored */
  HP_LLM_ERROR_VERSION = -6,        /* header and library do not fit: ABI version, struct_size, fields, flags */
  HP_LLM_ERROR_UTF8 = -7,           /* a text is not UTF-8 */
  HP_LLM_ERROR_IO = -8,             /* the file cannot be opened or read */
  HP_LLM_ERROR_FORMAT = -9,         /* not a GGUF file, or a damaged or contradictory one */
  HP_LLM_ERROR_UNSUPPORTED = -10,   /* a good file of an architecture or tensor type that this library does not run */
  HP_LLM_ERROR_FILE_CHANGED = -11,  /* the model file was cut or its disk failed while in use */
  HP_LLM_ERROR_CONTEXT = -12,       /* the prompt does not fit in the session's context */
  HP_LLM_ERROR_MEMORY = -13,        /* more memory asked for than the device has */
  HP_LLM_ERROR_STOPPED = -14,       /* a load that hp_llm_stop ended, or what a callback ended */
  HP_LLM_ERROR_NO_VOCABULARY = -15, /* text asked of a model file without a vocabulary: token ids only */
  HP_LLM_ERROR_TEMPLATE = -16,      /* the chat template does not accept these messages */
  HP_LLM_ERROR_LIMIT = -17,         /* too many handles */
  HP_LLM_ERROR_INTERNAL = -99       /* a bug of the library; please report the text */
};

/* Handles. 0 is none. */
typedef uint64_t hp_llm_model;   /* a model file, loading or loaded */
typedef uint64_t hp_llm_session; /* one conversation (context) on a model */

/* An error's code and text; the caller's. After HP_LLM_OK or HP_LLM_PENDING: code as returned, text "". */
typedef struct hp_llm_error {
  uint32_t struct_size; /* sizeof(hp_llm_error), set by the caller; another size: nothing is stored */
  int32_t code;         /* hp_llm_status */
  char message[504];    /* UTF-8, terminated */
} hp_llm_error;

/* A text: UTF-8, size bytes, not terminated. {NULL, 0} is the empty text. This struct does not grow. */
typedef struct hp_llm_text {
  const char *data;
  int64_t size;
} hp_llm_text;

/* ---- The library ------------------------------------------------------------------------------ */

/* "MAJOR.MINOR.PATCH" of the library; static. */
HP_LLM_API const char *hp_llm_version(void);

/* HP_LLM_ABI_VERSION of the library. */
HP_LLM_API uint32_t hp_llm_abi_version(void);

/* "HP_LLM_ERROR_BUSY" and so on; static; "unknown status" for other numbers. */
HP_LLM_API const char *hp_llm_status_name(int32_t status);

enum hp_llm_log_level { HP_LLM_LOG_NONE = 0, HP_LLM_LOG_WARN = 1, HP_LLM_LOG_INFO = 2 };

/* A message for developers, size bytes of UTF-8 without a line end. text is valid during the call only. */
typedef void (*hp_llm_log_callback)(void *user, int32_t level, const char *text, int64_t size);

typedef struct hp_llm_init_options {
  uint32_t struct_size;
  int32_t log_level;       /* hp_llm_log_level; default HP_LLM_LOG_WARN */
  hp_llm_log_callback log; /* NULL: messages wait for hp_llm_log_next. Called on a thread that is in a call to
                              the library, just before that returns; used until hp_llm_shutdown or the next init */
  void *log_user;
} hp_llm_init_options;

/* Checks that header and library fit (pass HP_LLM_ABI_VERSION) and sets options; NULL: the defaults. May be
 * called again, the last options count. Every other function works without it.
 * Errors: VERSION, ARGUMENT. */
HP_LLM_API int32_t hp_llm_init(uint32_t abi_version, const hp_llm_init_options *options, hp_llm_error *error);

/* Takes the oldest waiting log message, for hosts that cannot be called back (at most 256 wait, the oldest
 * are dropped; none waits where a callback is set). HP_LLM_PENDING: there is none. level may be NULL. With
 * capacity 0 or too small the message stays. */
HP_LLM_API int32_t hp_llm_log_next(int32_t *level, char *buffer, int64_t capacity, int64_t *size,
                                   hp_llm_error *error);

/* Stops and frees everything that is not free yet, and forgets the callback. Everything may be used again
 * afterwards. */
HP_LLM_API int32_t hp_llm_shutdown(hp_llm_error *error);

/* ---- Models ----------------------------------------------------------------------------------- */

/* Whether a model fits into the memory of this device. */
enum hp_llm_fit {
  HP_LLM_FIT_UNKNOWN = 0, /* the system does not tell its memory */
  HP_LLM_FIT_YES = 1,     /* weights and working memory fit into what is free now */
  HP_LLM_FIT_TIGHT = 2,   /* working memory fits, but the weights will be read from disk again and again: slow */
  HP_LLM_FIT_NO = 3       /* it will not run */
};

enum hp_llm_kv_type { HP_LLM_KV_F16 = 0, HP_LLM_KV_F32 = 1, HP_LLM_KV_Q8_0 = 2 };

/* What there is to know about a model. Token ids are -1, numbers 0, texts "" where there is none. */
typedef struct hp_llm_model_info {
  uint32_t struct_size;
  int32_t fit;                /* hp_llm_fit */
  int64_t file_bytes;         /* all parts of a split file */
  int64_t parameters;         /* numbers in all tensors */
  int64_t memory_bytes;       /* estimate of the memory beside the weights: KV cache, buffers, vocabulary */
  int64_t kv_bytes_per_token;
  int64_t device_bytes;       /* memory of this device; 0: unknown */
  int64_t available_bytes;    /* of that, free for programs now; 0: unknown */
  int32_t context_train;      /* tokens of context in training */
  int32_t context;            /* tokens of context that memory_bytes is about */
  int32_t vocabulary;         /* token ids are 0 to vocabulary-1 */
  int32_t layers;
  int32_t embedding;          /* width of the residual stream */
  int32_t threads;            /* workers; in hp_llm_inspect: the default number */
  int32_t bos, eos, eot;      /* token ids */
  int32_t has_vocabulary;     /* 1: text works; 0: token ids only */
  int32_t has_chat_template;  /* 1: in the file; 0: one is chosen by the tokens that the vocabulary has */
  int32_t reserved;
  char architecture[64];      /* "llama" */
  char quantization[16];      /* the type of most of the weights: "Q4_K" */
  char name[256];             /* general.name */
} hp_llm_model_info;

/* How a session is made. Default: NULL, or a struct of 0 but for struct_size. */
typedef struct hp_llm_session_options {
  uint32_t struct_size;
  int32_t context; /* tokens that it can hold; 0: that of the training, but at most 4096 */
  int32_t kv_type; /* hp_llm_kv_type */
  int32_t batch;   /* prompt tokens computed at once, 0: 512; results do not depend on it */
} hp_llm_session_options;

/* Reads what a model file is, without loading it: milliseconds, hardly any memory. For a file that the
 * library cannot run it returns the error that hp_llm_load would (UNSUPPORTED names the architecture), and
 * fills in what it knows. options, which may be NULL: the session that memory_bytes and fit are about.
 * Errors: ARGUMENT, VERSION, UTF8, IO, FORMAT, UNSUPPORTED, FILE_CHANGED. */
HP_LLM_API int32_t hp_llm_inspect(const char *path, int64_t path_size, const hp_llm_session_options *options,
                                  hp_llm_model_info *info, hp_llm_error *error);

/* done: the part of the load that is done, 0 to 1. Return 0 to go on, another number to give up. */
typedef int32_t (*hp_llm_progress_callback)(void *user, double done);

/* Default: NULL, or a struct of 0 but for struct_size. */
typedef struct hp_llm_load_options {
  uint32_t struct_size;
  int32_t threads;                   /* workers, 1 to 256, of which no more than cores are used; 0: the fast cores */
  hp_llm_progress_callback progress; /* of hp_llm_load; ignored by hp_llm_load_begin */
  void *progress_user;
} hp_llm_load_options;

/* Loads a GGUF file (the first part of a split one) and stores its handle in *model (0 after an error). Blocks
 * until it is loaded. The weights stay in the file, which is mapped: it must not be changed until the model is
 * freed. Free it with hp_llm_free.
 * Errors: ARGUMENT, VERSION, UTF8, IO, FORMAT, UNSUPPORTED, FILE_CHANGED, MEMORY, LIMIT, STOPPED (the
 * progress callback gave up, or hp_llm_shutdown). */
HP_LLM_API int32_t hp_llm_load(const char *path, int64_t path_size, const hp_llm_load_options *options,
                               hp_llm_model *model, hp_llm_error *error);

/* The same, but returns at once with a handle of a model that is loading: ask hp_llm_load_poll. Until it is
 * loaded, other functions give HP_LLM_ERROR_STATE for it; hp_llm_stop cancels the load, hp_llm_free frees it.
 * Errors: ARGUMENT, VERSION, UTF8, LIMIT. */
HP_LLM_API int32_t hp_llm_load_begin(const char *path, int64_t path_size, const hp_llm_load_options *options,
                                     hp_llm_model *model, hp_llm_error *error);

/* Waits for a load for at most timeout_ms (0: only looks; -1: until the end). HP_LLM_OK: it is loaded.
 * HP_LLM_PENDING: not yet. An error: it failed (with those of hp_llm_load), which is said again at each call;
 * the handle is still to be freed. done, which may be NULL, receives 0 to 1. */
HP_LLM_API int32_t hp_llm_load_poll(hp_llm_model model, int32_t timeout_ms, double *done, hp_llm_error *error);

/* What a loaded model is; memory_bytes and fit as for hp_llm_inspect with default options. */
HP_LLM_API int32_t hp_llm_model_info_get(hp_llm_model model, hp_llm_model_info *info, hp_llm_error *error);

/* ---- Text and tokens -------------------------------------------------------------------------- */

enum hp_llm_text_flags {
  HP_LLM_ADD_SPECIAL = 1,   /* tokenize: add BOS and EOS as the model wants */
  HP_LLM_PARSE_SPECIAL = 2, /* tokenize: "<|im_end|>" and the like are control tokens, not text */
  HP_LLM_SHOW_SPECIAL = 4   /* detokenize: control tokens are text too */
};

/* Text to token ids. ids has room for capacity ids; *count receives how many there are. Time grows with the text (a
 * megabyte takes about a second on a phone).
 * Errors: ARGUMENT, HANDLE, STATE, BUFFER, VERSION (unknown flags), UTF8, NO_VOCABULARY, FILE_CHANGED. */
HP_LLM_API int32_t hp_llm_tokenize(hp_llm_model model, const char *text, int64_t text_size, uint32_t flags,
                                   int32_t *ids, int64_t capacity, int64_t *count, hp_llm_error *error);

/* Token ids to text. Ids that end inside a code point give U+FFFD there.
 * Errors: as hp_llm_tokenize; an id outside of the vocabulary is ARGUMENT. */
HP_LLM_API int32_t hp_llm_detokenize(hp_llm_model model, const int32_t *ids, int64_t id_count, uint32_t flags,
                                     char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error);

/* One message of a conversation. All but role and content may be left {NULL, 0}. This struct does not grow. */
typedef struct hp_llm_message {
  hp_llm_text role;         /* "system", "user", "assistant", "tool" */
  hp_llm_text content;
  hp_llm_text reasoning;    /* what the assistant thought before content */
  hp_llm_text tool_calls;   /* JSON: [{"id": "...", "name": "...", "arguments": {...}}, ...] */
  hp_llm_text tool_call_id; /* role "tool": the call that content answers */
  hp_llm_text name;         /* role "tool": the tool's name */
} hp_llm_message;

enum hp_llm_thinking { HP_LLM_THINKING_DEFAULT = 0, HP_LLM_THINKING_ON = 1, HP_LLM_THINKING_OFF = 2 };

/* How messages become a prompt. Default: NULL, or a struct of 0 but for struct_size. */
typedef struct hp_llm_chat_options {
  uint32_t struct_size;
  int32_t thinking;          /* hp_llm_thinking, of models that can do both */
  hp_llm_text tools;         /* JSON: [{"name": "...", "description": "...", "parameters": {JSON schema}}, ...] */
  int32_t no_answer_prefix;  /* 1: the prompt does not end with the beginning of the assistant's message */
  int32_t reserved;          /* 0 */
} hp_llm_chat_options;

/* Applies the model's chat template to messages: the prompt's text, which hp_llm_tokenize turns into the
 * tokens of the prompt with ADD_SPECIAL | PARSE_SPECIAL. Requests with messages do all this by themselves.
 * Errors: ARGUMENT, HANDLE, STATE, BUFFER, VERSION, UTF8, NO_VOCABULARY, TEMPLATE, FILE_CHANGED. */
HP_LLM_API int32_t hp_llm_chat_prompt(hp_llm_model model, const hp_llm_message *messages, int64_t message_count,
                                      const hp_llm_chat_options *options, char *buffer, int64_t capacity,
                                      int64_t *size, hp_llm_error *error);

/* ---- Sessions --------------------------------------------------------------------------------- */

/* Makes an empty session on a loaded model; several may be used at the same time, their computations take
 * turns. Free it with hp_llm_free; hp_llm_free of the model frees it too.
 * Errors: ARGUMENT, HANDLE, STATE, VERSION, MEMORY, LIMIT. */
HP_LLM_API int32_t hp_llm_session_create(hp_llm_model model, const hp_llm_session_options *options,
                                         hp_llm_session *session, hp_llm_error *error);

/* The tokens in the session's context.
 * Errors: ARGUMENT, HANDLE, BUSY, BUFFER. */
HP_LLM_API int32_t hp_llm_session_tokens(hp_llm_session session, int32_t *ids, int64_t capacity, int64_t *count,
                                         hp_llm_error *error);

/* Forgets the tokens from position length on; length may not exceed what is there.
 * (There is no need to do so between answers: a request keeps what its prompt begins with.)
 * A model with recurrent layers goes back further, to the last checkpoint of its state; the next request computes
 * what is missing again, with the same results.
 * Errors: ARGUMENT, HANDLE, BUSY. */
HP_LLM_API int32_t hp_llm_session_truncate(hp_llm_session session, int64_t length, hp_llm_error *error);

/* Forgets all tokens. Errors: HANDLE, BUSY. */
HP_LLM_API int32_t hp_llm_session_reset(hp_llm_session session, hp_llm_error *error);

/* ---- Answers ---------------------------------------------------------------------------------- */

typedef struct hp_llm_logit_bias {
  int32_t token;
  float bias; /* added to the token's logit; -INFINITY bans it */
} hp_llm_logit_bias;

/* How tokens are chosen. Set struct_size and call hp_llm_sampling_defaults, then change what you like: all
 * zero is not a default. Meanings and defaults are those of llama.cpp. */
typedef struct hp_llm_sampling {
  uint32_t struct_size;
  uint32_t seed;                /* 0xFFFFFFFF (default): a fresh one. The same seed gives the same answer */
  float temperature;            /* 0.8; 0: always the most probable token */
  int32_t top_k;                /* 40; 0: off */
  float top_p;                  /* 0.95; 1: off */
  float min_p;                  /* 0.05; 0: off */
  float typical_p;              /* 1: off */
  float top_n_sigma;            /* -1: off */
  float dynatemp_range;         /* 0: off */
  float dynatemp_exponent;      /* 1 */
  float xtc_probability;        /* 0: off */
  float xtc_threshold;          /* 0.1 */
  float adaptive_target;        /* -1: off */
  float adaptive_decay;         /* 0.9 */
  int32_t mirostat;             /* 0: off, 1, 2 */
  float mirostat_tau;           /* 5 */
  float mirostat_eta;           /* 0.1 */
  int32_t repeat_last_n;        /* 64: window of the three penalties, tokens; 0: off */
  float repeat_penalty;         /* 1: off */
  float presence_penalty;       /* 0: off */
  float frequency_penalty;      /* 0: off */
  float dry_multiplier;         /* 0: off */
  float dry_base;               /* 1.75 */
  int32_t dry_allowed_length;   /* 2 */
  int32_t dry_penalty_last_n;   /* 64 */
  int32_t min_keep;             /* 0: candidates that filters leave at least */
  hp_llm_text samplers;         /* order, a letter each as llama-cli --sampler-seq; "" (default): the usual */
  const hp_llm_logit_bias *biases;
  int64_t bias_count;
} hp_llm_sampling;

/* Fills in the defaults. Errors: ARGUMENT, VERSION. */
HP_LLM_API int32_t hp_llm_sampling_defaults(hp_llm_sampling *sampling, hp_llm_error *error);

enum hp_llm_request_flags {
  HP_LLM_IGNORE_EOS = 1,    /* go on after end-of-turn tokens */
  HP_LLM_PROMPT_SPECIAL = 2 /* control tokens in prompt are parsed (as after hp_llm_chat_prompt) */
};

/* What an answer is asked for: exactly one of messages, prompt and tokens is set. In each case it is all
 * that the model shall see, from the beginning: the part that the session's context holds already is not
 * computed again. Set struct_size and call hp_llm_request_defaults first: without it max_tokens is 0, and so
 * is the answer. */
typedef struct hp_llm_request {
  uint32_t struct_size;
  uint32_t flags;                  /* hp_llm_request_flags; default 0 */
  int32_t max_tokens;              /* of the answer; default -1: until the context is full */
  int32_t reserved;                /* 0 */
  const hp_llm_message *messages;  /* a conversation, put into the chat template */
  int64_t message_count;
  const hp_llm_chat_options *chat; /* with messages; NULL: the defaults */
  hp_llm_text prompt;              /* text to be continued as it is; BOS is added where the model wants it */
  const int32_t *tokens;           /* token ids */
  int64_t token_count;
  const hp_llm_text *stops;        /* texts that end the answer and are no part of it; at most 64, none empty */
  int64_t stop_count;
  const hp_llm_sampling *sampling; /* NULL: the defaults */
} hp_llm_request;

/* Fills in the defaults. Errors: ARGUMENT, VERSION. */
HP_LLM_API int32_t hp_llm_request_defaults(hp_llm_request *request, hp_llm_error *error);

enum hp_llm_finish {
  HP_LLM_FINISH_NONE = 0,    /* the answer goes on */
  HP_LLM_FINISH_STOP = 1,    /* the model ended its turn, or a stop text came */
  HP_LLM_FINISH_LENGTH = 2,  /* max_tokens */
  HP_LLM_FINISH_CONTEXT = 3, /* the context is full */
  HP_LLM_FINISH_STOPPED = 4, /* hp_llm_stop, which is no error; a request of NULL goes on */
  HP_LLM_FINISH_ERROR = 5    /* it failed: the status of the call that gives this event says why */
};

/* A step of an answer. text may be empty: where a code point or what may become a stop text is not complete.
 * A text too long for one event comes in several, the further ones with token -1. */
typedef struct hp_llm_event {
  uint32_t struct_size;
  int32_t finish;           /* hp_llm_finish; not NONE: this is the last event */
  int32_t token;            /* its id; -1: none */
  int32_t prompt_tokens;    /* usage: tokens of the prompt, */
  int32_t cached_tokens;    /*   of these, not computed again, */
  int32_t generated_tokens; /*   and tokens of the answer so far */
  int32_t text_size;        /* bytes of text */
  char text[260];           /* whole code points, then a 0 byte; add it to the answer */
} hp_llm_event;

/* Called with every event, which is valid during the call only. Return 0 to go on, another number to stop:
 * then it is not called again. */
typedef int32_t (*hp_llm_event_callback)(void *user, const hp_llm_event *event);

/* Answers, calling callback (not NULL) on this thread; returns after the last event. request NULL goes on with
 * an answer that was stopped, with the same tokens as if it had never been. From inside callback, and for
 * other threads, the session is BUSY but for hp_llm_stop, hp_llm_stats_get and hp_llm_free.
 * HP_LLM_OK: the last event has been given to callback. Where computing fails, callback gets an event with
 * HP_LLM_FINISH_ERROR, and the error is returned.
 * Errors: ARGUMENT, HANDLE (also: freed meanwhile), BUSY, STATE (NULL, but nothing was stopped), VERSION,
 * UTF8, CONTEXT, NO_VOCABULARY, TEMPLATE, FILE_CHANGED, MEMORY, STOPPED (callback returned not 0). */
HP_LLM_API int32_t hp_llm_generate(hp_llm_session session, const hp_llm_request *request,
                                   hp_llm_event_callback callback, void *user, hp_llm_error *error);

/* Begins the same on the library's threads and returns at once: take the events with hp_llm_next. Computing
 * runs at most 16 events ahead. An answer that has been stopped (even a moment ago) or has ended is replaced,
 * what was not taken of it is dropped; one that is running makes the session BUSY.
 * Errors: ARGUMENT, HANDLE, BUSY, STATE, VERSION, UTF8; the others come from hp_llm_next. */
HP_LLM_API int32_t hp_llm_start(hp_llm_session session, const hp_llm_request *request, hp_llm_error *error);

/* Waits for the next event for at most timeout_ms (0: only looks; -1: until there is one). HP_LLM_OK: *event
 * is filled in. HP_LLM_PENDING: none yet (finish and token say so, text is empty). An error of computing comes
 * with an event too, of HP_LLM_FINISH_ERROR. After the last event, or an error, the answer has ended:
 * HP_LLM_ERROR_STATE until the next hp_llm_start.
 * Errors: ARGUMENT, HANDLE (also: freed meanwhile), BUSY (another thread waits), STATE, VERSION, and as
 * hp_llm_generate. */
HP_LLM_API int32_t hp_llm_next(hp_llm_session session, int32_t timeout_ms, hp_llm_event *event,
                               hp_llm_error *error);

/* Figures of a session's last answer so far, and of the process. */
typedef struct hp_llm_stats {
  uint32_t struct_size;
  int32_t prompt_tokens;
  int32_t cached_tokens;      /* of these, not computed again */
  int32_t generated_tokens;
  int32_t context_tokens;     /* in the session now */
  int32_t context_capacity;
  double load_ms;             /* of the model */
  double prompt_ms;           /* computing the prompt */
  double first_token_ms;      /* from the start of computing to the first token */
  double generate_ms;         /* computing the answer's tokens, without pauses */
  double prompt_tokens_per_s;
  double tokens_per_s;        /* of the answer, without its first token */
  int64_t peak_memory_bytes;  /* highest memory of the process seen, without mapped files; 0: unknown */
} hp_llm_stats;

/* Errors: ARGUMENT, HANDLE, VERSION. Never BUSY: while an answer is running the figures are those after its
 * last events. */
HP_LLM_API int32_t hp_llm_stats_get(hp_llm_session session, hp_llm_stats *stats, hp_llm_error *error);

/* ---- Any handle ------------------------------------------------------------------------------- */

/* Stops what the handle's object is doing and returns at once; within 50 ms the answer ends with an event of
 * HP_LLM_FINISH_STOPPED, behind those of hp_llm_next that were computed already, a load with
 * HP_LLM_ERROR_STOPPED. Of a model: its load, or the answers of all its sessions. Harmless where nothing is
 * running. The session stays usable.
 * Errors: HANDLE. */
HP_LLM_API int32_t hp_llm_stop(uint64_t handle, hp_llm_error *error);

/* Frees a model, with its sessions, or a session: whatever state it is in, from whatever thread or callback.
 * What is running is stopped and waited for (milliseconds; after one second it is left to free itself).
 * Calls on it that wait in other threads return HP_LLM_ERROR_HANDLE. 0 is harmless.
 * Errors: HANDLE (also: freed before). */
HP_LLM_API int32_t hp_llm_free(uint64_t handle, hp_llm_error *error);

/* hp_llm_free for finalizers of languages with garbage collection (Dart's NativeFinalizer, Java's Cleaner), which
 * give one pointer, run on any thread, and must not wait: the pointer is the handle's number. Returns at once; what
 * there is to wait for is left to the library's threads. NULL and handles that were freed are harmless. */
HP_LLM_API void hp_llm_finalize(void *handle);

#ifdef __cplusplus
}
#endif

#endif
