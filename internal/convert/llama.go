package convert

func init() {
	register("llama", llama, "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM")
}

// llama is Llama 1 to 3, Mistral, SmolLM2 and all that have their form.
func llama(m *maker) {
	m.transformer()
	heads := m.int("num_attention_heads")
	keys := m.intOr(heads, "num_key_value_heads")
	m.setInt("vocab_size", m.int("vocab_size"))
	m.setInt("rope.dimension_count", m.intOr(m.int("hidden_size")/max(heads, 1), "head_dim"))
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.put("attn_q.weight", m.source("self_attn.q_proj.weight").turned(heads))
		m.put("attn_k.weight", m.source("self_attn.k_proj.weight").turned(keys))
		m.move("self_attn.v_proj.weight", "attn_v.weight")
		m.move("self_attn.o_proj.weight", "attn_output.weight")
		m.move("post_attention_layernorm.weight", "ffn_norm.weight")
		m.gated()
	}
}
