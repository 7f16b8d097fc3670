package fidelity

import (
	"maps"
	"testing"

	"happyphonellm/internal/gguf"
)

// What real models of these architectures have and the files of test-llama-archs
// do not: more layers than a pattern is long, scalings for long contexts, heads
// that differ, factors, more experts than are used.

// usualLayer are the tensors of a Llama's layer; more are added, or take the
// place of those of the same name.
func usualLayer(heads, kv, width int, more map[string][]int) map[string][]int {
	tensors := map[string][]int{
		"attn_norm": {smallEmbd}, "ffn_norm": {smallEmbd},
		"attn_q": {smallEmbd, heads * width}, "attn_k": {smallEmbd, kv * width}, "attn_v": {smallEmbd, kv * width},
		"attn_output": {heads * width, smallEmbd},
		"ffn_gate":    {smallEmbd, smallFFN}, "ffn_up": {smallEmbd, smallFFN}, "ffn_down": {smallFFN, smallEmbd},
	}
	maps.Copy(tensors, more)
	return tensors
}

// without takes tensors out.
func without(tensors map[string][]int, names ...string) map[string][]int {
	for _, name := range names {
		delete(tensors, name)
	}
	return tensors
}

// experts are the tensors of a mixture, which replaces the feed-forward.
func experts(n int) map[string][]int {
	return map[string][]int{
		"ffn_gate_inp": {smallEmbd, n}, "ffn_gate_exps": {smallEmbd, smallFFN, n},
		"ffn_up_exps": {smallEmbd, smallFFN, n}, "ffn_down_exps": {smallFFN, smallEmbd, n},
	}
}

var denseParts = []string{"ffn_gate", "ffn_up", "ffn_down"}

// usual begins a model and adds layers that are all the same.
func usual(t *testing.T, arch, seed string, layers, kv int, keys func(m *maker), layer map[string][]int) *maker {
	m := newMaker(t, arch, seed, layers, smallEmbd, smallFFN, smallHeads, kv)
	m.uint("rope.dimension_count", smallWidth)
	if keys != nil {
		keys(m)
	}
	for i := range layers {
		m.layer(i, layer)
	}
	return m
}

// yarn are the keys of a context made four times as long.
func (m *maker) yarn(original int) {
	m.w.SetText(m.arch+".rope.scaling.type", "yarn")
	m.float("rope.scaling.factor", 4)
	m.uint("rope.scaling.original_context_length", original)
}

