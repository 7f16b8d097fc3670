package model

import "happyphonellm/internal/kernels"

func init() {
	register("lfm2", lfm2)
	register("lfm2moe", lfm2)
}

// lfm2 is LFM2: most layers mix tokens by a short convolution, the others, those
// with KV heads, by attention.
func lfm2(b *builder) {
	kv := b.uints("attention.head_count_kv", 0)
	dense := b.m.Layers
	if b.m.Arch == "lfm2moe" {
		dense = b.uintOr("leading_dense_block_count", 0)
	}
	window := b.uintOr("attention.sliding_window", 0)
	var rope *rope
	b.embedding(1)
	for b.nextLayer() {
		if kv[b.layer] == 0 {
			b.add(b.shortConv())
		} else {
			h := b.heads()
			if rope == nil {
				rope = b.rope(ropeParams{
					style: ropeHalves, dim: b.positiveOr("rope.dimension_count", h.keyDim),
					base: b.floatOr("rope.freq_base", 10000),
				})
			}
			a := b.attention(h, rope)
			a.window = window
			b.add(a)
		}
		if b.layer < dense {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
		} else {
			m := b.moe(kernels.SwiGLU).unscaled()
			m.gating = b.gatingOr(gateSoftmax)
			b.add(m)
		}
	}
	b.bareHead().norm = b.norm("token_embd_norm", b.m.Embd)
}

// shortConv is x += out · (c * conv(b * x')), where b, c and x' are in·norm(x).
type shortConv struct {
	layer   int
	norm    *norm
	in, out linear // in: b, c, x'
	conv    conv
	row     area
}

// shortConv binds the current layer's under its usual names.
func (b *builder) shortConv() *shortConv {
	d := b.m.Embd
	s := &shortConv{
		layer: b.layer,
		norm:  b.norm("attn_norm", d),
		in:    b.linear("shortconv.in_proj", d, 3*d),
		conv:  b.conv("shortconv.conv", b.uint("shortconv.l_cache"), d),
		out:   b.linear("shortconv.out_proj", d, d),
		row:   area{0, 3 * d},
	}
	b.bindState(s.conv.state())
	return s
}

func (s *shortConv) size(z *sizes) {
	z.need(&z.mix, s.row.end())
	z.need(&z.attnOut, s.out.w.Cols)
	z.need(&z.tile, max(convTile, maxTileRows))
	z.addLinear(&s.out, nil)
}

func (s *shortConv) run(p *pass) {
	d := p.m.Embd
	p.product(p.all(s.row), &s.in, p.normed(s.norm))
	p.Barrier()
	before, after := p.cache.State(s.layer)
	out := shaped(&p.acts2, &p.attn, p.n, d)
	for i := range p.Tiles(tiles(d, convTile)) {
		c0 := i * convTile
		k := min(convTile, d-c0)
		for t := range p.n {
			row := p.at(s.row, t)
			x := row[2*d+c0:][:k]
			kernels.Mul(x, x, row[c0:])
		}
		s.conv.run(p, p.all(s.row)[2*d:], 3*d, c0, k, before, after)
		for t := range p.n {
			row := p.at(s.row, t)
			kernels.Mul(out.Row(t)[c0:c0+k], row[d+c0:], row[2*d+c0:])
			out.QuantizeSpan(t, c0, c0+k)
		}
	}
	p.Barrier()
	p.addLinear(&s.out, out, nil)
}
