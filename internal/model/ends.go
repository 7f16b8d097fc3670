package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// embedding is where a pass begins: the rows of the tokens, and the tables of
// their positions.
type embedding struct {
	w     kernels.Matrix  // [vocab][embd]
	scale float32         // of each row
	pos   kernels.Matrix  // [positions][embd] added to the rows; zero: none
	norm  *norm           // of each row, after its scale; nil: none
	swap  map[int32]int32 // tokens that others stand for; nil: none
}

// embedding binds token_embd; its rows are the vocabulary.
func (b *builder) embedding(scale float32) { b.embeddingOf("token_embd.weight", scale) }

// embeddingOf is embedding for a tensor of another name.
func (b *builder) embeddingOf(name string, scale float32) {
	t, ok := b.file.Tensor(name)
	if !ok {
		b.fail(ErrModel, "tensor %q is missing", name)
		return
	}
	if len(t.Shape) < 2 {
		b.fail(ErrModel, "tensor %q has shape %v, want [%d vocabulary]", t.Name, t.Shape, b.m.Embd)
		return
	}
	b.m.Vocab = t.Shape[1]
	b.m.embed = embedding{w: b.matrix(name, b.m.Embd, b.m.Vocab), scale: scale}
}

// positions binds position_embd: a vector for each position that the model knows.
func (b *builder) positions() {
	b.m.embed.pos = b.matrix("position_embd.weight", b.m.Embd, b.m.Context)
	b.m.Positions = b.m.Context
}

func (e *embedding) size(z *sizes) {
	if e.pos.Rows > 0 {
		z.need(&z.line, e.w.Cols)
	}
}

func (e *embedding) run(p *pass) {
	for t := range p.Tiles(p.n) {
		x := p.row(t)
		id := p.ids[t]
		if other, ok := e.swap[id]; ok {
			id = other
		}
		e.w.Row(x, int(id))
		if e.scale != 1 {
			kernels.Scale(x, x, e.scale)
		}
		if e.pos.Rows > 0 {
			e.pos.Row(p.line, p.pos+t)
			kernels.Add(x, x, p.line)
		}
		if e.norm != nil {
			e.norm.apply(x, x)
		}
		for _, r := range p.m.ropes {
			r.tableIn(p.rope[r.id][t*r.dim:(t+1)*r.dim], p.pos+t, p.cache.Capacity())
		}
	}
	p.Barrier()
}

// head is where a pass ends: logits for the tokens that want them.
type head struct {
	norm *norm // nil: none
	out  linear
	cap  float32 // logits become cap*tanh(logits/cap); 0: none
	hide [2]int  // the logits from one to before the other are the lowest number: tokens that are no text
}

// head binds the output norm and matrix; a file without an output matrix uses
// that of the embedding.
func (b *builder) head() *head {
	h := b.bareHead()
	h.norm = b.norm("output_norm", b.m.Embd)
	return h
}

// bareHead is head without the norm.
func (b *builder) bareHead() *head {
	m := b.m
	if b.has("output.weight") {
		m.head.out = b.linear("output", m.Embd, m.Vocab)
	} else {
		m.head.out = linear{w: m.embed.w, scale: b.vectorOr("output.scale", 1), bias: b.vectorOr("output.bias", m.Vocab)}
	}
	return &m.head
}

func (h *head) run(p *pass) {
	n := p.n
	in := &p.own
	if n <= privateTokens {
		in.Resize(n, p.m.Embd)
		for t := range n {
			h.norm.apply(in.Row(t), p.row(t))
		}
		in.Quantize(0, n)
	} else {
		in = shaped(&p.acts, &p.in, n, p.m.Embd)
		for t := range p.Tiles(n) {
			h.norm.apply(in.Row(t), p.row(t))
			in.Quantize(t, t+1)
		}
		p.Barrier()
	}
	vocab := p.m.Vocab
	rows := p.tileRows(&h.out.w, n)
	for i := range p.Tiles(tiles(vocab, rows)) {
		r0 := i * rows
		k := min(rows, vocab-r0)
		h.out.mul(p, p.logits[r0:], vocab, r0, k, in)
		h.hidden(p, n, r0, k)
		if h.cap != 0 {
			for t := range n {
				kernels.Softcap(p.logits[t*vocab+r0:t*vocab+r0+k], 1, h.cap)
			}
		}
	}
}

// hidden lowers the logits of the rows r0 to r0+k that are to be hidden.
func (h *head) hidden(p *pass, n, r0, k int) {
	from, to := max(h.hide[0], r0), min(h.hide[1], r0+k)
	for t := 0; t < n && from < to; t++ {
		for i := from; i < to; i++ {
			p.logits[t*p.m.Vocab+i] = -math.MaxFloat32
		}
	}
}
