package model

import "happyphonellm/internal/kernels"

func init() {
	register("qwen2", qwen)
	register("qwen3", qwen)
}

// qwen is Qwen 1.5 to 2.5, with biases on the projections, and Qwen 3, which
// has norms on the heads instead: attention binds whichever the file has.
func qwen(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	})
	windows := b.statedWindows()
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), rope), b.feedForward(kernels.SwiGLU)
		a.window = windows[b.layer]
		if b.m.Arch == "qwen2" {
			f.unscaled()
		}
		b.add(a, f)
	}
	b.head()
}
