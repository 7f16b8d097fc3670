package convert

func init() {
	register("nemotron", nemotron, "NemotronForCausalLM")
}

// nemotron is NVIDIA's Nemotron 3 and 4 and Minitron: layer norms that are stored
// less 1, no gate, half of each head turns.
func nemotron(m *maker) {
	m.defaults(`{"norm_eps": 1e-5, "partial_rotary_factor": 0.5}`)
	m.transformer()
	m.setInt("vocab_size", m.int("vocab_size"))
	m.setFloat("attention.layer_norm_epsilon", m.float("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps"))
	m.setInt("rope.dimension_count", m.rotated(m.headDim(), 0.5))
	m.noteHeads()
	if factor := m.ropeFloatOr(m.floatOr(0, "factor"), "factor"); factor != 0 {
		m.setText("rope.scaling.type", "linear")
		m.setFloat("rope.scaling.factor", factor)
	} else {
		m.setText("rope.scaling.type", "none")
	}
	norm := func(from, to string) {
		m.put(to+".weight", m.source(from+".weight").plus(1))
		m.move(from+".bias", to+".bias")
	}
	m.move("model.embed_tokens.weight", "token_embd.weight")
	norm("model.norm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		norm("input_layernorm", "attn_norm")
		norm("post_attention_layernorm", "ffn_norm")
		m.projections()
		m.linear("mlp.up_proj", "ffn_up")
		m.linear("mlp.down_proj", "ffn_down")
	}
}
