"""Families that transformers has no class for: models of related ones, whose
tensors and fields then get the names that the families' own code gives them."""

import re

from recipes import NULL, old_form, recipe  # noqa: F401


def renamed(tensors, *rules):
    """Names that regular expressions change: the first that fits."""
    out = {}
    for name, tensor in tensors.items():
        for pattern, to in rules:
            new, n = re.subn(pattern, to, name)
            if n:
                name = new
                break
        out[name] = tensor
    return out


def fused(tensors, pattern, names, to, join):
    """Joins tensors: for each {name} of pattern with %s the given names, to gets join([...])."""
    out = dict(tensors)
    for name in tensors:
        match = re.fullmatch(pattern % names[0], name)
        if match:
            parts = [out.pop(name.replace(names[0], n)) for n in names]
            out[match.expand(to)] = join(parts)
    return out


def rows(parts):
    import torch

    return torch.cat(parts)


def remote(config, architecture, model_type, drop=(), **fields):
    """config.json as a repository with its own code has it."""
    config = old_form(config, {})[0]
    for name in ("head_dim", "attention_bias", "mlp_bias", *drop):
        config.pop(name, None)
    return {**config, "architectures": [architecture], "model_type": model_type, **fields}


def internlm2(config, tensors):
    keys, each = config["num_key_value_heads"], config["num_attention_heads"] // config["num_key_value_heads"]

    def join(parts):
        import torch

        width = parts[0].shape[-1]
        q, k, v = (p.reshape(keys, n, -1, width) for p, n in zip(parts, (each, 1, 1)))
        return torch.cat([q, k, v], dim=1).reshape(-1, width)

    tensors = fused(tensors, r"model\.layers\.(\d+)\.self_attn\.%s\.weight", ["q_proj", "k_proj", "v_proj"],
                    r"model.layers.\1.attention.wqkv.weight", join)
    tensors = renamed(
        tensors, (r"model\.embed_tokens", "model.tok_embeddings"), (r"^lm_head", "output"), (r"self_attn\.o_proj", "attention.wo"),
        (r"mlp\.gate_proj", "feed_forward.w1"), (r"mlp\.up_proj", "feed_forward.w3"), (r"mlp\.down_proj", "feed_forward.w2"),
        (r"input_layernorm", "attention_norm"), (r"post_attention_layernorm", "ffn_norm"))
    return remote(config, "InternLM2ForCausalLM", "internlm2", bias=False), tensors


recipe("internlm2", "Llama", vocab="spm", main=internlm2, vocab_size=480)


def minicpm(config, tensors):
    fields = dict(scale_emb=12, scale_depth=1.4, dim_model_base=16)
    drop = ("attention_multiplier", "embedding_multiplier", "residual_multiplier", "logits_scaling")
    return remote(config, "MiniCPMForCausalLM", "minicpm", drop, **fields), tensors


recipe("minicpm", "Granite", vocab="spm", main=minicpm, attention_multiplier=0.25, embedding_multiplier=12.0,
       residual_multiplier=1.4 / 3 ** 0.5, logits_scaling=4.0)


def exaone(config, tensors):
    tensors = renamed(
        tensors, (r"model\.embed_tokens", "transformer.wte"), (r"model\.norm", "transformer.ln_f"),
        (r"model\.layers\.(\d+)\.self_attn\.o_proj", r"transformer.h.\1.attn.attention.out_proj"),
        (r"model\.layers\.(\d+)\.self_attn", r"transformer.h.\1.attn.attention"),
        (r"model\.layers\.(\d+)\.mlp\.gate_proj", r"transformer.h.\1.mlp.c_fc_0"),
        (r"model\.layers\.(\d+)\.mlp\.up_proj", r"transformer.h.\1.mlp.c_fc_1"),
        (r"model\.layers\.(\d+)\.mlp\.down_proj", r"transformer.h.\1.mlp.c_proj"),
        (r"model\.layers\.(\d+)\.input_layernorm", r"transformer.h.\1.ln_1"),
        (r"model\.layers\.(\d+)\.post_attention_layernorm", r"transformer.h.\1.ln_2"))
    fields = dict(num_layers=config["num_hidden_layers"], layer_norm_epsilon=config["rms_norm_eps"], activation_function="silu")
    return remote(config, "ExaoneForCausalLM", "exaone", ("num_hidden_layers", "rms_norm_eps", "hidden_act"), **fields), tensors


recipe("exaone", "Llama", pre="llama-bpe", main=exaone)
recipe("exaone-llama3", "Llama", pre="llama-bpe", main=exaone, rope_parameters={
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64})


def baichuan(config, tensors):
    tensors = fused(tensors, r"model\.layers\.(\d+)\.self_attn\.%s\.weight", ["q_proj", "k_proj", "v_proj"],
                    r"model.layers.\1.self_attn.W_pack.weight", rows)
    fields = dict(model_max_length=config["max_position_embeddings"])
    return remote(config, "BaichuanForCausalLM", "baichuan", ("num_key_value_heads",), **fields), tensors


# llama.cpp tells 7B, which turns, from 13B, which does not, by the number of layers.
recipe("baichuan", "Llama", vocab="spm", main=baichuan, num_hidden_layers=32, hidden_size=32, intermediate_size=32,
       num_attention_heads=2, num_key_value_heads=2)


def xverse(config, tensors):
    return remote(config, "XverseForCausalLM", "xverse", ("num_key_value_heads",)), tensors


recipe("xverse", "Llama", vocab="spm", main=xverse, vocab_size=481, num_key_value_heads=4)


