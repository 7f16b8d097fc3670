/* What the peer programs share: llama.cpp opened quietly on the CPU, and
 * lists of token ids. They run inside the Debian folder of build/sid.sh. */
#ifndef HPLLM_PEER_H
#define HPLLM_PEER_H

#include <ggml-backend.h>
#include <llama.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void peer_die(const char *what, const char *which) {
    fprintf(stderr, "peer: %s: %s\n", what, which);
    exit(1);
}

static void peer_log(enum ggml_log_level level, const char *text, void *unused) {
    (void)unused;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

/* peer_model opens a file with the weights as they are: no repacking. */
static inline struct llama_model *peer_model(const char *path) {
    llama_log_set(peer_log, NULL);
    ggml_backend_load_all();
    struct llama_model_params params = llama_model_default_params();
    params.use_extra_bufts = false;
    struct llama_model *model = llama_model_load_from_file(path, params);
    if (!model) peer_die("cannot load", path);
    return model;
}

/* peer_context takes the plainest path there is: no flash attention, except for what has no other form; kv is "f32", "f32+fa" or "f16". */
static inline struct llama_context *peer_context(struct llama_model *model, int length, int chunk, const char *kv) {
    struct llama_context_params params = llama_context_default_params();
    params.n_ctx = length;
    params.n_batch = params.n_ubatch = chunk;
    params.n_threads = params.n_threads_batch = 2;
    params.flash_attn_type = strstr(kv, "+fa") ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.type_k = params.type_v = strcmp(kv, "f16") ? GGML_TYPE_F32 : GGML_TYPE_F16;
    struct llama_context *context = llama_init_from_model(model, params);
    if (!context) peer_die("cannot make a context for", "the model");
    return context;
}

static inline int peer_vocab_size(const struct llama_model *model) {
    return llama_vocab_n_tokens(llama_model_get_vocab(model));
}

/* peer_ids reads one line of comma- or space-separated ids; *n is -1 at the end of the file.
 * The caller frees what it returns. */
static inline llama_token *peer_ids(FILE *in, int *n) {
    char *line = NULL;
    size_t room = 0;
    *n = -1;
    if (getline(&line, &room, in) < 0) {
        free(line);
        return NULL;
    }
    llama_token *ids = malloc((strlen(line) + 1) * sizeof *ids);
    if (!ids) peer_die("out of memory for", "ids");
    *n = 0;
    for (char *word = strtok(line, ", \n"); word; word = strtok(NULL, ", \n")) ids[(*n)++] = atoi(word);
    free(line);
    return ids;
}

/* peer_eval appends n ids from position start on; each: logits of every id, not only of the last. */
static inline void peer_eval(struct llama_context *context, const llama_token *ids, int n, int start, bool each) {
    struct llama_batch batch = llama_batch_init(n, 0, 1);
    batch.n_tokens = n;
    for (int i = 0; i < n; i++) {
        batch.token[i] = ids[i];
        batch.pos[i] = start + i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = each || i == n - 1;
    }
    if (llama_decode(context, batch)) peer_die("llama_decode failed at", "a batch");
    llama_batch_free(batch);
}

#endif
