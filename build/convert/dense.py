"""Dense decoders."""

from recipes import NULL, layer_scalars, old_form, recipe

OLD = {"4x": old_form}

LLAMA3 = {"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64}
LINEAR = {"rope_type": "linear", "rope_theta": 20000.0, "factor": 4.0}


def partial(share, theta=10000.0, **more):
    return {"rope_type": "default", "rope_theta": theta, "partial_rotary_factor": share, **more}


def windows(full, local=None):
    """rope_parameters of families that have one for each type of layer."""
    return {"full_attention": full, "sliding_attention": local or {"rope_type": "default", "rope_theta": 10000.0}}


def with_fields(**fields):
    """A form with other fields in config.json."""
    return Fields(fields)


class Fields:
    def __init__(self, fields):
        self.fields = fields

    def __repr__(self):
        return f"Fields({self.fields})"

    def __call__(self, config, tensors):
        return {**config, **self.fields}, tensors


def neox_4x(config, tensors):
    config = old_form(config, tensors)[0]
    config["rotary_pct"] = config.pop("partial_rotary_factor")
    config["rotary_emb_base"] = config.pop("rope_theta")
    return config, tensors


SLIDING = ["sliding_attention", "full_attention", "sliding_attention"]

# Llama and what has its form.
recipe("llama", "Llama", pre="llama-bpe", forms=OLD, tie_word_embeddings=True, rope_parameters=LLAMA3)
recipe("llama-bias", "Llama", vocab="spm", forms=OLD, attention_bias=True, head_dim=32, rope_parameters=LINEAR)
recipe("llama-yarn", "Llama", pre="llama-bpe", forms=OLD, rope_parameters=YARN)
recipe("mistral", "Mistral", vocab="spm", forms=OLD, sliding_window=None, head_dim=24)
recipe("ministral3", "Ministral3", pre="llama-bpe", head_dim=24, rope_parameters={
    **YARN, "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1})
recipe("smollm3", "SmolLM3", pre="llama-bpe", forms=OLD, num_hidden_layers=4, no_rope_layers=[1, 1, 1, 0], no_rope_layer_interval=4)
recipe("arcee", "Arcee", pre="llama-bpe", forms=OLD, rope_parameters={**YARN, "beta_fast": 32.0, "beta_slow": 1.0})
recipe("apertus", "Apertus", pre="llama-bpe", rope_parameters=LLAMA3)
recipe("seed-oss", "SeedOss", head_dim=24, attention_bias=True, attention_out_bias=False)
recipe("granite", "Granite", forms=OLD, attention_multiplier=0.2, embedding_multiplier=3.0, residual_multiplier=0.5,
       logits_scaling=2.0, tie_word_embeddings=True)
recipe("ernie4_5", "Ernie4_5", vocab="spm", forms=OLD, head_dim=16, tie_word_embeddings=True)
recipe("hunyuan", "HunYuanDenseV1", pre="qwen2", forms=OLD, head_dim=16, max_position_embeddings=32768,
       rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "alpha": 50.0, "factor": 1.0})

# Qwen.
recipe("qwen2", "Qwen2", pre="qwen2", forms=OLD)
recipe("qwen2-yarn", "Qwen2", pre="qwen2", forms=OLD, tie_word_embeddings=True, rope_parameters=YARN)
recipe("qwen3", "Qwen3", pre="qwen2", forms=OLD, head_dim=24)

# Gemma.
GEMMA = dict(bos_token_id=2, eos_token_id=1)
recipe("gemma", "Gemma", vocab="spm", pre="gemma", forms=OLD, **GEMMA, head_dim=24, num_key_value_heads=1)
recipe("gemma2", "Gemma2", vocab="spm", pre="gemma", forms=OLD, **GEMMA, head_dim=24, sliding_window=16, query_pre_attn_scalar=24,
       attn_logit_softcapping=50.0, final_logit_softcapping=30.0, num_hidden_layers=4)
recipe("gemma3", "Gemma3", config="Gemma3TextConfig", vocab="spm", pre="gemma", forms=OLD, **GEMMA, head_dim=24, sliding_window=16,
       query_pre_attn_scalar=24, num_hidden_layers=7,
       rope_parameters=windows({"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0}))
VISION = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14)
recipe("gemma3-vision", "Gemma3", model="Gemma3ForConditionalGeneration", vocab="spm", pre="gemma", forms=OLD, small=False,
       text_config=dict(vocab_size=512, hidden_size=64, intermediate_size=96, num_hidden_layers=7, num_attention_heads=4,
                        num_key_value_heads=2, head_dim=24, sliding_window=16, query_pre_attn_scalar=24, max_position_embeddings=256,
                        rope_parameters=windows({"rope_type": "linear", "rope_theta": 1000000.0, "factor": 8.0})),
       vision_config=dict(model_type="siglip_vision_model", **VISION), mm_tokens_per_image=4, image_token_index=510,
       boi_token_index=508, eoi_token_index=509, ids_below=500)



def calm(torch, model):
    """Lets layers add little, as llama.cpp's variance is that of a sample (n-1) and Transformers' is not: a difference that grows."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".layers." in name and ("post_" in name or "_coefs" in name):
                p.mul_(0.05)


def all_keys(config, tensors):
    """As the models on the hub: layers that take keys and values of others have some of their own, too, which nothing reads."""
    import torch

    tensors = dict(tensors)
    for layer in range(20, 25):
        for name in ("k_proj.weight", "v_proj.weight", "k_norm.weight"):
            same = tensors[f"model.layers.{layer % 5}.self_attn.{name}"]
            tensors[f"model.layers.{layer}.self_attn.{name}"] = torch.randn_like(same)
    return old_form(config, tensors)


recipe("gemma3n", "Gemma3n", config="Gemma3nTextConfig", vocab="spm", pre="gemma", forms={"4x": all_keys}, **GEMMA, head_dim=24, sliding_window=16,
       num_hidden_layers=25, num_kv_shared_layers=5, activation_sparsity_pattern=[0.95] * 10 + [0.0] * 15,
       vocab_size_per_layer_input=480, hidden_size_per_layer_input=256, laurel_rank=64, ids_below=480, intermediate_size=1024, tweak=calm)


recipe("gemma4", "Gemma4", config="Gemma4TextConfig", vocab="spm", pre="gemma", **GEMMA, vocab_size=480, head_dim=16, global_head_dim=32, sliding_window=16,
       num_hidden_layers=4, layer_types=["sliding_attention", "full_attention"] * 2, hidden_size_per_layer_input=32,
       vocab_size_per_layer_input=480, num_kv_shared_layers=2, use_double_wide_mlp=True, final_logit_softcapping=30.0, tweak=layer_scalars)
recipe("gemma4-moe", "Gemma4", config="Gemma4TextConfig", vocab="spm", pre="gemma", **GEMMA, vocab_size=480, head_dim=16, global_head_dim=32, sliding_window=16,
       num_hidden_layers=6, hidden_size_per_layer_input=0, attention_k_eq_v=True, num_global_key_value_heads=1, enable_moe_block=True,
       num_experts=4, top_k_experts=2, moe_intermediate_size=32, tweak=layer_scalars)

# Phi.
recipe("phi", "Phi", forms=OLD, rope_parameters=partial(0.5), num_key_value_heads=4, intermediate_size=256)
LONG = {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 32,
        "long_factor": [1.0 + 0.3 * i for i in range(8)], "short_factor": [1.0 + 0.05 * i for i in range(8)]}
recipe("phi3", "Phi3", vocab="spm", forms=OLD, sliding_window=None)
recipe("phi3-longrope", "Phi3", vocab="spm", forms=OLD, sliding_window=None, max_position_embeddings=256,
       original_max_position_embeddings=32, rope_parameters=LONG)

# OLMo.
recipe("olmo", "Olmo", clip_qkv=1.5)
recipe("olmo2", "Olmo2", forms=OLD)
recipe("olmo3", "Olmo3", forms=OLD, sliding_window=16, layer_types=SLIDING)

# What GPT-2 began.
recipe("gpt2", "GPT2", model="GPT2LMHeadModel", main=with_fields(n_ctx=256), small=False, vocab_size=512, n_embd=64, n_layer=3, n_head=4, n_positions=256,
       bos_token_id=1, eos_token_id=2)
recipe("gpt-neox", "GPTNeoX", forms={"4x": neox_4x}, num_key_value_heads=None, rope_parameters=partial(0.25), use_parallel_residual=True)
recipe("gpt-neox-serial", "GPTNeoX", num_key_value_heads=None, rope_parameters=partial(0.5), use_parallel_residual=False)
recipe("starcoder", "GPTBigCode", small=False, vocab_size=512, n_embd=64, n_layer=3, n_head=4, n_positions=256, multi_query=True)
recipe("starcoder2", "Starcoder2", forms=OLD, sliding_window=None, use_bias=True)
recipe("falcon", "Falcon", num_key_value_heads=None, multi_query=True, new_decoder_architecture=False, parallel_attn=True, bias=False)
recipe("falcon-40b", "Falcon", num_key_value_heads=None, num_kv_heads=2, new_decoder_architecture=True, bias=False)
recipe("stablelm", "StableLm", forms=OLD, rope_parameters=partial(0.25), use_qkv_bias=True)
recipe("stablelm-qknorm", "StableLm", rope_parameters=partial(0.25), qk_layernorm=True, use_parallel_residual=True)
recipe("bloom", "Bloom", small=False, vocab_size=512, hidden_size=64, n_layer=3, n_head=4)
recipe("mpt", "Mpt", main=with_fields(architectures=["MPTForCausalLM"]), small=False, vocab_size=512, d_model=64, n_layers=3, n_heads=4, max_seq_len=256, expansion_ratio=4)

# And the others.
recipe("glm4", "Glm4", forms=OLD, head_dim=16, attention_bias=True, rope_parameters=partial(0.5))
recipe("exaone4", "Exaone4", forms=OLD, sliding_window=NULL, layer_types=["full_attention"] * 3, rope_parameters=LLAMA3)
# llama.cpp has windows and norms of heads in models of 64 layers only.
DEEP = dict(num_hidden_layers=64, hidden_size=32, intermediate_size=32, num_attention_heads=2, num_key_value_heads=1)
recipe("exaone4-windows", "Exaone4", forms=OLD, sliding_window=16, layer_types=(["sliding_attention"] * 3 + ["full_attention"]) * 16, **DEEP)
recipe("cohere", "Cohere", forms=OLD, logit_scale=0.25, use_qk_norm=False)
recipe("cohere-qknorm", "Cohere", logit_scale=0.25, use_qk_norm=True, **DEEP)
recipe("cohere2", "Cohere2", forms=OLD, logit_scale=0.25, sliding_window=16, num_hidden_layers=4, head_dim=16,
       layer_types=["sliding_attention"] * 3 + ["full_attention"])
recipe("nemotron", "Nemotron", vocab="spm", forms=OLD, rope_parameters=partial(0.5), head_dim=16)

import more  # noqa: E402, F401  more of them
import remote  # noqa: E402, F401  and those of others
