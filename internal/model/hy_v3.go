package model

import "happyphonellm/internal/kernels"

func init() { register("hy_v3", hunyuan3) }

// hunyuan3 is Tencent's Hy3: experts, one of them shared, in all layers but those
// that have no router.
func hunyuan3(b *builder) {
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.o.bias = nil // llama.cpp has none here
		b.add(a)
		if !b.has("ffn_gate_inp.weight") {
			b.add(b.feedForward(kernels.SwiGLU))
			continue
		}
		ffn := b.expertWidth(b.evenWidth())
		m := b.experts(ffn, kernels.SwiGLU)
		m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
		m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", ffn), kernels.SwiGLU)
		b.add(m)
	}
	b.head()
}
