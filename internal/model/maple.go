package model

func init() { register("maple", maple) }

// maple is a mixture of experts whose windowed layers alone rotate, with a
// clamped gate.
func maple(b *builder) {
	_, local := b.windowRopes(ropeHalves)
	window, windowed := b.uint("attention.sliding_window"), b.windowed(0)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		a.o.bias = nil // llama.cpp has none here
		m := b.moe(swiGLULimit(b.layerFloat("swiglu_clamp_exp", 0)))
		m.scale = 1
		b.add(a, m.unscaled())
	}
	b.head()
}
