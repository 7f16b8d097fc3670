package model

func init() { register("step35", step35) }

// step35 is Step 3.5 Flash: a gate per head, layers that see a sliding window and
// have heads, a rotation and a base of their own, experts after dense layers.
// Half of a head turns where a layer sees all.
func step35(b *builder) {
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	localDim := b.positiveOr("rope.dimension_count_swa", dim)
	full := ropeParams{style: ropeHalves, dim: dim / 2, base: b.floatOr("rope.freq_base", 10000)}
	// One list of divisors for the widest rotation; narrower ones use its beginning.
	if f := b.vectorOr("rope_freqs.weight", max(full.dim, localDim)/2); f != nil {
		full.factors = f[:full.dim/2]
	}
	all := b.rope(full)
	local := b.rope(ropeParams{style: ropeHalves, dim: localDim, base: b.floatOr("rope.freq_base_swa", 10000), scale: 1})
	window, windowed := b.uint("attention.sliding_window"), b.windowed(0)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, all)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		if b.has("attn_gate.weight") {
			b.bindGate(a, "attn_gate", h.n)
			a.gate.scale = nil
		}
		b.add(a)
		shared := swiGLUCut(b.layerFloat("swiglu_clamp_shexp", 0))
		if !b.has("ffn_gate_inp.weight") {
			b.add(b.feedForward(shared).unscaled())
			continue
		}
		m := b.moe(swiGLUCut(b.layerFloat("swiglu_clamp_exp", 0)))
		m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
		m.shared = b.sharedExpert("_shexp", b.uint("expert_shared_feed_forward_length"), shared)
		b.add(m.unscaled())
	}
	b.head()
}
