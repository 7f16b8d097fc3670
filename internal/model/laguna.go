package model

import "happyphonellm/internal/kernels"

func init() { register("laguna", laguna) }

// laguna is Poolside's Laguna: gates on the attention's output, opened by
// softplus, and in the smaller model windows in three of four layers, which
// rotate in their own way.
func laguna(b *builder) {
	lead := b.denseLead()
	h := b.heads()
	dim, base := b.positiveOr("rope.dimension_count", h.keyDim), b.floatOr("rope.freq_base", 10000)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: base})
	local, windowed := full, make([]bool, b.m.Layers)
	window := b.uintOr("attention.sliding_window", 0)
	if window > 0 {
		windowed = b.windowedAfter(4)
		local = b.rope(ropeParams{
			style: ropeHalves, dim: b.positiveOr("rope.dimension_count_swa", dim),
			base: b.floatOr("rope.freq_base_swa", base), plain: true,
		})
	}
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, full)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		a.o.bias = nil // llama.cpp has none here
		width := h.n
		if t, ok := b.file.Tensor(b.tensorName("attn_gate.weight")); ok && len(t.Shape) > 1 && t.Shape[1] != h.n {
			width = h.n * h.keyDim
		}
		b.bindGate(a, "attn_gate", width)
		a.gate.scale, a.softGate = nil, true
		if b.layer < lead {
			b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		ffn := b.expertWidth(0)
		m := b.experts(ffn, kernels.SwiGLU)
		m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
		shared := b.positiveOr("expert_shared_feed_forward_length", ffn*b.positiveOr("expert_shared_count", 1))
		m.shared = b.sharedExpert("_shexp", shared, kernels.SwiGLU)
		b.add(a, m.unscaled())
	}
	b.head()
}
