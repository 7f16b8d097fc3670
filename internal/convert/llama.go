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
	m.longRope(m.headDim())
	switch m.class {
	case "MistralForCausalLM":
		m.statedWindows(everyLayer)
	case "SmolLM3ForCausalLM":
		m.unturnedLayers()
		if m.boolOr(false, "use_sliding_window") {
			m.statedWindows(nil)
		}
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.llamaLayer()
	}
}

// unturnedLayers makes sure that every fourth layer has no rotation: GGUF knows nothing else.
func (m *maker) unturnedLayers() {
	turns, ok := m.config.Floats("no_rope_layers")
	for i := range m.layers {
		turned := (i+1)%max(m.intOr(4, "no_rope_layer_interval"), 1) != 0
		if ok {
			turned = i < len(turns) && turns[i] != 0
		}
		if turned != (i%4 != 3) {
			m.fail("%s: \"no_rope_layers\": layer %d is not as in SmolLM 3, in which every fourth has no rotation", m.config.File(), i)
			return
		}
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
