package model

import "happyphonellm/internal/kernels"

func init() { register("mellum", mellum) }

// mellum is JetBrains' Mellum 2: three of four layers see a window, and rotate
// without the scaling of the others.
func mellum(b *builder) {
	h := b.heads()
	dim, base := b.positiveOr("rope.dimension_count", h.keyDim), b.floatOr("rope.freq_base", 10000)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: base})
	window := b.uintOr("attention.sliding_window", 0)
	windowed := make([]bool, b.m.Layers)
	local := full
	if window > 0 {
		windowed = b.windowed(4)
		local = b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base_swa", base), plain: true})
	}
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), full)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		m := b.experts(b.expertWidth(b.evenWidth()), kernels.SwiGLU)
		m.gating, m.normed = b.gatingOr(gateSoftmax), b.boolOr("expert_weights_norm", true)
		b.add(a, m)
	}
	b.head()
}
