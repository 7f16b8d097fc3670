"""More dense decoders, and the text parts of models that see."""

from recipes import layer_scalars, old_form, recipe

OLD = {"4x": old_form}

recipe("jais2", "Jais2", pre="llama-bpe", head_dim=16)
recipe("hrm-text", "HrmText", num_hidden_layers=2, num_key_value_heads=None, head_dim=16, H_cycles=2, L_cycles=2, prefix_lm=False,
       embedding_scale=5.0)

TEXT = dict(vocab_size=512, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=256, rms_norm_eps=1e-6, bos_token_id=1, eos_token_id=2, pad_token_id=0)
IDS = dict(image_token_id=510, video_token_id=509, vision_start_token_id=507, vision_end_token_id=508, ids_below=500)
# llama.cpp reads no epsilon for Qwen 2 that sees: with that of real models it does not matter.
SECTIONS = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}

recipe("qwen2vl", "Qwen2VL", model="Qwen2VLForConditionalGeneration", pre="qwen2", small=False, text_config=dict(TEXT, rope_parameters=SECTIONS),
       vision_config=dict(depth=1, embed_dim=32, hidden_size=64, num_heads=2, mlp_ratio=2), **IDS)
recipe("qwen2_5vl", "Qwen2_5_VL", model="Qwen2_5_VLForConditionalGeneration", pre="qwen2", small=False,
       text_config=dict(TEXT, rope_parameters=SECTIONS),
       vision_config=dict(depth=1, hidden_size=32, intermediate_size=48, out_hidden_size=64, num_heads=2), **IDS)
recipe("qwen3vl", "Qwen3VL", model="Qwen3VLForConditionalGeneration", pre="qwen2", small=False,
       text_config=dict(TEXT, head_dim=16, rope_parameters={**SECTIONS, "mrope_section": [3, 3, 2]}),
       vision_config=dict(depth=2, hidden_size=32, intermediate_size=48, out_hidden_size=64, num_heads=2, num_position_embeddings=64,
                          deepstack_visual_indexes=[0, 1]), **IDS)

PIXTRAL = dict(model_type="pixtral", hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, head_dim=16,
               image_size=28, patch_size=14)
recipe("mistral3-vision", "Mistral3", model="Mistral3ForConditionalGeneration", pre="llama-bpe", small=False,
       text_config=dict(TEXT, model_type="mistral", head_dim=24), vision_config=PIXTRAL, image_token_index=510, ids_below=500)
recipe("gemma4-vision", "Gemma4", model="Gemma4ForConditionalGeneration", vocab="spm", pre="gemma", small=False,
       text_config=dict(TEXT, vocab_size=480, head_dim=16, global_head_dim=32, sliding_window=16, num_hidden_layers=6,
                        hidden_size_per_layer_input=32, vocab_size_per_layer_input=480, bos_token_id=2, eos_token_id=1),
       vision_config=dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, head_dim=16),
       audio_config=None, tweak=layer_scalars, image_token_id=479, video_token_id=478, audio_token_id=477, boi_token_id=476, eoi_token_id=475, ids_below=470)


def pangu(config, tensors):
    config = old_form(config, {})[0]
    return {**config, "architectures": ["PanguEmbeddedForCausalLM"], "model_type": "PanguEmbedded", "bias": True}, tensors


recipe("pangu", "Llama", main=pangu, attention_bias=True, vocab="spm")


def maincoder(config, tensors):
    config = old_form(config, {})[0]
    tensors = {k.replace("query_layernorm", "q_norm").replace("key_layernorm", "k_norm"): v for k, v in tensors.items()}
    for name, tensor in tensors.items():
        if "q_proj" in name or "k_proj" in name or "q_norm" in name or "k_norm" in name:
            heads = tensor.shape[0] // 16
            tensors[name] = tensor.reshape(heads, 2, 8, -1).swapaxes(1, 2).reshape(tensor.shape).contiguous()
    return {**config, "architectures": ["MaincoderForCausalLM"], "model_type": "maincoder"}, tensors


# Like Hunyuan, it norms queries and keys after they have turned; neighbours turn together.
recipe("maincoder", "HunYuanDenseV1", pre="qwen2", main=maincoder, head_dim=16)
