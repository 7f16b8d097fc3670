package convert

func init() {
	register("qwen2moe", qwenMoE, "Qwen2MoeForCausalLM")
	register("qwen3moe", qwenMoE, "Qwen3MoeForCausalLM")
}

// qwenMoE is Qwen 1.5 and 2 MoE, with an expert that every token goes through,
// and Qwen 3 MoE, without one.
func qwenMoE(m *maker) {
	m.transformer()
	m.qwenExpertWidths()
	n := m.int("num_experts", "num_local_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.moveAny("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.qwenExperts(n)
	}
}

func (m *maker) qwenExpertWidths() {
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	m.copyInt("expert_shared_feed_forward_length", "shared_expert_intermediate_size")
}

// qwenExperts puts n experts and, where there is one, the shared expert with the
// gate that it has of its own.
func (m *maker) qwenExperts(n int) {
	m.move("mlp.gate.weight", "ffn_gate_inp.weight")
	m.experts(n, "mlp.experts.", projNames)
	if m.has("mlp.shared_expert.up_proj.weight") {
		m.shared("mlp.shared_expert.")
		m.move("mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight")
	}
}
