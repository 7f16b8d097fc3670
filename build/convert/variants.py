"""What the families' configurations may say besides: other sizes and heads, embeddings
tied or not, every way of stretching rotations, windows, biases, and fields that
GGUF has no place for, or that llama.cpp takes for granted."""

from dense import GEMMA, LINEAR, LLAMA3, LONG, YARN, partial
from moe import ALONE, CONV, DELTA, EXPERTS, GRANITE, HYBRID, LATENT, LOCAL, MAMBA2, SECTIONS, STATE, choosers, decays, no_mtp
from more import TEXT
from recipes import NULL, layer_scalars, old_form, recipe

OLD = {"4x": old_form}
SHORT = {**LONG, "original_max_position_embeddings": 1024}
WIDE = dict(max_position_embeddings=2048, original_max_position_embeddings=1024)
TIED = dict(tie_word_embeddings=True)

# Llama's form: heads, biases, rotations.
recipe("llama-odd", "Llama", pre="llama-bpe", forms=OLD, hidden_size=60, num_attention_heads=3, num_key_value_heads=1, head_dim=20,
       intermediate_size=100, num_hidden_layers=1, vocab_size=600)
recipe("llama-biases", "Llama", pre="llama-bpe", mlp_bias=True, attention_bias=True, num_attention_heads=4, num_key_value_heads=4)
recipe("llama-dynamic", "Llama", pre="llama-bpe", forms=OLD, rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0})
recipe("llama-llama3", "Llama", vocab="spm", forms=OLD, head_dim=24, rope_parameters={**LLAMA3, "rope_theta": 500000.0, "factor": 32.0})
recipe("llama-longrope", "Llama", pre="llama-bpe", **WIDE, rope_parameters=SHORT)
recipe("llama-yarn-factor", "Llama", pre="llama-bpe", forms=OLD, rope_parameters={**YARN, "attention_factor": 1.3})
recipe("llama-yarn-mscale", "Llama", pre="llama-bpe", rope_parameters={**YARN, "mscale": 0.7, "mscale_all_dim": 0.4})
recipe("llama-yarn-betas", "Llama", pre="llama-bpe", rope_parameters={**YARN, "beta_fast": 16.0, "beta_slow": 2.0})
recipe("llama-yarn-whole", "Llama", pre="llama-bpe", rope_parameters={**YARN, "truncate": False})
recipe("mistral-window", "Mistral", vocab="spm", forms=OLD, sliding_window=16)
recipe("mixtral-window", "Mixtral", vocab="spm", sliding_window=16, **LOCAL)
recipe("smollm3-window", "SmolLM3", pre="llama-bpe", num_hidden_layers=5, use_sliding_window=True, sliding_window=16, **TIED)
recipe("granite-heads", "Granite", head_dim=24, attention_bias=True, rope_parameters=YARN)
recipe("granitemoe-odd", "GraniteMoe", num_local_experts=5, num_experts_per_tok=3, **TIED, **GRANITE)
recipe("granitehybrid-rope", "GraniteMoeHybrid", tweak=decays, **LOCAL, **{**HYBRID, "position_embedding_type": "rope"})
recipe("granitehybrid-nope", "GraniteMoeHybrid", num_local_experts=0, num_experts_per_tok=0, **{**HYBRID, "layer_types": ["attention"] * 4})
recipe("llava", "Llava", model="LlavaForConditionalGeneration", pre="llama-bpe", small=False, text_config=dict(TEXT, model_type="llama"),
       vision_config=dict(model_type="clip_vision_model", hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
                          image_size=28, patch_size=14), image_token_index=510, ids_below=500)
recipe("smolvlm", "SmolVLM", model="SmolVLMForConditionalGeneration", pre="llama-bpe", small=False, text_config=dict(TEXT, model_type="llama", **TIED),
       vision_config=dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14),
       image_token_id=510, ids_below=500, pad_token_id=0)

# Qwen.
recipe("qwen2-window", "Qwen2", pre="qwen2", use_sliding_window=True, sliding_window=16, max_window_layers=1)
recipe("qwen3-bias", "Qwen3", pre="qwen2", attention_bias=True, head_dim=16, **TIED)
recipe("qwen2moe-norm", "Qwen2Moe", pre="qwen2", norm_topk_prob=True, shared_expert_intermediate_size=80, **TIED, **EXPERTS)
recipe("qwen3moe-nonorm", "Qwen3Moe", pre="qwen2", head_dim=16, norm_topk_prob=False, rope_parameters=YARN, **EXPERTS)
recipe("qwen35-types", "Qwen3_5", config="Qwen3_5TextConfig", pre="qwen2", script=no_mtp, rope_parameters=SECTIONS,
       layer_types=["linear_attention", "full_attention"] * 2, **TIED, **{**DELTA, "linear_num_value_heads": 2})

