package fidelity

import (
	"strconv"
	"testing"

	"happyphonellm/internal/gguf"
)

// Recurrent architectures that test-llama-archs leaves out, and forms of others
// that real files have and its models do not.

const (
	rwkvEmbd, rwkvHead, rwkvFFN = 128, 64, 192
	rwkvExtra, rwkvDecay        = 8, 16
)

// bias adds name.bias of layer i.
func (m *maker) bias(i int, name string, n int) { m.tensor("blk."+strconv.Itoa(i)+"."+name+".bias", n) }

// norms of layer i with biases.
func (m *maker) rwkvNorms(i int, names ...string) {
	for _, name := range names {
		m.layer(i, map[string][]int{name: {rwkvEmbd}})
		m.bias(i, name, rwkvEmbd)
	}
}

// rwkvEnds are the tensors outside of layers that RWKV has beside the usual ones.
func (m *maker) rwkvEnds() {
	m.float("attention.layer_norm_epsilon", 1e-5)
	m.tensor("token_embd_norm.weight", rwkvEmbd)
	m.tensor("token_embd_norm.bias", rwkvEmbd)
	m.tensor("output_norm.bias", rwkvEmbd)
	m.tensor("output.weight", rwkvEmbd, madeVocab)
}

// swiGLU adds a feed-forward of layer i.
func (m *maker) swiGLU(i, embd, ffn int) {
	m.layer(i, map[string][]int{"ffn_norm": {embd}, "ffn_gate": {embd, ffn}, "ffn_up": {embd, ffn}, "ffn_down": {ffn, embd}})
}

// timeMix6 adds RWKV 6's time mixing with kv heads.
func (m *maker) timeMix6(i, kv int) {
	const d = rwkvEmbd
	m.layer(i, map[string][]int{
		"time_mix_w1": {d, 5 * rwkvExtra}, "time_mix_w2": {rwkvExtra, d, 5}, "time_mix_lerp_x": {d}, "time_mix_decay": {d},
		"time_mix_decay_w1": {d, rwkvDecay}, "time_mix_decay_w2": {rwkvDecay, d},
		"time_mix_key": {d, kv * rwkvHead}, "time_mix_value": {d, kv * rwkvHead},
		"time_mix_receptance": {d, d}, "time_mix_gate": {d, d}, "time_mix_output": {d, d},
	})
}

// timeMix7 adds RWKV 7's time mixing, with or without gates and norms.
func (m *maker) timeMix7(i int, whole bool) {
	const d, rank = rwkvEmbd, 16
	m.layer(i, map[string][]int{
		"time_mix_w0": {d}, "time_mix_w1": {d, rank}, "time_mix_w2": {rank, d},
		"time_mix_a0": {d}, "time_mix_a1": {d, rank}, "time_mix_a2": {rank, d},
		"time_mix_v0": {d}, "time_mix_v1": {d, rank}, "time_mix_v2": {rank, d},
		"time_mix_k_k": {d}, "time_mix_k_a": {d}, "time_mix_r_k": {d},
		"time_mix_key": {d, d}, "time_mix_value": {d, d}, "time_mix_receptance": {d, d}, "time_mix_output": {d, d},
	})
	if !whole {
		m.layer(i, map[string][]int{"time_mix_lerp_fused": {d, 1, 1, 5}})
		return
	}
	m.layer(i, map[string][]int{"time_mix_lerp_fused": {d, 1, 1, 6}, "time_mix_g1": {d, rank}, "time_mix_g2": {rank, d}})
	m.rwkvNorms(i, "time_mix_ln")
}

func (m *maker) ranks() {
	for _, name := range []string{"decay", "iclr", "value_residual_mix", "gate"} {
		m.uint("attention."+name+"_lora_rank", 16)
	}
}

