package convert

func init() {
	register("olmoe", olmoe, "OlmoeForCausalLM")
	register("minimax-m2", minimaxM2, "MiniMaxM2ForCausalLM")
}

// olmoe is OLMoE: experts in every layer, norms over all heads of queries and keys.
func olmoe(m *maker) {
	m.defaults(`{"rms_norm_eps": 1e-5}`)
	m.transformer()
	m.weightsNormed(false)
	if m.config.Has("clip_qkv") {
		m.fail("%s: \"clip_qkv\": OLMoE's files cannot say it", m.config.File())
	}
	n := m.int("num_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		m.move("mlp.gate.weight", "ffn_gate_inp.weight")
		m.experts(n, "mlp.experts.", projNames)
	}
}

// minimaxM2 is MiniMax-M2.
func minimaxM2(m *maker) {
	m.defaults(`{"scoring_func": "sigmoid"}`)
	m.transformer()
	m.setInt("expert_feed_forward_length", m.int("intermediate_size"))
	m.setInt("rope.dimension_count", m.rotaryDim())
	n := m.int("num_local_experts", "num_experts")
	m.ends()
	m.leaveLayersAfter()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		m.move(m.oneOf("block_sparse_moe.gate.weight", "mlp.gate.weight"), "ffn_gate_inp.weight")
		m.moveAny(m.oneOf("block_sparse_moe.e_score_correction_bias", "mlp.e_score_correction_bias"), "exp_probs_b.bias")
		m.experts(n, "block_sparse_moe.experts.", wNames)
	}
}

// rotaryDim is how many elements of a head turn: said so, or as a share.
func (m *maker) rotaryDim() int {
	if dim := m.intOr(0, "rotary_dim"); dim > 0 {
		return dim
	}
	return m.rotated(m.headDim(), 1)
}

// normedHeads moves the norms of queries and keys, if there are any.
func (m *maker) normedHeads(queries, keys string) {
	m.linearAny(queries, "attn_q_norm")
	m.linearAny(keys, "attn_k_norm")
}
