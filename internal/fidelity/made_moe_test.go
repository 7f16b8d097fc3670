package fidelity

import (
	"fmt"
	"maps"
	"testing"
)

// What real models with experts have and the files of test-llama-archs do not:
// more experts than are used, groups of them, biases of the choice that change
// it, several latent heads, scalings for long contexts.

// moeModel is a model whose layers differ only by their number.
type moeModel struct {
	layers, kv int
	keys       func(m *maker)
	layer      func(i int) map[string][]int
	biases     func(i int) map[string]int // of tensors named without ".bias"
	output     bool
}

func (c moeModel) make(arch string) func(t *testing.T, path, seed string) {
	return func(t *testing.T, path, seed string) {
		m := newMaker(t, arch, seed, c.layers, smallEmbd, smallFFN, smallHeads, c.kv)
		if c.keys != nil {
			c.keys(m)
		}
		for i := range c.layers {
			m.layer(i, c.layer(i))
			if c.biases == nil {
				continue
			}
			for name, n := range c.biases(i) {
				m.tensor(fmt.Sprintf("blk.%d.%s.bias", i, name), n)
			}
		}
		if c.output {
			m.tensor("output.weight", smallEmbd, madeVocab)
		}
		m.create(path)
	}
}

// sharedExpert are the tensors of a shared expert.
func sharedExpert(ffn int) map[string][]int {
	return map[string][]int{"ffn_gate_shexp": {smallEmbd, ffn}, "ffn_up_shexp": {smallEmbd, ffn}, "ffn_down_shexp": {ffn, smallEmbd}}
}

// moeLayer is a Llama's layer with experts after the leading dense ones, and more.
func moeLayer(lead, kv, n int, more ...map[string][]int) func(i int) map[string][]int {
	return func(i int) map[string][]int {
		layer := usualLayer(smallHeads, kv, smallWidth, nil)
		if i >= lead {
			layer = without(layer, denseParts...)
			maps.Copy(layer, experts(n))
		}
		for _, extra := range more {
			for name, shape := range extra {
				if i >= lead || len(name) < 3 || name[:3] != "ffn" {
					layer[name] = shape
				}
			}
		}
		return layer
	}
}

// latentLayer replaces the attention of a layer by a latent one.
func latentLayer(layer map[string][]int, queries, latent, own, rotated, value int, unpacked bool) map[string][]int {
	layer = without(layer, "attn_q", "attn_k", "attn_v")
	d := own + rotated
	if queries > 0 {
		layer["attn_q_a"], layer["attn_q_a_norm"], layer["attn_q_b"] = []int{smallEmbd, queries}, []int{queries}, []int{queries, smallHeads * d}
	} else {
		layer["attn_q"] = []int{smallEmbd, smallHeads * d}
	}
	layer["attn_kv_a_mqa"], layer["attn_kv_a_norm"] = []int{smallEmbd, latent + rotated}, []int{latent}
	if unpacked {
		layer["attn_kv_b"] = []int{latent, smallHeads * (own + value)}
	} else {
		layer["attn_k_b"], layer["attn_v_b"] = []int{own, latent, smallHeads}, []int{latent, value, smallHeads}
	}
	layer["attn_output"] = []int{smallHeads * value, smallEmbd}
	return layer
}

// latentKeys are those of latent attention; packed files have the widths of what
// is cached as their heads'.
func (m *maker) latentKeys(queries, latent, own, rotated, value int, unpacked bool) {
	if queries > 0 {
		m.uint("attention.q_lora_rank", queries)
	}
	m.uint("attention.kv_lora_rank", latent)
	m.uint("rope.dimension_count", rotated)
	if unpacked {
		m.uint("attention.key_length", own+rotated)
		m.uint("attention.value_length", value)
		return
	}
	m.uint("attention.key_length", latent+rotated)
	m.uint("attention.value_length", latent)
	m.uint("attention.key_length_mla", own+rotated)
	m.uint("attention.value_length_mla", value)
}

// choice are the keys of a sigmoid gating with normed and scaled weights.
func (m *maker) choice(n, used int) {
	m.mixture(n, used)
	m.uint("expert_gating_func", 2)
	m.float("expert_weights_scale", 2.5)
	m.w.SetBool(m.arch+".expert_weights_norm", true)
}