# Gemma.
SMALL_GEMMA = dict(vocab="spm", pre="gemma", head_dim=24, sliding_window=16, query_pre_attn_scalar=24, **GEMMA)
DEEP = dict(hidden_size=48, intermediate_size=32, num_attention_heads=2, num_key_value_heads=1, head_dim=16)
recipe("gemma-bias", "Gemma", vocab="spm", pre="gemma", **GEMMA, head_dim=16, attention_bias=True, num_key_value_heads=4)
recipe("gemma2-scalar", "Gemma2", **{**SMALL_GEMMA, "query_pre_attn_scalar": 144})
recipe("gemma2-caps", "Gemma2", **SMALL_GEMMA, attn_logit_softcapping=5.0, final_logit_softcapping=3.0)
recipe("gemma2-nocaps", "Gemma2", **SMALL_GEMMA, attn_logit_softcapping=NULL, final_logit_softcapping=NULL)
recipe("gemma2-types", "Gemma2", **SMALL_GEMMA, layer_types=["full_attention", "sliding_attention", "full_attention"])
recipe("gemma2-27b", "Gemma2", **{**SMALL_GEMMA, **DEEP}, num_hidden_layers=46)


def calmer(torch, model):
    """62 layers, each of which llama.cpp's GELU, a table in F16, puts a little off."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if ".layers." in name and "post_" in name:
                p.add_(-0.8)


def old_pattern(config, tensors):
    config = {k: v for k, v in old_form(config, {})[0].items() if k != "layer_types"}
    return {**config, "sliding_window_pattern": 3}, tensors


recipe("gemma3-scalar", "Gemma3", config="Gemma3TextConfig", forms=OLD, **{**SMALL_GEMMA, "query_pre_attn_scalar": 256}, num_hidden_layers=6)
recipe("gemma3-27b", "Gemma3", config="Gemma3TextConfig", **{**SMALL_GEMMA, **DEEP}, num_hidden_layers=62, tweak=calmer)
recipe("gemma3-types", "Gemma3", config="Gemma3TextConfig", **SMALL_GEMMA, num_hidden_layers=4, forms={"pattern": old_pattern},
       layer_types=["sliding_attention", "sliding_attention", "full_attention", "sliding_attention"])
recipe("gemma3-full", "Gemma3", config="Gemma3TextConfig", **SMALL_GEMMA, layer_types=["full_attention"] * 3, attention_bias=True)
recipe("gemma3-untied", "Gemma3", config="Gemma3TextConfig", **SMALL_GEMMA, tie_word_embeddings=False, final_logit_softcapping=3.0)
recipe("gemma3n-short", "Gemma3n", config="Gemma3nTextConfig", vocab="spm", pre="gemma", **GEMMA, head_dim=16, sliding_window=16, num_hidden_layers=4,
       num_kv_shared_layers=2, layer_types=["sliding_attention", "full_attention"] * 2, vocab_size_per_layer_input=480, hidden_size_per_layer_input=32,
       laurel_rank=16, ids_below=480, activation_sparsity_pattern=[0.9, 0.95, 0.0, 0.0])
recipe("gemma4-plain", "Gemma4", config="Gemma4TextConfig", vocab="spm", pre="gemma", **GEMMA, vocab_size=480, head_dim=32, global_head_dim=64,
       sliding_window=16, num_hidden_layers=6, hidden_size_per_layer_input=0, tweak=layer_scalars)

# Phi.
recipe("phi-odd", "Phi", rope_parameters=partial(0.4), num_key_value_heads=2, intermediate_size=96, hidden_size=80, **TIED)
recipe("phi3-window", "Phi3", vocab="spm", forms=OLD, sliding_window=16, **TIED)
recipe("phi3-partial", "Phi3", pre="llama-bpe", forms=OLD, hidden_size=128, sliding_window=262144, **WIDE, rope_parameters={
    **SHORT, "partial_rotary_factor": 0.5})

# GPT-2 and what came of it.
recipe("gpt2-odd", "GPT2", model="GPT2LMHeadModel", small=False, vocab_size=512, n_embd=48, n_layer=2, n_head=3, n_positions=128, n_inner=80,
       tie_word_embeddings=False)
recipe("gpt-neox-tied", "GPTNeoX", num_key_value_heads=None, rope_parameters=partial(1.0), attention_bias=False, **TIED)
recipe("starcoder2-plain", "Starcoder2", sliding_window=16, use_bias=False, num_attention_heads=2, num_key_value_heads=1, **TIED)
recipe("falcon-bias", "Falcon", num_key_value_heads=None, multi_query=True, bias=True, tie_word_embeddings=False)
recipe("falcon-heads", "Falcon", num_key_value_heads=None, multi_query=False, bias=False)
recipe("falcon2", "Falcon", num_key_value_heads=None, num_kv_heads=1, new_decoder_architecture=True, bias=False, num_ln_in_parallel_attn=1)
recipe("stablelm-odd", "StableLm", rope_parameters=partial(0.5), hidden_size=96, num_attention_heads=3, num_key_value_heads=1, **TIED)

# The others.
recipe("glm4-yarn", "Glm4", head_dim=32, attention_bias=False, rope_parameters={**YARN, "partial_rotary_factor": 0.5}, **TIED)
recipe("gpt-oss-whole", "GptOss", num_hidden_layers=3, num_local_experts=4, num_experts_per_tok=4, head_dim=32, sliding_window=16,
       layer_types=["full_attention", "sliding_attention", "full_attention"], max_position_embeddings=131072, **TIED, rope_parameters={
           "rope_type": "yarn", "rope_theta": 150000.0, "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0,
           "original_max_position_embeddings": 4096, "truncate": False})
recipe("exaone4-short", "Exaone4", sliding_window=16, layer_types=["sliding_attention"] * 3 + ["full_attention"], num_hidden_layers=4, **TIED)
recipe("hunyuan-plain", "HunYuanDenseV1", pre="qwen2", head_dim=32, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **TIED)
recipe("ernie4_5-linear", "Ernie4_5", tie_word_embeddings=False, head_dim=16, rope_parameters=LINEAR)
recipe("olmo2-tied", "Olmo2", num_key_value_heads=1, rope_parameters=YARN, **TIED)
recipe("olmoe-norm", "Olmoe", num_key_value_heads=4, num_experts=4, num_experts_per_tok=2, norm_topk_prob=True, **TIED)
recipe("lfm2-old", "Lfm2", num_hidden_layers=3, conv_L_cache=4, block_auto_adjust_ff_dim=True, block_multiple_of=32, block_ffn_dim_multiplier=1.5,
       full_attn_idxs=[1], tie_word_embeddings=False)
recipe("lfm2moe-plain", "Lfm2Moe", num_hidden_layers=4, num_dense_layers=2, use_expert_bias=False, layer_types=CONV, **EXPERTS)
recipe("deepseek2-lite", "DeepseekV2", forms=OLD, num_hidden_layers=27, hidden_size=32, num_attention_heads=2, q_lora_rank=NULL,
       topk_method="greedy", n_shared_experts=2, **{**LATENT, "num_key_value_heads": 2})
recipe("deepseek3-bias", "DeepseekV3", tweak=choosers, attention_bias=True, q_lora_rank=40, n_group=2, topk_group=1, n_shared_experts=2,
       norm_topk_prob=False, scoring_func="sigmoid", **LATENT)
recipe("mamba-odd", "Mamba", tweak=decays, small=False, use_conv_bias=False, **TIED, **{**STATE, "hidden_size": 48, "state_size": 8, "vocab_size": 500})
recipe("mamba2-plain", "Mamba2", tweak=decays, small=False, num_heads=16, head_dim=8, n_groups=1, chunk_size=16, use_conv_bias=False, **TIED,
       **{**STATE, "state_size": 32})
recipe("falcon-h1-tied", "FalconH1", tweak=decays, head_dim=16, mamba_d_ssm=128, embedding_multiplier=2.0, lm_head_multiplier=0.5, mamba_rms_norm=False,
       mamba_conv_bias=False, **TIED, **MAMBA2)
recipe("falcon-h1-plain", "FalconH1", tweak=decays, head_dim=32, mamba_d_ssm=96, mamba_rms_norm=False, **{**ALONE, "mamba_n_heads": 6})

# Heads that are not the stream's share.
recipe("nemotron-heads", "Nemotron", vocab="spm", rope_parameters=partial(0.25), head_dim=32, num_key_value_heads=1)
recipe("glm-heads", "Glm", head_dim=32, num_key_value_heads=1, rope_parameters=partial(0.5))
recipe("olmo-bias", "Olmo", attention_bias=True, num_key_value_heads=1)
