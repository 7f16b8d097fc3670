package model

import "happyphonellm/internal/kernels"

// activation combines a tile's gate and up outputs: dst may be gate.
type activation func(dst, gate, up []float32)

// feedForward is x += post(down · act(gate·norm(x), up·norm(x))).
type feedForward struct {
	norm           *norm
	gate, up, down linear
	act            activation
	post           *norm // nil: none
}

// feedForward binds the gated feed-forward of the current layer under its usual names.
func (b *builder) feedForward(act activation) *feedForward {
	embd, ffn := b.m.Embd, b.uints("feed_forward_length", 0)[max(b.layer, 0)]
	if ffn == 0 {
		b.fail(ErrModel, "layer %d: %s is zero", b.layer, b.key("feed_forward_length"))
	}
	return &feedForward{
		norm: b.rmsNorm("ffn_norm", embd),
		gate: b.linear("ffn_gate", embd, ffn).biasBeforeScale(),
		up:   b.linear("ffn_up", embd, ffn).biasBeforeScale(),
		down: b.linear("ffn_down", ffn, embd).biasBeforeScale(),
		act:  act,
	}
}

// unscaled drops the scales of the matrices, for architectures whose definition
// in llama.cpp has none here although a file may carry them.
func (f *feedForward) unscaled() *feedForward {
	f.gate.scale, f.up.scale, f.down.scale = nil, nil, nil
	return f
}

func (f *feedForward) size(z *sizes) {
	z.need(&z.ffn, f.up.w.Rows)
	z.need(&z.tile, min(maxTileRows, f.up.w.Rows))
	z.addLinear(&f.down, f.post)
}

func (f *feedForward) run(p *pass) {
	in := p.normed(f.norm)
	hidden := shaped(&p.acts2, &p.hidden, p.n, f.up.w.Rows)
	gated(p, in, &f.gate, &f.up, f.act, hidden)
	p.Barrier()
	p.addLinear(&f.down, hidden, f.post)
}

// gated computes act(gate·in, up·in), quantized, into hidden: a tile of rows of
// both matrices at a time.
func gated(p *pass, in *kernels.Acts, gate, up *linear, act activation, hidden *kernels.Acts) {
	ffn := up.w.Rows
	rows := tileRows(&up.w, in.N)
	for i := range p.Tiles(tiles(ffn, rows)) {
		r0 := i * rows
		gatedTile(p, in, gate, up, act, hidden, r0, min(rows, ffn-r0))
	}
}

// gatedTile is the rows r0 to r0+k of gated.
func gatedTile(p *pass, in *kernels.Acts, gate, up *linear, act activation, hidden *kernels.Acts, r0, k int) {
	gate.mul(p, p.tile, k, r0, k, in)
	up.mul(p, p.tile2, k, r0, k, in)
	for t := range in.N {
		act(hidden.Row(t)[r0:r0+k], p.tile[t*k:(t+1)*k], p.tile2[t*k:(t+1)*k])
		hidden.QuantizeSpan(t, r0, r0+k)
	}
}
