package convert

func init() { register("falcon-h1", falconH1, "FalconH1ForCausalLM") }

// falconH1 is Falcon H1: Mamba 2 and attention side by side. The factors that it
// has at many places are multiplied into the weights.
func falconH1(m *maker) {
	m.defaults(`{"mlp_multipliers": [1, 1], "ssm_multipliers": [1, 1, 1, 1, 1], "rope_theta": 100000.0}`)
	m.stateKeys(m.width())
	s := m.mamba2Sizes()
	m.copyInt("vocab_size", "vocab_size")
	m.copyInt("context_length", "max_position_embeddings")
	m.setInt("feed_forward_length", m.int("intermediate_size"))
	heads, keys := m.heads()
	m.setInt("attention.head_count", heads)
	m.setInt("attention.head_count_kv", keys)
	m.setInt("attention.key_length", m.headDim())
	m.setInt("attention.value_length", m.headDim())
	m.copyRope("rope.freq_base", "rope_theta")

	factor := func(name string) float64 { return m.floatOr(1, name) }
	mlp, ssm := m.factors("mlp_multipliers", 2), m.factors("ssm_multipliers", 5)
	in, out := factor("attention_in_multiplier"), factor("attention_out_multiplier")
	times := func(from, to string, factors ...float64) {
		v := m.source(from + ".weight")
		for _, f := range factors {
			v = v.scaled(f)
		}
		m.put(to+".weight", v)
	}
	times("model.embed_tokens", "token_embd", factor("embedding_multiplier"))
	m.move("model.final_layernorm.weight", "output_norm.weight")
	switch {
	case m.has("lm_head.weight"):
		times("lm_head", "output", factor("lm_head_multiplier"))
	case factor("lm_head_multiplier") != factor("embedding_multiplier"):
		times("model.embed_tokens", "output", factor("lm_head_multiplier"))
	}
	if m.boolOr(false, "mamba_rms_norm") && m.boolOr(true, "mamba_norm_before_gate") {
		m.fail("%s: \"mamba_norm_before_gate\": Falcon H1's files have the norm after the gate", m.config.File())
	}
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.move("pre_ff_layernorm.weight", "ffn_norm")
		times("self_attn.q_proj", "attn_q", in)
		times("self_attn.k_proj", "attn_k", factor("key_multiplier"), in)
		times("self_attn.v_proj", "attn_v", in)
		times("self_attn.o_proj", "attn_output", out)
		m.put("ssm_in.weight", m.falconIn(s, factor("ssm_in_multiplier"), ssm))
		m.mamba2State("mamba.", s)
		times("mamba.out_proj", "ssm_out", factor("ssm_out_multiplier"))
		times("feed_forward.gate_proj", "ffn_gate", mlp[0])
		m.linear("feed_forward.up_proj", "ffn_up")
		times("feed_forward.down_proj", "ffn_down", mlp[1])
	}
}

// factors are the n numbers of a field.
func (m *maker) factors(field string, n int) []float64 {
	list, ok := m.config.Floats(field)
	if !ok || len(list) != n {
		m.fail("%s: %q is no list of %d numbers", m.config.File(), field, n)
		return make([]float64, n)
	}
	return list
}

// falconIn is the projection into Mamba: its gates, inputs, b, c and time steps
// have a factor each, after the one of all.
func (m *maker) falconIn(s mamba2Shape, all float64, each []float64) *view {
	v := m.source("mamba.in_proj.weight")
	ends := []int{s.inner, 2 * s.inner, 2*s.inner + s.groups*s.state, 2*s.inner + 2*s.groups*s.state, v.rows()}
	cols := v.cols()
	return v.derived(v.shape, func(dst []float32, row, rows int) error {
		if err := v.read(dst, row, rows); err != nil {
			return err
		}
		for r := range rows {
			part := 0
			for row+r >= ends[part] && part < len(ends)-1 {
				part++
			}
			for i, x := range dst[r*cols:][:cols] {
				dst[r*cols+i] = float32(x*float32(all)) * float32(each[part])
			}
		}
		return nil
	})
}
