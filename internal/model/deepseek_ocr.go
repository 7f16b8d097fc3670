package model

import "happyphonellm/internal/kernels"

func init() { register("deepseek2-ocr", deepseekOCR) }

// deepseekOCR is the text part of DeepSeek-OCR: a DeepSeek MoE with a rotation in
// halves.
func deepseekOCR(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000), plain: true})
	lead := b.denseLead()
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope))
		if b.layer < lead {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		m := b.sharedMoE()
		m.gating = b.gatingOr(gateSoftmax)
		b.add(m.unscaled())
	}
	b.head()
}
