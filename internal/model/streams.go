package model

import "happyphonellm/internal/kernels"

// Blocks that only combine residual streams: what models with more than one, or
// with a path past their layers, are made of.

// plus is x += scale·stream, where the stream is one that was kept, or the same
// numbers for every token.
type plus struct {
	from   *kept     // nil: the same for every token
	vector []float32 // [embd] then
	scale  float32
}

func (*plus) size(*sizes) {}

func (b *plus) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		v := b.vector
		if b.from != nil {
			v = p.kept[b.from.id][t*d : (t+1)*d]
		}
		kernels.Axpy(p.row(t), b.scale, v)
	}
	p.Barrier()
}

// renorm is x = norm(x).
type renorm struct{ norm *norm }

func (renorm) size(*sizes) {}

func (b renorm) run(p *pass) {
	for t := range p.Tiles(p.n) {
		b.norm.apply(p.row(t), p.row(t))
	}
	p.Barrier()
}

// multiply is x *= factor.
type multiply float32

func (multiply) size(*sizes) {}

func (f multiply) run(p *pass) {
	for t := range p.Tiles(p.n) {
		kernels.Scale(p.row(t), p.row(t), float32(f))
	}
	p.Barrier()
}
