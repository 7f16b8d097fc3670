"""Families with experts, and those that keep a state."""

import re

from recipes import old_form, recipe

EXPERTS = dict(num_experts=8, num_experts_per_tok=2, moe_intermediate_size=48)


def choosers(torch, model):
    """Biases of routers are buffers in some families, and begin with zeros."""
    with torch.no_grad():
        for name, b in model.named_buffers():
            if name.endswith(("e_score_correction_bias", "expert_bias")):
                b.copy_(torch.randn_like(b) * 0.1)


def fused(config, tensors):
    """The experts of a layer in one tensor each, gates and ups joined, as transformers 5 holds them."""
    import torch

    names = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}
    found, rest = {}, {}
    for name, t in tensors.items():
        m = re.fullmatch(r"(.*\.experts\.)(\d+)\.(\w+)\.weight", name)
        if m:
            found.setdefault(m[1], {})[names.get(m[3], m[3]), int(m[2])] = t
        else:
            rest[name] = t
    for prefix, matrices in found.items():
        n = 1 + max(i for _, i in matrices)
        down, up = (torch.stack([matrices[kind, i] for i in range(n)]) for kind in ("down_proj", "up_proj"))
        if ("gate_proj", 0) in matrices:
            gate = torch.stack([matrices["gate_proj", i] for i in range(n)])
            rest[prefix + "gate_up_proj"] = torch.cat([gate, up], 1)
        else:
            rest[prefix + "up_proj"] = up
        rest[prefix + "down_proj"] = down
    return config, rest


def fused_mlp(config, tensors):
    """fused for families whose hub names are Mixtral's: transformers 5 names them otherwise."""
    config, rest = fused(config, tensors)
    return config, {k.replace(".block_sparse_moe.", ".mlp."): v for k, v in rest.items()}


def no_mtp(argv):
    """Layers that predict several tokens at once are left out by ours; the script wants to be told."""
    argv.append("--no-mtp")


BOTH = {"4x": old_form, "fused": fused}

recipe("qwen2moe", "Qwen2Moe", pre="qwen2", forms=BOTH, shared_expert_intermediate_size=80, decoder_sparse_step=1, **EXPERTS)
recipe("qwen3moe", "Qwen3Moe", pre="qwen2", forms=BOTH, head_dim=24, decoder_sparse_step=1, norm_topk_prob=True, **EXPERTS)

DELTA = dict(num_hidden_layers=4, head_dim=32, linear_conv_kernel_dim=4, linear_key_head_dim=16, linear_value_head_dim=16,
             linear_num_key_heads=2, linear_num_value_heads=6)
SECTIONS = {"rope_type": "default", "rope_theta": 1e6, "partial_rotary_factor": 0.5, "mrope_section": [4, 2, 2], "mrope_interleaved": True}


def rename_visual(config, tensors):
    """A checkpoint that sees, as the hub has them: with vision tensors and the text model inside."""
    import torch

    out = {"model.visual.patch_embed.proj.weight": torch.zeros(2, 2), "mtp.fc.weight": torch.zeros(2, 2)}
    for name, t in tensors.items():
        out[name.replace("model.", "model.language_model.", 1)] = t
    text = {k: v for k, v in config.items() if k not in ("architectures", "transformers_version")}
    classes = [c.replace("ForCausalLM", "ForConditionalGeneration") for c in config["architectures"]]
    return {"architectures": classes, "model_type": config["model_type"].removesuffix("_text"), "text_config": text,
            "tie_word_embeddings": False, "vision_config": {"depth": 1, "hidden_size": 32, "num_heads": 2}}, out


SEES = {"fused": fused, "sees": rename_visual}
recipe("qwen3next", "Qwen3Next", pre="qwen2", forms=BOTH, script=no_mtp, shared_expert_intermediate_size=80, decoder_sparse_step=1, norm_topk_prob=True,
       partial_rotary_factor=0.25, **EXPERTS, **DELTA)
