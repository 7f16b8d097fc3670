package convert

import "strings"

func init() { register("exaone-moe", exaoneMoE, "ExaoneMoEForCausalLM", "ExaoneMoeForCausalLM") }

// exaoneMoE is LG's K-EXAONE: experts behind some dense layers, windows in most layers.
func exaoneMoE(m *maker) {
	m.defaults(`{"scoring_func": "sigmoid", "norm_topk_prob": true, "routed_scaling_factor": 2.5, "num_shared_experts": 1}`)
	m.renamed(func(name string) string {
		if strings.HasPrefix(name, "mtp.") {
			return "" // predicts several tokens at once
		}
		return name
	})
	m.transformer()
	m.setInt("vocab_size", m.int("vocab_size"))
	m.setInt("attention.sliding_window", m.int("sliding_window"))
	if list := m.slidingLayers(m.windowPattern()); list != nil {
		m.setFlags("attention.sliding_window_pattern", list)
	}
	width, shared := m.int("moe_intermediate_size"), m.int("num_shared_experts")
	dense, n := m.intOr(0, "first_k_dense_replace", "first_last_k_dense_replace"), m.int("num_local_experts", "num_experts")
	m.setInt("expert_feed_forward_length", width)
	m.setInt("expert_shared_count", shared)
	m.setInt("expert_shared_feed_forward_length", width*shared)
	m.copyFloat("expert_weights_scale", "routed_scaling_factor")
	m.copyBool("expert_weights_norm", "norm_topk_prob")
	m.setInt("leading_dense_block_count", dense)
	m.setInt("nextn_predict_layers", 0)
	m.setText("rope.scaling.type", "none")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		if m.layer < dense {
			m.gated()
		} else {
			m.deepSeekExperts(n)
		}
	}
}
