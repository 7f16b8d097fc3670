package convert

func init() {
	register("mistral3", mistral3, "Ministral3ForCausalLM", "Mistral3ForConditionalGeneration")
}

// mistral3 is Ministral 3, and the text part of Mistral 3 that sees.
func mistral3(m *maker) {
	m.textOnly()
	m.llamaKeys()
	if kind, _ := m.config.Text("model_type"); kind == "ministral3" {
		m.copyRope("rope.scaling.yarn_log_multiplier", "mscale_all_dim")
		m.copyRope("attention.temperature_scale", "llama_4_scaling_beta")
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.llamaLayer()
	}
}
