package convert

func init() {
	register("granite", granite, "GraniteForCausalLM")
}

// granite is IBM's Granite 3: Llama with factors at four places.
func granite(m *maker) {
	m.ignore("head_dim")
	m.llamaKeys()
	m.graniteFactors()
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.llamaLayer()
	}
}

// graniteFactors sets the factors of attention, embedding, residual stream and logits.
func (m *maker) graniteFactors() {
	for _, f := range [][2]string{
		{"attention.scale", "attention_multiplier"}, {"embedding_scale", "embedding_multiplier"},
		{"residual_scale", "residual_multiplier"}, {"logit_scale", "logits_scaling"},
	} {
		if v := m.floatOr(0, f[1]); v != 0 {
			m.setFloat(f[0], v)
		}
	}
}
