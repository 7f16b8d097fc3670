package model

import "happyphonellm/internal/kernels"

func init() { register("llama", llama) }

// llama is Llama 1 to 3, Mistral, Mixtral, SmolLM2 and all that is written
// under this name.
func llama(b *builder) {
	h := b.heads()
	if dim := b.positiveOr("rope.dimension_count", h.keyDim); dim != h.keyDim {
		b.fail(ErrModel, "%s is %d, want the head's %d", b.key("rope.dimension_count"), dim, h.keyDim)
	}
	rope := b.rope(b.withFactors(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)}))
	windows := b.statedWindows()
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.window = windows[b.layer]
		b.add(a)
		if b.positiveOr("expert_count", 0) > 0 {
			b.add(b.moe(kernels.SwiGLU))
		} else {
			b.add(b.feedForward(kernels.SwiGLU))
		}
	}
	b.head()
}
