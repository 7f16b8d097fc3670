package convert

func init() { register("jais2", jais2, "Jais2ForCausalLM") }

// jais2 is Jais 2: layer norms, biases, no gate.
func jais2(m *maker) {
	m.transformer()
	m.setInt("rope.dimension_count", m.headDim())
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.linear("model.norm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.linear("mlp.up_proj", "ffn_up")
		m.linear("mlp.down_proj", "ffn_down")
	}
}
