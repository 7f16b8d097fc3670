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

// linear moves a matrix and, if it has one, its bias.
func (m *maker) linear(from, to string) {
	m.move(from+".weight", to+".weight")
	m.moveAny(from+".bias", to+".bias")
}

// linearAny does so if the matrix is there.
func (m *maker) linearAny(from, to string) {
	if m.has(from + ".weight") {
		m.linear(from, to)
	}
}

// projections moves the four matrices of attention, for architectures that turn
// a head's halves together, as Hugging Face does.
func (m *maker) projections() {
	m.linear("self_attn.q_proj", "attn_q")
	m.linear("self_attn.k_proj", "attn_k")
	m.linear("self_attn.v_proj", "attn_v")
	m.linear("self_attn.o_proj", "attn_output")
}

// turnedProjections does so for architectures that turn neighbours together.
func (m *maker) turnedProjections(heads, keys int) {
	for _, part := range []string{".weight", ".bias"} {
		if part == ".weight" || m.has("self_attn.q_proj"+part) {
			m.put("attn_q"+part, m.source("self_attn.q_proj"+part).turned(heads))
			m.put("attn_k"+part, m.source("self_attn.k_proj"+part).turned(keys))
		}
	}
	m.linear("self_attn.v_proj", "attn_v")
	m.linear("self_attn.o_proj", "attn_output")
}

// layerNorms moves the norms before attention and before the feed-forward.
func (m *maker) layerNorms(before, between string) {
	m.linear(before, "attn_norm")
	m.linear(between, "ffn_norm")
}
