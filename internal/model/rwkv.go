package model

import "happyphonellm/internal/kernels"

// What RWKV's generations share. Inputs of the products are mixed with those of
// the token before; beside that, each head keeps a state of keys times values.

// rwkvHead is the count and width of a layer's heads.
func (b *builder) rwkvHeads() (heads, dim int) {
	dim = b.uint("wkv.head_size")
	if b.err == nil && (dim < 1 || b.m.Embd%dim != 0) {
		b.fail(ErrModel, "%s is %d, embeddings have %d numbers", b.key("wkv.head_size"), dim, b.m.Embd)
	}
	if b.err != nil {
		return 1, 1
	}
	return b.m.Embd / dim, dim
}

// plainLinear is linear without the scale that a file may have.
func (b *builder) plainLinear(name string, in, out int) linear {
	return linear{w: b.matrix(name+".weight", in, out), bias: b.vectorOr(name+".bias", out)}
}

// lerps binds name.weight: n mixtures of a token with the one before.
func (b *builder) lerps(name string, n int) [][]float32 {
	d := b.m.Embd
	all := b.vector(name+".weight", d, 1, 1, n)
	list := make([][]float32, n)
	for i := range list {
		list[i] = part(all, i*d, d)
	}
	return list
}

// tokenShift is a block's input with what the token before it had there.
type tokenShift struct {
	in            *kernels.Acts
	before, after []float32 // [embd] of the last token of the pass before, and of this one
}

// shift begins a token shift, whose state is at the given place in the layer's.
func (p *pass) shift(n *norm, layer, at int) tokenShift {
	before, after := p.cache.State(layer)
	d := p.m.Embd
	s := tokenShift{in: p.normed(n), before: before[at : at+d], after: after[at : at+d]}
	for range p.Tiles(1) {
		copy(s.after, s.in.Row(p.n-1))
	}
	return s
}

// mix sets dst = x + (previous - x)·lerp for token t's input x.
func (s *tokenShift) mix(dst []float32, t int, lerp []float32) {
	x, last := s.in.Row(t), s.before
	if t > 0 {
		last = s.in.Row(t - 1)
	}
	for i, v := range x {
		dst[i] = v + float32((last[i]-v)*lerp[i])
	}
}

func tanhs(x []float32) {
	for i, v := range x {
		x[i] = kernels.Tanh(v)
	}
}

func sigmoids(x []float32) {
	for i, v := range x {
		x[i] = kernels.Sigmoid(v)
	}
}

// rwkvNormEps is that of the norm of each head's output.
const rwkvNormEps = 64e-5

// channelMix is RWKV's feed-forward: x += sigmoid(r·mixed) * value · relu²(key·mixed'),
// without the first factor in later generations.
type channelMix struct {
	layer, at    int // at: of the token shift in the layer's state
	norm         *norm
	lerpK, lerpR []float32
	key, value   linear
	r            *linear // nil: none

	row, gates area
}

// channelMix binds the current layer's.
func (b *builder) channelMix(at int, receptance bool) *channelMix {
	d, ffn := b.m.Embd, b.ffnLength()
	c := &channelMix{
		layer: b.layer, at: at, norm: b.norm("attn_norm_2", d),
		lerpK: b.vector("channel_mix_lerp_k.weight", d),
		key:   b.plainLinear("channel_mix_key", d, ffn), value: b.plainLinear("channel_mix_value", ffn, d),
	}
	if receptance {
		r := b.plainLinear("channel_mix_receptance", d, d)
		c.r, c.lerpR = &r, b.vector("channel_mix_lerp_r.weight", d)
		areas := areas(d, d)
		c.row, c.gates = areas[0], areas[1]
	}
	return c
}

func (c *channelMix) size(z *sizes) {
	z.need(&z.attnOut, 2*blocks(c.key.w.Cols))
	z.need(&z.ffn, c.key.w.Rows)
	z.need(&z.mix, c.gates.end())
	z.addLinear(&c.key, nil)
	z.addLinear(&c.value, nil)
}

func (c *channelMix) run(p *pass) {
	s := p.shift(c.norm, c.layer, c.at)
	mixed := shaped(&p.acts2, &p.attn, 2*p.n, p.m.Embd)
	for t := range p.Tiles(p.n) {
		s.mix(mixed.Row(t), t, c.lerpK)
		mixed.Quantize(t, t+1)
		if c.r != nil {
			s.mix(mixed.Row(p.n+t), t, c.lerpR)
			mixed.Quantize(p.n+t, p.n+t+1)
		}
	}
	p.Barrier()
	hidden := shaped(&p.acts3, &p.hidden, p.n, c.key.w.Rows)
	p.part = mixed.Slice(0, p.n)
	gated(p, &p.part, &linear{}, &c.key, reGLU, hidden)
	if c.r == nil {
		p.Barrier()
		p.addLinear(&c.value, hidden, nil)
		return
	}
	p.part = mixed.Slice(p.n, 2*p.n)
	p.into(c.gates, 0, c.r, &p.part)
	p.Barrier()
	p.into(c.row, 0, &c.value, hidden)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		y := p.at(c.row, t)
		sigmoidGLU(y, p.at(c.gates, t), y)
		kernels.Add(p.row(t), p.row(t), y)
	}
	p.Barrier()
}