func init() {
	made["gemma wide heads"] = func(t *testing.T, path, seed string) {
		usual(t, "gemma", seed, 2, 1, func(m *maker) {
			m.uint("attention.key_length", 32)
			m.uint("attention.value_length", 32)
			m.uint("rope.dimension_count", 32)
		}, usualLayer(smallHeads, 1, 32, nil)).create(path)
	}
	made["smollm3 layers"] = func(t *testing.T, path, seed string) {
		usual(t, "smollm3", seed, 5, 2, nil, usualLayer(smallHeads, 2, smallWidth, nil)).create(path)
	}
	made["mistral3 long"] = func(t *testing.T, path, seed string) {
		usual(t, "mistral3", seed, 2, 2, func(m *maker) {
			m.yarn(32)
			m.float("attention.temperature_scale", 0.1)
			m.float("rope.scaling.yarn_log_multiplier", 0.7)
			m.float("rope.scaling.yarn_beta_fast", 4)
			m.float("rope.scaling.yarn_beta_slow", 1)
		}, usualLayer(smallHeads, 2, smallWidth, nil)).create(path)
	}
	made["olmo2 windows"] = func(t *testing.T, path, seed string) { // OLMo 3
		m := usual(t, "olmo2", seed, 5, smallHeads, func(m *maker) {
			m.yarn(64)
			m.uint("attention.sliding_window", 16)
		}, without(usualLayer(smallHeads, smallHeads, smallWidth, map[string][]int{
			"attn_q_norm": {smallEmbd}, "attn_k_norm": {smallEmbd}, "post_attention_norm": {smallEmbd}, "post_ffw_norm": {smallEmbd},
		}), "attn_norm", "ffn_norm"))
		m.tensor("output.weight", smallEmbd, madeVocab)
		m.create(path)
	}
	made["exaone4 32B"] = func(t *testing.T, path, seed string) {
		usual(t, "exaone4", seed, 64, 2, func(m *maker) {
			m.uint("attention.sliding_window", 16)
		}, without(usualLayer(smallHeads, 2, smallWidth, map[string][]int{
			"attn_q_norm": {smallWidth}, "attn_k_norm": {smallWidth}, "post_attention_norm": {smallEmbd}, "post_ffw_norm": {smallEmbd},
		}), "attn_norm", "ffn_norm")).create(path)
	}
	made["hunyuan-dense alpha"] = func(t *testing.T, path, seed string) {
		usual(t, "hunyuan-dense", seed, 2, 2, func(m *maker) {
			m.float("rope.scaling.alpha", 1000)
		}, usualLayer(smallHeads, 2, smallWidth, map[string][]int{"attn_q_norm": {smallWidth}, "attn_k_norm": {smallWidth}})).create(path)
	}
	for variant, rotates := range map[string]bool{"scales": true, "still": false} {
		made["granite "+variant] = func(t *testing.T, path, seed string) {
			usual(t, "granite", seed, 2, 2, func(m *maker) {
				m.graniteScales()
				m.w.SetBool("granite.rope.scaling.finetuned", rotates)
			}, usualLayer(smallHeads, 2, smallWidth, nil)).create(path)
		}
	}
	made["granitemoe shared"] = func(t *testing.T, path, seed string) {
		layer := usualLayer(smallHeads, 2, smallWidth, experts(4))
		layer["ffn_gate_shexp"], layer["ffn_up_shexp"], layer["ffn_down_shexp"] = []int{smallEmbd, 32}, []int{smallEmbd, 32}, []int{32, smallEmbd}
		usual(t, "granitemoe", seed, 2, 2, func(m *maker) {
			m.graniteScales()
			m.mixture(4, 2)
			m.uint("expert_shared_feed_forward_length", 32)
		}, without(layer, denseParts...)).create(path)
	}
	made["granite_swa experts"] = func(t *testing.T, path, seed string) {
		layer := usualLayer(smallHeads, 2, smallWidth, experts(4))
		layer["ffn_gate_up_exps"] = []int{smallEmbd, 2 * smallFFN, 4}
		layer["ffn_up_shexp"], layer["ffn_down_shexp"] = []int{smallEmbd, 64}, []int{32, smallEmbd}
		layer["attn_sinks"] = []int{smallHeads}
		m := usual(t, "granite_swa", seed, 4, 2, func(m *maker) {
			m.graniteScales()
			m.mixture(4, 2)
			m.uint("expert_shared_feed_forward_length", 32)
			m.uint("attention.sliding_window", 16)
			m.uints("attention.sliding_window_pattern", 1, 0, 1, 0)
			m.uints("attention.rope_pattern", 1, 1, 0, 0)
		}, without(layer, append(denseParts, "ffn_gate_exps", "ffn_up_exps")...))
		m.create(path)
	}
	for variant, original := range map[string]int{"long": 64, "short": 256} {
		made["minicpm "+variant] = func(t *testing.T, path, seed string) {
			usual(t, "minicpm", seed, 2, 2, func(m *maker) {
				m.w.SetText("minicpm.rope.scaling.type", "longrope")
				m.uint("rope.scaling.original_context_length", original)
				m.tensor("rope_factors_long.weight", smallWidth/2)
				m.tensor("rope_factors_short.weight", smallWidth/2)
			}, usualLayer(smallHeads, 2, smallWidth, nil)).create(path)
		}
	}
	made["minicpm3 heads"] = func(t *testing.T, path, seed string) {
		const rotated, own, value, qRank, kvRank = 16, 32, 24, 48, 32
		usual(t, "minicpm3", seed, 2, smallHeads, func(m *maker) {
			m.uint("attention.key_length", own+rotated)
			m.uint("attention.value_length", value)
			m.uint("attention.q_lora_rank", qRank)
			m.uint("attention.kv_lora_rank", kvRank)
			m.uint("rope.scaling.original_context_length", 64)
			m.tensor("rope_factors_long.weight", rotated/2)
			m.tensor("rope_factors_short.weight", rotated/2)
		}, without(usualLayer(smallHeads, smallHeads, smallWidth, map[string][]int{
			"attn_q_a": {smallEmbd, qRank}, "attn_q_a_norm": {qRank}, "attn_q_b": {qRank, smallHeads * (own + rotated)},
			"attn_kv_a_mqa": {smallEmbd, kvRank + rotated}, "attn_kv_a_norm": {kvRank},
			"attn_kv_b": {kvRank, smallHeads * (own + value)}, "attn_output": {smallHeads * value, smallEmbd},
		}), "attn_q", "attn_k", "attn_v")).create(path)
	}
	for variant, sections := range map[string][]uint32{"text": {0, 0, 0, 0}, "vision": {2, 1, 1, 0}} {
		made["glm4 "+variant] = func(t *testing.T, path, seed string) {
			usual(t, "glm4", seed, 2, 2, func(m *maker) {
				m.uint("rope.dimension_count", smallWidth/2)
				m.uints("rope.dimension_sections", sections...)
			}, without(usualLayer(smallHeads, 2, smallWidth, map[string][]int{
				"post_attention_norm": {smallEmbd}, "post_ffw_norm": {smallEmbd}, "ffn_up": {smallEmbd, 2 * smallFFN},
			}), "ffn_gate")).create(path)
		}
	}
	made["smallthinker windows"] = func(t *testing.T, path, seed string) {
		usual(t, "smallthinker", seed, 5, 2, func(m *maker) {
			m.mixture(4, 2)
			m.uint("expert_gating_func", 1)
			m.uint("attention.sliding_window", 4096)
		}, without(usualLayer(smallHeads, 2, smallWidth, experts(4)), denseParts...)).create(path)
	}
	made["smallthinker all"] = func(t *testing.T, path, seed string) {
		usual(t, "smallthinker", seed, 2, 2, func(m *maker) {
			m.mixture(4, 2)
			m.uint("expert_gating_func", 2)
		}, without(usualLayer(smallHeads, 2, smallWidth, experts(4)), denseParts...)).create(path)
	}
	made["k2-horizon experts"] = makeK2
	made["spark2_5 layers"] = func(t *testing.T, path, seed string) {
		m := newMaker(t, "spark2_5", seed, 3, smallEmbd, smallFFN, smallHeads, 2)
		m.uints("attention.head_count", 4, 8, 4)
		m.uints("attention.head_count_kv", 2, 2, 1)
		m.uint("attention.key_length", smallWidth)
		m.uint("attention.value_length", smallWidth)
		m.uint("rope.dimension_count", 8)
		m.uint("rope.dimension_count_swa", smallWidth)
		m.float("rope.freq_base_swa", 5000)
		m.uint("attention.sliding_window", 16)
		m.uints("attention.sliding_window_pattern", 1, 0, 1)
		for i, h := range [][2]int{{4, 2}, {8, 2}, {4, 1}} {
			m.layer(i, usualLayer(h[0], h[1], smallWidth, map[string][]int{"attn_gate": {smallEmbd, h[0]}}))
		}
		m.create(path)
	}
	made["muse-glimmer layers"] = func(t *testing.T, path, seed string) {
		m := usual(t, "muse-glimmer", seed, 5, 2, func(m *maker) {
			m.float("logit_scale", 0.5)
			m.float("final_logit_softcapping", 5)
			m.float("rope.freq_base_swa", 5000)
			m.uint("attention.sliding_window", 16)
		}, usualLayer(smallHeads, 2, smallWidth, map[string][]int{
			"attn_q_norm": {smallWidth}, "attn_k_norm": {smallWidth}, "attn_gate": {smallEmbd, smallHeads * smallWidth},
			"post_attention_norm": {smallEmbd}, "post_ffw_norm": {smallEmbd},
		}))
		m.tensor("output.weight", smallEmbd, madeVocab)
		m.create(path)
	}
}

