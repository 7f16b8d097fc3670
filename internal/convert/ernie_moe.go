package convert

import "strings"

func init() { register("ernie4_5-moe", ernieMoE, "Ernie4_5_MoeForCausalLM") }

// ernieMoE is ERNIE 4.5 with experts.
func ernieMoE(m *maker) {
	m.defaults(`{"moe_layer_interval": 1, "moe_layer_start_index": 1, "rope_theta": 500000.0}`)
	m.renamed(func(name string) string {
		name = strings.Replace(name, "ernie.", "model.", 1)
		if strings.HasPrefix(name, "model.mtp_") {
			return "" // predicts several tokens at once
		}
		return name
	})
	m.transformer()
	n, used := m.int("moe_num_experts"), m.int("moe_k")
	step, start := m.int("moe_layer_interval"), m.int("moe_layer_start_index")
	m.setInt("expert_count", n)
	m.setInt("expert_used_count", used)
	m.setInt("interleave_moe_layer_step", step)
	m.setInt("leading_dense_block_count", start)
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	if shared := m.intOr(0, "moe_num_shared_experts"); m.config.Has("moe_num_shared_experts") {
		m.setInt("expert_shared_count", shared)
		if _, keys := m.heads(); shared > 0 {
			m.setInt("expert_shared_feed_forward_length", m.int("intermediate_size")/keys)
		}
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		if !m.has("mlp.gate.weight") {
			m.gated()
			continue
		}
		m.move("mlp.gate.weight", "ffn_gate_inp.weight")
		m.moveAny(m.oneOf("mlp.moe_statics.e_score_correction_bias", "mlp.gate.moe_statics.e_score_correction_bias"), "exp_probs_b.bias")
		m.experts(n, "mlp.experts.", projNames)
		if m.has("mlp.shared_experts.up_proj.weight") {
			m.shared("mlp.shared_experts.")
		}
	}
}
