package convert

func init() {
	register("gpt2", gpt2, "GPT2LMHeadModel")
	register("starcoder", gpt2, "GPTBigCodeForCausalLM")
	register("starcoder2", starcoder2, "Starcoder2ForCausalLM")
}

// gpt2 is GPT-2, whose matrices are stored with rows and columns changed over,
// and StarCoder and SantaCoder, which have them as others do and one head of keys.
func gpt2(m *maker) {
	m.outline()
	m.setFloat("attention.layer_norm_epsilon", m.floatOr(1e-5, "layer_norm_epsilon"))
	m.setInt("feed_forward_length", m.intOr(4*m.width(), "n_inner"))
	if m.boolOr(false, "scale_attn_by_inverse_layer_idx") || !m.boolOr(true, "scale_attn_weights") {
		m.fail("%s: \"scale_attn_by_inverse_layer_idx\" or \"scale_attn_weights\": other scales of attention cannot be said", m.config.File())
	}
	heads, _ := m.heads()
	matrix := (*view).transposed
	if m.arch == "starcoder" {
		if !m.boolOr(true, "multi_query") {
			m.fail("%s: \"multi_query\": false: heads of keys of their own are not known", m.config.File())
		}
		m.setInt("attention.head_count_kv", 1)
		matrix = func(v *view) *view { return v }
	} else if m.width()%heads != 0 {
		m.fail("%s: %d heads of a width of %d", m.config.File(), heads, m.width())
	}
	m.renamed(withoutTransformer)
	m.move("wte.weight", "token_embd.weight")
	m.move("wpe.weight", "position_embd.weight")
	m.linear("ln_f", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	m.leave(".attn.bias", ".attn.masked_bias")
	conv := func(from, to string) {
		m.put(to+".weight", matrix(m.source(from+".weight")))
		m.move(from+".bias", to+".bias")
	}
	for m.nextLayer("h.%d.") {
		m.layerNorms("ln_1", "ln_2")
		conv("attn.c_attn", "attn_qkv")
		conv("attn.c_proj", "attn_output")
		conv("mlp.c_fc", "ffn_up")
		conv("mlp.c_proj", "ffn_down")
	}
}

// starcoder2 is StarCoder 2: layer norms, biases, no gate, rotary embeddings.
func starcoder2(m *maker) {
	m.transformer()
	m.statedWindows(everyLayer)
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.linear("model.norm", "output_norm")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.zeroBias("self_attn.o_proj", "attn_output")
		m.linearBias("mlp.c_fc", "ffn_up")
		m.linearBias("mlp.c_proj", "ffn_down")
	}
}
