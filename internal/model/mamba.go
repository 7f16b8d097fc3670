package model

import "happyphonellm/internal/kernels"

func init() {
	register("mamba", mambaOnly)
	register("mamba2", mambaOnly)
}

// mambaOnly is Mamba, FalconMamba and Mamba 2: layers of a state space alone.
func mambaOnly(b *builder) {
	b.embedding(1)
	for b.nextLayer() {
		if b.m.Arch == "mamba2" {
			b.add(b.mamba2())
		} else {
			b.add(b.mamba())
		}
	}
	b.head()
}

// mamba is x += out · (silu(z) · scan(conv(x'))), where z and x' are in·norm(x),
// and B, C and dt are products of the convolved x'. The first Mamba has a head
// per channel; PLaMo 2 has fewer, and mixes z and x' in its own way.
type mamba struct {
	layer                int
	norm                 *norm
	in                   linear // z and x, see z and x
	conv                 conv
	x                    linear // dt, B and C of all channels, in the order of parts
	dt                   linear // to a number per head
	dtNorm, bNorm, cNorm *norm  // nil: none
	scan                 scan
	out                  linear
	post                 *norm // nil: none
	interleaved          bool  // z and x come in turns of a head, else x comes first
	bcdt                 bool  // the order of x's rows, else dt, B, C

	row, bc, delta area
	rank           int // of dt
}

// mamba binds the current layer's under its usual names.
func (b *builder) mamba() *mamba {
	c := b.ssm()
	m := &mamba{layer: b.layer, rank: c.heads, scan: scan{heads: c.inner, width: 1, groups: 1, size: c.size}}
	if b.err != nil || !m.scan.check(b, c.inner) || !b.positive("ssm.time_step_rank", c.heads) {
		return m
	}
	m.bind(b, c)
	m.conv.bias = b.vector("ssm_conv1d.bias", c.inner)
	m.scan.dtBias = b.vector("ssm_dt.bias", c.inner)
	m.scan.a = b.vector("ssm_a", c.size, c.inner)
	m.scan.d = b.vector("ssm_d", c.inner)
	bare, _ := b.file.Bool(b.key("ssm.dt_b_c_rms"))
	switch {
	case b.has("ssm_dt_norm.weight") && b.has("ssm_b_norm.weight") && b.has("ssm_c_norm.weight"):
		m.dtNorm, m.bNorm, m.cNorm = b.rmsNorm("ssm_dt_norm", m.rank), b.rmsNorm("ssm_b_norm", c.size), b.rmsNorm("ssm_c_norm", c.size)
	case bare:
		m.dtNorm = &norm{eps: b.rmsEps()}
		m.bNorm, m.cNorm = m.dtNorm, m.dtNorm
	}
	return m
}

// bind binds what all kinds have.
func (m *mamba) bind(b *builder, c ssm) {
	m.norm = b.norm("attn_norm", b.m.Embd)
	m.in = b.linear("ssm_in", b.m.Embd, 2*c.inner)
	m.conv = b.conv("ssm_conv1d", c.taps, c.inner)
	m.conv.silu = true
	m.x = b.linear("ssm_x", c.inner, m.rank+2*c.size)
	// Files may have scales here that llama.cpp does not use, and dt's bias is the
	// scan's.
	m.dt.w = b.matrix("ssm_dt.weight", m.rank, m.scan.heads)
	m.x.scale = nil
	m.out = b.linear("ssm_out", c.inner, b.m.Embd)
	at := areas(2*c.inner, m.rank+2*c.size, m.scan.heads)
	m.row, m.bc, m.delta = at[0], at[1], at[2]
	b.bindState(m.conv.state() + m.scan.state())
}

// positive fails where a count of the file is zero.
func (b *builder) positive(name string, n int) bool {
	if n < 1 {
		b.fail(ErrModel, "%s must not be zero", b.key(name))
	}
	return n >= 1
}

func (m *mamba) size(z *sizes) {
	z.need(&z.mix, m.delta.end())
	z.need(&z.attnOut, m.out.w.Cols)
	z.need(&z.ffn, m.rank)
	z.need(&z.tile, max(convTile, maxTileRows, m.scan.size))
	z.addLinear(&m.out, m.post)
}

// parts are token t's dt, B and C.
func (m *mamba) parts(p *pass, t int) (dt, bs, cs []float32) {
	row, n := p.at(m.bc, t), m.scan.size
	if m.bcdt {
		return row[2*n:], row[:n], row[n : 2*n]
	}
	return row[:m.rank], row[m.rank : m.rank+n], row[m.rank+n:]
}

// place is where the channels of head h are in the row of in's outputs.
func (m *mamba) place(h int) (z, x int) {
	if w := m.scan.width; m.interleaved {
		return 2 * h * w, (2*h + 1) * w
	}
	return m.scan.heads*m.scan.width + h*m.scan.width, h * m.scan.width
}

// tile is how many heads a worker takes at once: whole quantization blocks, where
// that is possible.
func (m *mamba) tile() int { return max(1, 64/m.scan.width) }

func (m *mamba) run(p *pass) {
	s := &m.scan
	p.product(p.all(m.row), &m.in, p.normed(m.norm))
	p.Barrier()
	before, after := p.cache.State(m.layer)
	x := shaped(&p.acts2, &p.attn, p.n, m.out.w.Cols)
	m.convolve(p, x, before, after)
	p.Barrier()
	p.quantized(x, nil)
	p.product(p.all(m.bc), &m.x, x)
	p.Barrier()
	dt := shaped(&p.acts3, &p.hidden, p.n, m.rank)
	for t := range p.Tiles(p.n) {
		d, bs, cs := m.parts(p, t)
		m.dtNorm.apply(dt.Row(t), d)
		if m.bNorm != nil {
			m.bNorm.apply(bs, bs)
			m.cNorm.apply(cs, cs)
		}
		dt.Quantize(t, t+1)
	}
	p.Barrier()
	p.product(p.all(m.delta), &m.dt, dt)
	p.Barrier()
	before, after = before[m.conv.state():], after[m.conv.state():]
	each, per := m.tile(), s.width*s.size
	for i := range p.Tiles(tiles(s.heads, each)) {
		for h := i * each; h < min(s.heads, (i+1)*each); h++ {
			from, to := before[h*per:(h+1)*per], after[h*per:(h+1)*per]
			z, _ := m.place(h)
			for t := range p.n {
				_, bs, cs := m.parts(p, t)
				y := x.Row(t)[h*s.width : (h+1)*s.width]
				s.step(p, y, y, h, p.at(m.delta, t)[h], bs, cs, from, to)
				from = to
				kernels.SwiGLU(y, p.at(m.row, t)[z:], y)
			}
		}
	}
	p.Barrier()
	p.quantized(x, nil)
	p.addLinear(&m.out, x, m.post)
}

// convolve convolves the x of all tokens into acts.
func (m *mamba) convolve(p *pass, acts *kernels.Acts, before, after []float32) {
	width := m.scan.heads * m.scan.width
	if m.interleaved {
		width = m.scan.width
	}
	each := min(width, convTile)
	per := tiles(width, each)
	for i := range p.Tiles(m.conv.channels / width * per) {
		h, c := i/per, i%per*each
		k := min(each, width-c)
		_, at := m.place(h)
		// The channel's place in the row is not its number.
		c0 := h*width + c
		m.conv.run(p, p.all(m.row)[at+c-c0:], m.row.width, c0, k, before, after)
		for t := range p.n {
			copy(acts.Row(t)[c0:c0+k], p.at(m.row, t)[at+c:at+c+k])
		}
	}
}
