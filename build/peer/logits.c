/* llama.cpp's logits for given token ids: every position, float32 little-endian, [ids][vocabulary].
 * usage: hpllm-peer-logits MODEL OUT.f32 KV CHUNK < IDS
 * IDS: one line of comma-separated ids; KV: f32, f32+fa (flash attention) or f16; CHUNK: ids per batch. */
#include "peer.h"

int main(int argc, char **argv) {
    if (argc != 5) peer_die("usage", "hpllm-peer-logits MODEL OUT.f32 f32|f32+fa|f16 CHUNK < IDS");
    int chunk = atoi(argv[4]), n;
    llama_token *ids = peer_ids(stdin, &n);
    if (n < 1 || chunk < 1) peer_die("needs ids and a chunk of at least", "1");
    struct llama_model *model = peer_model(argv[1]);
    struct llama_context *context = peer_context(model, n, chunk, argv[3]);
    size_t vocab = peer_vocab_size(model);
    FILE *out = fopen(argv[2], "wb");
    if (!out) peer_die("cannot write", argv[2]);
    for (int start = 0; start < n; start += chunk) {
        int part = n - start < chunk ? n - start : chunk;
        peer_eval(context, ids + start, part, start, true);
        for (int i = 0; i < part; i++)
            if (fwrite(llama_get_logits_ith(context, i), sizeof(float), vocab, out) != vocab) peer_die("cannot write", argv[2]);
    }
    if (fclose(out)) peer_die("cannot write", argv[2]);
    free(ids);
    llama_free(context);
    llama_model_free(model);
    return 0;
}
