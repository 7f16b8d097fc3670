package model

import "happyphonellm/internal/kernels"

func init() { register("ernie4_5-moe", ernieMoE) }

// ernieMoE is Baidu's ERNIE 4.5 with experts in every n-th layer after the
// leading dense ones.
func ernieMoE(b *builder) {
	lead, step := b.denseLead(), max(1, b.uint("interleave_moe_layer_step"))
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.o.bias = nil // llama.cpp has none here
		b.add(a)
		if b.layer < lead || (b.layer+1)%step != 0 {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		m := b.moe(kernels.SwiGLU)
		if ffn := b.uintOr("expert_shared_feed_forward_length", 0); ffn > 0 {
			m.shared = b.sharedExpert("_shexp", ffn, kernels.SwiGLU)
		}
		b.add(m.unscaled())
	}
	b.head()
}
