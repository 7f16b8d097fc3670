package model

import "happyphonellm/internal/kernels"

func init() { register("glm4", glm4) }

// glm4 is GLM-4 and the text part of GLM-4V: gate and up are one tensor, and
// branches are normed before they are added too. Text has the same position on
// all axes of the vision model, which pairs the numbers of a head differently.
func glm4(b *builder) {
	h := b.heads()
	style := ropeAdjacent
	if b.multiAxis() {
		style = ropeHalves
	}
	rope := b.rope(ropeParams{
		style: style,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	})
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.o.bias = nil
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		f := b.fusedFeedForward(kernels.SwiGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		b.add(a, f)
	}
	b.head()
}

// multiAxis tells whether rotations have sections for several axes (M-RoPE).
func (b *builder) multiAxis() bool {
	a, err := b.file.Array(b.key("rope.dimension_sections"))
	return err == nil && a.Len() > 1 && a.Kind().IsInteger() && a.Int(0) > 0 && a.Int(1) > 0
}
