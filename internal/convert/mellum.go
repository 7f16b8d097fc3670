package convert

func init() {
	register("mellum", mellum, "MellumForCausalLM")
	register("hy_v3", hunyuan3, "HYV3ForCausalLM")
}

// mellum is JetBrains' Mellum 2: Qwen 3 with experts, and windows in most layers.
func mellum(m *maker) {
	m.transformer()
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	if m.boolOr(true, "use_sliding_window") && m.config.Has("sliding_window") {
		m.setInt("attention.sliding_window", m.int("sliding_window"))
		if list := m.slidingLayers(nil); list != nil {
			m.setFlags("attention.sliding_window_pattern", list)
		}
	}
	n := m.int("num_experts", "num_local_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		m.qwenExperts(n)
	}
}

// hunyuan3 is Tencent's Hy3.
func hunyuan3(m *maker) {
	m.transformer()
	width := m.int("moe_intermediate_size")
	m.setInt("expert_feed_forward_length", width)
	m.setInt("expert_shared_feed_forward_length", width*m.intOr(1, "num_shared_experts"))
	m.setBool("expert_weights_norm", m.boolOr(true, "route_norm"))
	m.setFloat("expert_weights_scale", m.floatOr(1, "router_scaling_factor"))
	m.setInt("expert_gating_func", gateSigmoid)
	n := m.int("num_experts", "num_local_experts")
	m.ends()
	m.leaveLayersAfter()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		if m.has("mlp.gate_proj.weight") {
			m.gated()
			continue
		}
		m.move(m.oneOf("mlp.router.gate.weight", "mlp.gate.weight"), "ffn_gate_inp.weight")
		m.moveAny(m.oneOf("mlp.expert_bias", "mlp.e_score_correction_bias", "mlp.gate.e_score_correction_bias"), "exp_probs_b")
		m.experts(n, "mlp.experts.", projNames)
		m.shared(m.trimmedTo("mlp.shared_mlp.", "mlp.shared_experts."))
	}
}

// trimmedTo is the first of the prefixes under which an expert's matrices stand.
func (m *maker) trimmedTo(prefixes ...string) string {
	for _, p := range prefixes {
		if m.has(p + "up_proj.weight") {
			return p
		}
	}
	return prefixes[0]
}