func (m *maker) graniteScales() {
	m.float("logit_scale", 6)
	m.float("residual_scale", 0.22)
	m.float("embedding_scale", 12)
	m.float("attention.scale", 0.1)
}

func (m *maker) mixture(n, used int) {
	m.uint("expert_count", n)
	m.uint("expert_used_count", used)
	m.uint("expert_feed_forward_length", smallFFN)
}

// makeK2 has a dense layer and two with experts, for values too.
func makeK2(t *testing.T, path, seed string) {
	m := newMaker(t, "k2-horizon", seed, 3, smallEmbd, smallFFN, smallHeads, 2)
	m.uint("rope.dimension_count", smallWidth)
	m.uint("leading_dense_block_count", 1)
	m.mixture(4, 2)
	m.uint("expert_shared_count", 2)
	m.w.SetBool("k2-horizon.expert_weights_norm", true)
	m.float("expert_weights_scale", 1.5)
	m.uint("attention.group_norm_groups", 4)
	m.uint("attention.value_expert_count", 4)
	m.uint("attention.value_expert_used_count", 2)
	extra := map[string][]int{
		"attn_q_norm": {smallHeads * smallWidth}, "attn_k_norm": {2 * smallWidth}, "attn_gate": {smallEmbd, smallHeads * smallWidth},
	}
	m.layer(0, usualLayer(smallHeads, 2, smallWidth, extra))
	for i := 1; i < 3; i++ {
		layer := usualLayer(smallHeads, 2, smallWidth, experts(4))
		maps.Copy(layer, extra)
		layer["attn_v_gate"], layer["attn_v_exps"] = []int{smallEmbd, 4}, []int{smallEmbd, 2 * smallWidth, 4}
		for _, part := range []string{"ffn_gate", "ffn_up"} {
			layer[part+"_shexp"] = []int{smallEmbd, 2 * smallFFN}
		}
		layer["ffn_down_shexp"] = []int{2 * smallFFN, smallEmbd}
		m.layer(i, without(layer, append(denseParts, "attn_v")...))
	}
	m.blk(1, "attn_v_gate.bias", 4)
	m.blk(1, "exp_probs_b.bias", 4)
	m.create(path)
}

