package convert

func init() { register("plm", plm, "PLMForCausalLM") }

// plm is PLM 1.8B: keys and values out of one short vector, as DeepSeek V2 has
// them, but with the matrix that makes them whole; and a feed-forward without a gate.
func plm(m *maker) {
	m.transformer()
	m.copyInt("vocab_size", "vocab_size")
	turned, still, value := m.int("qk_rope_head_dim"), m.int("qk_nope_head_dim"), m.int("v_head_dim")
	m.setInt("attention.kv_lora_rank", m.int("kv_lora_rank"))
	m.setInt("attention.key_length", still+turned)
	m.setInt("attention.value_length", value)
	m.setInt("rope.dimension_count", turned)
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.linear("self_attn.q_proj", "attn_q")
		m.linear("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa")
		m.move("self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight")
		m.linear("self_attn.kv_b_proj", "attn_kv_b")
		m.linear("self_attn.o_proj", "attn_output")
		m.move("mlp.up_proj.weight", "ffn_up.weight")
		m.move("mlp.down_proj.weight", "ffn_down.weight")
	}
}
