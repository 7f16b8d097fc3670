package model

import "happyphonellm/internal/kernels"

func init() { register("smollm3", smollm3) }

// smollm3 is a Llama in which every fourth layer has no rotation.
func smollm3(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)})
	windows := b.statedWindows()
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.window = windows[b.layer]
		if b.layer%4 == 3 {
			a.rope = nil
		}
		b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
