package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// What only some architectures add to attention: norms over all heads together,
// gates on the output, queries that grow with their position, ALiBi, clamps.

// normWhole norms the queries and keys of each token over all its heads, rotates
// them, and puts the keys into the cache.
func (a *attention) normWhole(p *pass, kvHeads int) {
	d := a.keyDim
	for t := range p.Tiles(p.n) {
		q := p.q[t*a.heads*d : (t+1)*a.heads*d]
		a.qWhole.apply(q, q)
		for h := range a.heads {
			a.turn(p, q[h*d:(h+1)*d], a.qNorm, h, t)
		}
		if a.temper != nil {
			kernels.Scale(q, q, a.temper.at(p.pos+t))
		}
		k := p.k[t*kvHeads*d : (t+1)*kvHeads*d]
		a.kWhole.apply(k, k)
		for h := range kvHeads {
			a.turn(p, k[h*d:(h+1)*d], a.kNorm, h, t)
			p.cache.StoreKey(a.layer, h, p.pos+t, k[h*d:(h+1)*d])
		}
	}
	p.Barrier()
}

// gateTiles is the number of tiles of gateTile: one per head, or one for all
// where a gate is a single number.
func (a *attention) gateTiles() int {
	switch a.gateWidth() {
	case 0:
		return 0
	case a.heads:
		return 1
	}
	return a.heads
}

// gateWidth is the number of gates per token.
func (a *attention) gateWidth() int {
	switch {
	case a.gated:
		return a.heads * a.valueDim
	case a.gate != nil:
		return a.gate.w.Rows
	}
	return 0
}

// gateTile computes the i-th of n equal parts of the gates.
func (a *attention) gateTile(p *pass, in *kernels.Acts, i, n int) {
	width := a.gateWidth()
	k := width / n
	if a.gated {
		a.q.mul(p, p.gates[i*k:], width, i*(a.keyDim+k)+a.keyDim, k, in)
		return
	}
	a.gate.mul(p, p.gates[i*k:], width, i*k, k, in)
}

// applyGate multiplies the outputs of the heads h0 to h1 of the tokens t0 to t1
// by the sigmoid, or softplus, of their gates.
func (a *attention) applyGate(p *pass, out *kernels.Acts, t0, t1, h0, h1 int) {
	d, width := a.valueDim, a.gateWidth()
	open := kernels.Sigmoid
	if a.softGate {
		open = kernels.Softplus
	}
	for t := t0; t < t1; t++ {
		gates := p.gates[t*width : (t+1)*width]
		y := out.Row(t)
		if width == a.heads {
			for h := h0; h < h1; h++ {
				kernels.Scale(y[h*d:(h+1)*d], y[h*d:(h+1)*d], open(gates[h]))
			}
			continue
		}
		for i := h0 * d; i < h1*d; i++ {
			y[i] *= open(gates[i])
		}
	}
}

// bindGate binds name.weight as a gate of the attention's output.
func (b *builder) bindGate(a *attention, name string, width int) {
	g := b.linear(name, b.m.Embd, width)
	a.gate = &g
}

// temper is the factor 1 + scale*ln(1 + floor((pos+offset)/floor)) of the
// queries, which keeps attention sharp in long contexts (Llama 4).
type temper struct{ floor, scale, offset float64 }

func (c *temper) at(pos int) float32 {
	steps := math.Floor((float64(pos) + c.offset) / c.floor)
	return float32(1 + float64(kernels.Log64(steps+1)*c.scale))
}

// alibi gives the slopes of the heads of an attention that is bound: before that,
// nothing but a key vouches for their number.
func (b *builder) alibi(heads int, bias float32) []float32 {
	if b.err != nil {
		return nil
	}
	return alibi(heads, bias)
}

// alibi gives the slopes of n heads (arXiv:2108.12409) as llama.cpp has them: a
// geometric series down to 2^-bias over the largest power of two of heads, and
// the steps between for the others.
func alibi(n int, bias float32) []float32 {
	if bias <= 0 {
		return nil
	}
	power := 1
	for 2*power <= n {
		power *= 2
	}
	slopes := make([]float32, n)
	for h := range slopes {
		exponent := float64(h+1) / float64(power)
		if h >= power {
			exponent = (float64(h-power) + 0.5) / float64(power)
		}
		slopes[h] = float32(kernels.Pow64(2, -float64(bias)*exponent))
	}
	return slopes
}

// clamp limits the numbers of x to [-limit, limit]; 0 is no limit.
func clamp(x []float32, limit float32) {
	if limit <= 0 {
		return
	}
	for i, v := range x {
		x[i] = min(limit, max(-limit, v))
	}
}

// unscaledQKV drops the scales of queries, keys and values, for architectures
// whose definition in llama.cpp has none here although a file may carry them.
func (a *attention) unscaledQKV() *attention {
	a.q.scale, a.k.scale, a.v.scale = nil, nil, nil
	return a
}

// parallel makes an attention and the block after it read the same residual
// stream: x += attention(x) + block(x).
func (b *builder) parallel(a *attention, blk block) {
	a.aside = true
	b.add(a, blk, joined{})
}

// joined adds what an attention has put aside to the residual stream.
type joined struct{}

func (joined) size(*sizes) {}

func (joined) run(p *pass) {
	for t := range p.Tiles(p.n) {
		kernels.Add(p.row(t), p.row(t), p.aside[t*p.m.Embd:(t+1)*p.m.Embd])
	}
	p.Barrier()
}
