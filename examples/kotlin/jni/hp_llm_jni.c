/* The native methods of com.happyphonellm.Native: arrays of the JVM to and from the C interface. The same file
 * builds for a JVM and for Android. Texts cross as UTF-8 in byte[], because JNI's own strings are in another
 * encoding. Failures become HpLlmException; a method that throws returns 0, false or null.
 *
 * Nothing here is called by the library: events and loads are pulled, so no thread is ever attached to the JVM. */
#include <jni.h>
#include <stdlib.h>
#include <string.h>

#include "hp_llm.h"

#define NATIVE(type, name) JNIEXPORT type JNICALL Java_com_happyphonellm_Native_##name

enum { MESSAGE_TEXTS = 6, SAMPLING_INTS = 7, SAMPLING_FLOATS = 18, MAX_BUFFER_TRIES = 4 };

static jclass exception_class;
static jmethodID exception_init; /* (int code, byte[] message) */

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
  (void)reserved;
  JNIEnv *env;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_6) != JNI_OK) return JNI_ERR;
  jclass local = (*env)->FindClass(env, "com/happyphonellm/HpLlmException");
  if (!local) return JNI_ERR;
  exception_class = (*env)->NewGlobalRef(env, local);
  if (!exception_class) return JNI_ERR;
  exception_init = (*env)->GetMethodID(env, exception_class, "<init>", "(I[B)V");
  return exception_init ? JNI_VERSION_1_6 : JNI_ERR;
}

static jbyteArray bytes_of(JNIEnv *env, const char *data, int64_t size) {
  jbyteArray array = (*env)->NewByteArray(env, (jsize)size);
  if (array) (*env)->SetByteArrayRegion(env, array, 0, (jsize)size, (const jbyte *)data);
  return array;
}

static void throw_status(JNIEnv *env, int32_t code, const char *message, size_t room) {
  const char *end = memchr(message, 0, room);
  jbyteArray text = bytes_of(env, message, end ? end - message : (int64_t)room);
  if (!text) return; /* OutOfMemoryError is on its way */
  jobject e = (*env)->NewObject(env, exception_class, exception_init, (jint)code, text);
  if (e) (*env)->Throw(env, (jthrowable)e);
}

/* Whether a call went well; otherwise its error has been thrown. */
static int good(JNIEnv *env, int32_t status, const hp_llm_error *error) {
  if (status >= 0) return 1;
  throw_status(env, status, error->message, sizeof error->message);
  return 0;
}

static void throw_memory(JNIEnv *env) {
  static const char text[] = "out of memory in the JNI glue";
  throw_status(env, HP_LLM_ERROR_MEMORY, text, sizeof text);
}

/* ---- Copies of arrays, freed together ---------------------------------------------------------- */

typedef struct block {
  struct block *next;
} block;

/* After a failure (an exception is pending) bad is set, and everything gives NULL. */
typedef struct {
  JNIEnv *env;
  block *blocks;
  int bad;
} copies;

static void *take(copies *c, size_t size) {
  if (c->bad) return NULL;
  block *b = malloc(sizeof *b + size);
  if (!b) {
    c->bad = 1;
    throw_memory(c->env);
    return NULL;
  }
  b->next = c->blocks;
  c->blocks = b;
  return b + 1;
}

static void release(copies *c) {
  while (c->blocks) {
    block *next = c->blocks->next;
    free(c->blocks);
    c->blocks = next;
  }
}

static hp_llm_text text_in(copies *c, jbyteArray array) {
  hp_llm_text t = {NULL, 0};
  if (c->bad || !array) return t;
  jsize size = (*c->env)->GetArrayLength(c->env, array);
  char *data = take(c, (size_t)size + 1);
  if (!data) return t;
  (*c->env)->GetByteArrayRegion(c->env, array, 0, size, (jbyte *)data);
  t.data = data;
  t.size = size;
  return t;
}

static jsize length(copies *c, jarray array) { return array ? (*c->env)->GetArrayLength(c->env, array) : 0; }

static hp_llm_text *texts_in(copies *c, jobjectArray array) {
  jsize count = length(c, array);
  hp_llm_text *texts = count ? take(c, (size_t)count * sizeof *texts) : NULL;
  for (jsize i = 0; texts && i < count; i++) {
    jbyteArray item = (jbyteArray)(*c->env)->GetObjectArrayElement(c->env, array, i);
    texts[i] = text_in(c, item);
    (*c->env)->DeleteLocalRef(c->env, item);
  }
  return texts;
}

