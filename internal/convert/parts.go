package convert

// Parts that many families have.

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
