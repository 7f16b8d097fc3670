package model

import "happyphonellm/internal/kernels"

func init() { register("afmoe", afmoe) }

// afmoe is Arcee's Trinity: gated attention, norms before and after each block,
// and no rotation in every fourth layer, which sees all.
func afmoe(b *builder) {
	lead := b.denseLead()
	window := b.uintOr("attention.sliding_window", 0)
	windowed := make([]bool, b.m.Layers)
	full, local := b.windowRopes(ropeHalves)
	if window > 0 {
		windowed = b.windowed(4)
	}
	b.embedding(sqrt(b.m.Embd))
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, full)
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		a.o.bias = nil // llama.cpp has none here
		b.bindGate(a, "attn_gate", h.n*h.valueDim)
		a.gate.scale = nil
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		if (b.layer+1)%4 == 0 {
			a.rope = nil
		}
		post := b.rmsNorm("post_ffw_norm", b.m.Embd)
		if b.layer < lead {
			f := b.feedForward(kernels.SwiGLU).unscaled()
			f.post = post
			b.add(a, f)
			continue
		}
		m := b.sharedMoE().unscaled()
		m.post = post
		b.add(a, m)
	}
	b.head()
}
