package fidelity

import (
	"fmt"
	"testing"

	"happyphonellm/internal/gguf"
)

// What the files of test-llama-archs do not show of these architectures, but
// real models have: layers that differ, fused projections, partial rotations,
// heads that share keys, long contexts.

const (
	smallEmbd, smallFFN    = 64, 96
	smallHeads, smallWidth = 4, 16
)

// blk adds a tensor of layer i under its full name.
func (m *maker) blk(i int, name string, shape ...int) {
	m.tensor(fmt.Sprintf("blk.%d.%s", i, name), shape...)
}

// qkv adds separate projections of layer i, and the output's.
func (m *maker) qkv(i, embd, heads, kv, width int) {
	m.blk(i, "attn_q.weight", embd, heads*width)
	m.blk(i, "attn_k.weight", embd, kv*width)
	m.blk(i, "attn_v.weight", embd, kv*width)
	m.blk(i, "attn_output.weight", heads*width, embd)
}

// fused adds the projections of layer i as one tensor, and the output's.
func (m *maker) fused(i, embd, heads, kv, width int, biases ...bool) {
	m.blk(i, "attn_qkv.weight", embd, (heads+2*kv)*width)
	m.blk(i, "attn_output.weight", heads*width, embd)
	if len(biases) > 0 {
		m.blk(i, "attn_qkv.bias", (heads+2*kv)*width)
		m.blk(i, "attn_output.bias", embd)
	}
}

// ffn adds the feed-forward of layer i, with or without a gate.
func (m *maker) ffn(i, embd, ffn int, gate bool) {
	if gate {
		m.blk(i, "ffn_gate.weight", embd, ffn)
	}
	m.blk(i, "ffn_up.weight", embd, ffn)
	m.blk(i, "ffn_down.weight", ffn, embd)
}

// norms adds norms of layer i, or of none if i is negative, with biases.
func (m *maker) norms(i, embd int, names ...string) {
	for _, name := range names {
		if i >= 0 {
			name = fmt.Sprintf("blk.%d.%s", i, name)
		}
		m.tensor(name+".weight", embd)
		m.tensor(name+".bias", embd)
	}
}

// layerNorm begins a model with layer norms; its output norm has a bias.
func newLayerNormMaker(t *testing.T, arch, seed string, layers, heads, kv int) *maker {
	m := newMaker(t, arch, seed, layers, smallEmbd, smallFFN, heads, kv)
	m.float("attention.layer_norm_epsilon", 1e-5)
	m.tensor("output_norm.bias", smallEmbd)
	return m
}

