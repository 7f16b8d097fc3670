package convert

import "fmt"

func init() {
	register("stablelm", stableLM, "StableLmForCausalLM", "StableLMEpochForCausalLM")
}

// stableLM is Stability AI's StableLM 2 and 3B, and 12B with a norm for each head.
func stableLM(m *maker) {
	m.outline()
	m.setFloat("attention.layer_norm_epsilon", m.floatOr(1e-5, "layer_norm_eps", "norm_eps"))
	m.copyRope("rope.freq_base", "rope_theta")
	heads, keys := m.heads()
	m.setInt("rope.dimension_count", m.rotated(m.width()/heads, 0.25))
	m.setBool("use_parallel_residual", m.boolOr(true, "use_parallel_residual"))
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.linear("model.norm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("model.layers.%d.") {
		m.linear("input_layernorm", "attn_norm")
		m.linearAny("post_attention_layernorm", "ffn_norm")
		m.projections()
		m.headNorms("self_attn.q_layernorm", "attn_q_norm.weight", heads)
		m.headNorms("self_attn.k_layernorm", "attn_k_norm.weight", keys)
		m.gated()
	}
}

// headNorms moves the norms of n heads as one matrix, if there are any.
func (m *maker) headNorms(from, to string, n int) {
	if !m.has(from + ".norms.0.weight") {
		return
	}
	rows := make([]*view, n)
	for i := range rows {
		rows[i] = m.source(fmt.Sprintf("%s.norms.%d.weight", from, i))
	}
	m.put(to, stacked(rows))
}
