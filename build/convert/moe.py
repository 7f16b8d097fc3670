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
