package model

import "happyphonellm/internal/kernels"

func init() { register("llama4", llama4) }

// llama4 is Llama 4: three of four layers see only the chunk of positions that
// they are in, and rotate; the others do not, and their queries grow with the
// position. Every so many layers the feed-forward has experts.
func llama4(b *builder) {
	const chunk, noRope = 8192, 4
	h := b.heads()
	base := b.floatOr("rope.freq_base", 10000)
	factors := b.vectorOr("rope_freqs.weight", h.keyDim/2)
	full := b.rope(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: base, factors: factors})
	local := full
	windowed, chunked := make([]bool, b.m.Layers), b.uintOr("attention.sliding_window", chunk) > 0
	if chunked {
		windowed = b.windowed(4)
		local = b.rope(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base_swa", base), factors: factors})
	}
	step := b.uint("interleave_moe_layer_step")
	plain := &norm{eps: b.rmsEps()}
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), full)
		if windowed[b.layer] {
			a.rope, a.window, a.chunked = local, chunk, true
		}
		switch {
		case chunked && b.layer%noRope == noRope-1:
			a.rope, a.temper = nil, &temper{floor: chunk, scale: float64(float32(0.1)), offset: 1}
		case b.uint("expert_count") != 128: // Maverick alone has no norms
			a.qNorm, a.kNorm, a.normLast = plain, plain, true
		}
		if step > 0 && (b.layer+1)%step == 0 {
			b.add(a, b.llama4Experts())
		} else {
			b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
		}
	}
	b.head()
}

// llama4Experts weights the inputs of the experts, not their outputs, and always
// has a shared one.
func (b *builder) llama4Experts() *mixture {
	ffn := b.expertWidth(0)
	m := b.experts(ffn, kernels.SwiGLU)
	m.gating, m.normed, m.weightFirst = gateSigmoid, false, true
	m.shared = b.sharedExpert("_shexp", ffn, kernels.SwiGLU)
	return m.unscaled()
}
