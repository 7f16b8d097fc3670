package model

import "happyphonellm/internal/kernels"

func init() { register("hunyuan-moe", hunyuanMoE) }

// hunyuanMoE is Tencent's Hunyuan A13B: norms on the heads after their rotation.
func hunyuanMoE(b *builder) {
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.normLast = true
		ffn := b.ffnLength()
		m := b.experts(ffn, kernels.SwiGLU)
		m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", ffn), kernels.SwiGLU)
		b.add(a, m.unscaled())
	}
	b.head()
}