func init() {
	made["bitnet"] = func(t *testing.T, path, seed string) {
		m := newMaker(t, "bitnet", seed, 2, smallEmbd, smallFFN, smallHeads, 2)
		for i := range 2 {
			m.qkv(i, smallEmbd, smallHeads, 2, smallWidth)
			m.ffn(i, smallEmbd, smallFFN, true)
			for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"} {
				m.blk(i, name+".scale", 1)
			}
			for name, n := range map[string]int{"attn_norm": smallEmbd, "attn_sub_norm": smallEmbd, "ffn_norm": smallEmbd, "ffn_sub_norm": smallFFN} {
				m.blk(i, name+".weight", n)
			}
		}
		m.create(path)
	}
	made["phi2 fused"] = func(t *testing.T, path, seed string) {
		m := newLayerNormMaker(t, "phi2", seed, 2, smallHeads, smallHeads)
		m.uint("rope.dimension_count", 6)
		m.tensor("output.weight", smallEmbd, madeVocab)
		m.tensor("output.bias", madeVocab)
		for i := range 2 {
			m.norms(i, smallEmbd, "attn_norm")
			m.fused(i, smallEmbd, smallHeads, smallHeads, smallWidth, true)
			m.ffn(i, smallEmbd, smallFFN, false)
			m.blk(i, "ffn_up.bias", smallFFN)
			m.blk(i, "ffn_down.bias", smallEmbd)
		}
		m.create(path)
	}
	for variant, original := range map[string]int{"long": 64, "short": 4096} {
		made["phi3 "+variant] = func(t *testing.T, path, seed string) {
			m := newMaker(t, "phi3", seed, 2, smallEmbd, smallFFN, smallHeads, 2)
			m.uint("rope.dimension_count", 12)
			m.uint("rope.scaling.original_context_length", original)
			m.float("rope.scaling.attn_factor", 1.19)
			m.tensor("rope_factors_long.weight", 6)
			m.tensor("rope_factors_short.weight", 6)
			for i := range 2 {
				m.blk(i, "attn_norm.weight", smallEmbd)
				m.blk(i, "ffn_norm.weight", smallEmbd)
				m.fused(i, smallEmbd, smallHeads, 2, smallWidth)
				m.blk(i, "ffn_up.weight", smallEmbd, 2*smallFFN)
				m.blk(i, "ffn_down.weight", smallFFN, smallEmbd)
			}
			m.create(path)
		}
	}
	made["falcon 40B"] = func(t *testing.T, path, seed string) {
		m := newLayerNormMaker(t, "falcon", seed, 2, smallHeads, 2)
		for i := range 2 {
			m.norms(i, smallEmbd, "attn_norm", "attn_norm_2")
			m.fused(i, smallEmbd, smallHeads, 2, smallWidth)
			m.ffn(i, smallEmbd, smallFFN, false)
		}
		m.create(path)
	}
	made["gptneox parallel"] = func(t *testing.T, path, seed string) {
		m := newLayerNormMaker(t, "gptneox", seed, 2, smallHeads, smallHeads)
		m.w.SetBool("gptneox.use_parallel_residual", true)
		m.uint("rope.dimension_count", 4)
		m.tensor("output.weight", smallEmbd, madeVocab)
		for i := range 2 {
			m.norms(i, smallEmbd, "attn_norm", "ffn_norm")
			m.fused(i, smallEmbd, smallHeads, smallHeads, smallWidth, true)
			m.ffn(i, smallEmbd, smallFFN, false)
			m.blk(i, "ffn_up.bias", smallFFN)
			m.blk(i, "ffn_down.bias", smallEmbd)
		}
		m.create(path)
	}
	made["starcoder one KV head"] = func(t *testing.T, path, seed string) {
		m := newLayerNormMaker(t, "starcoder", seed, 2, smallHeads, 1)
		m.tensor("position_embd.weight", smallEmbd, 256)
		for i := range 2 {
			m.norms(i, smallEmbd, "attn_norm", "ffn_norm")
			m.fused(i, smallEmbd, smallHeads, 1, smallWidth, true)
			m.ffn(i, smallEmbd, smallFFN, false)
			m.blk(i, "ffn_up.bias", smallFFN)
			m.blk(i, "ffn_down.bias", smallEmbd)
		}
		m.create(path)
	}
	made["stablelm 12B"] = func(t *testing.T, path, seed string) {
		m := newLayerNormMaker(t, "stablelm", seed, 2, smallHeads, 2)
		m.uint("rope.dimension_count", 4)
		m.tensor("output.weight", smallEmbd, madeVocab)
		for i := range 2 {
			m.norms(i, smallEmbd, "attn_norm")
			m.qkv(i, smallEmbd, smallHeads, 2, smallWidth)
			m.blk(i, "attn_q_norm.weight", smallWidth, smallHeads)
			m.blk(i, "attn_k_norm.weight", smallWidth, 2)
			m.ffn(i, smallEmbd, smallFFN, true)
		}
		m.create(path)
	}
	made["command-r plus"] = func(t *testing.T, path, seed string) {
		const layers = 64 // from this many on heads are normed
		m := newMaker(t, "command-r", seed, layers, 32, 32, 2, 1)
		m.float("attention.layer_norm_epsilon", 1e-5)
		m.float("logit_scale", 0.0625)
		for i := range layers {
			m.blk(i, "attn_norm.weight", 32)
			m.qkv(i, 32, 2, 1, 16)
			m.blk(i, "attn_q_norm.weight", 16, 2)
			m.blk(i, "attn_k_norm.weight", 16, 1)
			m.ffn(i, 32, 32, true)
		}
		m.create(path)
	}
	// How many layers there are tells what the model is.
	for variant, layers := range map[string]int{"7B": 32, "13B": 40} {
		made["baichuan "+variant] = func(t *testing.T, path, seed string) {
			m := newMaker(t, "baichuan", seed, layers, 32, 32, 2, 2)
			m.tensor("output.weight", 32, madeVocab)
			for i := range layers {
				m.blk(i, "attn_norm.weight", 32)
				m.blk(i, "ffn_norm.weight", 32)
				m.qkv(i, 32, 2, 2, 16)
				m.ffn(i, 32, 32, true)
			}
			m.create(path)
		}
	}
	made["mpt clamped"] = func(t *testing.T, path, seed string) {
		const heads = 6 // no power of two, which ALiBi's slopes notice
		m := newMaker(t, "mpt", seed, 2, 96, smallFFN, heads, heads)
		m.float("attention.layer_norm_epsilon", 1e-5)
		m.float("attention.max_alibi_bias", 8)
		m.float("attention.clamp_kqv", 0.5)
		for i := range 2 {
			m.blk(i, "attn_norm.weight", 96)
			m.blk(i, "ffn_norm.weight", 96)
			m.fused(i, 96, heads, heads, smallWidth)
			m.ffn(i, 96, smallFFN, false)
		}
		m.create(path)
	}
	made["deci layers"] = func(t *testing.T, path, seed string) {
		heads, kv, ffn := []uint32{4, 0, 4, 4, 4}, []uint32{2, 0, 0, 2, 4}, []uint32{96, 64, 96, 0, 32}
		m := newMaker(t, "deci", seed, len(heads), smallEmbd, smallFFN, smallHeads, 2)
		m.uints("attention.head_count", heads...)
		m.uints("attention.head_count_kv", kv...)
		m.uints("feed_forward_length", ffn...)
		for i := range heads {
			switch {
			case kv[i] > 0:
				m.blk(i, "attn_norm.weight", smallEmbd)
				m.qkv(i, smallEmbd, int(heads[i]), int(kv[i]), smallWidth)
			case heads[i] > 0:
				m.blk(i, "attn_norm.weight", smallEmbd)
				m.blk(i, "attn_output.weight", smallEmbd, smallEmbd)
			}
			if ffn[i] > 0 {
				m.blk(i, "ffn_norm.weight", smallEmbd)
				m.ffn(i, smallEmbd, int(ffn[i]), true)
			}
		}
		m.create(path)
	}
	made["openelm layers"] = func(t *testing.T, path, seed string) {
		heads, kv, ffn := []uint32{2, 4, 6}, []uint32{1, 2, 3}, []uint32{32, 64, 96}
		m := newMaker(t, "openelm", seed, len(heads), smallEmbd, smallFFN, smallHeads, 2)
		m.uints("attention.head_count", heads...)
		m.uints("attention.head_count_kv", kv...)
		m.uints("feed_forward_length", ffn...)
		m.uint("attention.key_length", smallWidth)
		m.uint("attention.value_length", smallWidth)
		m.uint("rope.dimension_count", smallWidth)
		for i := range heads {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.fused(i, smallEmbd, int(heads[i]), int(kv[i]), smallWidth)
			m.blk(i, "attn_q_norm.weight", smallWidth)
			m.blk(i, "attn_k_norm.weight", smallWidth)
			m.ffn(i, smallEmbd, int(ffn[i]), true)
		}
		m.create(path)
	}
	made["nanbeige loops"] = func(t *testing.T, path, seed string) {
		m := newMaker(t, "nanbeige", seed, 2, smallEmbd, smallFFN, smallHeads, 2)
		m.uint("num_loops", 3)
		for i := range 2 {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.qkv(i, smallEmbd, smallHeads, 2, smallWidth)
			m.ffn(i, smallEmbd, smallFFN, true)
		}
		m.create(path)
	}
	// The last section of the rotation's pairs stands still for text.
	for arch, sections := range map[string][]uint32{"qwen2vl": {2, 2, 2, 2}, "qwen3vl": {2, 2, 2, 1}} {
		made[arch+" sections"] = func(t *testing.T, path, seed string) {
			m := newMaker(t, arch, seed, 2, smallEmbd, smallFFN, smallHeads, 2)
			m.uints("rope.dimension_sections", sections...)
			for i := range 2 {
				m.blk(i, "attn_norm.weight", smallEmbd)
				m.blk(i, "ffn_norm.weight", smallEmbd)
				m.qkv(i, smallEmbd, smallHeads, 2, smallWidth)
				if arch == "qwen3vl" {
					m.blk(i, "attn_q_norm.weight", smallWidth)
					m.blk(i, "attn_k_norm.weight", smallWidth)
				}
				m.ffn(i, smallEmbd, smallFFN, true)
			}
			m.create(path)
		}
	}
	made["qwen3vlmoe sections"] = func(t *testing.T, path, seed string) {
		const experts, width = 4, 32
		m := newMaker(t, "qwen3vlmoe", seed, 2, smallEmbd, smallFFN, smallHeads, 2)
		m.uints("rope.dimension_sections", 2, 2, 2, 1)
		m.uint("expert_count", experts)
		m.uint("expert_used_count", 2)
		m.uint("expert_feed_forward_length", width)
		for i := range 2 {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.qkv(i, smallEmbd, smallHeads, 2, smallWidth)
			m.blk(i, "attn_q_norm.weight", smallWidth)
			m.blk(i, "attn_k_norm.weight", smallWidth)
			m.blk(i, "ffn_gate_inp.weight", smallEmbd, experts)
			m.blk(i, "ffn_gate_exps.weight", smallEmbd, width, experts)
			m.blk(i, "ffn_up_exps.weight", smallEmbd, width, experts)
			m.blk(i, "ffn_down_exps.weight", width, smallEmbd, experts)
		}
		m.create(path)
	}
	made["plm"] = func(t *testing.T, path, seed string) {
		const key, value, rotated, latent = 24, 16, 8, 32
		m := newMaker(t, "plm", seed, 2, smallEmbd, smallFFN, smallHeads, smallHeads)
		m.uint("attention.key_length", key)
		m.uint("attention.value_length", value)
		m.uint("attention.kv_lora_rank", latent)
		m.uint("rope.dimension_count", rotated)
		for i := range 2 {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.blk(i, "attn_q.weight", smallEmbd, smallHeads*key)
			m.blk(i, "attn_kv_a_mqa.weight", smallEmbd, latent+rotated)
			m.blk(i, "attn_kv_a_norm.weight", latent)
			m.blk(i, "attn_kv_b.weight", latent, smallHeads*(key-rotated+value))
			m.blk(i, "attn_output.weight", smallHeads*value, smallEmbd)
			m.ffn(i, smallEmbd, smallFFN, false)
		}
		m.create(path)
	}
	made["deepseek2-ocr"] = func(t *testing.T, path, seed string) {
		const experts, width, shared = 6, 32, 2
		m := newMaker(t, "deepseek2-ocr", seed, 3, smallEmbd, smallFFN, smallHeads, smallHeads)
		m.uint("leading_dense_block_count", 1)
		m.uint("expert_count", experts)
		m.uint("expert_used_count", 3)
		m.uint("expert_shared_count", shared)
		m.uint("expert_feed_forward_length", width)
		m.float("expert_weights_scale", 1.5)
		m.w.SetBool("deepseek2-ocr.expert_weights_norm", true)
		for i := range 3 {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.qkv(i, smallEmbd, smallHeads, smallHeads, smallWidth)
			if i == 0 {
				m.ffn(i, smallEmbd, smallFFN, true)
				continue
			}
			m.blk(i, "ffn_gate_inp.weight", smallEmbd, experts)
			m.blk(i, "exp_probs_b.bias", experts)
			m.blk(i, "ffn_gate_exps.weight", smallEmbd, width, experts)
			m.blk(i, "ffn_up_exps.weight", smallEmbd, width, experts)
			m.blk(i, "ffn_down_exps.weight", width, smallEmbd, experts)
			m.blk(i, "ffn_gate_shexp.weight", smallEmbd, shared*width)
			m.blk(i, "ffn_up_shexp.weight", smallEmbd, shared*width)
			m.blk(i, "ffn_down_shexp.weight", shared*width, smallEmbd)
		}
		m.create(path)
	}
	made["step35"] = func(t *testing.T, path, seed string) {
		const experts, width, sharedWidth = 6, 32, 64
		heads, kv := []uint32{4, 2, 4}, []uint32{2, 1, 2}
		m := newMaker(t, "step35", seed, len(heads), smallEmbd, smallFFN, smallHeads, 2)
		m.uints("attention.head_count", heads...)
		m.uints("attention.head_count_kv", kv...)
		m.uint("attention.key_length", smallWidth)
		m.uint("attention.value_length", smallWidth)
		m.uint("attention.sliding_window", 24)
		m.uints("attention.sliding_window_pattern", 0, 1, 1)
		m.uint("rope.dimension_count", smallWidth)
		m.float("rope.freq_base_swa", 500)
		m.tensor("rope_freqs.weight", smallWidth/2)
		m.tensor("output.weight", smallEmbd, madeVocab)
		m.uint("expert_count", experts)
		m.uint("expert_used_count", 2)
		m.uint("expert_feed_forward_length", width)
		m.uint("expert_shared_feed_forward_length", sharedWidth)
		m.float("expert_weights_scale", 1.5)
		m.w.SetBool("step35.expert_weights_norm", true)
		gguf.SetNumbers(m.w, "step35.swiglu_clamp_exp", []float32{0, 0.05, 0})
		gguf.SetNumbers(m.w, "step35.swiglu_clamp_shexp", []float32{0.06, 0, 0.04})
		for i := range heads {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.qkv(i, smallEmbd, int(heads[i]), int(kv[i]), smallWidth)
			m.blk(i, "attn_q_norm.weight", smallWidth)
			m.blk(i, "attn_k_norm.weight", smallWidth)
			m.blk(i, "attn_gate.weight", smallEmbd, int(heads[i]))
			if i == 0 {
				m.ffn(i, smallEmbd, smallFFN, true)
				continue
			}
			m.blk(i, "ffn_gate_inp.weight", smallEmbd, experts)
			m.blk(i, "exp_probs_b.bias", experts)
			m.blk(i, "ffn_gate_exps.weight", smallEmbd, width, experts)
			m.blk(i, "ffn_up_exps.weight", smallEmbd, width, experts)
			m.blk(i, "ffn_down_exps.weight", width, smallEmbd, experts)
			m.blk(i, "ffn_gate_shexp.weight", smallEmbd, sharedWidth)
			m.blk(i, "ffn_up_shexp.weight", smallEmbd, sharedWidth)
			m.blk(i, "ffn_down_shexp.weight", sharedWidth, smallEmbd)
		}
		m.create(path)
	}
	made["chatglm 3"] = func(t *testing.T, path, seed string) {
		m := newMaker(t, "chatglm", seed, 2, smallEmbd, smallFFN, smallHeads, 2)
		m.uint("rope.dimension_count", 8)
		m.tensor("output.weight", smallEmbd, madeVocab)
		for i := range 2 {
			m.blk(i, "attn_norm.weight", smallEmbd)
			m.blk(i, "ffn_norm.weight", smallEmbd)
			m.fused(i, smallEmbd, smallHeads, 2, smallWidth)
			m.blk(i, "attn_qkv.bias", (smallHeads+4)*smallWidth)
			m.blk(i, "ffn_up.weight", smallEmbd, 2*smallFFN)
			m.blk(i, "ffn_down.weight", smallFFN, smallEmbd)
		}
		m.create(path)
	}
	made["nemotron partial rotation"] = func(t *testing.T, path, seed string) {
		m := newLayerNormMaker(t, "nemotron", seed, 2, smallHeads, 2)
		m.uint("rope.dimension_count", 8)
		m.tensor("output.weight", smallEmbd, madeVocab)
		for i := range 2 {
			m.norms(i, smallEmbd, "attn_norm", "ffn_norm")
			m.qkv(i, smallEmbd, smallHeads, 2, smallWidth)
			m.ffn(i, smallEmbd, smallFFN, false)
		}
		m.create(path)
	}
}

func init() {
	// With room for the 8192 tokens of images in the vocabulary.
	made["chameleon"] = func(t *testing.T, path, seed string) {
		const layers, kv = 2, 2
		m := newMakerOf(t, "chameleon", seed, 8300, layers, smallEmbd, smallFFN, smallHeads, kv)
		m.uint("rope.dimension_count", smallWidth)
		for i := range layers {
			m.layer(i, usualLayer(smallHeads, kv, smallWidth, map[string][]int{
				"attn_q_norm": {smallWidth, smallHeads}, "attn_k_norm": {smallWidth, kv},
			}))
			m.blk(i, "attn_q_norm.bias", smallWidth, smallHeads)
			m.blk(i, "attn_k_norm.bias", smallWidth, kv)
		}
		m.create(path)
	}
}
