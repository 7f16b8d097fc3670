package model

import "happyphonellm/internal/kernels"

func init() {
	register("phi2", phi2)
	register("phi3", phi3)
}

// phi2 is Phi 1, 1.5 and 2: attention and feed-forward side by side, on the same
// layer norm.
func phi2(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		f := b.barePlainFeedForward(plainGELU).unscaled()
		f.norm = a.norm
		b.parallel(a, f)
	}
	b.head()
}

// phi3 is Phi 3, 3.5 and 4, dense: a Llama with fused projections, and divisors of
// the frequencies for short and for long contexts. A sliding window is used where
// the file says in which layers; llama.cpp uses none.
func phi3(b *builder) {
	h := b.heads()
	rope := b.rope(b.withFactors(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	}))
	windows := b.statedWindows()
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.window = windows[b.layer]
		b.add(a, b.fusedFeedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
