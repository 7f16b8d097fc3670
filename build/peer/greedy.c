/* llama.cpp's greedy continuation of prompts: the likeliest token each time, the lowest id of equals.
 * usage: hpllm-peer-greedy MODEL KV COUNT < PROMPTS
 * PROMPTS: a line of comma-separated ids each; printed: a line of up to COUNT ids each, the
 * end-of-generation token last if it came. */
#include "peer.h"

static llama_token likeliest(const float *logits, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

int main(int argc, char **argv) {
    if (argc != 4) peer_die("usage", "hpllm-peer-greedy MODEL f32|f16 COUNT < PROMPTS");
    int count = atoi(argv[3]), n;
    struct llama_model *model = peer_model(argv[1]);
    const struct llama_vocab *vocab = llama_model_get_vocab(model);
    struct llama_context *context = peer_context(model, 4096, 512, argv[2]);
    for (llama_token *ids; (ids = peer_ids(stdin, &n));) {
        if (n < 1 || n > 512 || n + count > 4096) peer_die("a prompt has too few or too many", "ids");
        llama_memory_clear(llama_get_memory(context), true);
        peer_eval(context, ids, n, 0, false);
        for (int i = 0; i < count; i++) {
            llama_token next = likeliest(llama_get_logits_ith(context, -1), llama_vocab_n_tokens(vocab));
            printf("%s%d", i ? "," : "", next);
            if (llama_vocab_is_eog(vocab, next) || i == count - 1) break;
            peer_eval(context, &next, 1, n + i, false);
        }
        printf("\n");
        free(ids);
    }
    llama_free(context);
    llama_model_free(model);
    return 0;
}