func init() {
	headNorms := map[string][]int{"attn_q_norm": {smallWidth}, "attn_k_norm": {smallWidth}}
	choiceBias := func(lead, n int) func(i int) map[string]int {
		return func(i int) map[string]int {
			if i < lead {
				return nil
			}
			return map[string]int{"exp_probs_b": n}
		}
	}
	rotated := func(m *maker) { m.uint("rope.dimension_count", smallWidth) }

	made["qwen2moe experts"] = moeModel{layers: 3, kv: smallHeads, output: true, keys: func(m *maker) {
		rotated(m)
		m.mixture(6, 3)
		m.uint("expert_shared_feed_forward_length", 32)
	}, layer: moeLayer(0, smallHeads, 6, sharedExpert(32), map[string][]int{"ffn_gate_inp_shexp": {smallEmbd}})}.make("qwen2moe")
	made["gpt-oss long"] = makeGPTOSS
	made["olmoe experts"] = moeModel{layers: 2, kv: smallHeads, output: true, keys: func(m *maker) {
		rotated(m)
		m.mixture(8, 3)
	}, layer: moeLayer(0, smallHeads, 8, map[string][]int{"attn_q_norm": {smallEmbd}, "attn_k_norm": {smallEmbd}})}.make("olmoe")

	for _, c := range []struct {
		variant  string
		layers   int
		queries  int
		unpacked bool
		keys     func(m *maker)
	}{
		{"lite unpacked", 27, 0, true, func(m *maker) { // V2 Lite
			m.yarn(32)
			m.float("rope.scaling.yarn_log_multiplier", 0.0707)
			m.mixture(8, 3)
			m.float("expert_weights_scale", 1)
		}},
		{"heads", 2, 48, false, func(m *maker) { // V3
			m.yarn(32)
			m.float("rope.scaling.yarn_log_multiplier", 0.1)
			m.choice(8, 2)
			m.uint("expert_group_count", 4)
			m.uint("expert_group_used_count", 2)
		}},
		{"tempered", 2, 48, false, func(m *maker) {
			m.choice(8, 3)
			m.float("attention.temperature_scale", 0.1)
			m.uint("attention.temperature_length", 16)
		}},
	} {
		const latent, own, turned, value = 32, 24, 8, 20
		layer := moeLayer(1, smallHeads, 8, sharedExpert(2*smallFFN))
		var biases func(int) map[string]int
		if c.queries > 0 {
			biases = choiceBias(1, 8)
		}
		build := moeModel{layers: c.layers, kv: 1, output: true, keys: func(m *maker) {
			m.latentKeys(c.queries, latent, own, turned, value, c.unpacked)
			m.uint("leading_dense_block_count", 1)
			m.uint("expert_shared_count", 2)
			c.keys(m)
		}, layer: func(i int) map[string][]int {
			return latentLayer(layer(i), c.queries, latent, own, turned, value, c.unpacked)
		}, biases: biases}
		if c.unpacked {
			build.kv = smallHeads
		}
		made["deepseek2 "+c.variant] = build.make("deepseek2")
		if c.variant != "lite unpacked" {
			made["mistral4 "+c.variant] = build.make("mistral4")
		}
	}

	made["glm4moe layers"] = moeModel{layers: 3, kv: 2, keys: func(m *maker) {
		m.uint("rope.dimension_count", smallWidth/2)
		m.uint("leading_dense_block_count", 1)
		m.uint("expert_shared_count", 1)
		m.choice(8, 3)
	}, layer: func(i int) map[string][]int {
		return without(moeLayer(1, 2, 8, sharedExpert(smallFFN), map[string][]int{"post_attention_norm": {smallEmbd}})(i), "ffn_norm")
	}, biases: func(i int) map[string]int {
		all := map[string]int{"attn_q": smallHeads * smallWidth, "attn_k": 2 * smallWidth, "attn_v": 2 * smallWidth}
		maps.Copy(all, choiceBias(1, 8)(i))
		return all
	}}.make("glm4moe")
	made["bailingmoe2 groups"] = moeModel{layers: 3, kv: 2, output: true, keys: func(m *maker) {
		m.uint("rope.dimension_count", smallWidth/2)
		m.uint("leading_dense_block_count", 1)
		m.uint("expert_shared_count", 1)
		m.uint("expert_shared_feed_forward_length", 64)
		m.choice(8, 2)
		m.uint("expert_group_count", 4)
		m.uint("expert_group_used_count", 2)
	}, layer: func(i int) map[string][]int {
		layer := without(moeLayer(1, 2, 8, sharedExpert(64), headNorms)(i), "attn_q", "attn_k", "attn_v")
		layer["attn_qkv"] = []int{smallEmbd, (smallHeads + 4) * smallWidth}
		return layer
	}, biases: choiceBias(1, 8)}.make("bailingmoe2")
	made["ernie4_5-moe steps"] = moeModel{layers: 5, kv: 2, keys: func(m *maker) {
		rotated(m)
		m.uint("leading_dense_block_count", 1)
		m.uint("interleave_moe_layer_step", 1)
		m.uint("expert_shared_feed_forward_length", 32)
		m.mixture(6, 2)
	}, layer: moeLayer(1, 2, 6, sharedExpert(32)), biases: choiceBias(1, 6)}.make("ernie4_5-moe")
	made["exaone-moe windows"] = moeModel{layers: 5, kv: 2, output: true, keys: func(m *maker) {
		rotated(m)
		m.uint("attention.sliding_window", 16)
		m.uint("leading_dense_block_count", 1)
		m.uint("expert_shared_count", 1)
		m.choice(8, 3)
	}, layer: moeLayer(1, 2, 8, sharedExpert(smallFFN), headNorms), biases: choiceBias(1, 8)}.make("exaone-moe")
	made["afmoe windows"] = moeModel{layers: 5, kv: 2, output: true, keys: func(m *maker) {
		rotated(m)
		m.uint("attention.sliding_window", 16)
		m.uint("leading_dense_block_count", 1)
		m.uint("expert_shared_count", 1)
		m.choice(8, 3)
	}, layer: moeLayer(1, 2, 8, sharedExpert(smallFFN), headNorms, map[string][]int{
		"attn_gate": {smallEmbd, smallHeads * smallWidth}, "post_attention_norm": {smallEmbd}, "post_ffw_norm": {smallEmbd},
	}), biases: choiceBias(1, 8)}.make("afmoe")
	made["laguna windows"] = moeModel{layers: 5, kv: 2, output: true, keys: func(m *maker) {
		m.uint("rope.dimension_count", smallWidth/2)
		m.uint("rope.dimension_count_swa", smallWidth)
		m.float("rope.freq_base_swa", 500)
		m.yarn(32)
		m.uint("attention.sliding_window", 16)
		m.uint("leading_dense_block_count", 1)
		m.uint("expert_shared_feed_forward_length", 32)
		m.choice(8, 3)
	}, layer: moeLayer(1, 2, 8, sharedExpert(32), headNorms, map[string][]int{"attn_gate": {smallEmbd, smallHeads}}),
		biases: choiceBias(1, 8)}.make("laguna")
	made["minimax-m2 partial rotation"] = moeModel{layers: 2, kv: 2, output: true, keys: func(m *maker) {
		m.uint("rope.dimension_count", smallWidth/2)
		m.mixture(8, 3)
		m.uint("expert_gating_func", 2)
	}, layer: moeLayer(0, 2, 8, map[string][]int{"attn_q_norm": {smallHeads * smallWidth}, "attn_k_norm": {2 * smallWidth}}),
		biases: choiceBias(0, 8)}.make("minimax-m2")
	made["grovemoe groups"] = moeModel{layers: 2, kv: 2, keys: func(m *maker) {
		rotated(m)
		m.mixture(8, 3)
		m.uint("experts_per_group", 2)
		m.uint("expert_chunk_feed_forward_length", 32)
		m.float("expert_group_scale", 0.05)
	}, layer: moeLayer(0, 2, 8, headNorms, map[string][]int{
		"ffn_gate_chexps": {smallEmbd, 32, 4}, "ffn_up_chexps": {smallEmbd, 32, 4}, "ffn_down_chexps": {32, smallEmbd, 4},
	})}.make("grovemoe")
	made["grok 1"] = moeModel{layers: 2, kv: 2, keys: func(m *maker) {
		rotated(m)
		m.mixture(8, 2)
	}, layer: moeLayer(0, 2, 8, map[string][]int{"attn_output_norm": {smallEmbd}, "layer_output_norm": {smallEmbd}})}.make("grok")
}