recipe("qwen35", "Qwen3_5", config="Qwen3_5TextConfig", pre="qwen2", forms={"sees": rename_visual}, script=no_mtp, rope_parameters=SECTIONS, **DELTA)
recipe("qwen35moe", "Qwen3_5Moe", config="Qwen3_5MoeTextConfig", pre="qwen2", forms=SEES, script=no_mtp, rope_parameters=SECTIONS,
       shared_expert_intermediate_size=80, **EXPERTS, **DELTA)


def mxfp4(config, tensors):
    """The experts as gpt-oss is published: blocks of 32 numbers of 4 bits, and their exponents."""
    import torch

    table = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    out = {}
    for name, t in tensors.items():
        if not name.endswith((".gate_up_proj", ".down_proj")) or ".experts." not in name:
            out[name] = t
            continue
        t = t.transpose(1, 2).contiguous()  # [experts, out, in]
        blocks = t.reshape(*t.shape[:2], -1, 32)
        exponent = torch.floor(torch.log2(blocks.abs().amax(-1))) - 2
        near = (blocks / 2 ** exponent[..., None])[..., None].abs().sub(table).abs().argmin(-1)
        code = near + 8 * (blocks < 0)
        out[name + "_blocks"] = (code[..., ::2] | code[..., 1::2] << 4).to(torch.uint8)
        out[name + "_scales"] = (exponent + 127).to(torch.uint8)
    return {**config, "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": []}}, out


def on_grid(torch, model):
    """Makes the experts' numbers what MXFP4 can hold, so that one set of logits serves both forms."""
    table = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith((".gate_up_proj", ".down_proj")):
                t = p.transpose(1, 2).contiguous()
                blocks = t.reshape(*t.shape[:2], -1, 32)
                scale = 2 ** (torch.floor(torch.log2(blocks.abs().amax(-1, keepdim=True))) - 2)
                near = table[(blocks / scale)[..., None].abs().sub(table).abs().argmin(-1)]
                p.copy_((near * scale * blocks.sign()).reshape(t.shape).transpose(1, 2))


YARN = {"rope_type": "yarn", "rope_theta": 150000.0, "factor": 8.0, "beta_fast": 32.0, "beta_slow": 1.0,
        "original_max_position_embeddings": 64}
recipe("gpt-oss", "GptOss", forms={"4x": old_form, "mxfp4": mxfp4}, tweak=on_grid, num_hidden_layers=4, num_local_experts=8, num_experts_per_tok=2,
       head_dim=16, sliding_window=16, layer_types=["sliding_attention", "full_attention"] * 2, rope_parameters={**YARN, "truncate": True})