static int32_t *ints_in(copies *c, jintArray array) {
  jsize count = length(c, array);
  int32_t *ints = count ? take(c, (size_t)count * sizeof *ints) : NULL;
  if (ints) (*c->env)->GetIntArrayRegion(c->env, array, 0, count, (jint *)ints);
  return ints;
}

/* Each message is MESSAGE_TEXTS texts, in the order of hp_llm_message. */
static hp_llm_message *messages_in(copies *c, jobjectArray array, int64_t *count) {
  _Static_assert(sizeof(hp_llm_message) == MESSAGE_TEXTS * sizeof(hp_llm_text), "a message is six texts");
  *count = length(c, array) / MESSAGE_TEXTS;
  return (hp_llm_message *)(void *)texts_in(c, array);
}

/* ---- The library ------------------------------------------------------------------------------- */

NATIVE(void, init)(JNIEnv *env, jclass self, jint log_level) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_init_options options = {.struct_size = sizeof options, .log_level = log_level};
  good(env, hp_llm_init(HP_LLM_ABI_VERSION, &options, &error), &error);
}

NATIVE(jstring, version)(JNIEnv *env, jclass self) {
  (void)self;
  return (*env)->NewStringUTF(env, hp_llm_version());
}

NATIVE(jstring, statusName)(JNIEnv *env, jclass self, jint status) {
  (void)self;
  return (*env)->NewStringUTF(env, hp_llm_status_name(status));
}

/* What fills a buffer of chars, asked for the size first. */
typedef int32_t (*filler)(void *user, char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error);

/* byte[] of what fill gives; null where that is HP_LLM_PENDING. The size may grow between two calls. */
static jbyteArray filled(JNIEnv *env, filler fill, void *user, int64_t guess) {
  hp_llm_error error = {.struct_size = sizeof error};
  int64_t size = guess;
  for (int i = 0; i < MAX_BUFFER_TRIES; i++) {
    int64_t capacity = size + 1;
    char *buffer = malloc((size_t)capacity);
    if (!buffer) {
      throw_memory(env);
      return NULL;
    }
    int32_t status = fill(user, buffer, capacity, &size, &error);
    jbyteArray array = NULL;
    if (status == HP_LLM_OK) array = bytes_of(env, buffer, size);
    free(buffer);
    if (status != HP_LLM_ERROR_BUFFER) {
      good(env, status, &error);
      return array;
    }
  }
  good(env, HP_LLM_ERROR_BUFFER, &error);
  return NULL;
}

static int32_t fill_log(void *user, char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error) {
  return hp_llm_log_next((int32_t *)user, buffer, capacity, size, error);
}

NATIVE(jbyteArray, nextLog)(JNIEnv *env, jclass self, jintArray level_out) {
  (void)self;
  int32_t level = 0;
  jbyteArray text = filled(env, fill_log, &level, 256);
  if (text) (*env)->SetIntArrayRegion(env, level_out, 0, 1, (const jint *)&level);
  return text;
}

NATIVE(void, stop)(JNIEnv *env, jclass self, jlong handle) {
  (void)env, (void)self;
  hp_llm_stop((uint64_t)handle, NULL);
}

NATIVE(void, free)(JNIEnv *env, jclass self, jlong handle) {
  (void)env, (void)self;
  hp_llm_free((uint64_t)handle, NULL);
}

/* ---- Models ------------------------------------------------------------------------------------ */

NATIVE(jlong, loadBegin)(JNIEnv *env, jclass self, jbyteArray path, jint threads) {
  (void)self;
  copies c = {env, NULL, 0};
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_load_options options = {.struct_size = sizeof options, .threads = threads};
  hp_llm_text name = text_in(&c, path);
  hp_llm_model model = 0;
  if (!c.bad) good(env, hp_llm_load_begin(name.data, name.size, &options, &model, &error), &error);
  release(&c);
  return (jlong)model;
}

NATIVE(jboolean, loadPoll)(JNIEnv *env, jclass self, jlong model, jint timeout_ms, jdoubleArray done_out) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  double done = 0;
  int32_t status = hp_llm_load_poll((hp_llm_model)model, timeout_ms, &done, &error);
  (*env)->SetDoubleArrayRegion(env, done_out, 0, 1, &done);
  return good(env, status, &error) && status == HP_LLM_OK;
}

