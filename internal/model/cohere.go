package model

import "happyphonellm/internal/kernels"

func init() {
	register("command-r", commandR)
	register("cohere2", cohere2)
}

// commandR is Command R and R+: attention and feed-forward side by side on the same
// layer norm, logits with a factor. R+ norms each head with weights of its own.
func commandR(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a, f := b.bareAttention(h, rope), b.bareFeedForward(kernels.SwiGLU).unscaled()
		a.norm = b.norm("attn_norm", b.m.Embd)
		a.qNorm, a.kNorm = b.headNorms("attn_q_norm", h.keyDim, h.n), b.headNorms("attn_k_norm", h.keyDim, h.kv)
		f.norm = a.norm
		b.parallel(a, f)
	}
	b.scaledHead(b.floatOr("logit_scale", 0))
}

// cohere2 is Command R7B and Command A: a Command R in which most layers see a
// sliding window; only those have a rotation.
func cohere2(b *builder) {
	b.layerNorms = true
	_, local := b.windowRopes(ropeAdjacent)
	window, windowed := b.uint("attention.sliding_window"), b.windowed(4)
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), nil), b.bareFeedForward(kernels.SwiGLU)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		f.norm = a.norm
		b.parallel(a, f)
	}
	b.scaledHead(b.float("logit_scale"))
}

// scaledHead is head with a factor of the logits; 0 is none.
func (b *builder) scaledHead(factor float32) {
	h := b.head()
	if factor != 0 {
		h.out = h.out.times(factor)
	}
}
