package convert

import "slices"

func init() {
	register("exaone", exaone, "ExaoneForCausalLM")
	register("exaone4", exaone4, "Exaone4ForCausalLM")
}

// exaone is LG's EXAONE 3 and 3.5, which has Llama's form under other names.
func exaone(m *maker) {
	m.transformer()
	m.copyFloat("attention.layer_norm_rms_epsilon", "layer_norm_epsilon", "rms_norm_eps")
	if act, ok := m.config.Text("activation_function"); ok && act != "silu" {
		m.fail("%s: \"activation_function\": %q is not silu", m.config.File(), act)
	}
	m.setInt("rope.dimension_count", m.rotated(m.headDim(), 1))
	m.llama3Factors()
	m.move("transformer.wte.weight", "token_embd.weight")
	m.move("transformer.ln_f.weight", "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	m.leave(".rotary.inv_freq", ".rotary_emb.inv_freq")
	for m.nextLayer("transformer.h.%d.") {
		m.layerNorms("ln_1", "ln_2")
		m.linear("attn.attention.q_proj", "attn_q")
		m.linear("attn.attention.k_proj", "attn_k")
		m.linear("attn.attention.v_proj", "attn_v")
		m.linear("attn.attention.out_proj", "attn_output")
		m.linear("mlp.c_fc_0", "ffn_gate")
		m.linear("mlp.c_fc_1", "ffn_up")
		m.linear("mlp.c_proj", "ffn_down")
	}
}

// exaone4 is LG's EXAONE 4: norms after attention and feed-forward, and of each
// head's queries and keys; most layers of the large one look through a window.
func exaone4(m *maker) {
	m.transformer()
	m.setInt("vocab_size", m.int("vocab_size"))
	m.llama3Factors()
	if m.config.Has("sliding_window") {
		m.setInt("attention.sliding_window", m.int("sliding_window"))
		if list := m.slidingLayers(m.windowPattern()); list != nil {
			m.setFlags("attention.sliding_window_pattern", list)
			if m.layers != 64 && slices.Contains(list, true) {
				m.note("windows of %d layers are this program's: llama.cpp has them in exaone4 of 64", m.layers)
			}
		}
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.postNorms()
		m.projections()
		m.move("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.move("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.gated()
	}
}

// windowPattern tells which layers look through a window by a field of old
// configurations: "LLLG", letters that repeat, or 4, all but every fourth.
func (m *maker) windowPattern() func(layer int) bool {
	if letters, ok := m.config.Text("sliding_window_pattern"); ok && letters != "" {
		return func(layer int) bool { return letters[layer%len(letters)] == 'L' }
	}
	if every, ok := m.config.Int("sliding_window_pattern"); ok && every > 0 {
		return func(layer int) bool { return (layer+1)%every != 0 }
	}
	return nil
}
