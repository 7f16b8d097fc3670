package convert

import "math"

func init() {
	register("phi2", phi2, "PhiForCausalLM")
	register("phi3", phi3, "Phi3ForCausalLM")
}

// phi2 is Phi 1 to 2: attention and feed-forward side by side, layer norms, biases.
func phi2(m *maker) {
	m.defaults(`{"layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5}`)
	m.outline()
	m.copyFloat("attention.layer_norm_epsilon", "layer_norm_epsilon", "layer_norm_eps")
	m.copyRope("rope.freq_base", "rope_theta")
	heads, keys := m.heads()
	m.setInt("feed_forward_length", m.intOr(4*m.width(), "intermediate_size"))
	m.setInt("attention.head_count_kv", keys)
	m.setInt("rope.dimension_count", m.rotated(m.width(), 0.5)/heads)
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.linear("model.final_layernorm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	m.move("lm_head.bias", "output.bias")
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("model.layers.%d.") {
		m.linear("input_layernorm", "attn_norm")
		m.linear("self_attn.q_proj", "attn_q")
		m.linear("self_attn.k_proj", "attn_k")
		m.linear("self_attn.v_proj", "attn_v")
		m.linear("self_attn.dense", "attn_output")
		m.linear("mlp.fc1", "ffn_up")
		m.linear("mlp.fc2", "ffn_down")
	}
}

// phi3 is Phi 3 and 4: fused matrices, and two lists of factors for long contexts.
func phi3(m *maker) {
	m.defaults(`{"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "original_max_position_embeddings": 4096}`)
	m.outline()
	m.copyFloat("attention.layer_norm_rms_epsilon", "rms_norm_eps")
	m.copyRope("rope.freq_base", "rope_theta")
	heads, _ := m.heads()
	dims := m.rotated(m.width(), 1) / heads
	context := m.int("n_positions", "max_position_embeddings")
	original, _ := m.ropeFloat("original_max_position_embeddings")
	m.setInt("rope.scaling.original_context_length", int(original))
	m.setInt("rope.dimension_count", dims)
	m.setInt("attention.sliding_window", m.intOr(0, "sliding_window"))
	m.statedWindows(everyLayer)
	if m.longFactors(dims) {
		m.setFloat("rope.scaling.attn_factor", m.longScale(float64(context)/original, original))
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.move("self_attn.qkv_proj.weight", "attn_qkv.weight")
		m.move("self_attn.o_proj.weight", "attn_output.weight")
		m.move("mlp.gate_up_proj.weight", "ffn_up.weight")
		m.move("mlp.down_proj.weight", "ffn_down.weight")
	}
}

// longScale is what attention's scores are multiplied by where the context is
// scale times as long as the original one.
func (m *maker) longScale(scale, original float64) float64 {
	switch kind := m.ropeType(); {
	case kind != "su" && kind != "longrope" && kind != "yarn":
		m.fail("%s: rotation of type %q has no factors for long contexts", m.config.File(), kind)
	case scale <= 1:
	case kind == "yarn":
		return 0.1*math.Log(scale) + 1
	case original > 1:
		return math.Sqrt(1 + math.Log(scale)/math.Log(original))
	}
	return 1
}
