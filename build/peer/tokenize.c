/* Many strings through llama.cpp's tokenizer, with one start.
 *
 *   hpllm-peer-tokenize MODEL ADD_SPECIAL PARSE_SPECIAL < strings > ids
 *
 * Standard input is strings, each a 32-bit little-endian length and its bytes; each
 * gives one line of ids, separated by spaces. A fourth argument changes that. "pieces":
 * input is not read, and each token gives a line "ID EOG CONTROL HEX", HEX its text.
 * "all": these lines first, then for each string two lines, with and without special
 * tokens, whatever the arguments say. "time": each string gives a line "COUNT WALL CPU":
 * how many ids they are, and the nanoseconds that llama_tokenize took. */
#include <llama.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void quiet(enum ggml_log_level level, const char *text, void *user) {
    (void)user;
    if (level >= GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static int pieces(const struct llama_vocab *vocab) {
    char text[4096];
    for (int id = 0; id < llama_vocab_n_tokens(vocab); id++) {
        int n = llama_token_to_piece(vocab, id, text, sizeof text, 0, true);
        if (n < 0) return 1;
        printf("%d %d %d ", id, llama_vocab_is_eog(vocab, id), llama_vocab_is_control(vocab, id));
        for (int i = 0; i < n; i++) printf("%02x", (unsigned char)text[i]);
        putchar('\n');
    }
    return 0;
}

static long long now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* One string's ids; the caller frees them. */
static llama_token *tokenize(const struct llama_vocab *vocab, const char *text, int32_t len, bool add, bool parse, int32_t *n) {
    int32_t room = len + 16;
    llama_token *ids = malloc(sizeof *ids * (size_t)room);
    *n = llama_tokenize(vocab, text, len, ids, room, add, parse);
    if (*n < 0) {
        room = -*n;
        ids = realloc(ids, sizeof *ids * (size_t)room);
        *n = llama_tokenize(vocab, text, len, ids, room, add, parse);
    }
    return ids;
}

static void print(const struct llama_vocab *vocab, const char *text, int32_t len, bool add, bool parse) {
    int32_t n;
    llama_token *ids = tokenize(vocab, text, len, add, parse, &n);
    for (int32_t i = 0; i < n; i++) printf(i ? " %d" : "%d", ids[i]);
    putchar('\n');
    free(ids);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s MODEL ADD_SPECIAL PARSE_SPECIAL [pieces|all|time]\n", argv[0]);
        return 2;
    }
    llama_log_set(quiet, NULL);
    struct llama_model_params params = llama_model_default_params();
    params.vocab_only = true;
    struct llama_model *model = llama_model_load_from_file(argv[1], params);
    if (!model) return 1;
    const struct llama_vocab *vocab = llama_model_get_vocab(model);
    const char *mode = argc > 4 ? argv[4] : "";
    int timing = strcmp(mode, "time") == 0, all = strcmp(mode, "all") == 0, only = strcmp(mode, "pieces") == 0;
    if ((all || only) && pieces(vocab)) return 1;
    bool add = atoi(argv[2]), parse = atoi(argv[3]);
    while (!only) {
        unsigned char head[4];
        if (fread(head, 1, 4, stdin) != 4) break;
        int32_t len = (int32_t)(head[0] | head[1] << 8 | head[2] << 16 | (uint32_t)head[3] << 24);
        char *text = malloc((size_t)len + 1);
        if (!text || fread(text, 1, (size_t)len, stdin) != (size_t)len) return 1;
        if (timing) {
            int32_t n;
            long long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
            llama_token *ids = tokenize(vocab, text, len, add, parse, &n);
            printf("%d %lld %lld\n", n, now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu);
            free(ids);
        } else if (all) {
            print(vocab, text, len, true, true);
            print(vocab, text, len, false, false);
        } else {
            print(vocab, text, len, add, parse);
        }
        free(text);
    }
    llama_model_free(model);
    return 0;
}
