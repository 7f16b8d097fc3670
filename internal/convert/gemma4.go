package convert

func init() {
	register("gemma4", gemma4, "Gemma4ForCausalLM", "Gemma4ForConditionalGeneration", "Gemma4UnifiedForConditionalGeneration")
}

// gemma4 is Gemma 4, and the text part of those that see and hear. Layers that see
// everything have heads and rotations of their own; the large ones have a mixture of
// experts beside the feed-forward.
func gemma4(m *maker) {
	m.textOnly()
	m.defaults(`{"head_dim": 256, "global_head_dim": 512, "rms_norm_eps": 1e-6, "max_position_embeddings": 131072, "num_attention_heads": 8,
		"num_key_value_heads": 4, "vocab_size": 262144, "sliding_window": 512, "hidden_size_per_layer_input": 256, "num_kv_shared_layers": 0,
		"rope_parameters": {"sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
			"full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 1000000.0}}}`)
	m.transformer()
	m.gemmaLimits()
	if m.floatOr(0, "final_logit_softcapping") == 0 {
		m.setFloat("final_logit_softcapping", 0) // llama.cpp takes 30 where nothing says so
	}
	m.copyInt("expert_feed_forward_length", "expert_intermediate_size", "moe_intermediate_size")
	shared := m.int("num_kv_shared_layers")
	m.setInt("attention.shared_kv_layers", shared)
	own := m.int("hidden_size_per_layer_input")
	m.setInt("embedding_length_per_layer_input", own)
	sliding := m.slidingLayers(func(layer int) bool { return (layer+1)%6 != 0 && layer != m.layers-1 })
	m.setFlags("attention.sliding_window_pattern", sliding)
	full, local := m.int("global_head_dim"), m.int("head_dim")
	m.setInt("attention.key_length", full)
	m.setInt("attention.value_length", full)
	m.setInt("attention.key_length_swa", local)
	m.setInt("attention.value_length_swa", local)
	m.setInt("rope.dimension_count", full)
	m.setInt("rope.dimension_count_swa", local)
	if m.boolOr(false, "use_double_wide_mlp") {
		m.setInts("feed_forward_length", perLayer(m.layers, func(layer int) int {
			return m.int("intermediate_size") << choose(layer < m.layers-shared, 0, 1)
		}))
	}
	if m.config.Has("num_global_key_value_heads") && sliding != nil {
		m.setInts("attention.head_count_kv", perLayer(m.layers, func(layer int) int {
			return choose(sliding[layer], m.int("num_key_value_heads"), m.int("num_global_key_value_heads"))
		}))
	}
	m.proportionalFactors(full)
	m.gemma4Ends(own > 0)
	for m.nextLayer("model.layers.%d.") {
		m.gemmaPlainLayer()
		if own > 0 {
			m.layerInput()
		}
		m.moveAny("layer_scalar", "layer_output_scale.weight")
		if m.has("router.proj.weight") {
			m.gemma4Experts()
		}
	}
}

func (m *maker) gemma4Ends(own bool) {
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	if own {
		m.move("model.embed_tokens_per_layer.weight", "per_layer_token_embd.weight")
		m.move("model.per_layer_model_projection.weight", "per_layer_model_proj.weight")
		m.move("model.per_layer_projection_norm.weight", "per_layer_proj_norm.weight")
	}
}

// gemma4Experts moves a layer's experts, their router and the norms around them.
func (m *maker) gemma4Experts() {
	m.move("router.proj.weight", "ffn_gate_inp.weight")
	m.move("router.scale", "ffn_gate_inp.scale")
	m.move("router.per_expert_scale", "ffn_down_exps.scale")
	m.move("pre_feedforward_layernorm_2.weight", "pre_ffw_norm_2.weight")
	m.move("post_feedforward_layernorm_1.weight", "post_ffw_norm_1.weight")
	m.move("post_feedforward_layernorm_2.weight", "post_ffw_norm_2.weight")
	m.move("experts.gate_up_proj", "ffn_gate_up_exps.weight")
	m.move("experts.down_proj", "ffn_down_exps.weight")
}

// proportionalFactors puts the factors of layers that see everything: only the
// first share of a head's pairs turns, the others' angles are divided by so much
// that they stay 0.
func (m *maker) proportionalFactors(dim int) {
	if kind := m.ropeType(); kind != "proportional" {
		m.fail("%s: \"rope_parameters\": layers with full attention turn in the way %q, want \"proportional\"", m.config.File(), kind)
		return
	}
	if dim > 1<<20 {
		m.fail("%s: heads of %d", m.config.File(), dim)
		return
	}
	turning := int(float64(dim) * m.ropeFloatOr(0.25, "partial_rotary_factor") / 2)
	factors := make([]float32, dim/2)
	for i := range factors {
		factors[i] = choose[float32](i < turning, 1, 1e30)
	}
	m.put("rope_freqs.weight", vector("rope_freqs", factors))
}

// perLayer is a list of one number for each layer.
func perLayer(layers int, number func(layer int) int) []int32 {
	list := make([]int32, layers)
	for i := range list {
		list[i] = int32(number(i))
	}
	return list
}

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}
