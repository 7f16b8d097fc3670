package convert

func init() {
	register("glm4", glm4, "Glm4ForCausalLM")
}

// glm4 is GLM 4 of 2025: norms before and after attention and feed-forward, half
// of each head turns.
func glm4(m *maker) {
	m.defaults(`{"rms_norm_eps": 1.5625e-7, "head_dim": 128}`)
	m.transformer()
	m.setInt("rope.dimension_count", m.rotated(m.headDim(), 0.5))
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.move("input_layernorm.weight", "attn_norm.weight")
		m.move("post_self_attn_layernorm.weight", "post_attention_norm.weight")
		m.move("post_attention_layernorm.weight", "ffn_norm.weight")
		m.move("post_mlp_layernorm.weight", "post_ffw_norm.weight")
		m.projections()
		m.move("mlp.gate_up_proj.weight", "ffn_up.weight")
		m.move("mlp.down_proj.weight", "ffn_down.weight")
	}
}
