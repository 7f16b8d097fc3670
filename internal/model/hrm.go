package model

import "happyphonellm/internal/kernels"

func init() { register("hrm_text", hrm) }

// hrm is a hierarchical reasoning model: a low and a high stack of layers, each
// with a state of its own. In every high cycle the low stack runs several times
// over the sum of both states and makes a new low one, then the high stack runs
// once over the sum and makes a new high one. Every run of a layer has a place
// in the cache: block_count counts those, not the layers.
func hrm(b *builder) {
	per, high, low := b.uint("hrm.layers_per_stack"), b.uint("hrm.h_cycles"), b.uint("hrm.l_cycles")
	if runs := int64(high) * int64(low+1); per < 1 || high < 1 || low < 1 || runs > int64(b.m.Layers) || runs*int64(per) != int64(b.m.Layers) {
		b.fail(ErrModel, "%d layers for %d high cycles of %d low ones of %d layers each", b.m.Layers, high, low, per)
		return
	}
	scale := b.floatOr("embedding_scale", 0)
	if scale == 0 {
		scale = 1
	}
	b.embedding(scale)
	s := hrmStacks{plain: &norm{eps: b.rmsEps()}, low: b.keep(), high: b.keep()}
	s.rope = b.rope(ropeParams{style: ropeHalves, dim: b.heads().keyDim, base: b.floatOr("rope.freq_base", 10000)})
	b.add(s.high, &plus{vector: b.vector("hrm.z_l_init", b.m.Embd), scale: 1})
	slot := 0
	for h := range high {
		for l := range low + 1 {
			switch {
			case h == 0 && l == 0: // the stream is the sum already
			case l == 0:
				b.add(&plus{from: s.low, scale: 1})
			default:
				b.add(&plus{from: s.high, scale: 1})
			}
			first, state := 0, s.low
			if l == low {
				first, state = per, s.high
			}
			for i := range per {
				s.layer(b, first+i, slot)
				slot++
			}
			b.add(renorm{s.plain}, state)
		}
	}
	b.layer = -1
	b.bareHead()
}

type hrmStacks struct {
	plain     *norm
	low, high *kept // the states
	rope      *rope
}

// layer adds one run of a layer, at its place in the cache.
func (s *hrmStacks) layer(b *builder, layer, slot int) {
	b.layer = layer
	h := b.heads()
	a := b.bareAttention(h, s.rope)
	b.bindGate(a, "attn_gate", h.n*h.keyDim)
	f := b.bareFeedForward(kernels.SwiGLU).unscaled()
	if b.err != nil {
		return
	}
	a.norm, f.norm = s.plain, s.plain
	a.layer = slot
	*b.cached(slot) = *b.cached(layer)
	// Scales, unlike weights, are those of the run.
	b.layer = slot
	a.gate.scale = nil
	for name, l := range map[string]*linear{"attn_q": &a.q, "attn_k": &a.k, "attn_v": &a.v, "attn_output": &a.o} {
		l.scale = b.vectorOr(name+".scale", 1)
	}
	b.add(a, f)
}
