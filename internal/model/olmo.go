package model

import "happyphonellm/internal/kernels"

func init() {
	register("olmo", olmo)
	register("olmo2", olmo2)
}

// olmo is OLMo 1: layer norms without weights, and projections that may be
// clamped.
func olmo(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)})
	plain := &norm{mean: true, eps: b.float("attention.layer_norm_epsilon")}
	b.embedding(1)
	for b.nextLayer() {
		a := b.bareAttention(b.heads(), rope)
		a.norm, a.clamp = plain, b.floatOr("attention.clamp_kqv", 0)
		f := b.bareFeedForward(kernels.SwiGLU).unscaled()
		f.norm = plain
		b.add(a, f)
	}
	b.bareHead().norm = plain
}

// olmo2 is OLMo 2 and 3: branches are normed only before they are added, and
// queries and keys over all heads together. In OLMo 3 most layers see a sliding
// window; those rotate without the scaling for long contexts.
func olmo2(b *builder) {
	h := b.heads()
	base := b.floatOr("rope.freq_base", 10000)
	full := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: base})
	local := full
	window := b.uintOr("attention.sliding_window", 0)
	windowed := make([]bool, b.m.Layers)
	if window > 0 {
		local = b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: base, plain: true})
		windowed = b.windowed(4)
	}
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.bareAttention(h, full)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		a.qWhole = b.rmsNorm("attn_q_norm", h.n*h.keyDim)
		a.kWhole = b.rmsNorm("attn_k_norm", h.kv*h.keyDim)
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		f := b.bareFeedForward(kernels.SwiGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		b.add(a, f)
	}
	b.head()
}