func init() {
	for variant, fused := range map[string]bool{"": true, " older": false} {
		made["rwkv6"+variant] = func(t *testing.T, path, seed string) {
			m := newMaker(t, "rwkv6", seed, 3, rwkvEmbd, rwkvFFN, 0, 0)
			m.uint("wkv.head_size", rwkvHead)
			m.uint("time_mix_extra_dim", rwkvExtra)
			m.uint("time_decay_extra_dim", rwkvDecay)
			m.uint("rescale_every_n_layers", 2)
			m.rwkvEnds()
			for i := range 3 {
				m.rwkvNorms(i, "attn_norm", "attn_norm_2", "time_mix_ln")
				m.timeMix6(i, rwkvEmbd/rwkvHead)
				m.layer(i, map[string][]int{
					"time_mix_first": {rwkvHead, rwkvEmbd / rwkvHead}, "channel_mix_lerp_k": {rwkvEmbd}, "channel_mix_lerp_r": {rwkvEmbd},
					"channel_mix_key": {rwkvEmbd, rwkvFFN}, "channel_mix_value": {rwkvFFN, rwkvEmbd}, "channel_mix_receptance": {rwkvEmbd, rwkvEmbd},
				})
				if fused {
					m.layer(i, map[string][]int{"time_mix_lerp_fused": {rwkvEmbd, 1, 1, 5}})
					continue
				}
				for _, of := range []string{"w", "k", "v", "r", "g"} {
					m.layer(i, map[string][]int{"time_mix_lerp_" + of: {rwkvEmbd}})
				}
			}
			m.create(path)
		}
	}
	made["rwkv6qwen2"] = func(t *testing.T, path, seed string) {
		m := newMaker(t, "rwkv6qwen2", seed, 2, rwkvEmbd, rwkvFFN, 2, 1)
		m.uint("wkv.head_size", rwkvHead)
		m.uint("time_mix_extra_dim", rwkvExtra)
		m.uint("time_decay_extra_dim", rwkvDecay)
		m.uint("token_shift_count", 1)
		m.tensor("output.weight", rwkvEmbd, madeVocab)
		for i := range 2 {
			m.layer(i, map[string][]int{"attn_norm": {rwkvEmbd}, "time_mix_lerp_fused": {rwkvEmbd, 1, 1, 5}})
			m.timeMix6(i, 1)
			m.bias(i, "time_mix_key", rwkvHead)
			m.bias(i, "time_mix_value", rwkvHead)
			m.bias(i, "time_mix_receptance", rwkvEmbd)
			m.swiGLU(i, rwkvEmbd, rwkvFFN)
		}
		m.create(path)
	}
	made["rwkv7"] = func(t *testing.T, path, seed string) {
		m := newMaker(t, "rwkv7", seed, 3, rwkvEmbd, rwkvFFN, 0, 0)
		m.uint("wkv.head_size", rwkvHead)
		m.ranks()
		m.rwkvEnds()
		for i := range 3 {
			m.rwkvNorms(i, "attn_norm", "attn_norm_2")
			m.timeMix7(i, true)
			m.layer(i, map[string][]int{
				"channel_mix_lerp_k": {rwkvEmbd}, "channel_mix_key": {rwkvEmbd, rwkvFFN}, "channel_mix_value": {rwkvFFN, rwkvEmbd},
			})
		}
		m.create(path)
	}
	for variant, whole := range map[string]bool{"": true, " bare": false} {
		made["arwkv7"+variant] = func(t *testing.T, path, seed string) {
			m := newMaker(t, "arwkv7", seed, 2, rwkvEmbd, rwkvFFN, 2, 2)
			m.uint("wkv.head_size", rwkvHead)
			m.uint("token_shift_count", 1)
			m.ranks()
			m.tensor("output.weight", rwkvEmbd, madeVocab)
			for i := range 2 {
				m.layer(i, map[string][]int{"attn_norm": {rwkvEmbd}})
				m.timeMix7(i, whole)
				m.swiGLU(i, rwkvEmbd, rwkvFFN)
			}
			m.create(path)
		}
	}
	madeHybrids()
}