def decays(torch, model):
    """Decays of states near what trained models have."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("A_log"):
                p.copy_(torch.log(1 + 7 * torch.rand_like(p)))
            elif name.endswith(("dt_bias", "dt_proj.bias")):
                p.copy_(torch.randn_like(p) * 0.7 - 1)
    choosers(torch, model)


CONV = ["conv", "full_attention", "conv", "full_attention"]
recipe("lfm2", "Lfm2", forms={"4x": old_form}, num_hidden_layers=4, norm_eps=1e-5, conv_L_cache=3, block_multiple_of=8, layer_types=CONV,
       tie_word_embeddings=True)
recipe("lfm2moe", "Lfm2Moe", forms=BOTH, tweak=choosers, num_hidden_layers=4, norm_eps=1e-5, conv_L_cache=3, num_dense_layers=1,
       use_expert_bias=True, layer_types=CONV, tie_word_embeddings=True, **EXPERTS)

LOCAL = dict(num_local_experts=8, num_experts_per_tok=2)
GRANITE = dict(embedding_multiplier=3.0, residual_multiplier=0.7, attention_multiplier=0.3, logits_scaling=2.0)
MAMBA2 = dict(mamba_n_heads=8, mamba_n_groups=2, mamba_d_state=16, mamba_d_head=16, mamba_d_conv=4, mamba_expand=2, mamba_chunk_size=16)
# Of Mamba 2 in groups, transformers' own models norm all groups at once, others (its authors', llama.cpp) each by itself.
ALONE = {**MAMBA2, "mamba_n_groups": 1}
HYBRID = dict(num_hidden_layers=4, layer_types=["mamba", "attention", "mamba", "mamba"], shared_intermediate_size=96,
              position_embedding_type="nope", **ALONE, **GRANITE)
recipe("granitemoe", "GraniteMoe", forms={"4x": old_form}, **LOCAL, **GRANITE)
recipe("granitemoeshared", "GraniteMoeShared", shared_intermediate_size=40, **LOCAL, **GRANITE)
recipe("granitehybrid", "GraniteMoeHybrid", forms={"4x": old_form}, tweak=decays, **LOCAL, **HYBRID)
recipe("granitehybrid-dense", "GraniteMoeHybrid", tweak=decays, num_local_experts=0, num_experts_per_tok=0, **HYBRID)
recipe("granitehybrid-attention", "GraniteMoeHybrid", num_local_experts=0, num_experts_per_tok=0,
       **{**HYBRID, "layer_types": ["attention"] * 4, "position_embedding_type": "rope"})
# Of a rotation of a part of the head transformers 5 makes one of all.
recipe("bamba", "Bamba", forms={"4x": old_form}, tweak=decays, num_hidden_layers=4, attn_layer_indices=[1], attn_rotary_emb=16,
       **ALONE)
recipe("olmoe", "Olmoe", forms=BOTH, num_key_value_heads=4, num_experts=8, num_experts_per_tok=2, norm_topk_prob=False,
       rms_norm_eps=1e-5)
recipe("mixtral", "Mixtral", vocab="spm", forms={"4x": old_form, "fused": fused_mlp}, sliding_window=None, **LOCAL)



def glm(argv):
    """The script wants GLM's own special tokens."""
    argv.append("--no-mtp")
    import conversion.glm

    for c in (conversion.glm.Glm4MoeModel, conversion.glm.Glm4MoeLiteModel):
        c.set_vocab = lambda self: self._set_vocab_gpt2()


LATENT = dict(kv_lora_rank=32, qk_rope_head_dim=16, qk_nope_head_dim=24, v_head_dim=20, first_k_dense_replace=1, n_routed_experts=8,
              num_experts_per_tok=2, moe_intermediate_size=48, num_key_value_heads=4)
recipe("deepseek2", "DeepseekV2", forms=BOTH, topk_method="greedy", n_group=1, topk_group=1, n_shared_experts=2, routed_scaling_factor=1.3,
       **LATENT)
recipe("deepseek2-q", "DeepseekV2", forms=BOTH, q_lora_rank=40, topk_method="greedy", n_group=1, topk_group=1, n_shared_experts=2,
       routed_scaling_factor=1.3, **LATENT)
recipe("deepseek3", "DeepseekV3", forms=BOTH, tweak=choosers, q_lora_rank=40, n_group=4, topk_group=2, n_shared_experts=1,
       routed_scaling_factor=2.5, norm_topk_prob=True, scoring_func="sigmoid",
       rope_parameters={**YARN, "rope_theta": 10000.0, "mscale": 1.0, "mscale_all_dim": 1.0}, **LATENT)
recipe("glm4moelite", "Glm4MoeLite", forms=BOTH, tweak=choosers, script=glm, q_lora_rank=40, n_group=1, topk_group=1, n_shared_experts=1,
       routed_scaling_factor=1.8, norm_topk_prob=True, **LATENT)

STATE = dict(vocab_size=512, hidden_size=64, state_size=16, num_hidden_layers=3, conv_kernel=4, expand=2, bos_token_id=1, eos_token_id=2,
             pad_token_id=0)
