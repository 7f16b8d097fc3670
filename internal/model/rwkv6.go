package model

import "happyphonellm/internal/kernels"

func init() {
	register("rwkv6", rwkv6)
	register("rwkv6qwen2", rwkv6Qwen)
}

// rwkv6 is RWKV 6 (arXiv:2404.05892).
func rwkv6(b *builder) {
	b.layerNorms = true
	b.embedding(1)
	b.m.embed.norm = b.norm("token_embd_norm", b.m.Embd)
	rescale := b.uintOr("rescale_every_n_layers", 0)
	for b.nextLayer() {
		m := b.timeMix6()
		state := m.state()
		b.bindState(state + b.m.Embd)
		b.add(m, b.channelMix(state, true))
		if rescale > 0 && (b.layer+1)%rescale == 0 {
			b.add(factor(0.5))
		}
	}
	b.head()
}

// rwkv6Qwen is QRWKV: Qwen 2.5 with RWKV 6's time mixing instead of attention.
func rwkv6Qwen(b *builder) {
	b.embedding(1)
	for b.nextLayer() {
		m := b.timeMix6()
		b.bindState(m.state())
		b.add(m, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// timeMix6 is x += out · (act(g) * norm(wkv(r, k, v, w))), where the inputs of the
// products are mixed with those of the token before, by weights that depend on
// both. Each head has a state S, and a token does
//
//	y = S^T·r + (r·(u*k))·v;  S = diag(w)·S + k·v^T
//
// or, without u, S = diag(w)·S + ((1-w)*k)·v^T and y = S^T·r / sqrt(dim).
type timeMix6 struct {
	layer              int
	norm               *norm
	lerpX              []float32
	lerps              [][]float32 // of w, k, v, r, g
	narrow             linear      // to all five, together
	wide               []linear    // back, one each
	r, k, v, g         linear
	decayIn, decayOut  linear
	decay, first       []float32 // [embd]; first, which is u, may be nil
	headNorm           *norm     // nil: none
	out                linear
	heads, shared, dim int // shared: heads of k and v

	low, mid area
	parts    [5]area
}

// timeMix6 binds the current layer's.
func (b *builder) timeMix6() *timeMix6 {
	d := b.m.Embd
	m := &timeMix6{layer: b.layer, norm: b.norm("attn_norm", d)}
	m.heads, m.dim = b.rwkvHeads()
	m.shared = b.uints("attention.head_count_kv", 0)[b.layer]
	if m.shared == 0 {
		m.shared = m.heads
	}
	extra, decay := b.uint("time_mix_extra_dim"), b.uint("time_decay_extra_dim")
	if b.err == nil && (extra < 1 || decay < 1 || m.heads%m.shared != 0) {
		b.fail(ErrModel, "layer %d: %d heads over %d, middles of %d and %d", b.layer, m.heads, m.shared, extra, decay)
	}
	if b.err != nil {
		return m
	}
	m.lerpX = b.vector("time_mix_lerp_x.weight", d)
	if b.has("time_mix_lerp_fused.weight") {
		m.lerps = b.lerps("time_mix_lerp_fused", 5)
	} else {
		for _, of := range []string{"w", "k", "v", "r", "g"} {
			m.lerps = append(m.lerps, b.vector("time_mix_lerp_"+of+".weight", d))
		}
	}
	m.narrow = b.plainLinear("time_mix_w1", d, 5*extra)
	for _, w := range b.matrices("time_mix_w2.weight", extra, d, 5) {
		m.wide = append(m.wide, linear{w: w})
	}
	m.r = b.plainLinear("time_mix_receptance", d, d)
	m.k, m.v = b.plainLinear("time_mix_key", d, m.shared*m.dim), b.plainLinear("time_mix_value", d, m.shared*m.dim)
	m.g = b.plainLinear("time_mix_gate", d, d)
	m.decay = b.vector("time_mix_decay.weight", d)
	m.decayIn, m.decayOut = b.plainLinear("time_mix_decay_w1", d, decay), b.plainLinear("time_mix_decay_w2", decay, d)
	if b.has("time_mix_first.weight") {
		m.first = b.vector("time_mix_first.weight", m.dim, m.heads)
		m.headNorm = &norm{w: b.vector("time_mix_ln.weight", d), b: b.vector("time_mix_ln.bias", d), mean: true, eps: rwkvNormEps}
	}
	m.out = b.plainLinear("time_mix_output", d, d)
	at := areas(5*extra, decay, d, d, d, d, d)
	m.low, m.mid, m.parts = at[0], at[1], [5]area(at[2:])
	return m
}

// state is how many numbers the layer keeps: a token's input, and the heads'.
func (m *timeMix6) state() int { return m.heads*m.dim + m.heads*m.dim*m.dim }

func (m *timeMix6) size(z *sizes) {
	d := m.out.w.Rows
	z.need(&z.mix, m.parts[4].end())
	z.need(&z.attnOut, max(blocks(d), blocks(m.decayOut.w.Cols), 5*blocks(m.wide[0].w.Cols)))
	z.need(&z.ffn, 5*blocks(d))
	z.need(&z.tile, max(maxTileRows, m.dim))
	z.addLinear(&m.out, nil)
}

func (m *timeMix6) run(p *pass) {
	d, n := p.m.Embd, p.n
	s := p.shift(m.norm, m.layer, 0)
	x := shaped(&p.acts2, &p.attn, n, d)
	for t := range p.Tiles(n) {
		s.mix(x.Row(t), t, m.lerpX)
		x.Quantize(t, t+1)
	}
	p.Barrier()
	p.into(m.low, 0, &m.narrow, x)
	p.Barrier()
	extra := m.wide[0].w.Cols
	middle := shaped(&p.acts2, &p.attn, 5*n, extra)
	for i := range p.Tiles(5 * n) {
		row := middle.Row(i)
		copy(row, p.at(m.low, i%n)[i/n*extra:])
		tanhs(row)
		middle.Quantize(i, i+1)
	}
	p.Barrier()
	for i := range m.wide {
		p.part = middle.Slice(i*n, (i+1)*n)
		p.into(m.parts[i], 0, &m.wide[i], &p.part)
	}
	p.Barrier()
	mixed := shaped(&p.acts3, &p.hidden, 5*n, d)
	for i := range p.Tiles(5 * n) {
		weights := p.at(m.parts[i/n], i%n)
		kernels.Add(weights, weights, m.lerps[i/n])
		s.mix(mixed.Row(i), i%n, weights)
		mixed.Quantize(i, i+1)
	}
	p.Barrier()
	p.part = mixed.Slice(0, n)
	p.into(m.mid, 0, &m.decayIn, &p.part)
	m.project(p, mixed, 1, &m.k)
	m.project(p, mixed, 2, &m.v)
	m.project(p, mixed, 3, &m.r)
	m.project(p, mixed, 4, &m.g)
	p.Barrier()
	decay := shaped(&p.acts2, &p.attn, n, m.decayOut.w.Cols)
	for t := range p.Tiles(n) {
		row := decay.Row(t)
		copy(row, p.at(m.mid, t))
		tanhs(row)
		decay.Quantize(t, t+1)
	}
	p.Barrier()
	p.into(m.parts[0], 0, &m.decayOut, decay)
	p.Barrier()
	before, after := p.cache.State(m.layer)
	before, after = before[d:], after[d:]
	out := shaped(&p.acts2, &p.attn, n, d)
	per := m.dim * m.dim
	for h := range p.Tiles(m.heads) {
		from, to := before[h*per:(h+1)*per], after[h*per:(h+1)*per]
		for t := range n {
			m.step(p, out.Row(t)[h*m.dim:(h+1)*m.dim], h, t, from, to)
			from = to
		}
	}
	p.Barrier()
	p.quantized(out, nil)
	p.addLinear(&m.out, out, nil)
}

// project computes a product of the i-th mixture in that mixture's place.
func (m *timeMix6) project(p *pass, mixed *kernels.Acts, i int, l *linear) {
	p.part = mixed.Slice(i*p.n, (i+1)*p.n)
	p.into(m.parts[i], 0, l, &p.part)
}

// step does head h of token t: from is the head's state before it, [dim of k][dim
// of v], and to after it; they may be the same.
func (m *timeMix6) step(p *pass, y []float32, h, t int, from, to []float32) {
	n, at := m.dim, h*m.dim
	kv := h / (m.heads / m.shared) * n
	k, v := p.at(m.parts[1], t)[kv:kv+n], p.at(m.parts[2], t)[kv:kv+n]
	w, r, g := p.at(m.parts[0], t)[at:at+n], p.at(m.parts[3], t)[at:at+n], p.at(m.parts[4], t)[at:at+n]
	clear(y)
	decays := p.tile[:n]
	kernels.Add(decays, w, m.decay[at:at+n])
	kernels.ExpAll(decays, decays)
	kernels.Scale(decays, decays, -1)
	kernels.ExpAll(decays, decays)
	bonus, scale := float32(0), 1/sqrt(n)
	for i, decay := range decays {
		s, was := to[i*n:(i+1)*n], from[i*n:(i+1)*n]
		if m.first != nil {
			kernels.Axpy(y, r[i], was)
			bonus += float32(float32(r[i]*m.first[at+i]) * k[i])
			kernels.Scale(s, was, decay)
			kernels.Axpy(s, k[i], v)
			continue
		}
		kernels.Scale(s, was, decay)
		kernels.Axpy(s, k[i]-float32(k[i]*decay), v)
		kernels.Axpy(y, r[i]*scale, s)
	}
	if m.first == nil {
		sigmoidGLU(y, g, y)
		return
	}
	kernels.Axpy(y, bonus, v)
	kernels.LayerNorm(y, y, m.headNorm.w[at:at+n], m.headNorm.b[at:at+n], m.headNorm.eps)
	kernels.SwiGLU(y, g, y)
}
