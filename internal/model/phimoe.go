package model

import "happyphonellm/internal/kernels"

func init() { register("phimoe", phiMoE) }

// phiMoE is Phi 3.5 MoE: Phi 3's attention with biases everywhere.
func phiMoE(b *builder) {
	h := b.heads()
	rope := b.rope(b.withFactors(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	}))
	biased := func(n *norm, name string) *norm {
		if n != nil {
			n.b = b.vector(name+".bias", b.m.Embd)
		}
		return n
	}
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		m := b.experts(b.uints("feed_forward_length", 0)[b.layer], kernels.SwiGLU)
		biased(a.norm, "attn_norm")
		biased(m.norm, "ffn_norm")
		b.add(a, m.unscaled())
	}
	biased(b.head().norm, "output_norm")
}
