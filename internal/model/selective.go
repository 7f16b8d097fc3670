package model

import "happyphonellm/internal/kernels"

// scan is a selective state space (Mamba, arXiv:2312.00752 and 2405.21060). Each
// of heads·width channels has a state of size numbers, and a token does
//
//	s = s·exp(Δ·A) + B·(Δ·x);  y = C·s + D·x
//
// with Δ = softplus(dt + bias) per head, and B and C of size numbers per group.
type scan struct {
	heads, width, groups, size int
	dtBias                     []float32 // [heads]
	a                          []float32 // [heads], or [heads][size]
	d                          []float32 // [heads]
}

// state is how many numbers the scan keeps: [heads][width][size].
func (s *scan) state() int { return s.heads * s.width * s.size }

// check fails a layer whose counts do not fit together.
func (s *scan) check(b *builder, inner int) bool {
	if s.heads < 1 || s.groups < 1 || s.size < 1 || inner < 1 || inner%s.heads != 0 || s.heads%s.groups != 0 || inner%s.groups != 0 {
		b.fail(ErrModel, "layer %d: %d channels in %d heads, %d groups of %d states do not fit together", b.layer, inner, s.heads, s.groups, s.size)
		return false
	}
	return true
}

// step does one token of head h: y and x are its width numbers and may be the
// same, dt is before its bias, bs and cs are its group's B and C. from is the
// head's state before the token, and to after it; they may be the same.
func (s *scan) step(p *pass, y, x []float32, h int, dt float32, bs, cs, from, to []float32) {
	n := s.size
	delta := kernels.Softplus(dt + s.dtBias[h])
	var decay []float32
	scalar := float32(0)
	if len(s.a) == s.heads {
		scalar = kernels.Exp(delta * s.a[h])
	} else {
		decay = p.tile[:n]
		kernels.Scale(decay, s.a[h*n:(h+1)*n], delta)
		kernels.ExpAll(decay, decay)
	}
	for i, v := range x[:s.width] {
		row := to[i*n : (i+1)*n]
		if decay == nil {
			kernels.Scale(row, from[i*n:(i+1)*n], scalar)
		} else {
			kernels.Mul(row, from[i*n:(i+1)*n], decay)
		}
		kernels.Axpy(row, v*delta, bs)
		y[i] = kernels.Dot(row, cs) + float32(s.d[h]*v)
	}
}

// mamba2 is x += out · norm(silu(z) · scan(conv(in·norm(x)))).
type mamba2 struct {
	layer   int
	norm    *norm
	in      linear // z, then x, B and C, which are convolved, then dt
	conv    conv
	scan    scan
	outNorm *norm // nil: none
	out     linear
	row     area
}

// ssm reads the counts of a state space.
type ssm struct{ inner, taps, size, heads, groups int }

func (b *builder) ssm() ssm {
	return ssm{
		inner: b.uint("ssm.inner_size"), taps: b.uint("ssm.conv_kernel"), size: b.uint("ssm.state_size"),
		heads: b.uint("ssm.time_step_rank"), groups: b.uintOr("ssm.group_count", 0),
	}
}

// mamba2 binds the current layer's under its usual names.
func (b *builder) mamba2() *mamba2 {
	c := b.ssm()
	m := &mamba2{layer: b.layer, scan: scan{heads: c.heads, groups: c.groups, size: c.size}}
	if b.err != nil || !m.scan.check(b, c.inner) {
		return m
	}
	m.scan.width = c.inner / c.heads
	channels := c.inner + 2*c.groups*c.size
	m.norm = b.norm("attn_norm", b.m.Embd)
	m.in = b.linear("ssm_in", b.m.Embd, c.inner+channels+c.heads)
	m.conv = b.conv("ssm_conv1d", c.taps, channels)
	m.conv.silu = true
	m.scan.dtBias = b.vector("ssm_dt.bias", c.heads)
	m.scan.a = b.vector("ssm_a", 1, c.heads)
	m.scan.d = b.vector("ssm_d", 1, c.heads)
	if b.has("ssm_norm.weight") {
		m.outNorm = &norm{w: b.vector("ssm_norm.weight", c.inner/c.groups, c.groups), groups: c.groups, eps: b.rmsEps()}
	}
	m.out = b.linear("ssm_out", c.inner, b.m.Embd)
	m.row = area{0, c.inner + channels + c.heads}
	b.bindState(m.conv.state() + m.scan.state())
	return m
}

func (m *mamba2) size(z *sizes) {
	z.need(&z.mix, m.row.end())
	z.need(&z.attnOut, m.out.w.Cols)
	z.need(&z.tile, max(convTile, maxTileRows))
	z.addLinear(&m.out, nil)
}

func (m *mamba2) run(p *pass) {
	s := &m.scan
	inner, group := s.heads*s.width, s.groups*s.size
	p.product(p.all(m.row), &m.in, p.normed(m.norm))
	p.Barrier()
	before, after := p.cache.State(m.layer)
	mixed := area{m.row.at, m.row.width}
	for i := range p.Tiles(tiles(m.conv.channels, convTile)) {
		c0 := i * convTile
		m.conv.run(p, p.all(mixed)[inner:], m.row.width, c0, min(convTile, m.conv.channels-c0), before, after)
	}
	p.Barrier()
	before, after = before[m.conv.state():], after[m.conv.state():]
	out := shaped(&p.acts2, &p.attn, p.n, inner)
	per := s.width * s.size
	for h := range p.Tiles(s.heads) {
		from, to := before[h*per:(h+1)*per], after[h*per:(h+1)*per]
		g := h / (s.heads / s.groups) * s.size
		for t := range p.n {
			row := p.at(m.row, t)
			z, x, rest := row[h*s.width:], row[inner+h*s.width:], row[2*inner:]
			y := out.Row(t)[h*s.width : (h+1)*s.width]
			s.step(p, y, x, h, rest[2*group+h], rest[g:g+s.size], rest[group+g:group+g+s.size], from, to)
			kernels.SwiGLU(y, z, y)
			from = to
		}
	}
	p.Barrier()
	p.quantized(out, m.outNorm)
	p.addLinear(&m.out, out, nil)
}

// quantized norms all of acts, if there is a norm, and quantizes it.
func (p *pass) quantized(acts *kernels.Acts, n *norm) {
	for t := range p.Tiles(p.n) {
		if n != nil {
			n.apply(acts.Row(t), acts.Row(t))
		}
		acts.Quantize(t, t+1)
	}
	p.Barrier()
}
