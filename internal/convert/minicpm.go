package convert

import "math"

func init() {
	register("minicpm", miniCPM, "MiniCPMForCausalLM")
	register("minicpm3", miniCPM3, "MiniCPM3ForCausalLM")
}

// miniCPM is MiniCPM 1, 2 and 4: Llama with factors of embedding, residual stream
// and logits.
func miniCPM(m *maker) {
	m.transformer()
	heads, keys := m.heads()
	m.setFloat("embedding_scale", m.float("scale_emb"))
	m.setFloat("residual_scale", m.float("scale_depth")/math.Sqrt(float64(m.layers)))
	m.setFloat("logit_scale", float64(m.width())/m.float("dim_model_base"))
	m.longFactors(m.width() / heads)
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.turnedProjections(heads, keys)
		m.gated()
	}
}

// miniCPM3 is MiniCPM 3: keys and values are computed from a short vector.
func miniCPM3(m *maker) {
	m.ignore("head_dim")
	m.outline()
	m.setFloat("attention.layer_norm_rms_epsilon", m.float("rms_norm_eps"))
	m.setInt("vocab_size", m.int("vocab_size"))
	m.copyInt("attention.q_lora_rank", "q_lora_rank")
	m.setInt("attention.kv_lora_rank", m.int("kv_lora_rank"))
	turning := m.int("qk_rope_head_dim")
	m.setInt("attention.key_length", m.int("qk_nope_head_dim")+turning)
	m.setInt("rope.dimension_count", turning)
	m.copyRope("rope.freq_base", "rope_theta")
	m.longFactors(turning)
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.move("self_attn.q_a_proj.weight", "attn_q_a.weight")
		m.move("self_attn.q_a_layernorm.weight", "attn_q_a_norm.weight")
		m.move("self_attn.q_b_proj.weight", "attn_q_b.weight")
		m.move("self_attn.kv_a_proj_with_mqa.weight", "attn_kv_a_mqa.weight")
		m.move("self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight")
		m.move("self_attn.kv_b_proj.weight", "attn_kv_b.weight")
		m.move("self_attn.o_proj.weight", "attn_output.weight")
		m.gated()
	}
}
