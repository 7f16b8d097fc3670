package convert

func init() { register("phimoe", phiMoE, "PhiMoEForCausalLM", "PhimoeForCausalLM") }

// phiMoE is Phi 3.5 MoE: biases everywhere, layer norms, experts.
func phiMoE(m *maker) {
	m.defaults(`{"rms_norm_eps": 1e-5, "rope_theta": 1000000.0}`)
	m.outline()
	m.choice()
	m.copyFloat("attention.layer_norm_rms_epsilon", "rms_norm_eps")
	m.copyRope("rope.freq_base", "rope_theta")
	m.setInt("rope.dimension_count", m.headDim())
	m.setInt("attention.sliding_window", m.intOr(0, "sliding_window"))
	if original, ok := m.ropeFloat("original_max_position_embeddings"); ok && original >= 1 && original < 1<<31 {
		m.setInt("rope.scaling.original_context_length", int(original))
		if m.longFactors(m.headDim()) {
			m.setFloat("rope.scaling.attn_factor", m.phiScale(original))
		}
	}
	n := m.int("num_local_experts", "num_experts")
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.linear("model.norm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	m.moveAny("lm_head.bias", "output.bias")
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.move(m.oneOf("block_sparse_moe.gate.weight", "mlp.router.weight"), "ffn_gate_inp.weight")
		m.experts(n, "block_sparse_moe.experts.", wNames)
	}
}

// phiScale is what attention's scores are multiplied by: the configuration's number
// for long contexts, where it is that for short ones, too; else what Phi 3 has.
func (m *maker) phiScale(original float64) float64 {
	long, ok := m.rope().Float("long_mscale")
	if short, alike := m.rope().Float("short_mscale"); ok && alike && long == short {
		return long
	}
	return m.longScale(m.float("max_position_embeddings")/original, original)
}
