package model

import "happyphonellm/internal/kernels"

func init() {
	register("olmoe", olmoe)
	register("minimax-m2", olmoe)
}

// olmoe is OLMoE and MiniMax-M2: queries and keys are normed over all heads
// together.
func olmoe(b *builder) {
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.bareAttention(h, rope)
		a.norm = b.rmsNorm("attn_norm", b.m.Embd)
		a.qWhole, a.kWhole = b.rmsNorm("attn_q_norm", h.n*h.keyDim), b.rmsNorm("attn_k_norm", h.kv*h.keyDim)
		m := b.experts(b.ffnLength(), kernels.SwiGLU)
		if b.m.Arch == "olmoe" {
			m.normed = b.boolOr("expert_weights_norm", false)
		} else {
			m.gating = b.gatingOr(gateSigmoid)
		}
		b.add(a, m.unscaled())
	}
	b.head()
}
