package model

import "happyphonellm/internal/kernels"

func init() { register("maion-coder", maionCoder) }

// maionCoder is Maion Coder: windows in most layers, which alone rotate, norms
// after each block too, and in every n-th layer experts that work on fewer
// numbers than the stream has.
func maionCoder(b *builder) {
	step := max(1, b.uint("interleave_moe_layer_step"))
	window, windowed := b.uint("attention.sliding_window"), b.windowed(0)
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		if windowed[b.layer] {
			a.rope, a.window = rope, window
		}
		a.o.bias = nil // llama.cpp has none here
		a.post = b.rmsNorm("post_attention_norm", b.m.Embd)
		post := b.rmsNorm("post_ffw_norm", b.m.Embd)
		if (b.layer+1)%step != 0 {
			f := b.feedForward(kernels.SwiGLU).unscaled()
			f.post = post
			b.add(a, f)
			continue
		}
		m := b.moe(kernels.SwiGLU).unscaled()
		m.post, m.scale = post, 1
		b.add(a, m)
	}
	b.head()
}
