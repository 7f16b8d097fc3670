package convert

func init() {
	register("internlm2", internLM2, "InternLM2ForCausalLM")
}

// internLM2 is InternLM 2: Llama under other names, with queries, key and value of
// each head of keys in one matrix.
func internLM2(m *maker) {
	m.transformer()
	heads, keys := m.heads()
	dim := m.width() / heads
	m.move("model.tok_embeddings.weight", "token_embd.weight")
	m.move("model.norm.weight", "output_norm.weight")
	m.moveAny("output.weight", "output.weight")
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("attention_norm", "ffn_norm")
		qkv := m.source("attention.wqkv.weight").parts(keys, heads/keys*dim, dim, dim)
		m.put("attn_q.weight", qkv[0].turned(heads))
		m.put("attn_k.weight", qkv[1].turned(keys))
		m.put("attn_v.weight", qkv[2])
		m.move("attention.wo.weight", "attn_output.weight")
		m.move("feed_forward.w1.weight", "ffn_gate.weight")
		m.move("feed_forward.w3.weight", "ffn_up.weight")
		m.move("feed_forward.w2.weight", "ffn_down.weight")
	}
}
