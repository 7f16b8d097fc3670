package model

import "happyphonellm/internal/kernels"

func init() {
	register("muse-glimmer", muse)
	register("spark2_5", spark)
}

// muse is Muse Glimmer: embeddings are normed, attention has a gate on every
// output, branches are normed before they are added too, and only the layers
// that see a sliding window rotate.
func muse(b *builder) {
	const postEps = 1e-8
	h := b.heads()
	rope := b.rope(ropeParams{
		style: ropeAdjacent,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base_swa", b.floatOr("rope.freq_base", 10000)), scale: 1,
	})
	window, windowed := b.uint("attention.sliding_window"), b.windowed(4)
	b.embedding(1)
	b.m.embed.norm = &norm{eps: b.rmsEps()}
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, rope)
		if windowed[b.layer] {
			a.window = window
		} else {
			a.rope = nil
		}
		b.bindGate(a, "attn_gate", h.n*h.keyDim)
		a.gate.scale = nil
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		a.post.eps = postEps
		f := b.feedForward(kernels.SwiGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		f.post.eps = postEps
		b.add(a, f)
	}
	out := b.head()
	out.out = out.out.times(b.float("logit_scale"))
	out.cap = b.floatOr("final_logit_softcapping", 30)
}

// spark is Spark 2.5: a gate per head on attention, layers with and without a
// sliding window whose heads may differ in number, and GeGLU.
func spark(b *builder) {
	window, windowed := b.uint("attention.sliding_window"), b.windowed(1)
	base := b.floatOr("rope.freq_base", 10000)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		o := ropeParams{style: ropeHalves, dim: b.positiveOr("rope.dimension_count", h.keyDim), base: base}
		if windowed[b.layer] {
			o.dim = b.positiveOr("rope.dimension_count_swa", o.dim)
			o.base = b.floatOr("rope.freq_base_swa", base)
		}
		a := b.attention(h, b.rope(o))
		if windowed[b.layer] {
			a.window = window
		}
		b.bindGate(a, "attn_gate", h.n)
		a.gate.scale = nil
		b.add(a, b.feedForward(kernels.GeGLU).unscaled())
	}
	b.head()
}
