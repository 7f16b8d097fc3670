package model

import "happyphonellm/internal/kernels"

func init() { register("ernie4_5", ernie45) }

// ernie45 is a dense ERNIE 4.5: a Llama.
func ernie45(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)})
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.o.bias = nil // llama.cpp binds it, but does not add it
		b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
