package model

import "happyphonellm/internal/kernels"

func init() { register("gpt-oss", gptOSS) }

// gptOSS is OpenAI's open-weight models: attention with a learned sink per head,
// every other layer over a sliding window, and experts with biases.
func gptOSS(b *builder) {
	full, local := b.windowRopes(ropeHalves)
	window, windowed := b.uint("attention.sliding_window"), b.windowed(2)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, full)
		a.sinks = b.vector("attn_sinks.weight", h.n)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		m := b.moe(swiGLUClamped)
		m.norm = b.rmsNorm("post_attention_norm", b.m.Embd)
		m.gating, m.normed = gateSoftmaxPicked, false
		b.add(a, m.unscaled())
	}
	b.head()
}

// swiGLUClamped is gpt-oss's gate: gate·sigmoid(1.702·gate)·(up+1), with gate
// and up clamped at 7.
func swiGLUClamped(dst, gate, up []float32) {
	const limit = 7
	for i, g := range gate[:len(dst)] {
		u := min(max(up[i], -limit), limit)
		dst[i] = float32(kernels.GELUQuick(min(g, limit))) * (u + 1)
	}
}