/* numbers: 17 longs in the order of Types.kt; texts: three byte[]. */
static void info_out(JNIEnv *env, const hp_llm_model_info *i, jlongArray numbers, jobjectArray texts) {
  const jlong values[] = {i->fit, i->file_bytes, i->parameters, i->memory_bytes, i->kv_bytes_per_token,
                          i->device_bytes, i->available_bytes, i->context_train, i->context, i->vocabulary,
                          i->layers, i->embedding, i->threads, i->bos, i->eos, i->eot,
                          i->has_vocabulary | i->has_chat_template << 1};
  const struct {
    const char *text;
    size_t room;
  } names[] = {{i->architecture, sizeof i->architecture}, {i->quantization, sizeof i->quantization},
               {i->name, sizeof i->name}};
  (*env)->SetLongArrayRegion(env, numbers, 0, sizeof values / sizeof *values, values);
  for (jsize n = 0; n < 3 && !(*env)->ExceptionCheck(env); n++) {
    const char *end = memchr(names[n].text, 0, names[n].room);
    jbyteArray text = bytes_of(env, names[n].text, end ? end - names[n].text : 0);
    if (!text) return;
    (*env)->SetObjectArrayElement(env, texts, n, text);
    (*env)->DeleteLocalRef(env, text);
  }
}

static hp_llm_session_options session_options(jint context, jint kv_type, jint batch) {
  hp_llm_session_options o = {
      .struct_size = sizeof o, .context = context, .kv_type = kv_type, .batch = batch};
  return o;
}

NATIVE(void, inspect)(JNIEnv *env, jclass self, jbyteArray path, jint context, jint kv_type, jint batch,
                      jlongArray numbers, jobjectArray texts) {
  (void)self;
  copies c = {env, NULL, 0};
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_session_options options = session_options(context, kv_type, batch);
  hp_llm_model_info info = {.struct_size = sizeof info};
  hp_llm_text name = text_in(&c, path);
  if (!c.bad && good(env, hp_llm_inspect(name.data, name.size, &options, &info, &error), &error))
    info_out(env, &info, numbers, texts);
  release(&c);
}

NATIVE(void, modelInfo)(JNIEnv *env, jclass self, jlong model, jlongArray numbers, jobjectArray texts) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_model_info info = {.struct_size = sizeof info};
  if (good(env, hp_llm_model_info_get((hp_llm_model)model, &info, &error), &error))
    info_out(env, &info, numbers, texts);
}

/* ---- Text and tokens --------------------------------------------------------------------------- */

NATIVE(jintArray, tokenize)(JNIEnv *env, jclass self, jlong model, jbyteArray text, jint flags) {
  (void)self;
  copies c = {env, NULL, 0};
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_text from = text_in(&c, text);
  int64_t count = from.size + 8; /* few vocabularies need more tokens than bytes */
  jintArray array = NULL;
  for (int i = 0; !c.bad && i < 2; i++) {
    int64_t capacity = count;
    int32_t *ids = take(&c, (size_t)capacity * sizeof *ids);
    if (!ids) break;
    int32_t status = hp_llm_tokenize((hp_llm_model)model, from.data, from.size, (uint32_t)flags, ids, capacity, &count, &error);
    if (status == HP_LLM_ERROR_BUFFER && i == 0) continue;
    if (good(env, status, &error) && (array = (*env)->NewIntArray(env, (jsize)count)))
      (*env)->SetIntArrayRegion(env, array, 0, (jsize)count, (const jint *)ids);
    break;
  }
  release(&c);
  return array;
}

typedef struct {
  hp_llm_model model;
  const int32_t *ids;
  int64_t count;
  uint32_t flags;
} ids_to_text;

static int32_t fill_text(void *user, char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error) {
  const ids_to_text *u = user;
  return hp_llm_detokenize(u->model, u->ids, u->count, u->flags, buffer, capacity, size, error);
}

NATIVE(jbyteArray, detokenize)(JNIEnv *env, jclass self, jlong model, jintArray ids, jint flags) {
  (void)self;
  copies c = {env, NULL, 0};
  ids_to_text u = {(hp_llm_model)model, ints_in(&c, ids), length(&c, ids), (uint32_t)flags};
  jbyteArray text = c.bad ? NULL : filled(env, fill_text, &u, u.count * 8);
  release(&c);
  return text;
}

typedef struct {
  hp_llm_model model;
  const hp_llm_message *messages;
  int64_t count;
  hp_llm_chat_options chat;
} chat_to_text;