// madeHybrids are forms of architectures that test-llama-archs makes otherwise.
func madeHybrids() {
	const embd, ffn = 128, 96
	made["mamba normed"] = func(t *testing.T, path, seed string) { // FalconMamba
		const inner, state, rank = 2 * embd, 16, 8
		m := newMaker(t, "mamba", seed, 2, embd, 0, 0, 0)
		m.ssm(inner, 4, state, rank, 0)
		m.w.SetBool("mamba.ssm.dt_b_c_rms", true)
		for i := range 2 {
			m.layer(i, map[string][]int{
				"attn_norm": {embd}, "ssm_in": {embd, 2 * inner}, "ssm_conv1d": {4, inner}, "ssm_x": {inner, rank + 2*state},
				"ssm_dt": {rank, inner}, "ssm_out": {inner, embd},
			})
			m.bias(i, "ssm_conv1d", inner)
			m.bias(i, "ssm_dt", inner)
			m.bare(i, "ssm_a", state, inner)
			m.bare(i, "ssm_d", inner)
		}
		m.create(path)
	}
	for _, arch := range []string{"qwen35", "qwen3next"} {
		made[arch+" shared keys"] = func(t *testing.T, path, seed string) {
			const keys, values, head, width = 2, 4, 64, 32
			m := newMaker(t, arch, seed, 2, embd, ffn, 4, 2)
			m.ssm(values*head, 4, head, values, keys)
			m.uint("full_attention_interval", 2)
			m.uint("attention.key_length", width)
			m.uint("attention.value_length", width)
			m.uint("rope.dimension_count", 16)
			gguf.SetNumbers(m.w, arch+".rope.dimension_sections", []int32{3, 3, 2, 0})
			conv := (2*keys + values) * head
			m.layer(0, map[string][]int{
				"attn_qkv": {embd, conv}, "attn_gate": {embd, values * head}, "ssm_conv1d": {4, conv},
				"ssm_norm": {head}, "ssm_out": {values * head, embd},
			})
			m.bias(0, "ssm_dt", values)
			m.bare(0, "ssm_a", values)
			m.layer(1, map[string][]int{
				"attn_q": {embd, 2 * 4 * width}, "attn_k": {embd, 2 * width}, "attn_v": {embd, 2 * width}, "attn_output": {4 * width, embd},
				"attn_q_norm": {width}, "attn_k_norm": {width},
			})
			for i := range 2 {
				m.layer(i, map[string][]int{"attn_norm": {embd}, "post_attention_norm": {embd}})
			}
			if arch == "qwen35" {
				m.layer(0, map[string][]int{"ssm_beta": {embd, values}, "ssm_alpha": {embd, values}})
				for i := range 2 {
					m.layer(i, map[string][]int{"ffn_gate": {embd, ffn}, "ffn_up": {embd, ffn}, "ffn_down": {ffn, embd}})
				}
			} else {
				m.layer(0, map[string][]int{"ssm_ba": {embd, 2 * values}})
				m.uint("expert_shared_feed_forward_length", ffn)
				for i := range 2 {
					m.expertLayer(i, embd, ffn, true)
					m.layer(i, map[string][]int{
						"ffn_gate_inp_shexp": {embd}, "ffn_gate_shexp": {embd, ffn}, "ffn_up_shexp": {embd, ffn}, "ffn_down_shexp": {ffn, embd},
					})
				}
				m.experts(ffn)
			}
			m.create(path)
		}
	}
	made["jamba experts"] = func(t *testing.T, path, seed string) {
		const inner, state, rank = 2 * embd, 16, 32
		m := newMaker(t, "jamba", seed, 2, embd, ffn, 4, 2)
		m.ssm(inner, 4, state, rank, 0)
		m.experts(ffn)
		m.uints("attention.head_count_kv", 0, 2)
		m.layer(0, map[string][]int{
			"ssm_in": {embd, 2 * inner}, "ssm_conv1d": {4, inner}, "ssm_x": {inner, rank + 2*state}, "ssm_dt": {rank, inner}, "ssm_out": {inner, embd},
			"ssm_dt_norm": {rank}, "ssm_b_norm": {state}, "ssm_c_norm": {state},
		})
		m.bias(0, "ssm_conv1d", inner)
		m.bias(0, "ssm_dt", inner)
		m.bare(0, "ssm_a", state, inner)
		m.bare(0, "ssm_d", inner)
		m.swiGLU(0, embd, ffn)
		m.layer(1, map[string][]int{
			"attn_q": {embd, embd}, "attn_k": {embd, embd / 2}, "attn_v": {embd, embd / 2}, "attn_output": {embd, embd}, "ffn_norm": {embd},
		})
		m.expertLayer(1, embd, ffn, true)
		for i := range 2 {
			m.layer(i, map[string][]int{"attn_norm": {embd}})
		}
		m.create(path)
	}
	made["nemotron_h_moe experts"] = func(t *testing.T, path, seed string) {
		const inner, state, heads, groups = 256, 32, 8, 2
		m := newMaker(t, "nemotron_h_moe", seed, 3, embd, ffn, 4, 2)
		m.uints("attention.head_count_kv", 0, 2, 0)
		m.uints("feed_forward_length", 0, 0, ffn)
		m.float("attention.layer_norm_epsilon", 1e-5)
		m.ssm(inner, 4, state, heads, groups)
		m.experts(ffn)
		m.uint("expert_shared_feed_forward_length", ffn)
		m.uint("expert_shared_count", 1)
		m.float("expert_weights_scale", 2.5)
		m.w.SetBool("nemotron_h_moe.expert_weights_norm", true)
		channels := inner + 2*groups*state
		m.layer(0, map[string][]int{"ssm_in": {embd, inner + channels + heads}, "ssm_conv1d": {4, channels}, "ssm_norm": {inner / groups, groups}, "ssm_out": {inner, embd}})
		m.bias(0, "ssm_conv1d", channels)
		m.bias(0, "ssm_dt", heads)
		m.bare(0, "ssm_a", 1, heads)
		m.bare(0, "ssm_d", 1, heads)
		m.layer(1, map[string][]int{"attn_q": {embd, embd}, "attn_k": {embd, embd / 2}, "attn_v": {embd, embd / 2}, "attn_output": {embd, embd}})
		m.expertLayer(2, embd, ffn, false)
		m.bias(2, "exp_probs_b", 4)
		m.layer(2, map[string][]int{"ffn_up_shexp": {embd, ffn}, "ffn_down_shexp": {ffn, embd}})
		for i := range 3 {
			m.layer(i, map[string][]int{"attn_norm": {embd}})
		}
		m.create(path)
	}
}

// ssm sets the counts of a state space.
func (m *maker) ssm(inner, taps, state, rank, groups int) {
	m.uint("ssm.inner_size", inner)
	m.uint("ssm.conv_kernel", taps)
	m.uint("ssm.state_size", state)
	m.uint("ssm.time_step_rank", rank)
	m.uint("ssm.group_count", groups)
}

// bare adds a tensor of layer i whose name has no ".weight".
func (m *maker) bare(i int, name string, shape ...int) {
	m.tensor("blk."+strconv.Itoa(i)+"."+name, shape...)
}

// experts sets the counts of experts: 2 used of 4.
func (m *maker) experts(ffn int) {
	m.uint("expert_count", 4)
	m.uint("expert_used_count", 2)
	m.uint("expert_feed_forward_length", ffn)
}

// expertLayer adds the experts of layer i, with or without gates.
func (m *maker) expertLayer(i, embd, ffn int, gate bool) {
	m.layer(i, map[string][]int{"ffn_gate_inp": {embd, 4}, "ffn_up_exps": {embd, ffn, 4}, "ffn_down_exps": {ffn, embd, 4}})
	if gate {
		m.layer(i, map[string][]int{"ffn_gate_exps": {embd, ffn, 4}})
	}
}
