/* hpllm-peer-sample: llama.cpp's samplers on given logits, for our tests.
 *
 *   hpllm-peer-sample [-m MODEL.gguf] [-a ID,ID,...] [-n DRAWS] LOGITS.f32 SAMPLER...
 *
 * LOGITS.f32 is one row of little-endian floats. A SAMPLER is a name and its
 * arguments joined by ':', in the order of llama_sampler_init_NAME:
 *   greedy dist:SEED top-k:K top-p:P:KEEP min-p:P:KEEP typical:P:KEEP temp:T
 *   temp-ext:T:DELTA:EXP xtc:P:T:KEEP:SEED top-n-sigma:N bias:ID:BIAS
 *   penalties:LAST:REPEAT:FREQ:PRESENT dry:MULT:BASE:ALLOWED:LAST (breakers \n : " *)
 *   mirostat:SEED:TAU:ETA:M mirostat-v2:SEED:TAU:ETA adaptive-p:TARGET:DECAY:SEED
 * dry needs the vocabulary of -m. The tokens of -a are accepted first.
 *
 * Without -n, the chain is applied once and "ID LOGIT P" is printed for each
 * candidate left, in order. With -n, one id a line is picked and accepted,
 * every time from the same logits.
 */
#include <llama.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet(enum ggml_log_level level, const char *text, void *user) {
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static void die(const char *what, const char *which) {
    fprintf(stderr, "hpllm-peer-sample: %s: %s\n", what, which);
    exit(1);
}

#define MAX_ARGS 8

static struct llama_sampler *make(char *spec, int n_vocab, const struct llama_vocab *vocab) {
    static const char *breakers[] = {"\n", ":", "\"", "*"};
    double a[MAX_ARGS] = {0};
    char *name = strtok(spec, ":"), *part;
    for (int n = 0; n < MAX_ARGS && (part = strtok(NULL, ":")) != NULL; n++) a[n] = atof(part);
#define IS(s) (strcmp(name, s) == 0)
    if (IS("greedy")) return llama_sampler_init_greedy();
    if (IS("dist")) return llama_sampler_init_dist((uint32_t)a[0]);
    if (IS("top-k")) return llama_sampler_init_top_k((int32_t)a[0]);
    if (IS("top-p")) return llama_sampler_init_top_p((float)a[0], (size_t)a[1]);
    if (IS("min-p")) return llama_sampler_init_min_p((float)a[0], (size_t)a[1]);
    if (IS("typical")) return llama_sampler_init_typical((float)a[0], (size_t)a[1]);
    if (IS("temp")) return llama_sampler_init_temp((float)a[0]);
    if (IS("temp-ext")) return llama_sampler_init_temp_ext((float)a[0], (float)a[1], (float)a[2]);
    if (IS("xtc")) return llama_sampler_init_xtc((float)a[0], (float)a[1], (size_t)a[2], (uint32_t)a[3]);
    if (IS("top-n-sigma")) return llama_sampler_init_top_n_sigma((float)a[0]);
    if (IS("penalties"))
        return llama_sampler_init_penalties(n_vocab, (int32_t)a[0], (float)a[1], (float)a[2], (float)a[3]);
    if (IS("bias")) {
        llama_logit_bias bias = {(llama_token)a[0], (float)a[1]};
        return llama_sampler_init_logit_bias(n_vocab, 1, &bias);
    }
    if (IS("dry")) {
        if (vocab == NULL) die("needs -m", name);
        return llama_sampler_init_dry(vocab, (float)a[0], (float)a[1], (int32_t)a[2], (int32_t)a[3], breakers, 4);
    }
    if (IS("mirostat"))
        return llama_sampler_init_mirostat(n_vocab, (uint32_t)a[0], (float)a[1], (float)a[2], (int32_t)a[3]);
    if (IS("mirostat-v2")) return llama_sampler_init_mirostat_v2((uint32_t)a[0], (float)a[1], (float)a[2]);
    if (IS("adaptive-p")) return llama_sampler_init_adaptive_p((float)a[0], (float)a[1], (uint32_t)a[2]);
    die("unknown sampler", name);
    return NULL;
}

int main(int argc, char **argv) {
    const char *model_path = NULL;
    char *accepted = NULL;
    int draws = 0, i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        if (strcmp(argv[i], "-m") == 0) model_path = argv[i + 1];
        else if (strcmp(argv[i], "-a") == 0) accepted = argv[i + 1];
        else if (strcmp(argv[i], "-n") == 0) draws = atoi(argv[i + 1]);
        else die("unknown option", argv[i]);
    }
    if (argc - i < 2) die("usage", "[-m MODEL] [-a IDS] [-n DRAWS] LOGITS.f32 SAMPLER...");

    FILE *f = fopen(argv[i], "rb");
    if (f == NULL) die("cannot open", argv[i]);
    fseek(f, 0, SEEK_END);
    int n = (int)(ftell(f) / (long)sizeof(float));
    rewind(f);
    float *logits = malloc(sizeof(float) * (size_t)n);
    if (fread(logits, sizeof(float), (size_t)n, f) != (size_t)n) die("cannot read", argv[i]);
    fclose(f);

    llama_log_set(quiet, NULL);
    const struct llama_vocab *vocab = NULL;
    struct llama_model *model = NULL;
    if (model_path != NULL) {
        struct llama_model_params mp = llama_model_default_params();
        mp.vocab_only = true;
        model = llama_model_load_from_file(model_path, mp);
        if (model == NULL) die("cannot load", model_path);
        vocab = llama_model_get_vocab(model);
    }

    struct llama_sampler *chain = llama_sampler_chain_init(llama_sampler_chain_default_params());
    for (i++; i < argc; i++) llama_sampler_chain_add(chain, make(argv[i], n, vocab));
    if (accepted != NULL)
        for (char *id = strtok(accepted, ","); id != NULL; id = strtok(NULL, ","))
            llama_sampler_accept(chain, atoi(id));

    llama_token_data *data = malloc(sizeof(llama_token_data) * (size_t)n);
    for (int round = 0; round < (draws > 0 ? draws : 1); round++) {
        for (int t = 0; t < n; t++) data[t] = (llama_token_data){t, logits[t], 0.0f};
        llama_token_data_array cur = {data, (size_t)n, -1, false};
        llama_sampler_apply(chain, &cur);
        if (draws > 0) {
            llama_token id = cur.data[cur.selected].id;
            printf("%d\n", id);
            llama_sampler_accept(chain, id);
            continue;
        }
        for (size_t t = 0; t < cur.size; t++)
            printf("%d %.9g %.9g\n", cur.data[t].id, cur.data[t].logit, cur.data[t].p);
    }
    llama_sampler_free(chain);
    if (model != NULL) llama_model_free(model);
    free(data);
    free(logits);
    return 0;
}