static int32_t fill_prompt(void *user, char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error) {
  const chat_to_text *u = user;
  return hp_llm_chat_prompt(u->model, u->messages, u->count, &u->chat, buffer, capacity, size, error);
}

static hp_llm_chat_options chat_options(copies *c, jint thinking, jbyteArray tools, jboolean no_answer_prefix) {
  hp_llm_chat_options o = {.struct_size = sizeof o, .thinking = thinking, .no_answer_prefix = no_answer_prefix != 0};
  o.tools = text_in(c, tools);
  return o;
}

NATIVE(jbyteArray, chatPrompt)(JNIEnv *env, jclass self, jlong model, jobjectArray messages, jint thinking,
                               jbyteArray tools, jboolean no_answer_prefix) {
  (void)self;
  copies c = {env, NULL, 0};
  chat_to_text u = {.model = (hp_llm_model)model};
  u.messages = messages_in(&c, messages, &u.count);
  u.chat = chat_options(&c, thinking, tools, no_answer_prefix);
  jbyteArray text = c.bad ? NULL : filled(env, fill_prompt, &u, 1024);
  release(&c);
  return text;
}

/* ---- Sessions and answers ---------------------------------------------------------------------- */

NATIVE(jlong, createSession)(JNIEnv *env, jclass self, jlong model, jint context, jint kv_type, jint batch) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_session_options options = session_options(context, kv_type, batch);
  hp_llm_session session = 0;
  good(env, hp_llm_session_create((hp_llm_model)model, &options, &session, &error), &error);
  return (jlong)session;
}

NATIVE(jintArray, sessionTokens)(JNIEnv *env, jclass self, jlong session) {
  (void)self;
  copies c = {env, NULL, 0};
  hp_llm_error error = {.struct_size = sizeof error};
  int64_t count = 0;
  jintArray array = NULL;
  int32_t status = hp_llm_session_tokens((hp_llm_session)session, NULL, 0, &count, &error);
  int32_t *ids = good(env, status, &error) ? take(&c, (size_t)(count + 1) * sizeof *ids) : NULL;
  if (ids && good(env, hp_llm_session_tokens((hp_llm_session)session, ids, count + 1, &count, &error), &error) &&
      (array = (*env)->NewIntArray(env, (jsize)count)))
    (*env)->SetIntArrayRegion(env, array, 0, (jsize)count, (const jint *)ids);
  release(&c);
  return array;
}

NATIVE(void, truncate)(JNIEnv *env, jclass self, jlong session, jlong size) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  good(env, hp_llm_session_truncate((hp_llm_session)session, size, &error), &error);
}

/* Where the numbers of Sampling are, in its order. The seed is the first of the ints. */
typedef struct {
  int32_t *ints[SAMPLING_INTS];
  float *floats[SAMPLING_FLOATS];
} sampling_fields;

static sampling_fields fields_of(hp_llm_sampling *s) {
  sampling_fields f = {
      {(int32_t *)&s->seed, &s->top_k, &s->mirostat, &s->repeat_last_n, &s->dry_allowed_length, &s->dry_penalty_last_n,
       &s->min_keep},
      {&s->temperature, &s->top_p, &s->min_p, &s->typical_p, &s->top_n_sigma, &s->dynatemp_range,
       &s->dynatemp_exponent, &s->xtc_probability, &s->xtc_threshold, &s->adaptive_target, &s->adaptive_decay,
       &s->mirostat_tau, &s->mirostat_eta, &s->repeat_penalty, &s->presence_penalty, &s->frequency_penalty,
       &s->dry_multiplier, &s->dry_base}};
  return f;
}

NATIVE(void, samplingDefaults)(JNIEnv *env, jclass self, jintArray ints, jfloatArray floats) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_sampling sampling = {.struct_size = sizeof sampling};
  if (!good(env, hp_llm_sampling_defaults(&sampling, &error), &error)) return;
  sampling_fields f = fields_of(&sampling);
  for (jsize i = 0; i < SAMPLING_INTS; i++) (*env)->SetIntArrayRegion(env, ints, i, 1, (const jint *)f.ints[i]);
  for (jsize i = 0; i < SAMPLING_FLOATS; i++) (*env)->SetFloatArrayRegion(env, floats, i, 1, f.floats[i]);
}

