package convert

func init() {
	register("lfm2", lfm2, "Lfm2ForCausalLM", "LFM2ForCausalLM", "Lfm2VlForConditionalGeneration")
	register("lfm2moe", lfm2, "Lfm2MoeForCausalLM")
}

// lfm2 is LFM2: most layers mix tokens by a short convolution, the others by attention.
// Of one that sees it is the text part.
func lfm2(m *maker) {
	m.defaults(`{"norm_eps": 1e-5, "rope_theta": 1000000.0, "num_dense_layers": 2}`)
	m.textOnly()
	m.transformer()
	_, keys := m.heads()
	attention := m.lfm2Attention()
	heads := make([]int32, m.layers)
	for i := range heads {
		if attention[i] {
			heads[i] = int32(keys)
		}
	}
	m.setInts("attention.head_count_kv", heads)
	m.copyInt("vocab_size", "vocab_size")
	m.setInt("shortconv.l_cache", m.int("conv_L_cache"))
	dense := m.layers
	n := 0
	if m.arch == "lfm2" {
		m.setInt("feed_forward_length", m.lfm2Width())
	} else {
		dense, n = m.int("num_dense_layers"), m.int("num_experts", "num_local_experts")
		m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
		m.setInt("leading_dense_block_count", dense)
		m.setInt("expert_gating_func", gateSigmoid)
		if !m.boolOr(true, "norm_topk_prob") || m.floatOr(1, "routed_scaling_factor") != 1 {
			m.fail("%s: \"norm_topk_prob\" and \"routed_scaling_factor\" other than true and 1 cannot be said", m.config.File())
		}
	}
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.embedding_norm.weight", "token_embd_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("operator_norm", "ffn_norm")
		if attention[m.layer] {
			m.linear("self_attn.q_proj", "attn_q")
			m.linear("self_attn.k_proj", "attn_k")
			m.linear("self_attn.v_proj", "attn_v")
			m.linear("self_attn.out_proj", "attn_output")
			m.move("self_attn.q_layernorm.weight", "attn_q_norm.weight")
			m.move("self_attn.k_layernorm.weight", "attn_k_norm.weight")
		} else {
			m.put("shortconv.conv.weight", m.source("conv.conv.weight").squeezed())
			m.linear("conv.in_proj", "shortconv.in_proj")
			m.linear("conv.out_proj", "shortconv.out_proj")
		}
		if m.layer < dense {
			m.move("feed_forward.w1.weight", "ffn_gate.weight")
			m.move("feed_forward.w3.weight", "ffn_up.weight")
			m.move("feed_forward.w2.weight", "ffn_down.weight")
			continue
		}
		m.move("feed_forward.gate.weight", "ffn_gate_inp.weight")
		if m.has("feed_forward.expert_bias") {
			m.move("feed_forward.expert_bias", "exp_probs_b.bias")
		} else {
			m.put("exp_probs_b.bias", vector("expert_bias", make([]float32, max(n, 1))))
		}
		m.experts(n, "feed_forward.experts.", wNames)
	}
}

// lfm2Attention tells which layers are attention: by their types or, in older
// configurations, by a list of their numbers.
func (m *maker) lfm2Attention() []bool {
	list := make([]bool, m.layers)
	if types := m.layerTypes("layer_types"); types != nil {
		for i, t := range types {
			list[i] = t == "full_attention"
		}
		return list
	}
	numbers, ok := m.config.Floats("full_attn_idxs")
	if !ok {
		m.fail("%s: \"layer_types\" or \"full_attn_idxs\" is missing", m.config.File())
	}
	m.mark(list, numbers, "full_attn_idxs")
	return list
}

// mark sets the flags of the layers in a field's list of numbers.
func (m *maker) mark(list []bool, numbers []float64, field string) {
	for _, v := range numbers {
		if i := int(v); i >= 0 && i < len(list) && float64(i) == v {
			list[i] = true
		} else {
			m.fail("%s: %q: there is no layer %g", m.config.File(), field, v)
		}
	}
}

// lfm2Width is the width of the feed-forward, which the configuration gives before
// it is cut to two thirds and rounded up.
func (m *maker) lfm2Width() int {
	width := m.int("block_ff_dim", "intermediate_size")
	if !m.boolOr(true, "block_auto_adjust_ff_dim") {
		return width
	}
	width = 2 * width / 3
	if f := m.floatOr(0, "block_ffn_dim_multiplier"); f != 0 {
		width = int(f * float64(width))
	}
	multiple := max(m.intOr(256, "block_multiple_of"), 1)
	return (width + multiple - 1) / multiple * multiple
}
