package model

import "happyphonellm/internal/kernels"

func init() { register("baichuan", baichuan) }

// baichuan is Baichuan 1 and 2: a Llama. The 7B, which has 32 layers, has a
// rotation, and the 13B, with 40, ALiBi; llama.cpp gives others neither.
func baichuan(b *builder) {
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		if b.m.Layers != 32 {
			a.rope = nil
		}
		if b.m.Layers == 40 {
			a.slopes = b.alibi(a.heads, 8)
		}
		b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
