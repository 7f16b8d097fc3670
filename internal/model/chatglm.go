package model

import "happyphonellm/internal/kernels"

func init() { register("chatglm", chatglm) }

// chatglm is ChatGLM 3 and GLM-4 9B of its first form: gate and up are one tensor,
// and half of each head turns.
func chatglm(b *builder) {
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.fusedFeedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
