package model

import "happyphonellm/internal/kernels"

func init() { register("chameleon", chameleon) }

// chameleon is Meta's Chameleon for text: layer norms of each head's queries and
// keys, and tokens of images, which are never picked. Its larger model, which has
// norms after its blocks, is refused: llama.cpp computes another one.
func chameleon(b *builder) {
	if b.boolOr("swin_norm", false) {
		b.fail(ErrUnsupported, "%s: norms after the blocks", b.key("swin_norm"))
	}
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a, f := b.bareAttention(h, rope), b.bareFeedForward(kernels.SwiGLU).unscaled()
		a.o.bias = nil // llama.cpp has none here
		a.qNorm, a.kNorm = b.chameleonNorm("attn_q_norm", h.keyDim, h.n), b.chameleonNorm("attn_k_norm", h.keyDim, h.kv)
		a.norm, f.norm = b.rmsNorm("attn_norm", b.m.Embd), b.rmsNorm("ffn_norm", b.m.Embd)
		b.add(a, f)
	}
	b.head().hide = [2]int{4, 8196}
}

// chameleonNorm binds a layer norm with weights for each head, and biases where
// the file has them.
func (b *builder) chameleonNorm(name string, n, heads int) *norm {
	return &norm{w: b.vector(name+".weight", n, heads), b: b.vectorOr(name+".bias", n, heads), mean: true, eps: 1e-5}
}
