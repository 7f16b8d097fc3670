package model

import "happyphonellm/internal/kernels"

func init() {
	register("gemma", gemma)
	register("gemma2", gemma2)
}

// gemma is Gemma 1 and 1.1: a Llama with GeGLU, scaled embeddings, and their
// matrix as the output's.
func gemma(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	})
	b.embedding(sqrt(b.m.Embd))
	for b.nextLayer() {
		a, f := b.attention(b.heads(), rope), b.feedForward(kernels.GeGLU).unscaled()
		a.params.Scale = 1 / sqrt(h.valueDim)
		b.add(a, f)
	}
	b.head()
}

// gemma2 is Gemma 2: scores and logits are capped, every other layer sees a
// sliding window, and branches are normed before they are added too.
func gemma2(b *builder) {
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	base := b.floatOr("rope.freq_base", 10000)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: base})
	local := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base_swa", base)})
	window, windowed := b.uintOr("attention.sliding_window", 4096), b.windowed(2)
	b.embedding(sqrt(b.m.Embd))
	for b.nextLayer() {
		a := b.attention(b.heads(), full)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		a.params.Softcap = b.floatOr("attn_logit_softcapping", 50)
		if b.m.Layers == 46 { // the 27B model alone scales by the width per head
			a.params.Scale = 1 / sqrt(b.m.Embd/h.n)
		}
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		f := b.feedForward(kernels.GeGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		b.add(a, f)
	}
	b.head().cap = b.floatOr("final_logit_softcapping", 30)
}
