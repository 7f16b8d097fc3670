package convert

func init() { register("llama", mixtral, "MixtralForCausalLM") }

// mixtral is Mixtral: Llama with experts.
func mixtral(m *maker) {
	m.llamaKeys()
	m.statedWindows(everyLayer)
	n := m.int("num_local_experts")
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.turnedProjections(m.heads())
		m.move(m.oneOf("block_sparse_moe.gate.weight", "mlp.gate.weight"), "ffn_gate_inp.weight")
		m.experts(n, "block_sparse_moe.experts.", wNames)
	}
}
