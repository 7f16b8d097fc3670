package model

import (
	"slices"

	"happyphonellm/internal/kernels"
)

// deltaNet is x += out · gated(net(conv(qkv·norm(x)))), a gated delta rule
// (arXiv:2412.06464; per channel, Kimi Delta Attention, arXiv:2510.26692). Each
// head has a state S that maps keys to values, and a token does
//
//	S = S·decay;  S = S + β·(v - S·k)·k^T;  y = S·q / sqrt(dim)
//
// with q and k of length 1, β = sigmoid(beta) and decay = exp(a·softplus(alpha +
// bias)), a number per head or one per channel of the key.
type deltaNet struct {
	layer         int
	from          *kept // the stream as it was at that point is the input; nil: as it is here
	norm          *norm
	qkv           []linear // their outputs, one after the other, are queries, keys and values
	conv          conv
	gate          lowRank // of the output
	alpha         lowRank
	bound         float32 // decay = exp(bound·sigmoid(a·(alpha + bias))) instead; 0: as above
	beta          linear
	a, bias       []float32 // [heads]; [heads] or [heads][dim]
	heads, shared int       // value heads; key heads that they share
	dim           int       // numbers of a query, a key and a value
	grouped       bool      // neighbours share a key head, else head h has key head h mod shared
	paired        bool      // beta gives the β of the heads of a key head and then their alphas
	eps           float32   // of the lengths of q and k
	outNorm       *norm     // of each head
	act           activation
	out           linear

	row, gates, alphas, betas area
}

// lowRank is a product, or two with a narrow middle: w·x or w·(first·x).
type lowRank struct {
	first *linear // nil: none
	w     linear
}

// deltaNet binds the current layer's under the names that Qwen has.
func (b *builder) deltaNet() *deltaNet {
	d := b.bareDeltaNet()
	d.norm = b.norm("attn_norm", b.m.Embd)
	return d
}

// bareDeltaNet is deltaNet without its norm.
func (b *builder) bareDeltaNet() *deltaNet {
	c, embd := b.ssm(), b.m.Embd
	d := &deltaNet{
		layer: b.layer, heads: c.heads, shared: c.groups, dim: c.size,
		eps: b.rmsEps(), act: kernels.SwiGLU,
	}
	if b.err != nil || !d.check(b) {
		return d
	}
	if c.inner != c.heads*c.size {
		b.fail(ErrModel, "%s is %d, want %d heads of %d", b.key("ssm.inner_size"), c.inner, c.heads, c.size)
	}
	channels := (2*d.shared + d.heads) * d.dim
	d.qkv = []linear{b.linear("attn_qkv", embd, channels)}
	d.conv = b.conv("ssm_conv1d", c.taps, channels)
	d.gate.w = b.linear("attn_gate", embd, d.heads*d.dim)
	d.bias = b.vector("ssm_dt.bias", d.heads)
	d.a = b.vector("ssm_a", d.heads)
	d.outNorm = b.rmsNorm("ssm_norm", d.dim)
	d.out = b.linear("ssm_out", d.heads*d.dim, embd)
	if b.has("ssm_ba.weight") {
		d.paired = true
		d.beta = b.linear("ssm_ba", embd, 2*d.heads)
	} else {
		d.beta = b.linear("ssm_beta", embd, d.heads)
		d.alpha.w = b.linear("ssm_alpha", embd, d.heads)
	}
	d.lay(b)
	return d
}

// unscaled drops the scales of the matrices, for architectures whose definition
// in llama.cpp has none although a file may carry them.
func (d *deltaNet) unscaled() {
	for i := range d.qkv {
		d.qkv[i].scale = nil
	}
	for _, l := range []*linear{&d.gate.w, &d.alpha.w, &d.beta, &d.out} {
		l.scale = nil
	}
}

// check fails a layer whose counts do not fit together.
func (d *deltaNet) check(b *builder) bool {
	if d.heads < 1 || d.shared < 1 || d.dim < 1 || d.heads%d.shared != 0 {
		b.fail(ErrModel, "layer %d: %d heads of %d numbers over %d key heads", b.layer, d.heads, d.dim, d.shared)
		return false
	}
	return true
}

// lay sets what follows from what is bound.
func (d *deltaNet) lay(b *builder) {
	d.conv.silu = true
	at := areas(d.conv.channels, d.heads*d.dim, d.alpha.w.w.Rows, d.beta.w.Rows)
	d.row, d.gates, d.alphas, d.betas = at[0], at[1], at[2], at[3]
	b.bindState(d.conv.state() + d.heads*d.dim*d.dim)
}

// joinConvs is one convolution over the channels of several, one after the other.
func joinConvs(list ...conv) conv {
	all := conv{taps: list[0].taps}
	for j := range all.taps {
		for _, c := range list {
			all.w = slices.Concat(all.w, c.w[j*c.channels:(j+1)*c.channels])
		}
	}
	for _, c := range list {
		all.channels += c.channels
	}
	return all
}

func (d *deltaNet) size(z *sizes) {
	z.need(&z.mix, d.betas.end())
	z.need(&z.attnOut, d.out.w.Cols)
	if d.gate.first != nil {
		z.need(&z.ffn, d.gate.first.w.Rows)
	}
	if d.alpha.first != nil {
		z.need(&z.attnOut, d.alpha.first.w.Rows)
	}
	z.need(&z.tile, max(convTile, maxTileRows, 2*d.dim))
	z.addLinear(&d.out, nil)
}

