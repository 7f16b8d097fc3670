package convert

func init() {
	register("llama", llama, "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM", "IQuestCoderForCausalLM", "InternLM3ForCausalLM")
	register("smollm3", llama, "SmolLM3ForCausalLM")
	register("arcee", llama, "ArceeForCausalLM")
}

// llama is Llama 1 to 3, Mistral, SmolLM 2 and 3, Arcee's models (whose
// feed-forward has no gate) and all that have their form.
func llama(m *maker) {
	m.llamaKeys()
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.llamaLayer()
	}
}

// llamaKeys sets the keys of Llama and those that have its form.
func (m *maker) llamaKeys() {
	m.transformer()
	m.copyInt("vocab_size", "vocab_size")
	m.setInt("rope.dimension_count", m.headDim())
	m.llama3Factors()
}

// llamaLayer moves a layer of Llama's form.
func (m *maker) llamaLayer() {
	m.layerNorms("input_layernorm", "post_attention_layernorm")
	m.turnedProjections(m.heads())
	if m.has("mlp.gate_proj.weight") {
		m.linear("mlp.gate_proj", "ffn_gate")
	}
	m.linear("mlp.up_proj", "ffn_up")
	m.linear("mlp.down_proj", "ffn_down")
}