// makeGPTOSS has YaRN, windows, sinks, and biases wherever gpt-oss has them.
func makeGPTOSS(t *testing.T, path, seed string) {
	const layers, kv, n = 3, 2, 8
	m := newMaker(t, "gpt-oss", seed, layers, smallEmbd, smallFFN, smallHeads, kv)
	m.uint("attention.key_length", smallWidth)
	m.uint("attention.value_length", smallWidth)
	m.uint("rope.dimension_count", smallWidth)
	m.yarn(32)
	m.mixture(n, 3)
	m.uint("attention.sliding_window", 16)
	m.tensor("output.weight", smallEmbd, madeVocab)
	for i := range layers {
		m.layer(i, without(moeLayer(0, kv, n, map[string][]int{"attn_sinks": {smallHeads}, "post_attention_norm": {smallEmbd}})(i), "ffn_norm"))
		for name, shape := range map[string][]int{
			"attn_q": {smallHeads * smallWidth}, "attn_k": {kv * smallWidth}, "attn_v": {kv * smallWidth}, "attn_output": {smallEmbd},
			"ffn_gate_inp": {n}, "ffn_gate_exps": {smallFFN, n}, "ffn_up_exps": {smallFFN, n}, "ffn_down_exps": {smallEmbd, n},
		} {
			m.blk(i, name+".bias", shape...)
		}
	}
	m.create(path)
}
