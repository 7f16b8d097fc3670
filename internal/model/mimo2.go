package model

import "happyphonellm/internal/kernels"

func init() { register("mimo2", mimo2) }

// mimo2 is Xiaomi's MiMo-V2: most layers see a window, with head counts and a
// rotation of their own, and have sinks; experts where the file has them.
func mimo2(b *builder) {
	full, local := b.windowRopes(ropeHalves)
	window, windowed := b.uint("attention.sliding_window"), b.windowed(0)
	scale := b.floatOr("attention.value_scale", 0)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, full)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		for _, l := range []*linear{&a.q, &a.k, &a.v} { // llama.cpp has neither here
			l.scale, l.bias = nil, nil
		}
		a.o.bias = nil
		a.sinks = b.vectorOr("attn_sinks.weight", h.n)
		if scale != 0 {
			a.o = a.o.times(scale)
		}
		b.add(a)
		if !b.has("ffn_gate_inp.weight") {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		m := b.moe(kernels.SwiGLU)
		m.gating = gateSigmoid
		b.add(m.unscaled())
	}
	b.head()
}
