package convert

import "math"

func init() {
	register("hunyuan-dense", hunyuan, "HunYuanDenseV1ForCausalLM")
}

// hunyuan is Tencent's dense Hunyuan: Llama with norms of each head's queries and
// keys, after they have been turned.
func hunyuan(m *maker) {
	m.ignore("num_experts") // 1, in some
	m.transformer()
	m.ntkAlpha(50, m.headDim())
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
		m.move("self_attn.query_layernorm.weight", "attn_q_norm.weight")
		m.move("self_attn.key_layernorm.weight", "attn_k_norm.weight")
		m.gated()
	}
}

// ntkAlpha sets the keys of Hunyuan's own stretching: another base, computed from
// a number alpha, good for 256k tokens. What the configuration says about the
// context is wrong.
func (m *maker) ntkAlpha(alpha float64, dim int) {
	kind := m.ropeType()
	if kind != "dynamic" && kind != "xdrope" {
		return
	}
	alpha = m.ropeFloatOr(alpha, "alpha")
	base := m.ropeFloatOr(10000, "rope_theta")
	if alpha <= 0 || base <= 0 || dim <= 2 {
		m.fail("%s: rotation of type %s: base %g, alpha %g for heads of %d", m.config.File(), kind, base, alpha, dim)
		return
	}
	m.setFloat("rope.freq_base", base*math.Pow(alpha, float64(dim)/float64(dim-2)))
	m.setText("rope.scaling.type", "none")
	m.setFloat("rope.scaling.factor", 1)
	if kind == "dynamic" {
		m.setInt("rope.scaling.original_context_length", 256<<10)
		m.setInt("context_length", 256<<10)
	}
}