func (d *deltaNet) run(p *pass) {
	in := p.normedOf(d.from, d.norm)
	at := 0
	for i := range d.qkv {
		p.into(d.row, at, &d.qkv[i], in)
		at += d.qkv[i].w.Rows
	}
	p.into(d.betas, 0, &d.beta, in)
	d.project(p, in)
	p.Barrier()
	before, after := p.cache.State(d.layer)
	for i := range p.Tiles(tiles(d.conv.channels, convTile)) {
		c0 := i * convTile
		d.conv.run(p, p.all(d.row), d.row.width, c0, min(convTile, d.conv.channels-c0), before, after)
	}
	p.Barrier()
	before, after = before[d.conv.state():], after[d.conv.state():]
	out := shaped(&p.acts2, &p.attn, p.n, d.heads*d.dim)
	per := d.dim * d.dim
	for h := range p.Tiles(d.heads) {
		from, to := before[h*per:(h+1)*per], after[h*per:(h+1)*per]
		for t := range p.n {
			y := out.Row(t)[h*d.dim : (h+1)*d.dim]
			d.step(p, y, h, t, from, to)
			from = to
			d.outNorm.apply(y, y)
			d.act(y, p.at(d.gates, t)[h*d.dim:(h+1)*d.dim], y)
		}
	}
	p.Barrier()
	p.quantized(out, nil)
	p.addLinear(&d.out, out, nil)
}

// project computes the gates and alphas, without a barrier at the end.
func (d *deltaNet) project(p *pass, in *kernels.Acts) {
	narrow, middle := in, in
	if d.alpha.first != nil {
		narrow = shaped(&p.acts2, &p.attn, p.n, d.alpha.first.w.Rows)
		p.product(narrow.X, d.alpha.first, in)
	}
	if d.gate.first != nil {
		middle = shaped(&p.acts3, &p.hidden, p.n, d.gate.first.w.Rows)
		p.product(middle.X, d.gate.first, in)
	}
	if narrow != in || middle != in {
		p.Barrier()
		for t := range p.Tiles(p.n) {
			if narrow != in {
				narrow.Quantize(t, t+1)
			}
			if middle != in {
				middle.Quantize(t, t+1)
			}
		}
		p.Barrier()
	}
	p.into(d.gates, 0, &d.gate.w, middle)
	if !d.paired {
		p.into(d.alphas, 0, &d.alpha.w, narrow)
	}
}

// into computes all of l·acts into the numbers of an area from at on, without a
// barrier.
func (p *pass) into(a area, at int, l *linear, acts *kernels.Acts) {
	rows := p.tileRows(&l.w, acts.N)
	for i := range p.Tiles(tiles(l.w.Rows, rows)) {
		r0 := i * rows
		l.mul(p, p.all(a)[at+r0:], a.width, r0, min(rows, l.w.Rows-r0), acts)
	}
}

// keyHead is the key head of value head h.
func (d *deltaNet) keyHead(h int) int {
	if d.grouped {
		return h / (d.heads / d.shared)
	}
	return h % d.shared
}

// step does head h of token t. from is its state before the token, [dim][dim]
// with a row per number of the value, and to that after it; they may be the same.
func (d *deltaNet) step(p *pass, y []float32, h, t int, from, to []float32) {
	n := d.dim
	row := p.at(d.row, t)
	kh := d.keyHead(h)
	q, k, decay := p.tile[:n], p.tile2[:n], p.tile[n:2*n]
	d.unit(q, row[kh*n:(kh+1)*n])
	d.unit(k, row[(d.shared+kh)*n:][:n])
	v := row[(2*d.shared+h)*n:][:n]
	beta, alphas := d.rates(p, h, t)
	beta = kernels.Sigmoid(beta)
	for i, alpha := range alphas {
		alpha += d.bias[h*len(alphas)+i]
		if d.bound != 0 {
			decay[i] = d.bound * kernels.Sigmoid(d.a[h]*alpha)
		} else {
			decay[i] = d.a[h] * kernels.Softplus(alpha)
		}
	}
	kernels.ExpAll(decay[:len(alphas)], decay[:len(alphas)])
	scale := 1 / sqrt(n)
	for i, v := range v {
		s, was := to[i*n:(i+1)*n], from[i*n:(i+1)*n]
		if len(alphas) == 1 {
			kernels.Scale(s, was, decay[0])
		} else {
			kernels.Mul(s, was, decay)
		}
		kernels.Axpy(s, float32(v-kernels.Dot(s, k))*beta, k)
		y[i] = kernels.Dot(s, q) * scale
	}
}

// unit makes x a vector of length 1.
func (d *deltaNet) unit(dst, x []float32) {
	n := float32(len(x))
	kernels.RMSNorm(dst, x, nil, d.eps/n)
	kernels.Scale(dst, dst, 1/sqrt(len(x)))
}

// rates are β before its sigmoid and the alphas of head h of token t.
func (d *deltaNet) rates(p *pass, h, t int) (beta float32, alphas []float32) {
	betas := p.at(d.betas, t)
	if d.paired {
		per := d.heads / d.shared
		at := h/per*2*per + h%per
		return betas[at], betas[at+per : at+per+1]
	}
	k := d.alphas.width / d.heads
	return betas[h], p.at(d.alphas, t)[h*k : (h+1)*k]
}
