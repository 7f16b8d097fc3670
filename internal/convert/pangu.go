package convert

func init() {
	register("pangu-embedded", pangu, "PanguEmbeddedForCausalLM")
	register("maincoder", maincoder, "MaincoderForCausalLM")
}

// pangu is Huawei's openPangu Embedded: Llama's form with biases, heads turned by halves.
func pangu(m *maker) {
	m.transformer()
	dim := m.headDim()
	m.setInt("vocab_size", m.int("vocab_size"))
	m.setInt("rope.dimension_count", dim)
	m.setInt("attention.key_length", dim)
	m.setInt("attention.value_length", dim)
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	if m.boolOr(false, "tie_word_embeddings") {
		m.leave("lm_head.weight")
	} else {
		m.moveAny("lm_head.weight", "output.weight")
	}
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.gated()
	}
}

// maincoder is Maincoder 1B: Llama with norms of each head's queries and keys after
// they have turned.
func maincoder(m *maker) {
	m.transformer()
	m.copyInt("rope.dimension_count", "head_dim")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.moveAny("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.gated()
	}
}