def orion(config, tensors):
    drop = ("use_parallel_residual", "qk_layernorm", "use_qkv_bias", "layer_norm_eps", "partial_rotary_factor")
    fields = dict(rms_norm_eps=config["layer_norm_eps"], max_sequence_length=config["max_position_embeddings"])
    return remote(config, "OrionForCausalLM", "orion", drop, **fields), tensors


recipe("orion", "StableLm", vocab="spm", main=orion, use_parallel_residual=False, use_qkv_bias=False,
       rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0})


def qwen1(config, tensors):
    for part in ("weight", "bias"):
        tensors = fused(tensors, r"model\.layers\.(\d+)\.self_attn\.%s\." + part, ["q_proj", "k_proj", "v_proj"],
                        r"transformer.h.\1.attn.c_attn." + part, rows)
    tensors = renamed(
        tensors, (r"model\.embed_tokens", "transformer.wte"), (r"model\.norm", "transformer.ln_f"),
        (r"model\.layers\.(\d+)\.self_attn\.o_proj", r"transformer.h.\1.attn.c_proj"),
        (r"model\.layers\.(\d+)\.mlp\.gate_proj", r"transformer.h.\1.mlp.w2"),
        (r"model\.layers\.(\d+)\.mlp\.up_proj", r"transformer.h.\1.mlp.w1"),
        (r"model\.layers\.(\d+)\.mlp\.down_proj", r"transformer.h.\1.mlp.c_proj"),
        (r"model\.layers\.(\d+)\.input_layernorm", r"transformer.h.\1.ln_1"),
        (r"model\.layers\.(\d+)\.post_attention_layernorm", r"transformer.h.\1.ln_2"))
    fields = dict(intermediate_size=2 * config["intermediate_size"], layer_norm_epsilon=config["rms_norm_eps"], rotary_emb_base=10000,
                  rotary_pct=1.0, seq_length=256)
    return remote(config, "QWenLMHeadModel", "qwen", ("rms_norm_eps", "num_key_value_heads", "rope_theta"), **fields), tensors


recipe("qwen", "Qwen2", pre="qwen2", main=qwen1, num_key_value_heads=4)


def chatglm(config, tensors):
    for part in ("weight", "bias"):
        tensors = fused(tensors, r"model\.layers\.(\d+)\.self_attn\.%s\." + part, ["q_proj", "k_proj", "v_proj"],
                        r"transformer.encoder.layers.\1.self_attention.query_key_value." + part, rows)
    tensors = renamed(
        tensors, (r"model\.embed_tokens", "transformer.embedding.word_embeddings"), (r"model\.norm", "transformer.encoder.final_layernorm"),
        (r"^lm_head", "transformer.output_layer"),
        (r"model\.layers\.(\d+)\.self_attn\.o_proj", r"transformer.encoder.layers.\1.self_attention.dense"),
        (r"model\.layers\.(\d+)\.mlp\.gate_up_proj", r"transformer.encoder.layers.\1.mlp.dense_h_to_4h"),
        (r"model\.layers\.(\d+)\.mlp\.down_proj", r"transformer.encoder.layers.\1.mlp.dense_4h_to_h"),
        (r"model\.layers\.(\d+)\.(input|post_attention)_layernorm", r"transformer.encoder.layers.\1.\2_layernorm"))
    fields = dict(ffn_hidden_size=config["intermediate_size"], layernorm_epsilon=config["rms_norm_eps"], num_layers=config["num_hidden_layers"],
                  multi_query_attention=True, multi_query_group_num=config["num_key_value_heads"], kv_channels=16, rope_ratio=500,
                  seq_length=256, padded_vocab_size=512)
    drop = ("intermediate_size", "rms_norm_eps", "num_hidden_layers", "num_key_value_heads", "rope_theta", "partial_rotary_factor",
            "max_position_embeddings", "hidden_act")
    return remote(config, "ChatGLMModel", "chatglm", drop, **fields), tensors


recipe("glm", "Glm", forms={"4x": old_form, "remote": chatglm}, head_dim=16, attention_bias=True,
       rope_parameters={"rope_type": "default", "rope_theta": 5000000.0, "partial_rotary_factor": 0.5})


def minicpm3(config, tensors):
    """DeepSeek V2 without experts, whose neighbours turn: here halves do. What MiniCPM 3 multiplies by is divided out of the matrices."""
    import torch

    heads, nope, turn, rank = config["num_attention_heads"], config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["kv_lora_rank"]
    order = torch.cat([torch.arange(0, turn, 2), torch.arange(1, turn, 2)])
    out = {}
    for name, t in tensors.items():
        if "embed_tokens" in name:
            t = t / 12
        elif "lm_head" in name:
            t = t * config["hidden_size"] / 256
        elif "o_proj" in name or "down_proj" in name:
            t = t / (1.4 / config["num_hidden_layers"] ** 0.5)
        elif "q_b_proj" in name:
            q = t.reshape(heads, nope + turn, -1)
            t = torch.cat([q[:, :nope], q[:, nope:][:, order]], dim=1).reshape(t.shape)
        elif "kv_a_proj_with_mqa" in name:
            t = torch.cat([t[:rank], t[rank:][order]])
        out[name] = t
    fields = dict(scale_emb=12, scale_depth=1.4, dim_model_base=256)
    drop = ("first_k_dense_replace", "n_routed_experts", "moe_intermediate_size", "n_group", "topk_group", "num_experts_per_tok", "n_shared_experts")
    return remote(config, "MiniCPM3ForCausalLM", "minicpm3", drop, **fields), out


recipe("minicpm3", "DeepseekV2", vocab="spm", main=minicpm3, num_key_value_heads=4, first_k_dense_replace=3, q_lora_rank=32, kv_lora_rank=32,
       qk_nope_head_dim=16, qk_rope_head_dim=8, v_head_dim=16)
