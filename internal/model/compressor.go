package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// compressor makes one row of every ratio positions (DeepSeek-V4): number by
// number the mean of the positions' rows, weighed by the softmax of their gates,
// normed and turned to the first of the positions. With overlap a position has two
// rows, and a block's are the first ones of the block before and its own second ones.
//
// What a block that is not complete needs later is part of the layer's state: the
// last rows in a ring by position.
type compressor struct {
	layer, side int // where the rows go
	ratio, dim  int
	overlap     bool
	kv, gate    linear
	ape         []float32 // [ratio][width] added to the gates, by position in the block
	norm        *norm
	rope        *rope
	at          int // of the ring in the layer's state

	raw area // a token's rows, and then their gates
}

// compressor binds the current layer's under that prefix, whose rows of dim
// numbers go to that list of the cache. Its ring begins at that number of the state.
func (b *builder) compressor(prefix string, side, ratio, dim, at int, r *rope) *compressor {
	c := &compressor{layer: b.layer, side: side, ratio: ratio, dim: dim, overlap: ratio == 4, rope: r, at: at}
	c.kv = linear{w: b.matrix(prefix+"compressor_kv.weight", b.m.Embd, c.width())}
	c.gate = linear{w: b.matrix(prefix+"compressor_gate.weight", b.m.Embd, c.width())}
	c.ape = b.vector(prefix+"compressor_ape.weight", c.width(), ratio)
	c.norm = b.rmsNorm(prefix+"compressor_norm", dim)
	s := &b.cached(b.layer).Sides[side]
	s.Dim, s.Every = dim, ratio
	return c
}

// halves is how many rows a position has.
func (c *compressor) halves() int {
	if c.overlap {
		return 2
	}
	return 1
}

// width is how many numbers a position's rows have.
func (c *compressor) width() int { return c.halves() * c.dim }

// ring is how many positions the state has.
func (c *compressor) ring() int { return c.halves() * c.ratio }

// state is how many numbers it takes of the layer's.
func (c *compressor) state() int { return c.ring() * 2 * c.width() }

// lay gives the compressor its part of the mix buffer, and returns where it ends.
func (c *compressor) lay(at int) int {
	c.raw = area{at, 2 * c.width()}
	return c.raw.end()
}

func (c *compressor) size(z *sizes) {
	z.need(&z.mix, c.raw.end())
	z.need(&z.tile, 3*c.dim+c.rope.dim)
}

func (c *compressor) project(p *pass, in *kernels.Acts) {
	p.into(c.raw, 0, &c.kv, in)
	p.into(c.raw, c.width(), &c.gate, in)
}

// bias adds what token t's place in its block adds to its gates.
func (c *compressor) bias(p *pass, t int) {
	w := c.width()
	gates := p.at(c.raw, t)[w:]
	kernels.Add(gates, gates, c.ape[(p.pos+t)%c.ratio*w:][:w])
}

// run writes the rows of the blocks that the pass completes, and its state.
// Workers see the rows after the next barrier.
func (c *compressor) run(p *pass) {
	before, after := p.cache.State(c.layer)
	before, after = before[c.at:c.at+c.state()], after[c.at:c.at+c.state()]
	first := p.pos / c.ratio
	for i := range p.Tiles((p.pos+p.n)/c.ratio - first) {
		c.row(p, before, first+i)
	}
	w, last := 2*c.width(), p.pos+p.n-1
	for r := range p.Tiles(c.ring()) {
		pos := last - (last-r+c.ring())%c.ring() // the last one with this place
		copy(after[r*w:(r+1)*w], c.of(p, before, pos, r))
	}
}

// of is what the position at that place of the ring has left, in this pass or before.
func (c *compressor) of(p *pass, before []float32, pos, place int) []float32 {
	if pos >= p.pos {
		return p.at(c.raw, pos-p.pos)
	}
	w := 2 * c.width()
	return before[place*w : (place+1)*w]
}

// row makes the row of a block.
func (c *compressor) row(p *pass, before []float32, block int) {
	d, w := c.dim, c.width()
	most, row, total := p.tile[:d], p.tile[d:2*d], p.tile[2*d:3*d]
	for i := range most {
		most[i] = float32(math.Inf(-1))
	}
	clear(row)
	clear(total)
	// First the largest gates, then the mean.
	for step := range 2 {
		for j := -(c.halves() - 1) * c.ratio; j < c.ratio; j++ {
			pos := block*c.ratio + j
			if pos < 0 {
				continue
			}
			from := c.of(p, before, pos, pos%c.ring())
			if c.overlap && j >= 0 {
				from = from[d:]
			}
			values, gates := from[:d], from[w:w+d]
			if step == 0 {
				for i, g := range gates {
					most[i] = max(most[i], g)
				}
				continue
			}
			for i, g := range gates {
				e := kernels.Exp(g - most[i])
				row[i] += float32(e * values[i])
				total[i] += e
			}
		}
	}
	for i := range row {
		row[i] /= total[i]
	}
	c.norm.apply(row, row)
	table := p.tile[3*d:][:c.rope.dim]
	c.rope.tableIn(table, block*c.ratio, p.cache.Capacity())
	c.rope.rotate(row[d-c.rope.dim:], table)
	p.cache.StoreSide(c.layer, c.side, block, row)
}
