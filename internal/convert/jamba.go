package convert

func init() { register("jamba", jamba, "JambaForCausalLM") }

// jamba is Jamba: Mamba 1 with norms on its parts in most layers, attention in the
// others, experts in every second.
func jamba(m *maker) {
	m.defaults(`{"mamba_expand": 2, "mamba_d_conv": 4, "mamba_d_state": 16, "attn_layer_period": 8, "attn_layer_offset": 4}`)
	width := m.int("hidden_size", "mamba_d_model")
	m.layers = m.layerCount("num_hidden_layers")
	m.setInt("block_count", m.layers)
	m.setInt("context_length", m.int("max_position_embeddings", "n_ctx"))
	m.setInt("embedding_length", width)
	m.setInt("feed_forward_length", m.int("intermediate_size"))
	queries, keys := m.heads()
	m.setInt("attention.head_count", queries)
	attention := m.hybridAttention()
	heads := make([]int32, m.layers)
	for i, a := range attention {
		if a {
			heads[i] = int32(keys)
		}
	}
	m.setInts("attention.head_count_kv", heads)
	m.setInt("ssm.conv_kernel", m.int("mamba_d_conv"))
	m.setInt("ssm.inner_size", m.int("mamba_expand")*width)
	m.setInt("ssm.state_size", m.int("mamba_d_state"))
	m.setInt("ssm.time_step_rank", m.ranked((width+15)/16, "mamba_dt_rank"))
	m.setFloat("attention.layer_norm_rms_epsilon", m.floatOr(1e-6, "layer_norm_epsilon", "rms_norm_eps"))
	n := m.int("num_local_experts", "num_experts")
	m.setInt("expert_count", n)
	m.setInt("expert_used_count", m.int("num_experts_per_tok", "num_experts_per_token"))
	m.move("model.embed_tokens.weight", "token_embd.weight")
	m.move("model.final_layernorm.weight", "output_norm.weight")
	m.moveAny("lm_head.weight", "output.weight")
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.move(m.oneOf("pre_ff_layernorm.weight", "pre_moe_layernorm.weight"), "ffn_norm.weight")
		if attention[m.layer] {
			m.projections()
		} else {
			m.mamba1Layer("mamba.")
			m.move("mamba.dt_layernorm.weight", "ssm_dt_norm.weight")
			m.move("mamba.b_layernorm.weight", "ssm_b_norm.weight")
			m.move("mamba.c_layernorm.weight", "ssm_c_norm.weight")
		}
		at := "feed_forward."
		if m.has("moe.router.weight") || m.has("moe.experts.0.up_proj.weight") {
			at = "moe." // as the first Jambas have it
		}
		switch {
		case m.has(at + "router.weight"):
			m.move(at+"router.weight", "ffn_gate_inp.weight")
			m.experts(n, at+"experts.", projNames)
		default:
			if m.has(at + "experts.0.up_proj.weight") {
				at += "experts.0." // one expert is none
			}
			m.move(at+"gate_proj.weight", "ffn_gate.weight")
			m.move(at+"up_proj.weight", "ffn_up.weight")
			m.move(at+"down_proj.weight", "ffn_down.weight")
		}
	}
}
