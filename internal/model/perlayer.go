package model

import "happyphonellm/internal/kernels"

// Gemma 3n and 4 give every layer an input of its own, made from the token and
// its embedding before the first layer.

// layerInputs makes them: (norm(proj·x) + row·sqrt(width)) / sqrt(2), where row is
// that of the token in a second embedding, and norm is over each layer's part.
type layerInputs struct {
	table  kernels.Matrix // [vocab][layers*width]
	proj   linear         // [layers*width][embd]
	norm   *norm          // [width]
	layers int
	width  int
}

// layerInputs binds them for the given width.
func (b *builder) layerInputs(width int) *layerInputs {
	n := b.m.Layers * width
	l := &layerInputs{
		table:  b.matrix("per_layer_token_embd.weight", n, b.m.Vocab),
		proj:   linear{w: b.matrix("per_layer_model_proj.weight", b.m.Embd, n)},
		norm:   b.rmsNorm("per_layer_proj_norm", width),
		layers: b.m.Layers, width: width,
	}
	l.proj = l.proj.times(1 / sqrt(b.m.Embd))
	return l
}

func (l *layerInputs) size(z *sizes) {
	z.need(&z.layerInputs, l.layers*l.width)
	z.need(&z.line, l.layers*l.width)
}

func (l *layerInputs) run(p *pass) {
	in := p.normed(nil)
	p.product(p.layerInputs, &l.proj, in)
	p.Barrier()
	n := l.layers * l.width
	for t := range p.Tiles(p.n) {
		row, y := p.line[:n], p.layerInputs[t*n:(t+1)*n]
		l.table.Row(row, int(p.ids[t]))
		kernels.Scale(row, row, sqrt(l.width))
		for i := 0; i < n; i += l.width {
			l.norm.apply(y[i:i+l.width], y[i:i+l.width])
		}
		kernels.Add(y, y, row)
		kernels.Scale(y, y, 1/sqrt(2))
	}
	p.Barrier()
}

// layerGate is x += post(proj · (gelu(gate·x) * input)), with the layer's input.
type layerGate struct {
	gate, proj linear // [width][embd], [embd][width]
	post       *norm
	layer      int
	to         []*kept // the streams that it is added to; nil: the residual stream
}

// layerGate binds that of the current layer.
func (b *builder) layerGate(width int) *layerGate {
	return &layerGate{
		gate:  linear{w: b.matrix("inp_gate.weight", b.m.Embd, width)},
		proj:  linear{w: b.matrix("proj.weight", width, b.m.Embd)},
		post:  b.rmsNorm("post_norm", b.m.Embd),
		layer: b.layer,
	}
}

func (g *layerGate) size(z *sizes) {
	z.need(&z.ffn, g.gate.w.Rows)
	z.need(&z.tile, min(maxTileRows, g.gate.w.Rows))
	z.addLinear(&g.proj, g.post)
}

func (g *layerGate) run(p *pass) {
	in := p.normed(nil)
	width := g.gate.w.Rows
	all := p.m.sizes.layerInputs
	hidden := shaped(&p.acts2, &p.hidden, p.n, width)
	rows := p.tileRows(&g.gate.w, p.n)
	for i := range p.Tiles(tiles(width, rows)) {
		r0 := i * rows
		k := min(rows, width-r0)
		g.gate.mul(p, p.tile, k, r0, k, in)
		for t := range p.n {
			input := p.layerInputs[t*all+g.layer*width+r0:][:k]
			kernels.GeGLU(hidden.Row(t)[r0:r0+k], p.tile[t*k:(t+1)*k], input)
			hidden.QuantizeSpan(t, r0, r0+k)
		}
	}
	p.Barrier()
	if g.to == nil {
		p.addLinear(&g.proj, hidden, g.post)
		return
	}
	d := p.m.Embd
	p.product(p.branch, &g.proj, hidden)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		y := p.branch[t*d : (t+1)*d]
		g.post.apply(y, y)
		for _, k := range g.to {
			s := p.kept[k.id][t*d : (t+1)*d]
			kernels.Add(s, s, y)
		}
	}
	p.Barrier()
}
