package model

import "happyphonellm/internal/kernels"

// gatedIn is hyperIn in another form: every number of the streams has a weight
// of its own, made of all streams by way of a narrow middle. The streams are
// normed each for itself; input is the mean over the streams of norm·sigmoid(gate),
// and the output goes back with 2·sigmoid(inject·norm/n).
type gatedIn struct {
	*hyper
	norms    []float32 // [n*embd] weights of the norms
	down, up linear    // [rank][n*embd], [n*embd][rank]: gate = up·silu(down·norm/n)
	inject   linear    // [n][n*embd]; empty at the end, where nothing goes back
	input    *kept     // nil: x, which is cleared otherwise

	low, back area
}

// gatedIn binds the tensors of that prefix.
func (b *builder) gatedIn(h *hyper, prefix string) *gatedIn {
	wide, rank := h.n*b.m.Embd, b.uint("hyper_connection.low_rank")
	if rank < 1 {
		b.fail(ErrModel, "%s is zero", b.key("hyper_connection.low_rank"))
		return &gatedIn{hyper: h}
	}
	g := &gatedIn{
		hyper: h,
		norms: b.vector(prefix+"_norm.weight", b.m.Embd, h.n),
		down:  linear{w: b.matrix(prefix+"_down.weight", wide, rank)}.times(1 / float32(h.n)),
		up:    linear{w: b.matrix(prefix+"_up.weight", rank, wide)},
	}
	if b.layer >= 0 && b.layer < b.m.Layers {
		g.inject = linear{w: b.matrix(prefix+"_inject.weight", wide, h.n)}.times(1 / float32(h.n))
		g.input = b.keep()
	}
	at := areas(rank, h.n)
	g.low, g.back = at[0], at[1]
	return g
}

func (g *gatedIn) size(z *sizes) {
	g.hyper.size(z)
	z.need(&z.mix, g.back.end())
	z.need(&z.ffn, blocks(len(g.norms)))
	z.need(&z.attnOut, blocks(g.down.w.Rows))
	z.need(&z.tile, maxTileRows)
}

func (g *gatedIn) run(p *pass) {
	d, rank := p.m.Embd, g.down.w.Rows
	in := shaped(&p.acts2, &p.hidden, p.n, g.n*d)
	for t := range p.Tiles(p.n) {
		for i, streams := 0, p.stream(t, g.n); i < g.n*d; i += d {
			kernels.RMSNorm(in.Row(t)[i:i+d], streams[i:i+d], g.norms[i:i+d], g.normEps)
		}
		in.Quantize(t, t+1)
	}
	p.Barrier()
	p.into(g.low, 0, &g.down, in)
	if g.input != nil {
		p.into(g.back, 0, &g.inject, in)
	}
	p.Barrier()
	low := shaped(&p.acts3, &p.attn, p.n, rank)
	for t := range p.Tiles(p.n) {
		for i, v := range p.at(g.low, t) {
			low.Row(t)[i] = kernels.SiLU(v)
		}
		low.Quantize(t, t+1)
		if g.input != nil {
			for i, v := range p.at(g.back, t) {
				p.joins[t*g.joins()+i] = 2 * kernels.Sigmoid(v)
			}
		}
	}
	p.Barrier()
	to := p.x
	if g.input != nil {
		to = p.kept[g.input.id]
	}
	rows := p.tileRows(&g.up.w, p.n)
	for i := range p.Tiles(tiles(d, rows)) {
		r0 := i * rows
		g.mean(p, to, in, low, r0, min(rows, d-r0))
	}
	p.Barrier()
}

// mean computes the numbers r0 to r0+k of the inputs of all tokens into to.
func (g *gatedIn) mean(p *pass, to []float32, in, low *kernels.Acts, r0, k int) {
	d := p.m.Embd
	for i := range g.n {
		g.up.mul(p, p.tile, k, i*d+r0, k, low)
		for t := range p.n {
			y := to[t*d+r0:][:k]
			if i == 0 {
				clear(y)
			}
			x := in.Row(t)[i*d+r0:][:k]
			for j, gate := range p.tile[t*k : (t+1)*k] {
				y[j] += float32(x[j] * kernels.Sigmoid(gate))
			}
			if i == g.n-1 {
				kernels.Scale(y, y, 1/float32(g.n))
				if g.input != nil {
					clear(p.row(t)[r0 : r0+k])
				}
			}
		}
	}
}
