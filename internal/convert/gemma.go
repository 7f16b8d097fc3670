package convert

func init() {
	register("gemma", gemma, "GemmaForCausalLM")
	register("gemma2", gemma, "Gemma2ForCausalLM")
	register("gemma3", gemma3, "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration")
}

// gemma is Gemma 1 and 2. Their norms are stored less 1, and the embedding is the
// output matrix, too.
func gemma(m *maker) {
	m.defaults(`{"head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 8192}`)
	m.transformer()
	if m.arch == "gemma2" {
		m.defaults(`{"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "sliding_window": 4096}`)
		m.setFloat("attn_logit_softcapping", m.float("attn_logit_softcapping"))
		m.setFloat("final_logit_softcapping", m.float("final_logit_softcapping"))
		m.setInt("attention.sliding_window", m.int("sliding_window"))
	}
	m.gemmaEnds()
	for m.nextLayer("model.layers.%d.") {
		m.gemmaLayer()
	}
}

// gemma3 is Gemma 3, and the text part of those that see.
func gemma3(m *maker) {
	m.textOnly()
	m.defaults(`{"head_dim": 256, "rms_norm_eps": 1e-6, "max_position_embeddings": 131072, "num_attention_heads": 8,
		"num_key_value_heads": 4, "vocab_size": 262208, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "sliding_window": 4096}`)
	m.transformer()
	if limit := m.floatOr(0, "final_logit_softcapping"); limit != 0 {
		m.setFloat("final_logit_softcapping", limit)
	}
	if m.config.Has("attn_logit_softcapping") {
		m.fail("%s: \"attn_logit_softcapping\": Gemma 3 has none", m.config.File())
	}
	if m.intOr(6, "sliding_window_pattern") != 1 {
		m.setInt("attention.sliding_window", m.int("sliding_window"))
	}
	m.gemmaEnds()
	for m.nextLayer("model.layers.%d.") {
		m.gemmaLayer()
	}
}

// gemmaEnds moves what is no layer.
func (m *maker) gemmaEnds() {
	embedding := m.source("model.embed_tokens.weight")
	if n := m.intOr(0, "vocab_size"); n > 0 && n < embedding.rows() {
		embedding = embedding.slice(0, n)
	}
	m.put("token_embd.weight", embedding)
	m.put("output_norm.weight", m.source("model.norm.weight").plus(1))
	m.leave("lm_head.weight", ".rotary_emb.inv_freq")
}

// gemmaLayer moves a layer; Gemma 1 has no norms after its parts, only 3 has those
// of queries and keys.
func (m *maker) gemmaLayer() {
	norm := func(from, to string) { m.put(to, m.source(from).plus(1)) }
	norm("input_layernorm.weight", "attn_norm.weight")
	if m.has("pre_feedforward_layernorm.weight") {
		norm("post_attention_layernorm.weight", "post_attention_norm.weight")
		norm("pre_feedforward_layernorm.weight", "ffn_norm.weight")
		norm("post_feedforward_layernorm.weight", "post_ffw_norm.weight")
	} else {
		norm("post_attention_layernorm.weight", "ffn_norm.weight")
	}
	m.projections()
	if m.has("self_attn.q_norm.weight") {
		norm("self_attn.q_norm.weight", "attn_q_norm.weight")
		norm("self_attn.k_norm.weight", "attn_k_norm.weight")
	}
	m.gated()
}
