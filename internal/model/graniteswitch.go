package model

import "happyphonellm/internal/kernels"

func init() { register("graniteswitch", graniteSwitch) }

// graniteSwitch is Granite with adapters that tokens switch on: every matrix of a
// layer has a low-rank part for each.
func graniteSwitch(b *builder) {
	rope := b.graniteRope()
	if !b.boolOr("rope.scaling.finetuned", true) {
		rope = nil
	}
	g := b.graniteScales(0, 0, 0)
	s, swap := b.adapterSwitch()
	b.embedding(g.embedding)
	b.m.embed.swap = swap
	for _, id := range swap {
		if int(id) >= b.m.Vocab {
			b.fail(ErrModel, "%s has token %d of %d", b.key("adapters.token_ids_substitute"), id, b.m.Vocab)
		}
	}
	b.add(s)
	for b.nextLayer() {
		if b.layer == 0 {
			b.bindState(3)
		}
		a := g.attention(b, rope)
		f := b.feedForward(kernels.SwiGLU).unscaled()
		for _, part := range []struct {
			l    *linear
			name string
		}{
			{&a.q, "attn_q"}, {&a.k, "attn_k"}, {&a.v, "attn_v"}, {&a.o, "attn_output"},
			{&f.gate, "ffn_gate"}, {&f.up, "ffn_up"}, {&f.down, "ffn_down"},
		} {
			s.bindSwitched(b, part.l, part.name)
		}
		f.down = f.down.times(g.residual)
		b.add(a, f)
	}
	g.head(b)
}

// adapterSwitch reads which tokens switch what on, and what stands for them in
// the embedding.
func (b *builder) adapterSwitch() (*adapterSwitch, map[int32]int32) {
	const most = 4096
	s := &adapterSwitch{adapters: b.uint("adapters.count"), rank: b.uint("adapters.lora_rank"), slots: map[int32]int32{}}
	gain := b.floatOr("adapters.router_gain", 15)
	s.less = kernels.Exp64(-2 * float64(gain))
	s.chosen = area{0, 1}
	on, swap := b.tokens("adapters.token_ids_activate"), b.tokens("adapters.token_ids_substitute")
	if b.err == nil && (s.adapters > most || s.rank < 1 || s.rank > most || len(on) != s.adapters || len(swap) != s.adapters || !(gain >= 0)) {
		b.fail(ErrModel, "%d adapters of rank %d with a gain of %v, %d tokens that switch them on, %d instead", s.adapters, s.rank, gain, len(on), len(swap))
	}
	instead := map[int32]int32{}
	for i := range min(len(on), len(swap)) {
		s.slots[on[i]], instead[on[i]] = int32(i+1), swap[i]
	}
	return s, instead
}

// tokens reads a list of token ids.
func (b *builder) tokens(name string) []int32 {
	a, err := b.file.Array(b.key(name))
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return nil
	}
	list := make([]int32, a.Len())
	for i := range list {
		list[i] = int32(b.entry(name, a, i))
	}
	return list
}
