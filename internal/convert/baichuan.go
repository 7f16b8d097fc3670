package convert

func init() {
	register("baichuan", baichuan, "BaichuanForCausalLM", "BaiChuanForCausalLM")
	register("xverse", xverse, "XverseForCausalLM")
	register("orion", orion, "OrionForCausalLM")
}

// baichuan is Baichuan 1 and 2: Llama with queries, keys and values in one matrix.
func baichuan(m *maker) {
	m.transformer()
	heads, keys := m.heads()
	m.metaLayout(heads)
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		qkv := m.source("self_attn.W_pack.weight").parts(1, m.width(), m.width(), m.width())
		m.put("attn_q.weight", qkv[0].turned(heads))
		m.put("attn_k.weight", qkv[1].turned(keys))
		m.put("attn_v.weight", qkv[2])
		m.linear("self_attn.o_proj", "attn_output")
		m.gated()
	}
}

// xverse is XVERSE 7B and 13B, which has Llama's form.
func xverse(m *maker) {
	m.transformer()
	heads, keys := m.heads()
	m.metaLayout(heads)
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.turnedProjections(heads, keys)
		m.gated()
	}
}

// metaLayout sets keys that old architectures have.
func (m *maker) metaLayout(heads int) {
	m.setText("tensor_data_layout", "Meta AI original pth")
	m.setInt("rope.dimension_count", m.width()/heads)
}

// orion is Orion 14B: Llama with layer norms, whatever "rms_norm_eps" is called.
func orion(m *maker) {
	m.outline()
	_, keys := m.heads()
	m.setText("tensor_data_layout", "Meta AI original pth")
	m.copyInt("context_length", "max_sequence_length", "max_position_embeddings", "model_max_length")
	m.setInt("attention.head_count_kv", keys)
	m.setFloat("attention.layer_norm_epsilon", m.float("rms_norm_eps"))
	m.copyRope("rope.freq_base", "rope_theta")
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.linear("model.norm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.gated()
	}
}