// makeGraniteSwitch has adapters that some of the tokens switch on. Slot 0 adds
// something too, as llama.cpp would have it.
func makeGraniteSwitch(t *testing.T, path, seed string) {
	const layers, kv, rank, adapters = 2, 2, 8, 3
	m := usual(t, "graniteswitch", seed, layers, kv, func(m *maker) {
		m.graniteScales()
		m.uint("adapters.count", adapters)
		m.uint("adapters.lora_rank", rank)
		// The tokens at places 15, 40 and 71 of archIDs.
		ids := archIDs(100)
		gguf.SetNumbers(m.w, "graniteswitch.adapters.token_ids_activate", []int32{ids[15], ids[40], ids[71]})
		gguf.SetNumbers(m.w, "graniteswitch.adapters.token_ids_substitute", []int32{3, 5, 7})
	}, nil)
	for i := range layers {
		layer := without(usualLayer(smallHeads, kv, smallWidth, nil), "attn_q", "attn_k", "attn_v")
		layer["attn_qkv"] = []int{smallEmbd, (smallHeads + 2*kv) * smallWidth}
		m.layer(i, layer)
		for name, shape := range map[string][2]int{
			"attn_q": {smallEmbd, smallHeads * smallWidth}, "attn_k": {smallEmbd, kv * smallWidth}, "attn_v": {smallEmbd, kv * smallWidth},
			"attn_output": {smallHeads * smallWidth, smallEmbd}, "ffn_gate": {smallEmbd, smallFFN}, "ffn_up": {smallEmbd, smallFFN}, "ffn_down": {smallFFN, smallEmbd},
		} {
			m.blk(i, name+".lora_a", shape[0], rank, adapters+1)
			m.blk(i, name+".lora_b", rank, shape[1], adapters+1)
		}
	}
	m.create(path)
}

func init() { made["graniteswitch"] = makeGraniteSwitch }