recipe("mamba", "Mamba", tweak=decays, small=False, time_step_rank=8, tie_word_embeddings=True, **STATE)
recipe("falcon-mamba", "FalconMamba", tweak=decays, small=False, time_step_rank=8, tie_word_embeddings=False, **STATE)
recipe("mamba2", "Mamba2", tweak=decays, small=False, num_heads=8, head_dim=16, n_groups=1, chunk_size=16, tie_word_embeddings=False, **STATE)
recipe("falcon-h1", "FalconH1", forms={"4x": old_form}, tweak=decays, head_dim=16, mamba_d_ssm=128, embedding_multiplier=2.0, lm_head_multiplier=0.5,
       mlp_multipliers=[0.9, 0.8], key_multiplier=0.7, attention_in_multiplier=1.1, attention_out_multiplier=0.9, ssm_in_multiplier=1.2,
       ssm_out_multiplier=0.85, ssm_multipliers=[0.9, 0.8, 0.7, 0.6, 0.5], mamba_rms_norm=True, mamba_norm_before_gate=False, **MAMBA2)
recipe("jamba", "Jamba", vocab="spm", forms={"fused": fused}, tweak=decays, num_hidden_layers=4, num_experts=4, num_experts_per_tok=2,
       expert_layer_period=2, expert_layer_offset=1, attn_layer_period=4, attn_layer_offset=2, use_mamba_kernels=False, mamba_d_state=16,
       mamba_d_conv=4, mamba_expand=2, mamba_dt_rank=8)
NEMOTRON = dict(head_dim=16, mamba_num_heads=8, mamba_head_dim=16, n_groups=2, ssm_state_size=16, conv_kernel=4, expand=2, chunk_size=16,
                use_mamba_kernels=False)
recipe("nemotron-h-moe", "NemotronH", forms={"fused": fused}, tweak=decays, num_hidden_layers=None, layers_block_type=["mamba", "moe", "attention", "moe"],
       n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=48, moe_shared_expert_intermediate_size=40,
       n_group=1, topk_group=1, routed_scaling_factor=1.5, norm_topk_prob=True, **NEMOTRON)


def plain_nemotron(config, tensors):
    """One without experts, as the hub has them: layers as a text, and no word of experts."""
    config = {k: v for k, v in config.items() if "expert" not in k and k not in ("n_group", "topk_group", "norm_topk_prob", "layers_block_type")}
    return {**config, "num_hidden_layers": 4, "hybrid_override_pattern": "M-*-", "model_type": "nemotron_h_of_old"}, tensors


recipe("nemotron-h", "NemotronH", main=plain_nemotron, tweak=decays, num_hidden_layers=None, layers_block_type=["mamba", "mlp", "attention", "mlp"], **NEMOTRON)

recipe("ernie4_5-moe", "Ernie4_5_Moe", vocab="spm", forms=BOTH, tweak=choosers, num_hidden_layers=4, intermediate_size=192, moe_num_experts=8, moe_k=2, moe_intermediate_size=48,
       moe_num_shared_experts=2, moe_layer_start_index=1, moe_layer_end_index=3, moe_layer_interval=1, use_bias=False)


def hunyuan(config, tensors):
    """The fields that Tencent's own configuration has."""
    layers = config["num_hidden_layers"]
    return {**config, "moe_intermediate_size": [config["intermediate_size"]] * layers, "moe_topk": [2] * layers,
            "num_shared_expert": [1] * layers}, tensors


def hunyuan_vocabulary(argv):
    """The script wants a tokenizer that is Python code beside the model."""
    from conversion.hunyuan import HunYuanMoEModel

    HunYuanMoEModel.set_vocab = lambda self: self._set_vocab_gpt2()


recipe("hunyuan-moe", "HunYuanMoEV1", forms={"fused": fused}, main=hunyuan, script=hunyuan_vocabulary, num_experts=8, moe_topk=2, head_dim=16)
DEEP = dict(n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=2, moe_intermediate_size=48, first_k_dense_replace=1, n_group=1,
            topk_group=1, routed_scaling_factor=1.5, norm_topk_prob=True)
recipe("glm4moe", "Glm4Moe", forms=BOTH, tweak=choosers, script=glm, head_dim=24, use_qk_norm=True, attention_bias=True, partial_rotary_factor=0.5, **DEEP)
recipe("dots1", "Dots1", forms=BOTH, num_key_value_heads=4, tweak=choosers, head_dim=16, scoring_func="sigmoid", **DEEP)
recipe("minimax-m2", "MiniMaxM2", forms={"4x": old_form, "fused": fused_mlp}, tweak=choosers, head_dim=24, rotary_dim=12, scoring_func="sigmoid",
       rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}, **LOCAL)
