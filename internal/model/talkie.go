package model

import "happyphonellm/internal/kernels"

func init() { register("talkie", talkie) }

// talkie is Talkie: norms have no weights, a factor per query head comes after the
// rotation, and the normed embedding is added again after each layer.
func talkie(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)})
	plain := &norm{eps: b.rmsEps()}
	b.embedding(1)
	b.m.embed.norm = plain
	skip := b.keep()
	b.add(skip)
	for b.nextLayer() {
		h := b.heads()
		a := b.bareAttention(h, rope)
		a.norm, a.kNorm, a.normLast = plain, plain, true
		a.qNorm = &norm{eps: plain.eps}
		for _, factor := range b.vector("attn_q_norm.weight", 1, h.n) {
			for range h.keyDim {
				a.qNorm.w = append(a.qNorm.w, factor)
			}
		}
		f := b.bareFeedForward(kernels.SwiGLU)
		f.norm = plain
		f.gate, f.up = f.gate.unscaled(), f.up.unscaled()
		b.add(a, f)
		if factor := b.vector("layer_output_scale.weight", 1); factor != nil {
			b.add(&plus{from: skip, scale: factor[0]})
		}
	}
	out := b.bareHead()
	out.norm = plain
	out.out = out.out.unscaled().times(b.float("logit_scale"))
}
