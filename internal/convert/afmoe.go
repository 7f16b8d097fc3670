package convert

import "math"

func init() { register("afmoe", afMoE, "AfmoeForCausalLM") }

// afMoE is Arcee's Trinity: gates on attention's output, four norms in a layer.
func afMoE(m *maker) {
	m.llamaKeys()
	m.copyInt("expert_shared_count", "num_shared_experts")
	m.copyInt("expert_feed_forward_length", "moe_intermediate_size")
	m.copyInt("leading_dense_block_count", "num_dense_layers")
	m.setBool("expert_weights_norm", m.boolOr(true, "route_norm"))
	m.copyFloat("expert_weights_scale", "route_scale")
	m.copyInt("attention.sliding_window", "sliding_window")
	dense, n := m.intOr(0, "num_dense_layers"), m.int("num_local_experts", "num_experts")
	m.ends()
	if !m.boolOr(false, "mup_enabled") {
		m.unscaledEmbedding(math.Sqrt(float64(m.width())))
	}
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "pre_mlp_layernorm")
		m.move("post_attention_layernorm.weight", "post_attention_norm.weight")
		m.move("post_mlp_layernorm.weight", "post_ffw_norm.weight")
		m.projections()
		m.linear("self_attn.gate_proj", "attn_gate")
		m.normedHeads("self_attn.q_norm", "self_attn.k_norm")
		if m.layer < dense {
			m.gated()
			continue
		}
		m.move("mlp.router.gate.weight", "ffn_gate_inp.weight")
		m.moveAny("mlp.expert_bias", "exp_probs_b.bias")
		m.experts(n, "mlp.experts.", projNames)
		if m.has("mlp.shared_experts.up_proj.weight") {
			m.shared("mlp.shared_experts.")
		}
	}
}

// unscaledEmbedding divides the embedding by what the architecture multiplies it
// by, for a checkpoint that does not; the output matrix stays.
func (m *maker) unscaledEmbedding(factor float64) {
	for i, o := range m.outputs {
		if o.name != "token_embd.weight" {
			continue
		}
		if !m.has("lm_head.weight") {
			m.put("output.weight", o.view)
		}
		m.outputs[i].view = o.view.scaled(1 / factor)
	}
}