recipe("afmoe", "Afmoe", forms=BOTH, tweak=choosers, head_dim=16, num_hidden_layers=4, num_dense_layers=1, num_shared_experts=1, sliding_window=16, mup_enabled=True,
       route_norm=True, 
       layer_types=["sliding_attention"] * 3 + ["full_attention"], **EXPERTS)


def phi(config, tensors):
    """The class by the name that the hub has."""
    return {**config, "architectures": ["PhiMoEForCausalLM"]}, tensors


LONG = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0 + i / 8 for i in range(8)],
        "long_factor": [2.0 + i for i in range(8)], "short_mscale": 1.25, "long_mscale": 1.25, "original_max_position_embeddings": 1024}


def no_experts(torch, model):
    """Experts that do nothing: which ones are chosen, and how much they count, llama.cpp takes from a softmax, and the model's authors from SparseMixer."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("experts.down_proj"):
                p.zero_()


recipe("phimoe", "Phimoe", vocab="spm", main=phi, tweak=no_experts, max_position_embeddings=2048, num_local_experts=4, num_experts_per_tok=2, attention_bias=True, lm_head_bias=True,
       rope_parameters=LONG)


def signs(torch, model):
    """Matrices of one size in either sign: what the script's rounding leaves as it is."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 2 and "proj" in name:
                p.copy_(torch.where(p < 0, -0.125, 0.125))


def bitnet_names(config, tensors):
    """The names that the first models have, which the script knows."""
    names = {"mlp.ffn_sub_norm": "mlp.ffn_layernorm", "self_attn.attn_sub_norm": "self_attn.inner_attn_ln"}
    out = {}
    for name, t in tensors.items():
        for a, b in names.items():
            name = name.replace(a, b)
        out[name] = t
    return {**config, "architectures": ["BitnetForCausalLM"]}, out


recipe("bitnet", "BitNet", vocab="spm", tweak=signs, main=bitnet_names, hidden_act="silu", tie_word_embeddings=True)
WINDOWS = dict(num_hidden_layers=4, sliding_window=16, layer_types=["sliding_attention"] * 3 + ["full_attention"])
recipe("exaone-moe", "ExaoneMoe", forms=BOTH, tweak=choosers, head_dim=16, num_shared_experts=1, first_k_dense_replace=1, n_group=1, topk_group=1,
       routed_scaling_factor=2.5, norm_topk_prob=True, scoring_func="sigmoid", **WINDOWS, **EXPERTS)
SMALL_EYE = dict(depth=1, hidden_size=32, intermediate_size=48, num_heads=2, patch_size=4, out_hidden_size=64, num_position_embeddings=16,
                 spatial_merge_size=2, deepstack_visual_indexes=[0])


def text_fields(**fields):
    from recipes import SMALL

    return {**SMALL, **fields}


def seeing_hub(config, tensors):
    """The experts as the hub has them: matrices of [in, out]."""
    return config, {k: t.transpose(1, 2) if k.endswith(("experts.gate_up_proj", "experts.down_proj")) else t for k, t in tensors.items()}


def seeing_4x(config, tensors):
    rope = config["text_config"]["rope_parameters"]
    config, tensors = old_form(*seeing_hub(config, tensors))
    config["text_config"]["rope_scaling"] = {k: v for k, v in rope.items() if k != "rope_theta"}
    return config, tensors


recipe("qwen3vlmoe", "Qwen3VLMoe", model="Qwen3VLMoeForConditionalGeneration", pre="qwen2", small=False, main=seeing_hub,
       forms={"4x": seeing_4x, "5x": lambda config, tensors: (config, tensors)},
       text_config=text_fields(head_dim=16, rope_parameters={"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 2, 2],
                                                             "mrope_interleaved": True}, **EXPERTS),
       vision_config=SMALL_EYE, image_token_id=250, video_token_id=251, vision_start_token_id=252, vision_end_token_id=253)


