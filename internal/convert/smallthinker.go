package convert

func init() { register("smallthinker", smallThinker, "SmallThinkerForCausalLM") }

// smallThinker is PowerInfer's SmallThinker: experts chosen before attention.
func smallThinker(m *maker) {
	m.transformer()
	n := m.int("moe_num_primary_experts", "num_local_experts", "num_experts")
	m.setInt("expert_count", n)
	m.setInt("expert_used_count", m.int("moe_num_active_primary_experts", "num_experts_per_tok"))
	width := m.int("moe_ffn_hidden_size")
	m.setInt("expert_feed_forward_length", width)
	m.setInt("feed_forward_length", width)
	m.setInt("expert_gating_func", gateSigmoid)
	if m.boolOr(false, "moe_primary_router_apply_softmax") {
		m.setInt("expert_gating_func", gateSoftmax)
	}
	layout, _ := m.config.Floats("sliding_window_layout")
	for _, windowed := range layout {
		if windowed != 0 && m.intOr(0, "sliding_window_size") > 0 {
			m.setInt("attention.sliding_window", m.int("sliding_window_size"))
			break
		}
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.move("block_sparse_moe.primary_router.weight", "ffn_gate_inp.weight")
		m.experts(n, "block_sparse_moe.experts.", expertNames{"gate", "up", "down", "gate_up", "down"})
	}
}
