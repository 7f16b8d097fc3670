package model

import "happyphonellm/internal/kernels"

// What recurrent blocks share: the projections of a pass in one buffer, causal
// convolutions, and states that pass from token to token. A state is computed
// token by token in float32, whatever the chunks and threads: tiles are heads or
// channels, never tokens.

// bindState gives the current layer a state of n numbers.
func (b *builder) bindState(n int) {
	const most = 1 << 31
	if n < 0 || n > most {
		b.fail(ErrModel, "layer %d has a state of %d numbers", b.layer, n)
		return
	}
	b.cached(b.layer).State = n
}

// area is part of the pass's mix buffer: [batch][width], width numbers per token.
type area struct{ at, width int }

// areas lays areas of these widths out one after the other.
func areas(widths ...int) []area {
	list := make([]area, len(widths))
	at := 0
	for i, w := range widths {
		list[i] = area{at, w}
		at += w
	}
	return list
}

// end is the first number after the area, per token.
func (a area) end() int { return a.at + a.width }

// all is the area's memory: token t's numbers begin at t*width.
func (p *pass) all(a area) []float32 { return p.mix[a.at*p.batch : a.end()*p.batch] }

// at is token t's part of an area.
func (p *pass) at(a area, t int) []float32 {
	from := a.at*p.batch + t*a.width
	return p.mix[from : from+a.width]
}

// conv is a causal convolution of each channel with its own past:
// y[t] = bias + Σ_j w[j]·x[t-taps+1+j].
type conv struct {
	taps, channels int
	w              []float32 // [taps][channels]
	bias           []float32 // [channels]; nil: none
	silu           bool      // y goes through silu
}

// conv binds name.weight, a filter of taps numbers per channel, and its bias if
// the file has one.
func (b *builder) conv(name string, taps, channels int) conv {
	if taps < 2 || channels < 1 {
		b.fail(ErrModel, "layer %d: a convolution of %d tokens over %d channels", b.layer, taps, channels)
		return conv{}
	}
	c := conv{taps: taps, channels: channels, bias: b.vectorOr(name+".bias", channels)}
	shape := []int{taps, channels}
	if t, ok := b.file.Tensor(b.tensorName(name + ".weight")); ok && len(trimOnes(t.Shape)) == 3 {
		shape = []int{taps, 1, channels}
	}
	file := b.vector(name+".weight", shape...)
	if b.err != nil {
		return c
	}
	c.w = make([]float32, len(file))
	for i, v := range file {
		c.w[i%taps*channels+i/taps] = v
	}
	return c
}

// state is how many numbers the convolution keeps: [taps-1][channels] of its
// input, oldest first.
func (c *conv) state() int { return (c.taps - 1) * c.channels }

// run replaces the channels c0 to c0+k of the pass's tokens, where channel c of
// token t is x[t*stride+c], and fills in what of after belongs to them. A
// worker's tile buffer must have room for k numbers.
func (c *conv) run(p *pass, x []float32, stride, c0, k int, before, after []float32) {
	past := c.taps - 1
	input := func(t int) []float32 { // t may be as low as -past
		if t < 0 {
			return before[(past+t)*c.channels+c0:][:k]
		}
		return x[t*stride+c0:][:k]
	}
	for j := range past {
		copy(after[j*c.channels+c0:][:k], input(p.n-past+j))
	}
	sum, term := p.tile[:k], p.tile2[:k]
	// Backwards, so that no input is overwritten before its last use.
	for t := p.n - 1; t >= 0; t-- {
		for j := range c.taps {
			w := c.w[j*c.channels+c0:][:k]
			if j == 0 {
				kernels.Mul(sum, w, input(t-past))
				continue
			}
			kernels.Mul(term, w, input(t-past+j))
			kernels.Add(sum, sum, term)
		}
		if c.bias != nil {
			kernels.Add(sum, sum, c.bias[c0:c0+k])
		}
		y := x[t*stride+c0:][:k]
		if c.silu {
			kernels.SwiGLU(y, sum, ones[:k])
		} else {
			copy(y, sum)
		}
	}
}

// convTile is the channels that a worker convolves at once.
const convTile = 256