def deepseek1(config, tensors):
    """The first DeepSeek MoE, out of a Qwen 2 MoE: no biases, a shared expert that always counts in full."""
    out = {}
    for name, t in tensors.items():
        if name.endswith(("_proj.bias", "shared_expert_gate.weight")):
            continue
        if name.endswith("shared_expert.down_proj.weight"):
            t = t / 2  # its gate was a half
        out[name.replace(".shared_expert.", ".shared_experts.")] = t
    keep = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
            "max_position_embeddings", "bos_token_id", "eos_token_id", "moe_intermediate_size", "num_experts_per_tok", "tie_word_embeddings")
    return {**{k: config[k] for k in keep}, "architectures": ["DeepseekForCausalLM"], "model_type": "deepseek", "rope_theta": 10000.0,
            "first_k_dense_replace": 1, "n_routed_experts": 8, "n_shared_experts": 1, "norm_topk_prob": False, "scoring_func": "softmax"}, out


def halved(torch, model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(("_proj.bias", "shared_expert_gate.weight")):
                p.zero_()


recipe("deepseek", "Qwen2Moe", main=deepseek1, tweak=halved, shared_expert_intermediate_size=48, decoder_sparse_step=1, mlp_only_layers=[0],
       norm_topk_prob=False, rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, **EXPERTS)


def ling2(config, tensors):
    """Ling 2, out of a GLM 4.5."""
    import torch

    names = {"self_attn.o_proj": "attention.dense", "self_attn.q_norm": "attention.query_layernorm", "self_attn.k_norm": "attention.key_layernorm",
             "mlp.gate.e_score_correction_bias": "mlp.gate.expert_bias", "embed_tokens": "word_embeddings"}
    out = {}
    for name, t in tensors.items():
        if ".k_proj." in name or ".v_proj." in name:
            continue
        if ".q_proj." in name:
            t = torch.cat([t, tensors[name.replace("q_proj", "k_proj")], tensors[name.replace("q_proj", "v_proj")]])
            name = name.replace("self_attn.q_proj", "attention.query_key_value")
        for a, b in names.items():
            name = name.replace(a, b)
        out[name] = t
    config = {**config, "architectures": ["BailingMoeV2ForCausalLM"], "model_type": "bailing_moe", "num_experts": config["n_routed_experts"],
              "num_shared_experts": 1, "score_function": "sigmoid", "partial_rotary_factor": 0.5, "rope_theta": 10000.0}
    for field in ("n_routed_experts", "n_shared_experts", "rope_parameters"):
        config.pop(field, None)
    return config, out


recipe("bailingmoe2", "Glm4Moe", main=ling2, tweak=choosers, head_dim=16, use_qk_norm=True, attention_bias=False,
       rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}, **{**DEEP, "n_group": 4, "topk_group": 2})
recipe("mellum", "Mellum", forms=BOTH, head_dim=16, **WINDOWS, **EXPERTS)
recipe("hy_v3", "HYV3", forms=BOTH, tweak=choosers, head_dim=16, num_shared_experts=1, first_k_dense_replace=1, **EXPERTS)


# Families that neither transformers nor a relative of theirs has: random tensors
# under their names, held against llama.cpp alone.
def rwkv_vocabulary(argv):
    import os

    folder = argv[1]
    for name in ("tokenizer.json", "tokenizer_config.json"):
        os.remove(os.path.join(folder, name))
    with open(os.path.join(folder, "rwkv_vocab_v20230424.txt"), "w", encoding="utf-8") as f:
        for i in range(1, 511):
            text = bytes([i - 1]) if i <= 256 else b"tok%d" % i
            literal = repr(text) if i > 128 and i <= 256 else repr(text.decode())
            f.write(f"{i} {literal} {len(text)}\n")


def randoms(shapes):
    import torch

    out = {}
    for name, shape in shapes.items():
        t = torch.randn(shape)
        if len([d for d in shape if d > 1]) > 1:
            t = t * shape[-1] ** -0.5
        elif "norm" in name or ".ln" in name or "ln_" in name:
            t = 0.2 * t + (0 if name.endswith("bias") else 1)
        else:
            t = 0.3 * t
        out[name] = t
    return out


