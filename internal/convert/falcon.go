package convert

func init() {
	register("falcon", falcon, "FalconForCausalLM", "RWForCausalLM")
}

// falcon is Falcon 7B and 40B: for each head of keys, its queries, the key and the
// value stand together. Those with biases by distance are refused.
func falcon(m *maker) {
	if m.boolOr(false, "alibi") {
		m.fail("%s: \"alibi\": Falcon with biases by distance is not known", m.config.File())
	}
	m.defaults(`{"layer_norm_epsilon": 1e-5}`)
	m.outline()
	m.copyFloat("attention.layer_norm_epsilon", "layer_norm_epsilon")
	heads, _ := m.heads()
	keys := m.falconKeys(heads)
	width := m.width()
	dim := width / heads
	m.setInt("context_length", 2048) // of the models that there are; configurations do not say it
	m.setText("tensor_data_layout", "jploski")
	m.setInt("feed_forward_length", m.intOr(4*width, "ffn_hidden_size"))
	m.setInt("attention.head_count_kv", keys)
	m.move("transformer.word_embeddings.weight", "token_embd.weight")
	m.linear("transformer.ln_f", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("transformer.h.%d.") {
		if m.has("ln_attn.weight") {
			m.linear("ln_attn", "attn_norm_2")
			m.linear("ln_mlp", "attn_norm")
		} else {
			m.linear("input_layernorm", "attn_norm")
		}
		m.ungrouped("self_attention.query_key_value", keys, heads/keys*dim, dim, dim)
		m.linear("self_attention.dense", "attn_output")
		m.linear("mlp.dense_h_to_4h", "ffn_up")
		m.linear("mlp.dense_4h_to_h", "ffn_down")
	}
}

// falconKeys is the number of heads of keys: 40B says it, 7B has one.
func (m *maker) falconKeys(heads int) int {
	keys := 1
	if m.boolOr(false, "new_decoder_architecture") || !m.config.Has("multi_query") {
		keys = m.intOr(1, "num_kv_heads", "n_head_kv")
	} else if !m.boolOr(true, "multi_query") {
		keys = heads
	}
	if keys < 1 || heads%keys != 0 {
		m.fail("%s: %d heads of queries for %d of keys", m.config.File(), heads, keys)
		return 1
	}
	return keys
}
