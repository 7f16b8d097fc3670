package convert

func init() {
	register("glm4moe", glm4MoE, "Glm4MoeForCausalLM")
	register("dots1", dots1, "Dots1ForCausalLM")
}

// glm4MoE is GLM 4.5 to 4.7.
func glm4MoE(m *maker) {
	m.textOnly()
	m.transformer()
	m.setInt("rope.dimension_count", m.rotated(m.headDim(), 0.5))
	m.deepSeekKeys()
	m.setInt("expert_gating_func", gateSigmoid)
	dense, n := m.int("first_k_dense_replace"), m.int("n_routed_experts")
	m.ends()
	m.leaveLayersAfter()
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.move("post_attention_layernorm.weight", "post_attention_norm.weight")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		if m.layer < dense {
			m.gated()
		} else {
			m.deepSeekExperts(n)
		}
	}
}

// deepSeekKeys sets the keys of experts as DeepSeek names their fields.
func (m *maker) deepSeekKeys() {
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	m.copyInt("expert_shared_count", "n_shared_experts")
	m.copyInt("leading_dense_block_count", "first_k_dense_replace")
	m.copyFloat("expert_weights_scale", "routed_scaling_factor")
	m.copyBool("expert_weights_norm", "norm_topk_prob")
}

// dots1 is dots.llm1.
func dots1(m *maker) {
	m.defaults(`{"scoring_func": "sigmoid"}`)
	m.transformer()
	m.deepSeekKeys()
	dense, n := m.int("first_k_dense_replace"), m.int("n_routed_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		if m.layer < dense {
			m.gated()
		} else {
			m.deepSeekExperts(n)
		}
	}
}
