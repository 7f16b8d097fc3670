package model

import "happyphonellm/internal/kernels"

// activation combines a tile's gate and up outputs: dst may be gate.
type activation func(dst, gate, up []float32)

// plainGELU is the activation of what has no gate: the second operand is not used.
func plainGELU(dst, x, _ []float32) { kernels.GeGLU(dst, x, ones[:len(dst)]) }

// ones is a factor that changes nothing.
var ones = func() (v [maxTileRows]float32) {
	for i := range v {
		v[i] = 1
	}
	return v
}()

// reGLU is max(gate, 0) times up; without a gate, where both are the same, it is
// the square of what is above 0.
func reGLU(dst, gate, up []float32) {
	for i, v := range gate[:len(dst)] {
		dst[i] = max(v, 0) * up[i]
	}
}

// feedForward is x += post(down · sub(act(gate·norm(x), up·norm(x)))), where an
// empty gate is none: see gatedTile.
type feedForward struct {
	from           *kept // the stream as it was at that point is the input; nil: as it is here
	norm           *norm // nil: none
	gate, up, down linear
	act            activation
	factor         []float32 // of the hidden layer; nil: none
	sub            *norm     // of the hidden layer; nil: none
	post           *norm     // nil: none
}

// feedForward binds the gated feed-forward of the current layer under its usual names.
func (b *builder) feedForward(act activation) *feedForward {
	return b.feedForwardOf(b.ffnLength(), act)
}

// feedForwardOf is feedForward for a hidden width that is not the usual key's.
func (b *builder) feedForwardOf(ffn int, act activation) *feedForward {
	f := b.bareFeedForwardOf(ffn, act)
	f.norm = b.norm("ffn_norm", b.m.Embd)
	return f
}

// bareFeedForward is feedForward without its norm.
func (b *builder) bareFeedForward(act activation) *feedForward {
	return b.bareFeedForwardOf(b.ffnLength(), act)
}

func (b *builder) bareFeedForwardOf(ffn int, act activation) *feedForward {
	embd := b.m.Embd
	return &feedForward{
		gate: b.linear("ffn_gate", embd, ffn).biasBeforeScale(),
		up:   b.linear("ffn_up", embd, ffn).biasBeforeScale(),
		down: b.linear("ffn_down", ffn, embd).biasBeforeScale(),
		act:  act,
	}
}

// plainFeedForward is feedForward for files without a gate.
func (b *builder) plainFeedForward(act activation) *feedForward {
	f := b.barePlainFeedForward(act)
	f.norm = b.norm("ffn_norm", b.m.Embd)
	return f
}

// barePlainFeedForward is plainFeedForward without its norm.
func (b *builder) barePlainFeedForward(act activation) *feedForward {
	embd, ffn := b.m.Embd, b.ffnLength()
	return &feedForward{
		up:   b.linear("ffn_up", embd, ffn).biasBeforeScale(),
		down: b.linear("ffn_down", ffn, embd).biasBeforeScale(),
		act:  act,
	}
}

// fusedFeedForward is feedForward for files that have gate and up, in this
// order, as the rows of ffn_up.
func (b *builder) fusedFeedForward(act activation) *feedForward {
	embd, ffn := b.m.Embd, b.ffnLength()
	both := b.linear("ffn_up", embd, 2*ffn)
	f := &feedForward{
		norm: b.norm("ffn_norm", embd),
		down: b.linear("ffn_down", ffn, embd).biasBeforeScale(),
		act:  act,
	}
	if b.err == nil {
		f.gate, f.up = both.rows(0, ffn).biasBeforeScale(), both.rows(ffn, ffn).biasBeforeScale()
	}
	return f
}

// ffnLength is the width of the current layer's hidden layer.
func (b *builder) ffnLength() int {
	n := b.uints("feed_forward_length", 0)[max(b.layer, 0)]
	if n == 0 {
		b.fail(ErrModel, "layer %d: %s is zero", b.layer, b.key("feed_forward_length"))
	}
	return n
}

// unscaled drops the scales of the matrices, for architectures whose definition
// in llama.cpp has none here although a file may carry them.
func (f *feedForward) unscaled() *feedForward {
	f.gate, f.up, f.down = f.gate.unscaled(), f.up.unscaled(), f.down.unscaled()
	return f
}

func (f *feedForward) size(z *sizes) {
	z.need(&z.ffn, f.up.w.Rows)
	z.need(&z.tile, min(maxTileRows, f.up.w.Rows))
	z.addLinear(&f.down, f.post)
}

func (f *feedForward) run(p *pass) {
	in := p.normedOf(f.from, f.norm)
	hidden := shaped(&p.acts2, &p.hidden, p.n, f.up.w.Rows)
	gated(p, in, &f.gate, &f.up, f.act, hidden)
	p.Barrier()
	if f.sub != nil || f.factor != nil {
		for t := range p.Tiles(p.n) {
			h := hidden.Row(t)
			if f.factor != nil {
				kernels.Mul(h, h, f.factor)
			}
			f.sub.apply(h, h)
			hidden.Quantize(t, t+1)
		}
		p.Barrier()
	}
	p.addLinear(&f.down, hidden, f.post)
}

// gated computes act(gate·in, up·in), quantized, into hidden: a tile of rows of
// both matrices at a time.
func gated(p *pass, in *kernels.Acts, gate, up *linear, act activation, hidden *kernels.Acts) {
	ffn := up.w.Rows
	rows := p.tileRows(&up.w, in.N)
	for i := range p.Tiles(tiles(ffn, rows)) {
		r0 := i * rows
		gatedTile(p, in, gate, up, act, hidden, r0, min(rows, ffn-r0))
	}
}

// gatedTile is the rows r0 to r0+k of gated. An empty gate is none: act gets the
// outputs of up in both places.
func gatedTile(p *pass, in *kernels.Acts, gate, up *linear, act activation, hidden *kernels.Acts, r0, k int) {
	up.mul(p, p.tile2, k, r0, k, in)
	first := p.tile2
	if gate.w.Rows > 0 {
		first = p.tile
		gate.mul(p, p.tile, k, r0, k, in)
	}
	for t := range in.N {
		act(hidden.Row(t)[r0:r0+k], first[t*k:(t+1)*k], p.tile2[t*k:(t+1)*k])
		hidden.QuantizeSpan(t, r0, r0+k)
	}
}
