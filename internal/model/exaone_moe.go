package model

import "happyphonellm/internal/kernels"

func init() { register("exaone-moe", exaoneMoE) }

// exaoneMoE is LG's K-EXAONE: three of four layers see a sliding window, and
// only those rotate.
func exaoneMoE(b *builder) {
	lead := b.denseLead()
	window, windowed := b.uint("attention.sliding_window"), b.windowed(4)
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		if windowed[b.layer] {
			a.rope, a.window = rope, window
		}
		a.o.bias = nil // llama.cpp has none here
		if b.layer < lead {
			b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		m := b.moe(kernels.SwiGLU)
		m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
		m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", b.expertWidth(0)), kernels.SwiGLU)
		b.add(a, m.unscaled())
	}
	b.head()
}
