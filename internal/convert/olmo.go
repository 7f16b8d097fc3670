package convert

func init() {
	register("olmo", olmo, "OlmoForCausalLM", "OLMoForCausalLM")
	register("olmo2", olmo2, "Olmo2ForCausalLM", "Olmo3ForCausalLM")
}

// olmo is OLMo 1, whose norms have no weights.
func olmo(m *maker) {
	m.transformer()
	m.setFloat("attention.layer_norm_epsilon", 1e-5)
	m.copyFloat("attention.clamp_kqv", "clip_qkv")
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.turnedProjections(m.heads())
		m.gated()
	}
}

// olmo2 is OLMo 2 and 3: norms after attention and feed-forward, and of all
// queries and keys together; 3 has sliding windows.
func olmo2(m *maker) {
	m.transformer()
	if m.config.Has("sliding_window") {
		m.setInt("attention.sliding_window", m.int("sliding_window"))
		m.setFlags("attention.sliding_window_pattern", m.slidingLayers(func(layer int) bool { return (layer+1)%4 != 0 }))
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.postNorms()
		m.projections()
		m.move("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.move("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.gated()
	}
}

// postNorms moves the norms after attention and after the feed-forward.
func (m *maker) postNorms() {
	m.move("post_attention_layernorm.weight", "post_attention_norm.weight")
	m.move("post_feedforward_layernorm.weight", "post_ffw_norm.weight")
}
