package model

import "happyphonellm/internal/kernels"

func init() {
	register("plamo", plamo)
	register("plamo3", plamo3)
}

// plamo is PLaMo 1: attention and feed-forward side by side on the same norm.
func plamo(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)})
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), rope), b.bareFeedForward(kernels.SwiGLU).unscaled()
		f.norm = a.norm
		b.parallel(a, f)
	}
	b.head()
}

// plamo3 is PLaMo 3: branches are normed before they are added too, and most layers
// see a sliding window and rotate with a base of their own.
func plamo3(b *builder) {
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base", 10000)})
	local := full
	window := b.uintOr("attention.sliding_window", 0)
	windowed := make([]bool, b.m.Layers)
	if window > 0 {
		local = b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base_swa", 10000), scale: 1})
		windowed = b.windowed(8)
	}
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), full).unscaledQKV(), b.fusedFeedForward(kernels.SwiGLU).unscaled()
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		// These tensors are named without ".weight".
		a.post = &norm{w: b.vector("post_attention_norm", b.m.Embd), eps: b.rmsEps()}
		f.post = &norm{w: b.vector("post_ffw_norm", b.m.Embd), eps: b.rmsEps()}
		b.add(a, f)
	}
	b.head()
}
