package convert

import (
	"math"
	"slices"
)

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
		m.gemmaCap("attn_logit_softcapping", 50)
		m.gemmaCap("final_logit_softcapping", 30)
		m.setInt("attention.sliding_window", m.intOr(4096, "sliding_window"))
		m.windowsBut(2)
	}
	m.gemmaEnds()
	for m.nextLayer("model.layers.%d.") {
		m.gemmaLayer()
	}
}

// gemmaCap sets what caps attention's scores or the logits of Gemma 2: the class's own
// where the configuration has no such field; null is none, which is said by a number so
// large that it changes nothing.
func (m *maker) gemmaCap(field string, otherwise float64) {
	if m.config.IsNull(field) {
		otherwise = 1e5
	}
	m.setFloat(field, m.floatOr(otherwise, field))
}

// gemmaScore is what the scores of attention must be multiplied by besides: the width
// of a head that llama.cpp takes the root of (that of the stream's share in Gemma 2
// and 3 of 27B) over the one that the configuration names. Nearly always 1.
func (m *maker) gemmaScore() float64 {
	dim, layers27B := m.headDim(), map[string]int{"gemma2": 46, "gemma3": 62}[m.arch]
	if layers27B == 0 {
		return 1
	}
	if heads, _ := m.heads(); m.layers == layers27B {
		dim = m.width() / heads
	}
	want := m.floatOr(256, "query_pre_attn_scalar")
	if !(want > 0) {
		m.fail("%s: \"query_pre_attn_scalar\" is %g", m.config.File(), want)
		return 1
	}
	return math.Sqrt(float64(dim) / want)
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
	if kind, ok := m.localRope().Text("rope_type"); ok && kind != "default" {
		m.fail("%s: \"rope_parameters\": layers with a window turn in the way %q, want \"default\"", m.config.File(), kind)
	}
	if list := m.slidingLayers(m.windowPattern()); list == nil || slices.Contains(list, true) {
		m.setInt("attention.sliding_window", m.int("sliding_window"))
		m.windowsBut(6)
	}
	m.gemmaEnds()
	for m.nextLayer("model.layers.%d.") {
		m.gemmaLayer()
	}
}

// gemmaEnds moves what is no layer.
func (m *maker) gemmaEnds() {
	if m.boolOr(false, "use_bidirectional_attention") {
		m.fail("%s: \"use_bidirectional_attention\": a model that sees what comes after cannot be said", m.config.File())
	}
	embedding := m.source("model.embed_tokens.weight")
	if n := m.intOr(0, "vocab_size"); n > 0 && n < embedding.rows() {
		embedding = embedding.slice(0, n)
	}
	m.put("token_embd.weight", embedding)
	m.put("output_norm.weight", m.source("model.norm.weight").plus(1))
	m.leave(".rotary_emb.inv_freq")
	switch {
	case m.boolOr(true, "tie_word_embeddings"):
		m.leave("lm_head.weight") // a copy, in some
	case m.arch == "gemma3":
		m.moveAny("lm_head.weight", "output.weight")
	case m.has("lm_head.weight"):
		m.fail("%s: \"tie_word_embeddings\": false: an output matrix of its own cannot be said", m.config.File())
	}
}

// scaledQueries is projections with the queries times a number.
func (m *maker) scaledQueries(by float64) {
	if by == 1 {
		m.projections()
		return
	}
	for _, part := range []string{".weight", ".bias"} {
		if m.has("self_attn.q_proj" + part) {
			m.put("attn_q"+part, m.source("self_attn.q_proj"+part).scaled(by))
		}
	}
	m.linear("self_attn.k_proj", "attn_k")
	m.linear("self_attn.v_proj", "attn_v")
	m.linear("self_attn.o_proj", "attn_output")
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
	score := m.gemmaScore()
	if m.has("self_attn.q_norm.weight") {
		m.projections()
		m.put("attn_q_norm.weight", m.source("self_attn.q_norm.weight").plus(1).scaled(score))
		norm("self_attn.k_norm.weight", "attn_k_norm.weight")
	} else {
		m.scaledQueries(score)
	}
	m.gated()
}
