package convert

func init() {
	register("qwen2", qwen, "Qwen2ForCausalLM", "KORMoForCausalLM")
	register("qwen3", qwen, "Qwen3ForCausalLM")
	register("seed_oss", qwen, "SeedOssForCausalLM")
}

// qwen is Qwen 2, 2.5 (with biases) and 3 (with norms of queries and keys), and
// Seed-OSS, which has another name for the norm before the feed-forward.
func qwen(m *maker) {
	switch m.arch {
	case "qwen3", "seed_oss":
		m.defaults(`{"head_dim": 128}`)
	}
	m.transformer()
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		if m.arch == "seed_oss" {
			m.move("post_attention_layernorm.weight", "post_attention_norm.weight")
		} else {
			m.move("post_attention_layernorm.weight", "ffn_norm.weight")
		}
		m.projections()
		m.moveAny("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.gated()
	}
}
