package model

import (
	"happyphonellm/internal/kernels"
)

func init() {
	register("hunyuan-dense", hunyuan)
	register("hunyuan_vl", hunyuan)
}

// hunyuan is the dense Hunyuan and the text part of Hunyuan-VL: heads are normed
// after their rotation. Text has the same position on all axes of the VL model,
// which makes its rotation the usual one.
func hunyuan(b *builder) {
	h := b.heads()
	base := b.floatOr("rope.freq_base", 10000)
	if alpha := b.floatOr("rope.scaling.alpha", 0); alpha > 0 {
		// NTK-aware scaling by a fixed factor.
		power := float32(h.keyDim) / float32(h.keyDim-2)
		base *= float32(kernels.Pow64(float64(alpha), float64(power)))
	}
	rope := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: base})
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.bareAttention(h, rope)
		a.norm = b.rmsNorm("attn_norm", b.m.Embd)
		a.qNorm = b.rmsNorm("attn_q_norm", h.keyDim)
		a.kNorm = b.rmsNorm("attn_k_norm", h.keyDim)
		a.normLast = true
		b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
