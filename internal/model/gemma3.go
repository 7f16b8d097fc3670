package model

import "happyphonellm/internal/kernels"

func init() { register("gemma3", gemma3) }

// gemma3 is Gemma 3's text model: most layers see a sliding window and rotate
// with a base of their own, every sixth sees all.
func gemma3(b *builder) {
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base", 10000)})
	local := full
	window := b.uintOr("attention.sliding_window", 0)
	windowed := make([]bool, b.m.Layers)
	if window > 0 {
		local = b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base_swa", 10000), scale: 1})
		windowed = b.windowed(6)
	}
	b.embedding(sqrt(b.m.Embd))
	for b.nextLayer() {
		a := b.attention(b.heads(), full)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		if b.m.Layers == 62 { // the 27B model alone scales by the width per head
			a.params.Scale = 1 / sqrt(b.m.Embd/h.n)
		}
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		f := b.feedForward(kernels.GeGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		b.add(a, f)
	}
	b.head().cap = b.floatOr("final_logit_softcapping", 0)
}
