/* llama.cpp's logits for given token ids: every position, float32 little-endian, [ids][vocabulary].
 * usage: hpllm-peer-logits MODEL OUT.f32 KV CHUNK [ADAPTER SCALE] < IDS
 * ADAPTER: a LoRA in GGUF. IDS: one line of comma-separated ids; KV: f32, f32+fa (flash attention) or f16; CHUNK: ids per batch. */
#include "peer.h"

int main(int argc, char **argv) {
    if (argc != 5 && argc != 7) peer_die("usage", "hpllm-peer-logits MODEL OUT.f32 f32|f32+fa|f16 CHUNK [ADAPTER SCALE] < IDS");
    int chunk = atoi(argv[4]), n;
    llama_token *ids = peer_ids(stdin, &n);
    if (n < 1 || chunk < 1) peer_die("needs ids and a chunk of at least", "1");
    struct llama_model *model = peer_model(argv[1]);
    struct llama_context *context = peer_context(model, n, chunk, argv[3]);
    if (argc == 7) {
        struct llama_adapter_lora *adapter = llama_adapter_lora_init(model, argv[5]);
        float scale = (float)atof(argv[6]);
        if (!adapter || llama_set_adapters_lora(context, &adapter, 1, &scale)) peer_die("cannot use the adapter", argv[5]);
    }
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
