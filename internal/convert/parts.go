package convert

// Parts that many families have.

// transformer sets the keys that nearly every decoder has, and the number of layers.
func (m *maker) transformer() {
	m.layers = m.int("num_hidden_layers", "n_layer", "n_layers", "num_layers")
	m.setInt("block_count", m.layers)
	m.setInt("context_length", m.int("max_position_embeddings", "n_ctx", "n_positions", "max_length", "model_max_length"))
	m.setInt("embedding_length", m.int("hidden_size", "n_embd", "dim", "d_model"))
	m.setInt("feed_forward_length", m.int("intermediate_size", "n_inner", "hidden_dim", "ffn_dim"))
	heads := m.int("num_attention_heads", "n_head", "n_heads")
	m.setInt("attention.head_count", heads)
	m.setInt("attention.head_count_kv", m.intOr(heads, "num_key_value_heads"))
	m.setFloat("rope.freq_base", m.floatOr(10000, "rope_theta", "rotary_emb_base"))
	m.setFloat("attention.layer_norm_rms_epsilon", m.floatOr(1e-6, "rms_norm_eps"))
}

// ends moves the embedding, the last norm and, where it is its own, the output matrix.
func (m *maker) ends() {
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	m.leave(".rotary_emb.inv_freq")
}

// gated moves a feed-forward of gate, up and down.
func (m *maker) gated() {
	m.move("mlp.gate_proj.weight", "ffn_gate.weight")
	m.move("mlp.up_proj.weight", "ffn_up.weight")
	m.move("mlp.down_proj.weight", "ffn_down.weight")
}
