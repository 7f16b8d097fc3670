/* The functions of hp_llm.h: each hands its arguments to Go, pointers as plain numbers.
 *
 * As numbers, because Go's garbage collector looks at everything that has a pointer's type, and ends the process
 * when it finds a small number there. Hosts may pass such: an index as user data, or what Rust and others use
 * for the address of an empty text. */
#include "hp_llm.h"
#include "_cgo_export.h"

int32_t hp_llm_init(uint32_t abi_version, const hp_llm_init_options *options, hp_llm_error *error) {
  return hpgo_init(abi_version, (uintptr_t)options, (uintptr_t)error);
}

int32_t hp_llm_log_next(int32_t *level, char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error) {
  return hpgo_log_next((uintptr_t)level, (uintptr_t)buffer, capacity, (uintptr_t)size, (uintptr_t)error);
}

int32_t hp_llm_shutdown(hp_llm_error *error) {
  return hpgo_shutdown((uintptr_t)error);
}

int32_t hp_llm_inspect(const char *path, int64_t path_size, const hp_llm_session_options *options,
                       hp_llm_model_info *info, hp_llm_error *error) {
  return hpgo_inspect((uintptr_t)path, path_size, (uintptr_t)options, (uintptr_t)info, (uintptr_t)error);
}

int32_t hp_llm_load(const char *path, int64_t path_size, const hp_llm_load_options *options,
                    hp_llm_model *model, hp_llm_error *error) {
  return hpgo_load((uintptr_t)path, path_size, (uintptr_t)options, (uintptr_t)model, (uintptr_t)error);
}

int32_t hp_llm_load_begin(const char *path, int64_t path_size, const hp_llm_load_options *options,
                          hp_llm_model *model, hp_llm_error *error) {
  return hpgo_load_begin((uintptr_t)path, path_size, (uintptr_t)options, (uintptr_t)model, (uintptr_t)error);
}

int32_t hp_llm_load_poll(hp_llm_model model, int32_t timeout_ms, double *done, hp_llm_error *error) {
  return hpgo_load_poll(model, timeout_ms, (uintptr_t)done, (uintptr_t)error);
}

int32_t hp_llm_model_info_get(hp_llm_model model, hp_llm_model_info *info, hp_llm_error *error) {
  return hpgo_model_info_get(model, (uintptr_t)info, (uintptr_t)error);
}

int32_t hp_llm_tokenize(hp_llm_model model, const char *text, int64_t text_size, uint32_t flags, int32_t *ids,
                        int64_t capacity, int64_t *count, hp_llm_error *error) {
  return hpgo_tokenize(model, (uintptr_t)text, text_size, flags, (uintptr_t)ids, capacity, (uintptr_t)count,
                       (uintptr_t)error);
}

int32_t hp_llm_detokenize(hp_llm_model model, const int32_t *ids, int64_t id_count, uint32_t flags,
                          char *buffer, int64_t capacity, int64_t *size, hp_llm_error *error) {
  return hpgo_detokenize(model, (uintptr_t)ids, id_count, flags, (uintptr_t)buffer, capacity, (uintptr_t)size,
                         (uintptr_t)error);
}

int32_t hp_llm_chat_prompt(hp_llm_model model, const hp_llm_message *messages, int64_t message_count,
                           const hp_llm_chat_options *options, char *buffer, int64_t capacity, int64_t *size,
                           hp_llm_error *error) {
  return hpgo_chat_prompt(model, (uintptr_t)messages, message_count, (uintptr_t)options, (uintptr_t)buffer,
                          capacity, (uintptr_t)size, (uintptr_t)error);
}

int32_t hp_llm_session_create(hp_llm_model model, const hp_llm_session_options *options,
                              hp_llm_session *session, hp_llm_error *error) {
  return hpgo_session_create(model, (uintptr_t)options, (uintptr_t)session, (uintptr_t)error);
}

int32_t hp_llm_session_tokens(hp_llm_session session, int32_t *ids, int64_t capacity, int64_t *count,
                              hp_llm_error *error) {
  return hpgo_session_tokens(session, (uintptr_t)ids, capacity, (uintptr_t)count, (uintptr_t)error);
}

int32_t hp_llm_session_truncate(hp_llm_session session, int64_t length, hp_llm_error *error) {
  return hpgo_session_truncate(session, length, (uintptr_t)error);
}

int32_t hp_llm_session_reset(hp_llm_session session, hp_llm_error *error) {
  return hpgo_session_reset(session, (uintptr_t)error);
}

int32_t hp_llm_sampling_defaults(hp_llm_sampling *sampling, hp_llm_error *error) {
  return hpgo_sampling_defaults((uintptr_t)sampling, (uintptr_t)error);
}

int32_t hp_llm_request_defaults(hp_llm_request *request, hp_llm_error *error) {
  return hpgo_request_defaults((uintptr_t)request, (uintptr_t)error);
}

int32_t hp_llm_generate(hp_llm_session session, const hp_llm_request *request, hp_llm_event_callback callback,
                        void *user, hp_llm_error *error) {
  return hpgo_generate(session, (uintptr_t)request, (uintptr_t)callback, (uintptr_t)user, (uintptr_t)error);
}

int32_t hp_llm_start(hp_llm_session session, const hp_llm_request *request, hp_llm_error *error) {
  return hpgo_start(session, (uintptr_t)request, (uintptr_t)error);
}

int32_t hp_llm_next(hp_llm_session session, int32_t timeout_ms, hp_llm_event *event, hp_llm_error *error) {
  return hpgo_next(session, timeout_ms, (uintptr_t)event, (uintptr_t)error);
}

int32_t hp_llm_stats_get(hp_llm_session session, hp_llm_stats *stats, hp_llm_error *error) {
  return hpgo_stats_get(session, (uintptr_t)stats, (uintptr_t)error);
}

int32_t hp_llm_stop(uint64_t handle, hp_llm_error *error) {
  return hpgo_stop(handle, (uintptr_t)error);
}

int32_t hp_llm_free(uint64_t handle, hp_llm_error *error) {
  return hpgo_free(handle, (uintptr_t)error);
}

void hp_llm_finalize(void *handle) {
  hpgo_finalize((uintptr_t)handle);
}
