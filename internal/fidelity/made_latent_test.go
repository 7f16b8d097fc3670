package fidelity

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// Sparse latent attention as real models have it: several heads, YaRN, indexers
// that layers share, and in DeepSeek V4 groups of heads, and experts by token.

// indexerParts are the tensors of an indexer of n heads of width over a latent.
func indexerParts(n, width, latent int) map[string][]int {
	return map[string][]int{
		"indexer.proj": {smallEmbd, n}, "indexer.attn_q_b": {latent, n * width},
		"indexer.attn_k": {smallEmbd, width}, "indexer.k_norm": {width},
	}
}

func init() {
	const queries, latent, own, turned, value, lead, experts, index, width = 48, 32, 24, 8, 20, 1, 8, 4, 64
	sparse := func(types []uint32) moeModel {
		indexed := func(i int) bool { return types == nil || types[i] != 0 }
		layer := moeLayer(lead, smallHeads, experts, sharedExpert(2*smallFFN))
		return moeModel{layers: 6, kv: 1, output: true, keys: func(m *maker) {
			m.latentKeys(queries, latent, own, turned, value, false)
			m.uint("leading_dense_block_count", lead)
			m.uint("expert_shared_count", 2)
			m.choice(experts, 2)
			m.indexer(index, width, 21)
			if types != nil {
				m.uints("attention.indexer.types", types...)
			} else {
				m.yarn(32)
				m.float("rope.scaling.yarn_log_multiplier", 0.1)
			}
		}, layer: func(i int) map[string][]int {
			parts := latentLayer(layer(i), queries, latent, own, turned, value, false)
			if indexed(i) {
				maps.Copy(parts, indexerParts(index, width, queries))
			}
			return parts
		}, biases: func(i int) map[string]int {
			biases := map[string]int{}
			if i >= lead {
				biases["exp_probs_b"] = experts
			}
			if indexed(i) {
				biases["indexer.k_norm"] = width
			}
			return biases
		}}
	}
	made["deepseek32 heads"] = sparse(nil).make("deepseek32")
	made["glm-dsa shared"] = sparse([]uint32{1, 1, 0, 0, 1, 0}).make("glm-dsa")
	made["deepseek4 hashed"] = makeDeepSeek4
	madeTokens["deepseek4-hashed"] = 150
}

// indexer are the keys of an indexer of n heads of width that picks most.
func (m *maker) indexer(n, width, most int) {
	m.uint("attention.indexer.head_count", n)
	m.uint("attention.indexer.key_length", width)
	m.uint("attention.indexer.top_k", most)
}

// makeDeepSeek4 has every kind of layer, the first two with experts by token.
// llama.cpp 0.7.0 wants four streams, and other widths of heads than of the
// indexer's.
func makeDeepSeek4(t *testing.T, path, seed string) {
	const layers, heads, width, turned, queries, groups, rank, streams, hashed, experts, used, index, indexWidth = 5, 8, 96, 16, 48, 4, 24, 4, 2, 8, 3, 4, 64
	ratios := []uint32{0, 4, 128, 4, 0}
	m := newMaker(t, "deepseek4", seed, layers, smallEmbd, smallFFN, heads, 1)
	m.uint("attention.key_length", width)
	m.uint("attention.value_length", width)
	m.uint("rope.dimension_count", turned)
	m.yarn(32)
	m.float("attention.compress_rope_freq_base", 160000)
	m.uints("attention.compress_ratios", ratios...)
	m.uint("attention.sliding_window", 24)
	m.uint("attention.q_lora_rank", queries)
	m.uint("attention.output_group_count", groups)
	m.uint("attention.output_lora_rank", rank)
	m.indexer(index, indexWidth, 9)
	m.uint("expert_shared_count", 1)
	m.choice(experts, used)
	m.uint("expert_gating_func", 4)
	m.float("swiglu_clamp_exp", 7)
	m.uint("hyper_connection.count", streams)
	m.uint("hyper_connection.sinkhorn_iterations", 3)
	m.float("hyper_connection.epsilon", 1e-6)
	m.uint("hash_layer_count", hashed)
	m.tensor("output.weight", smallEmbd, madeVocab)
	m.tensor("output_hc_fn.weight", streams*smallEmbd, streams)
	m.tensor("output_hc_base.weight", streams)
	m.tensor("output_hc_scale.weight", 1)
	for i, ratio := range ratios {
		layer := without(moeLayer(0, 1, experts, sharedExpert(smallFFN))(i), "attn_q", "attn_k", "attn_v", "attn_output")
		maps.Copy(layer, map[string][]int{
			"attn_q_a": {smallEmbd, queries}, "attn_q_a_norm": {queries}, "attn_q_b": {queries, heads * width},
			"attn_kv": {smallEmbd, width}, "attn_kv_a_norm": {width}, "attn_sinks": {heads},
			"attn_output_a": {heads / groups * width, rank * groups}, "attn_output_b": {groups * rank, smallEmbd},
		})
		for _, block := range []string{"attn", "ffn"} {
			layer["hc_"+block+"_fn"] = []int{streams * smallEmbd, (2 + streams) * streams}
			layer["hc_"+block+"_base"], layer["hc_"+block+"_scale"] = []int{(2 + streams) * streams}, []int{3}
		}
		if ratio > 0 {
			maps.Copy(layer, compressorParts("attn_", int(ratio), width))
		}
		if ratio == 4 {
			maps.Copy(layer, compressorParts("indexer_", 4, indexWidth))
			layer["indexer.proj"], layer["indexer.attn_q_b"] = []int{smallEmbd, index}, []int{queries, index * indexWidth}
		}
		m.layer(i, layer)
		if i >= hashed {
			m.bias(i, "exp_probs_b", experts)
			continue
		}
		m.expertsByToken(i, experts, used)
	}
	m.create(path)
}

// compressorParts are the tensors that make a row of every ratio positions.
func compressorParts(prefix string, ratio, width int) map[string][]int {
	rows := width
	if ratio == 4 {
		rows = 2 * width
	}
	return map[string][]int{
		prefix + "compressor_kv": {smallEmbd, rows}, prefix + "compressor_gate": {smallEmbd, rows},
		prefix + "compressor_ape": {rows, ratio}, prefix + "compressor_norm": {width},
	}
}

// expertsByToken adds the experts that each token has in layer i, all different.
func (m *maker) expertsByToken(i, experts, used int) {
	random := rand.New(rand.NewPCG(3, uint64(i)))
	var data []byte
	for range madeVocab {
		for _, e := range random.Perm(experts)[:used] {
			data = binary.LittleEndian.AppendUint32(data, uint32(e))
		}
	}
	m.w.AddTensorBytes(fmt.Sprintf("blk.%d.ffn_gate_tid2eid.weight", i), quant.I32, []int{used, madeVocab}, data)
}
