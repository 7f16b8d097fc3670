package model

import "happyphonellm/internal/kernels"

func init() { register("stablelm", stablelm) }

// stablelm is StableLM 1 and 2: a Llama with layer norms and a partial rotation.
// The 12B norms each head with weights of its own, and has attention and
// feed-forward side by side.
func stablelm(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a, f := b.bareAttention(h, rope), b.bareFeedForward(kernels.SwiGLU).unscaled()
		a.norm = b.norm("attn_norm", b.m.Embd)
		a.qNorm, a.kNorm = b.headNorms("attn_q_norm", h.keyDim, h.n), b.headNorms("attn_k_norm", h.keyDim, h.kv)
		if f.norm = b.normOr("ffn_norm", b.m.Embd); f.norm != nil {
			b.add(a, f)
			continue
		}
		f.norm = a.norm
		b.parallel(a, f)
	}
	b.head()
}
