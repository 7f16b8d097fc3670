package model

import (
	"slices"

	"happyphonellm/internal/kernels"
)

func init() {
	register("exaone", exaone)
	register("exaone4", exaone4)
}

// exaone is EXAONE 3: a Llama with rotated halves.
func exaone(b *builder) {
	rope := b.exaoneRope()
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// exaone4 is EXAONE 4: branches are normed only before they are added. In the 32B
// model, and in others whose file lists them, some layers see a sliding window, and
// only these rotate; llama.cpp has windows in models of 64 layers only.
func exaone4(b *builder) {
	rope := b.exaoneRope()
	windows := b.statedWindows()
	hybrid := slices.ContainsFunc(windows, func(size int) bool { return size > 0 })
	if b.m.Layers == 64 {
		hybrid = true
		for i, windowed := range b.windowed(4) {
			if windowed {
				windows[i] = b.uintOr("attention.sliding_window", 4096)
			}
		}
	}
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.bareAttention(h, rope)
		if a.window = windows[b.layer]; hybrid && a.window == 0 {
			a.rope = nil
		}
		a.qNorm = b.rmsNorm("attn_q_norm", h.keyDim)
		a.kNorm = b.rmsNorm("attn_k_norm", h.keyDim)
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		f := b.bareFeedForward(kernels.SwiGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		b.add(a, f)
	}
	b.head()
}

func (b *builder) exaoneRope() *rope {
	h := b.heads()
	return b.rope(ropeParams{
		style: ropeHalves, dim: h.keyDim,
		base:    b.floatOr("rope.freq_base", 10000),
		factors: b.vectorOr("rope_freqs.weight", h.keyDim/2),
	})
}