def rwkv6(config, tensors):
    d, inner, heads = 64, 224, 4
    shapes = {"rwkv.embeddings.weight": [512, d], "head.weight": [512, d], "rwkv.ln_out.weight": [d], "rwkv.ln_out.bias": [d],
              "rwkv.blocks.0.pre_ln.weight": [d], "rwkv.blocks.0.pre_ln.bias": [d]}
    for i in range(3):
        at = f"rwkv.blocks.{i}."
        for name in ("ln1", "ln2", "attention.ln_x"):
            shapes[at + name + ".weight"] = shapes[at + name + ".bias"] = [d]
        for letter in "xwkvrg":
            shapes[at + "attention.time_maa_" + letter] = [1, 1, d]
        shapes.update({at + "attention.time_maa_w1": [d, 160], at + "attention.time_maa_w2": [5, 32, d], at + "attention.time_decay": [1, 1, d],
                       at + "attention.time_decay_w1": [d, 64], at + "attention.time_decay_w2": [64, d], at + "attention.time_faaaa": [heads, d // heads],
                       at + "feed_forward.time_maa_k": [1, 1, d], at + "feed_forward.time_maa_r": [1, 1, d], at + "feed_forward.key.weight": [inner, d],
                       at + "feed_forward.receptance.weight": [d, d], at + "feed_forward.value.weight": [d, inner]})
        for name in ("key", "value", "receptance", "gate", "output"):
            shapes[at + f"attention.{name}.weight"] = [d, d]
    config = {"architectures": ["Rwkv6ForCausalLM"], "model_type": "rwkv6", "hidden_size": d, "head_size": 16, "layer_norm_epsilon": 1e-5,
              "num_hidden_layers": 3, "rescale_every": 2, "intermediate_size": inner, "vocab_size": 512, "tie_word_embeddings": False}
    return config, randoms(shapes)


def rwkv7(config, tensors):
    d, inner = 128, 256  # llama.cpp's loops take heads of 64 for granted
    ranks = {"w": 32, "a": 32, "v": 32, "g": 64}
    shapes = {"model.embeddings.weight": [512, d], "lm_head.weight": [512, d], "model.norm.weight": [d], "model.norm.bias": [d],
              "model.layers.0.pre_norm.weight": [d], "model.layers.0.pre_norm.bias": [d]}
    for i in range(3):
        at = f"model.layers.{i}."
        for name in ("attn_norm", "ffn_norm", "attn.g_norm"):
            shapes[at + name + ".weight"] = shapes[at + name + ".bias"] = [d]
        for letter in "rwkvag":
            shapes[at + "attn.x_" + letter] = [1, 1, d]
        for name in ("k_k", "k_a"):
            shapes[at + "attn." + name] = [d]
        shapes[at + "attn.r_k"] = [2, 64]
        for letter, rank in ranks.items():
            if letter == "v" and i == 0:
                continue
            shapes[at + f"attn.{letter}_lora.lora.0.weight"] = [rank, d]
            shapes[at + f"attn.{letter}_lora.lora.2.weight"] = [d, rank]
            if letter != "g":
                shapes[at + f"attn.{letter}_lora.lora.2.bias"] = [d]
        for letter in "rkvo":
            shapes[at + f"attn.{letter}_proj.weight"] = [d, d]
        shapes.update({at + "ffn.x_k": [d], at + "ffn.key.weight": [inner, d], at + "ffn.value.weight": [d, inner]})
    config = {"architectures": ["RWKV7ForCausalLM"], "model_type": "rwkv7", "hidden_size": d, "head_dim": 64, "norm_eps": 1e-5, "num_hidden_layers": 3,
              "decay_low_rank_dim": 32, "a_low_rank_dim": 32, "v_low_rank_dim": 32, "gate_low_rank_dim": 64, "intermediate_size": inner,
              "vocab_size": 512, "tie_word_embeddings": False}
    return config, randoms(shapes)


recipe("rwkv6", "Mamba", main=rwkv6, script=rwkv_vocabulary, small=False, time_step_rank=8, **STATE)
recipe("rwkv7", "Mamba", main=rwkv7, script=rwkv_vocabulary, small=False, time_step_rank=8, **STATE)


def smallthinker(config, tensors):
    d, n, wide = 64, 8, 48
    shapes = {"model.embed_tokens.weight": [512, d], "model.norm.weight": [d], "lm_head.weight": [512, d]}
    for i in range(4):
        at = f"model.layers.{i}."
        shapes.update({at + "input_layernorm.weight": [d], at + "post_attention_layernorm.weight": [d], at + "self_attn.q_proj.weight": [d, d],
                       at + "self_attn.k_proj.weight": [d // 2, d], at + "self_attn.v_proj.weight": [d // 2, d], at + "self_attn.o_proj.weight": [d, d],
                       at + "block_sparse_moe.primary_router.weight": [n, d]})
        for e in range(n):
            for name in ("gate", "up", "down"):
                shapes[at + f"block_sparse_moe.experts.{e}.{name}.weight"] = [d, wide] if name == "down" else [wide, d]
    config = {"architectures": ["SmallThinkerForCausalLM"], "model_type": "smallthinker", "hidden_size": d, "head_dim": 16, "num_attention_heads": 4,
              "num_key_value_heads": 2, "num_hidden_layers": 4, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
              "moe_num_primary_experts": n, "moe_num_active_primary_experts": 2, "moe_ffn_hidden_size": wide, "moe_primary_router_apply_softmax": False,
              "sliding_window_layout": [0, 1, 1, 1], "sliding_window_size": 16, "vocab_size": 512, "tie_word_embeddings": False}
    return config, randoms(shapes)


recipe("smallthinker", "Mamba", main=smallthinker, pre="qwen2", small=False, time_step_rank=8, **STATE)


def plm(config, tensors):
    d, inner, rank = 64, 96, 32
    shapes = {"model.embed_tokens.weight": [512, d], "model.norm.weight": [d]}
    for i in range(3):
        at = f"model.layers.{i}."
        shapes.update({at + "input_layernorm.weight": [d], at + "post_attention_layernorm.weight": [d], at + "self_attn.q_proj.weight": [4 * 40, d],
                       at + "self_attn.kv_a_proj_with_mqa.weight": [rank + 16, d], at + "self_attn.kv_a_layernorm.weight": [rank],
                       at + "self_attn.kv_b_proj.weight": [4 * 44, rank], at + "self_attn.o_proj.weight": [d, 4 * 20],
                       at + "mlp.up_proj.weight": [inner, d], at + "mlp.down_proj.weight": [d, inner]})
    config = {"architectures": ["PLMForCausalLM"], "model_type": "plm", "hidden_size": d, "intermediate_size": inner, "num_attention_heads": 4,
              "num_key_value_heads": 4, "num_hidden_layers": 3, "max_position_embeddings": 256, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
              "kv_lora_rank": rank, "q_lora_rank": None, "qk_rope_head_dim": 16, "qk_nope_head_dim": 24, "v_head_dim": 20, "vocab_size": 512,
              "tie_word_embeddings": True}
    return config, randoms(shapes)


recipe("plm", "Mamba", main=plm, pre="qwen2", small=False, time_step_rank=8, **STATE)
recipe("youtu", "Youtu", forms={"4x": old_form}, kv_lora_rank=32, q_lora_rank=40, qk_rope_head_dim=16, qk_nope_head_dim=24, v_head_dim=20,
       num_key_value_heads=4, tie_word_embeddings=True)
recipe("lfm2vl", "Lfm2Vl", model="Lfm2VlForConditionalGeneration", small=False, tie_word_embeddings=True,
       text_config=text_fields(model_type="lfm2", num_hidden_layers=4, norm_eps=1e-5, conv_L_cache=3, block_multiple_of=8, layer_types=CONV,
                               tie_word_embeddings=True, architectures=["Lfm2ForCausalLM"]),
       vision_config=dict(model_type="siglip2_vision_model", hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
                          num_patches=16, patch_size=4), image_token_id=250)
