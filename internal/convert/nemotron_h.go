package convert

import "strings"

func init() { register("nemotron_h", nemotronH, "NemotronHForCausalLM") }

// nemotronH is Nemotron H, and with experts Nemotron 3: a layer is Mamba 2, or
// attention, or a feed-forward, or experts, each with a norm before it.
func nemotronH(m *maker) {
	m.renamed(func(name string) string {
		if strings.HasPrefix(name, "mtp.") {
			return "" // predicts several tokens at once
		}
		return strings.Replace(strings.Replace(name, "model.", "backbone.", 1), "backbone.embedding.", "backbone.embeddings.", 1)
	})
	kinds := m.nemotronLayers()
	m.layers = len(kinds)
	if m.config.Has("num_experts_per_tok") && strings.Contains(string(kinds), "E") {
		m.become("nemotron_h_moe")
	}
	m.setInt("block_count", m.layers)
	m.setInt("context_length", manyTokens)
	width := m.width()
	m.setInt("embedding_length", width)
	queries, keys := m.heads()
	m.setInt("attention.head_count", queries)
	m.copyFloat("attention.layer_norm_rms_epsilon", "rms_norm_eps", "norm_eps")
	m.copyFloat("attention.layer_norm_epsilon", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon")
	dim := m.int("head_dim", "attention_head_dim")
	m.setInt("attention.key_length", dim)
	m.setInt("attention.value_length", dim)
	m.copyInt("vocab_size", "vocab_size")
	m.setInt("rope.dimension_count", width/max(queries, 1))
	m.setBool("rope.scaling.finetuned", false)
	s := m.mamba2Sizes()
	wide, n := m.intOr(0, "intermediate_size"), 0
	if m.arch == "nemotron_h_moe" {
		m.choice()
		wide, n = m.int("moe_intermediate_size"), m.int("n_routed_experts")
		m.setInt("expert_feed_forward_length", wide)
		m.setInt("expert_shared_feed_forward_length", m.int("moe_shared_expert_intermediate_size"))
		m.setInt("expert_count", n)
		m.setInt("expert_shared_count", m.int("n_shared_experts"))
		m.copyBool("expert_weights_norm", "norm_topk_prob")
		m.copyFloat("expert_weights_scale", "routed_scaling_factor")
		m.copyInt("moe_latent_size", "moe_latent_size")
	}
	heads, widths := make([]int32, m.layers), make([]int32, m.layers)
	for i, k := range kinds {
		switch k {
		case '*':
			heads[i] = int32(keys)
		case '-', 'E':
			widths[i] = int32(wide)
		}
	}
	m.setInts("attention.head_count_kv", heads)
	m.setInts("feed_forward_length", widths)
	m.stateEnds()
	for m.nextLayer("backbone.layers.%d.") {
		m.move("norm.weight", "attn_norm.weight")
		switch kinds[m.layer] {
		case 'M':
			m.mamba2Layer("mixer.", s)
		case '*':
			// Nothing turns here: the order of a head's elements does not count, and is llama.cpp's.
			m.put("attn_q.weight", m.source("mixer.q_proj.weight").turned(queries))
			m.put("attn_k.weight", m.source("mixer.k_proj.weight").turned(keys))
			m.linear("mixer.v_proj", "attn_v")
			m.linear("mixer.o_proj", "attn_output")
		case '-':
			m.linear("mixer.up_proj", "ffn_up")
			m.linear("mixer.down_proj", "ffn_down")
		case 'E':
			m.move("mixer.gate.weight", "ffn_gate_inp.weight")
			m.moveAny("mixer.gate.e_score_correction_bias", "exp_probs_b.bias")
			m.linearAny("mixer.fc1_latent_proj", "ffn_latent_down")
			m.linearAny("mixer.fc2_latent_proj", "ffn_latent_up")
			m.gatelessExperts(n, "mixer.experts.")
			m.shared("mixer.shared_experts.")
		}
	}
}

// nemotronLayers says what each layer is: M for Mamba, * for attention, - for a
// feed-forward, E for experts. It is a text of these, or a list of words.
func (m *maker) nemotronLayers() []byte {
	if text, ok := m.config.Text("hybrid_override_pattern"); ok {
		if strings.Trim(text, "M*-E") != "" || text == "" {
			m.fail("%s: \"hybrid_override_pattern\": %q has layers that are not known", m.config.File(), text)
		}
		return []byte(text)
	}
	words, ok := m.config.Texts("layers_block_type")
	if !ok {
		m.fail("%s: \"hybrid_override_pattern\" or \"layers_block_type\" is missing", m.config.File())
	}
	letters := map[string]byte{
		"mamba": 'M', "linear_attention": 'M', "attention": '*', "full_attention": '*', "mlp": '-', "moe": 'E',
	}
	kinds := make([]byte, len(words))
	for i, w := range words {
		if kinds[i] = letters[w]; kinds[i] == 0 {
			m.fail("%s: \"layers_block_type\": a layer of type %q is not known", m.config.File(), w)
		}
	}
	return kinds
}

// gatelessExperts puts n experts that have no gate.
func (m *maker) gatelessExperts(n int, from string) {
	if m.has(from + "up_proj") {
		m.move(from+"up_proj", "ffn_up_exps.weight")
		m.move(from+"down_proj", "ffn_down_exps.weight")
		return
	}
	m.put("ffn_up_exps.weight", m.stack(n, from, "up_proj"))
	m.put("ffn_down_exps.weight", m.stack(n, from, "down_proj"))
}
