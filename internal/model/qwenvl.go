package model

import "happyphonellm/internal/kernels"

func init() {
	register("qwen2vl", qwen2vl)
	register("paddleocr", paddleOCR)
	register("qwen3vl", qwen3vl)
}

// qwen2vl is the text part of Qwen 2 VL and 2.5 VL: a Qwen 2 whose rotation has
// sections for time, height and width, which are the same for text.
func qwen2vl(b *builder) {
	// llama.cpp does not read the epsilon of this architecture: its norms divide
	// by the root mean square alone. This keeps zeros from becoming NaN.
	b.eps = 1e-30
	qwenVL(b, false)
	b.m.head.out.bias = nil // bound by llama.cpp, but not added
}

// paddleOCR is the text part of PaddleOCR-VL: a Qwen 2 VL.
func paddleOCR(b *builder) { qwenVL(b, false) }

// qwen3vl is the text part of Qwen 3 VL: a Qwen 3 whose rotation has interleaved
// sections.
func qwen3vl(b *builder) { qwenVL(b, true) }

// sectionedRope is the rotation of text in models with several axes of positions.
func (b *builder) sectionedRope(interleaved bool) *rope {
	h := b.heads()
	return b.rope(b.withSections(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	}, interleaved))
}

func qwenVL(b *builder, interleaved bool) {
	rope := b.sectionedRope(interleaved)
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}