static void sampling_in(copies *c, hp_llm_sampling *s, jintArray ints, jfloatArray floats, jbyteArray samplers,
                        jintArray bias_tokens, jfloatArray bias_values) {
  sampling_fields f = fields_of(s);
  for (jsize i = 0; i < SAMPLING_INTS; i++) (*c->env)->GetIntArrayRegion(c->env, ints, i, 1, (jint *)f.ints[i]);
  for (jsize i = 0; i < SAMPLING_FLOATS; i++) (*c->env)->GetFloatArrayRegion(c->env, floats, i, 1, f.floats[i]);
  s->samplers = text_in(c, samplers);
  jsize count = length(c, bias_tokens);
  hp_llm_logit_bias *biases = count ? take(c, (size_t)count * sizeof *biases) : NULL;
  if (!biases) return;
  for (jsize i = 0; i < count; i++) {
    (*c->env)->GetIntArrayRegion(c->env, bias_tokens, i, 1, (jint *)&biases[i].token);
    (*c->env)->GetFloatArrayRegion(c->env, bias_values, i, 1, &biases[i].bias);
  }
  s->biases = biases;
  s->bias_count = count;
}

/* numbers: max_tokens, flags, thinking, no_answer_prefix. Absent arrays are null. */
NATIVE(void, start)(JNIEnv *env, jclass self, jlong session, jobjectArray messages, jbyteArray prompt, jintArray tokens,
                    jobjectArray stops, jbyteArray tools, jintArray numbers, jintArray sampling_ints,
                    jfloatArray sampling_floats, jbyteArray samplers, jintArray bias_tokens, jfloatArray bias_values) {
  (void)self;
  copies c = {env, NULL, 0};
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_request request = {.struct_size = sizeof request};
  hp_llm_sampling sampling = {.struct_size = sizeof sampling};
  jint n[4] = {0};
  (*env)->GetIntArrayRegion(env, numbers, 0, 4, n);
  if (good(env, hp_llm_request_defaults(&request, &error), &error) &&
      good(env, hp_llm_sampling_defaults(&sampling, &error), &error)) {
    hp_llm_chat_options chat = chat_options(&c, n[2], tools, n[3] != 0);
    sampling_in(&c, &sampling, sampling_ints, sampling_floats, samplers, bias_tokens, bias_values);
    request.max_tokens = n[0];
    request.flags = (uint32_t)n[1];
    request.messages = messages_in(&c, messages, &request.message_count);
    if (request.message_count) request.chat = &chat;
    request.prompt = text_in(&c, prompt);
    request.tokens = ints_in(&c, tokens);
    request.token_count = length(&c, tokens);
    request.stops = texts_in(&c, stops);
    request.stop_count = length(&c, stops);
    request.sampling = &sampling;
    if (!c.bad && !(*env)->ExceptionCheck(env)) good(env, hp_llm_start((hp_llm_session)session, &request, &error), &error);
  }
  release(&c);
}

NATIVE(void, resume)(JNIEnv *env, jclass self, jlong session) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  good(env, hp_llm_start((hp_llm_session)session, NULL, &error), &error);
}

/* The next event's text, null where there is none yet. numbers: finish, token, and the usage. */
NATIVE(jbyteArray, next)(JNIEnv *env, jclass self, jlong session, jint timeout_ms, jintArray numbers) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_event event = {.struct_size = sizeof event};
  int32_t status = hp_llm_next((hp_llm_session)session, timeout_ms, &event, &error);
  if (!good(env, status, &error) || status == HP_LLM_PENDING) return NULL;
  const jint values[] = {event.finish, event.token, event.prompt_tokens, event.cached_tokens, event.generated_tokens};
  (*env)->SetIntArrayRegion(env, numbers, 0, sizeof values / sizeof *values, values);
  return bytes_of(env, event.text, event.text_size);
}

/* numbers: 12 doubles in the order of Types.kt; counts are exact in them. */
NATIVE(void, stats)(JNIEnv *env, jclass self, jlong session, jdoubleArray numbers) {
  (void)self;
  hp_llm_error error = {.struct_size = sizeof error};
  hp_llm_stats s = {.struct_size = sizeof s};
  if (!good(env, hp_llm_stats_get((hp_llm_session)session, &s, &error), &error)) return;
  const jdouble values[] = {s.prompt_tokens, s.cached_tokens, s.generated_tokens, s.context_tokens,
                            s.context_capacity, s.load_ms, s.prompt_ms, s.first_token_ms, s.generate_ms,
                            s.prompt_tokens_per_s, s.tokens_per_s, (jdouble)s.peak_memory_bytes};
  (*env)->SetDoubleArrayRegion(env, numbers, 0, sizeof values / sizeof *values, values);
}
