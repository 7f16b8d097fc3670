package fidelity

import (
	"strconv"
	"strings"
	"testing"
)

func init() {
	made["gemma4"] = func(t *testing.T, path, seed string) {
		makeGemma4(t, strings.Replace(path, "gemma4", "gemma4-small", 1), seed, 32, 2, 0)
		makeGemma4(t, strings.Replace(path, "gemma4", "gemma4-moe", 1), seed, 0, 0, 4)
	}
	made["gemma3n"] = makeGemma3n
}

// makeGemma4 has layers that share keys and values of earlier ones, one without a
// matrix for values, a factor per layer, and inputs per layer or experts.
func makeGemma4(t *testing.T, path, seed string, width, shared, experts int) {
	const layers, embd, ffn, heads = 6, 128, 96, 4
	m := newMaker(t, "gemma4", seed, layers, embd, ffn, heads, 2)
	m.uint("embedding_length_per_layer_input", width)
	m.uint("attention.shared_kv_layers", shared)
	m.uint("attention.key_length", 64)
	m.uint("attention.value_length", 64)
	m.uint("attention.key_length_swa", 32)
	m.uint("attention.value_length_swa", 32)
	m.uint("rope.dimension_count", 64)
	m.uint("rope.dimension_count_swa", 32)
	m.float("rope.freq_base", 1e6)
	m.float("rope.freq_base_swa", 1e4)
	m.uint("attention.sliding_window", 16)
	m.uints("attention.sliding_window_pattern", 1, 1, 1, 0, 1, 0)
	m.uints("attention.head_count_kv", 2, 2, 2, 1, 2, 1)
	m.uints("feed_forward_length", 96, 96, 96, 96, 160, 160)
	m.float("final_logit_softcapping", 30)
	m.tensor("rope_freqs.weight", 32)
	if width > 0 {
		m.layerInputs(layers, embd, width)
	}
	if experts > 0 {
		m.uint("expert_count", experts)
		m.uint("expert_used_count", 2)
		m.uint("expert_feed_forward_length", ffn)
	}
	for i := range layers {
		head, kv, hidden := 32, 2, ffn
		if i == 3 || i == 5 {
			head, kv = 64, 1
		}
		if i >= 4 {
			hidden = 160
		}
		tensors := map[string][]int{
			"attn_norm": {embd}, "attn_q": {embd, heads * head}, "attn_q_norm": {head},
			"attn_output": {heads * head, embd}, "post_attention_norm": {embd}, "ffn_norm": {embd}, "post_ffw_norm": {embd},
			"ffn_gate": {embd, hidden}, "ffn_up": {embd, hidden}, "ffn_down": {hidden, embd},
			"layer_output_scale": {1},
		}
		if width > 0 {
			tensors["inp_gate"], tensors["proj"], tensors["post_norm"] = []int{embd, width}, []int{width, embd}, []int{embd}
		}
		if experts > 0 {
			tensors["ffn_gate_inp"], tensors["pre_ffw_norm_2"] = []int{embd, experts}, []int{embd}
			tensors["post_ffw_norm_1"], tensors["post_ffw_norm_2"] = []int{embd}, []int{embd}
			tensors["ffn_gate_up_exps"], tensors["ffn_down_exps"] = []int{embd, 2 * ffn, experts}, []int{ffn, embd, experts}
			m.tensor("blk."+strconv.Itoa(i)+".ffn_gate_inp.scale", embd)
			m.tensor("blk."+strconv.Itoa(i)+".ffn_down_exps.scale", experts)
		}
		if i < layers-shared {
			tensors["attn_k"], tensors["attn_k_norm"] = []int{embd, kv * head}, []int{head}
			if i != 3 && i != 5 {
				tensors["attn_v"] = []int{embd, kv * head}
			}
		}
		m.layer(i, tensors)
	}
	m.create(path)
}

// layerInputs adds the tensors of Gemma's inputs per layer.
func (m *maker) layerInputs(layers, embd, width int) {
	m.tensor("per_layer_token_embd.weight", layers*width, madeVocab)
	m.tensor("per_layer_model_proj.weight", embd, layers*width)
	m.tensor("per_layer_proj_norm.weight", width)
}

// makeGemma3n has two layers more than have keys and values of their own.
func makeGemma3n(t *testing.T, path, seed string) {
	const layers, embd, ffn, heads, kv, head = 22, 64, 96, 2, 1, 32
	const width, rank, streams = 256, 64, 4
	m := newMaker(t, "gemma3n", seed, layers, embd, ffn, heads, kv)
	m.uint("attention.key_length", head)
	m.uint("attention.value_length", head)
	m.float("rope.freq_base", 1e6)
	m.float("rope.freq_base_swa", 1e4)
	m.uint("attention.sliding_window", 16)
	m.uint("attention.sliding_window_pattern", 5)
	m.layerInputs(layers, embd, width)
	m.tensor("altup_proj.weight", embd, embd, streams-1)
	m.tensor("altup_unembd_proj.weight", embd, embd, streams-1)
	for i := range layers {
		m.layer(i, map[string][]int{
			"attn_norm": {embd}, "attn_q": {embd, heads * head}, "attn_k": {embd, kv * head}, "attn_v": {embd, kv * head},
			"attn_q_norm": {head}, "attn_k_norm": {head}, "attn_output": {heads * head, embd}, "post_attention_norm": {embd},
			"ffn_norm": {embd}, "ffn_gate": {embd, ffn}, "ffn_up": {embd, ffn}, "ffn_down": {ffn, embd}, "post_ffw_norm": {embd},
			"inp_gate": {embd, width}, "proj": {width, embd}, "post_norm": {embd},
			"altup_correct_coef": {streams, streams}, "altup_correct_scale": {embd},
			"altup_predict_coef": {streams, streams * streams}, "altup_router": {embd, streams}, "altup_router_norm": {embd},
			"laurel_l": {embd, rank}, "laurel_r": {rank, embd}, "laurel_post_norm": {embd},
		})
	}
	m.create(path)
}
