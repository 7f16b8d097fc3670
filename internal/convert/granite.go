package convert

func init() {
	register("granite", granite, "GraniteForCausalLM")
}

// granite is IBM's Granite 3: Llama with factors at four places.
func granite(m *maker) {
	m.graniteHeads()
	m.llamaKeys()
	m.graniteFactors()
	m.longRope(m.headDim())
	m.ends()
	for m.nextLayer("model.layers.%d.") {
		m.llamaLayer()
	}
}

// graniteHeads forgets the size of heads where it is the usual one, as llama.cpp's
// script does: the file then does not say it.
func (m *maker) graniteHeads() {
	if heads, _ := m.heads(); m.headDim() == m.width()/heads {
		m.ignore("head_dim")
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
