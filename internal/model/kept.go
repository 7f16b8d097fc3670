package model

// kept is a block that copies the residual stream for a later one, which reads
// it as it was here.
type kept struct{ id int }

// keep makes the block; it must be added where the stream is to be copied.
func (b *builder) keep() *kept {
	b.m.keeps++
	return &kept{id: b.m.keeps - 1}
}

func (k *kept) size(*sizes) {}

func (k *kept) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		copy(p.kept[k.id][t*d:(t+1)*d], p.row(t))
	}
	p.Barrier()
}
