package model

import "happyphonellm/internal/kernels"

func init() { register("minimax-01", minimax01) }

// minimax01 is MiniMax-01 and M1: lightning attention in most layers, softmax
// attention in the others, and experts. The stream is normed before each block,
// not only the block's input.
func minimax01(b *builder) {
	rope := b.usualRope(ropeHalves)
	recurrent := b.recurrent(8)
	scale := b.float("residual_scale")
	if b.err == nil && !(scale > 0) {
		b.fail(ErrModel, "%s is %v, want a positive number", b.key("residual_scale"), scale)
	}
	b.embedding(1)
	for b.nextLayer() {
		// x = scale·x + block(x) is scale times x + block(x)/scale.
		b.add(renorm{b.norm("attn_norm", b.m.Embd)})
		if recurrent[b.layer] {
			l := b.lightning()
			l.out = l.out.times(1 / scale)
			b.add(l)
		} else {
			a := b.bareAttention(b.heads(), rope)
			a.o = a.o.times(1 / scale)
			b.add(a)
		}
		b.add(factor(scale), renorm{b.norm("ffn_norm", b.m.Embd)})
		m := b.experts(b.ffnLength(), kernels.SwiGLU).unscaled()
		m.norm = nil
		m.scaled(1 / scale)
		b.add(m, factor(scale))
	}
	b.head()
}

// lightning is x += out · (sigmoid(gate·x) * norm(attend(silu(qkv·x)))), where
// each head keeps the sum S of v·k^T over all tokens, which decays from one to the
// next, and a token sees S·q (Lightning Attention-2, arXiv:2401.04658).
type lightning struct {
	layer      int
	qkv        linear // of each head in turn
	gate       linear
	decay      []float32 // [heads]
	heads, dim int
	outNorm    *norm // over all heads
	out        linear

	row, gates area
}

// lightning binds the current layer's under its usual names.
func (b *builder) lightning() *lightning {
	h, embd := b.heads(), b.m.Embd
	inner := h.n * h.keyDim
	l := &lightning{
		layer: b.layer, heads: h.n, dim: h.keyDim,
		qkv:     linear{w: b.matrix("attn_qkv.weight", embd, 3*inner)},
		gate:    linear{w: b.matrix("attn_gate.weight", embd, inner)},
		outNorm: b.norm("attn_norm_2", inner),
		out:     linear{w: b.matrix("attn_output.weight", inner, embd)},
	}
	if b.err != nil { // nothing vouches for the number of heads
		return l
	}
	at := areas(3*inner, inner)
	l.row, l.gates = at[0], at[1]
	// Slopes as in ALiBi, weaker from layer to layer.
	rate := 1 - float64(b.layer)/max(1, float64(b.m.Layers-1)) + 1e-5
	for i := range h.n {
		slope := kernels.Pow64(2, -8*float64(i+1)/float64(h.n))
		l.decay = append(l.decay, float32(kernels.Exp64(-slope*rate)))
	}
	b.bindState(h.n * h.keyDim * h.keyDim)
	return l
}

func (l *lightning) size(z *sizes) {
	z.need(&z.mix, l.gates.end())
	z.need(&z.attnOut, l.out.w.Cols)
	z.need(&z.tile, maxTileRows)
	z.addLinear(&l.out, nil)
}

func (l *lightning) run(p *pass) {
	in := p.normed(nil)
	p.into(l.row, 0, &l.qkv, in)
	p.into(l.gates, 0, &l.gate, in)
	p.Barrier()
	before, after := p.cache.State(l.layer)
	out := shaped(&p.acts2, &p.attn, p.n, l.heads*l.dim)
	n := l.dim
	for h := range p.Tiles(l.heads) {
		from, to := before[h*n*n:(h+1)*n*n], after[h*n*n:(h+1)*n*n]
		for t := range p.n {
			qkv := p.at(l.row, t)[3*h*n : 3*(h+1)*n]
			for i, v := range qkv {
				qkv[i] = kernels.SiLU(v)
			}
			q, k, v := qkv[:n], qkv[n:2*n], qkv[2*n:]
			y := out.Row(t)[h*n : (h+1)*n]
			for i := range y {
				s := to[i*n : (i+1)*n]
				kernels.Scale(s, from[i*n:(i+1)*n], l.decay[h])
				kernels.Axpy(s, v[i], k)
				y[i] = kernels.Dot(s, q)
			}
			from = to
		}
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		y := out.Row(t)
		l.outNorm.apply(y, y)
		sigmoidGLU(y, p.at(l.gates, t), y)
		out.Quantize(t, t+1)
	}
	p.Barrier()
	p.addLinear(&l.out, out, nil)
}

// factor is x *= factor.
type factor float32

func (factor) size(*sizes) {}

func (f factor) run(p *pass) {
	for t := range p.Tiles(p.n) {
		kernels.Scale(p.row(t), p.row(t), float32(f))
	}
	p.Barrier()
}
