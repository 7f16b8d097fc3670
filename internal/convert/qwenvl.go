package convert

import "strings"

func init() {
	register("qwen2vl", qwenVL, "Qwen2VLForConditionalGeneration", "Qwen2_5_VLForConditionalGeneration", "Qwen2_5OmniModel")
	register("qwen3vl", qwenVL, "Qwen3VLForConditionalGeneration")
}

// qwenVL is the text part of Qwen 2, 2.5 and 3 that see: Qwen 2 or 3 whose pairs
// turn with time, height and width of what is seen, and with the place of a text's
// token alike.
func qwenVL(m *maker) {
	if thinker := m.config.Object("thinker_config"); thinker != nil {
		m.config = m.config.Merged(thinker).Merged(thinker.Object("text_config"))
	}
	m.renamed(func(name string) string {
		name = textName(strings.Replace(name, "thinker.", "", 1))
		return strings.Replace(name, "model.model.", "model.", 1)
	})
	if m.arch == "qwen3vl" {
		m.defaults(`{"head_dim": 128}`)
	}
	m.transformer()
	if m.arch == "qwen3vl" {
		depths, _ := m.config.Object("vision_config").List("deepstack_visual_indexes")
		m.setInt("n_deepstack_layers", len(depths))
	}
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.layerNorms("input_layernorm", "post_attention_layernorm")
		m.projections()
		m.moveAny("self_attn.q_norm.weight", "attn_q_norm.weight")
		m.moveAny("self_attn.k_norm.weight", "attn_k_norm.weight")
		m.gated()
	}
}
