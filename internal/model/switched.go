package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// switched adds a low-rank product to those of a matrix, another one for each
// token (Granite Switch): the adapter that the tokens before, or itself, have
// switched on. W x + B_s (A_s x), s = slot of the token; slot 0 is no adapter.
type switched struct {
	a, b   []kernels.Matrix // [slots] of [rank][in] and [out][rank]
	still  bool             // slot 0 adds nothing
	chosen area             // a token's slot, as a float
}

// bindSwitched binds name.lora_a and name.lora_b of the current layer to l.
func (s *adapterSwitch) bindSwitched(b *builder, l *linear, name string) {
	if b.err != nil {
		return
	}
	in, out, slots := l.w.Cols, l.w.Rows, s.adapters+1
	l.switched = &switched{a: b.matrices(name+".lora_a", in, s.rank, slots), b: b.matrices(name+".lora_b", s.rank, out, slots), chosen: s.chosen}
	if t, ok := b.file.Tensor(b.tensorName(name + ".lora_b")); ok && b.err == nil {
		l.switched.still = true
		for _, v := range t.Data[:len(t.Data)/slots] {
			l.switched.still = l.switched.still && v == 0
		}
	}
	b.m.sizes.need(&b.m.sizes.latent.head, blocks(s.rank))
	b.m.sizes.need(&b.m.sizes.line, max(maxTileRows, out))
}

// add adds the products of the rows r0 to r0+k.
func (s *switched) add(p *pass, dst []float32, stride, r0, k int, x *kernels.Acts) {
	for t := range x.N {
		slot := int(p.at(s.chosen, t)[0])
		if slot == 0 && s.still {
			continue
		}
		p.part = x.Slice(t, t+1)
		low := shaped(&p.part2, &p.head, 1, s.a[slot].Rows)
		s.a[slot].MulRows(low.Row(0), low.K, 0, low.K, &p.part, p.scratch)
		low.Quantize(0, 1)
		p.view = s.b[slot].View(r0, k)
		p.view.MulRows(p.line, k, 0, k, low, p.scratch)
		kernels.Add(dst[t*stride:t*stride+k], dst[t*stride:t*stride+k], p.line[:k])
	}
}

// adapterSwitch is a block that finds each token's slot. llama.cpp does it by an
// attention of its own, whose keys are +gain for a token that switches an adapter
// on and -gain for others, and whose values are slots: what comes of it is rounded.
// Here it is the sums that this amounts to, which are the block's state.
type adapterSwitch struct {
	layer          int
	adapters, rank int
	slots          map[int32]int32 // of the tokens that switch one on
	less           float64         // exp(-2 gain)
	chosen         area
}

func (s *adapterSwitch) size(z *sizes) { z.need(&z.mix, s.chosen.end()) }

func (s *adapterSwitch) run(p *pass) {
	before, after := p.cache.State(s.layer)
	for range p.Tiles(1) {
		on, others, sum := before[0], before[1], before[2]
		for t := range p.n {
			if slot, ok := s.slots[p.ids[t]]; ok {
				on, sum = on+1, sum+float32(slot)
			} else {
				others++
			}
			slot := float32(0)
			if on > 0 {
				// The weight is rounded, which keeps the middle of two slots in the middle.
				weight := float32(1 / (float64(on) + float64(float64(others)*s.less)))
				slot = float32(math.Round(float64(sum * weight)))
			}
			p.at(s.chosen, t)[0] = max(0, min(float32(s.adapters), slot))
		}
		after[0], after[1], after[2] = on, others, sum
	}
	p.Barrier()
}
