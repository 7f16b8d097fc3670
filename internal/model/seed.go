package model

import "happyphonellm/internal/kernels"

func init() { register("seed_oss", seedOSS) }

// seedOSS is Seed-OSS: a Llama with biases on the projections, rotated halves,
// and another name for the norm of the feed-forward.
func seedOSS(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)})
	b.embedding(1)
	for b.nextLayer() {
		f := b.bareFeedForward(kernels.SwiGLU).unscaled()
		f.norm = b.rmsNorm("post_attention_norm", b.m.Embd)
		b.add(b.attention(b.heads(), rope), f)
	}
	b.head()
}
