package convert

func init() {
	register("qwen", qwen1, "QWenLMHeadModel")
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
	m.qwenWindows()
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

// qwen1 is the first Qwen. The length of its feed-forward is stored as that of gate
// and up together.
func qwen1(m *maker) {
	m.transformer()
	m.setFloat("attention.layer_norm_rms_epsilon", m.floatOr(1e-6, "layer_norm_epsilon", "rms_norm_eps"))
	m.move("transformer.wte.weight", "token_embd.weight")
	m.move("transformer.ln_f.weight", "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	m.leave(".rotary_emb.inv_freq")
	for m.nextLayer("transformer.h.%d.") {
		m.layerNorms("ln_1", "ln_2")
		m.linear("attn.c_attn", "attn_qkv")
		m.linear("attn.c_proj", "attn_output")
		m.linear("mlp.w2", "ffn_gate")
		m.linear("mlp.w1", "ffn_up")
		m.linear("mlp.c_proj", "ffn_down")
	}
}
