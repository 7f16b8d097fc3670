package model

import "happyphonellm/internal/kernels"

func init() {
	register("xverse", xverse)
	register("internlm2", internlm2)
	register("orion", orion)
	register("pangu-embedded", pangu)
	register("arcee", arcee)
	register("maincoder", maincoder)
	register("openelm", openELM)
	register("cogvlm", cogVLM)
	register("qwen", qwen1)
}

// xverse is XVERSE: a Llama.
func xverse(b *builder) { plainLlama(b, ropeAdjacent) }

// internlm2 is InternLM 2 to 3: a Llama.
func internlm2(b *builder) { plainLlama(b, ropeAdjacent) }

// orion is Orion: a Llama with layer norms.
func orion(b *builder) {
	b.layerNorms = true
	plainLlama(b, ropeHalves)
}

// pangu is openPangu-Embedded: a Llama with biases in attention.
func pangu(b *builder) {
	h := b.heads()
	// A file's divisors of the frequencies are not used, as in llama.cpp.
	rope := b.rope(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	})
	llamaLayers(b, rope)
}

func plainLlama(b *builder, style ropeStyle) { llamaLayers(b, b.usualRope(style)) }

func llamaLayers(b *builder, r *rope) {
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), r), b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// arcee is Arcee's AFM: a Llama whose feed-forward has no gate, and squares what
// is above 0.
func arcee(b *builder) {
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.plainFeedForward(reGLU).unscaled())
	}
	b.head()
}

// maincoder is Maincoder: a Llama that norms heads after their rotation.
func maincoder(b *builder) {
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.normLast = true
		b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// openELM is OpenELM: every layer has its own number of heads and hidden width,
// and heads are normed.
func openELM(b *builder) {
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope).unscaledQKV(), b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// cogVLM is the text part of CogVLM: a Llama that also has a second set of weights,
// for images.
func cogVLM(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{style: ropeHalves, dim: h.keyDim, base: 10000, plain: true})
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope).unscaledQKV(), b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// qwen1 is the first Qwen: the hidden width is half of what the file says.
func qwen1(b *builder) {
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.feedForwardOf(b.ffnLength()/2, kernels.SwiGLU).unscaled())
	}
	b.head()
}
