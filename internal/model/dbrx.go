package model

import "happyphonellm/internal/kernels"

func init() { register("dbrx", dbrx) }

// dbrx is Databricks' DBRX: layer norms, and clamped queries, keys and values.
func dbrx(b *builder) {
	b.layerNorms = true
	limit := b.float("attention.clamp_kqv")
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.clamp = limit
		a.o.bias = nil // llama.cpp has none here
		m := b.experts(b.uints("feed_forward_length", 0)[b.layer], kernels.SwiGLU)
		m.norm = b.norm("attn_output_norm", b.m.Embd)
		b.add(a, m.unscaled())
	}
	b.head()
}
