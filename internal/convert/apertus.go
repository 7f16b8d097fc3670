package convert

import "happyphonellm/internal/gguf"

func init() {
	register("apertus", apertus, "ApertusForCausalLM")
}

// apertus is the Swiss Apertus: no gate, but an activation with four numbers of
// its own in each layer, which are keys of the file.
func apertus(m *maker) {
	m.llamaKeys()
	m.ends()
	numbers := []string{"alpha_n", "alpha_p", "beta", "eps"}
	lists := make([][]float32, len(numbers))
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("attention_layernorm", "feedforward_layernorm")
		m.projections()
		m.move("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.move("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.linear("mlp.up_proj", "ffn_up")
		m.linear("mlp.down_proj", "ffn_down")
		for i, name := range numbers {
			lists[i] = append(lists[i], m.number("mlp.act_fn."+name))
		}
	}
	for i, name := range numbers {
		gguf.SetNumbers(m.w, "xielu."+name, lists[i])
	}
}
