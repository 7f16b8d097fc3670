package convert

func init() {
	register("command-r", cohere, "CohereForCausalLM")
	register("cohere2", cohere, "Cohere2ForCausalLM")
}

// cohere is Cohere's Command R and Aya (command-r), and Command R7B with sliding
// windows (cohere2): one norm before attention and feed-forward side by side. The
// embedding is the output matrix, too.
func cohere(m *maker) {
	m.defaults(`{"logit_scale": 0.0625, "layer_norm_eps": 1e-5}`)
	m.transformer()
	m.setFloat("logit_scale", m.float("logit_scale"))
	m.setText("rope.scaling.type", "none")
	if m.arch == "cohere2" {
		m.setInt("attention.sliding_window", m.int("sliding_window"))
		m.windowsBut(4)
		m.setInt("vocab_size", m.int("vocab_size"))
		m.setInt("rope.dimension_count", int(m.floatOr(1, "rotary_pct")*float64(m.headDim())))
	} else if m.config.Has("model_max_length") {
		m.setInt("context_length", m.int("model_max_length")) // Command R was trained on more than the other field says
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.projections()
		m.moveAny("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.gated()
	}
}
