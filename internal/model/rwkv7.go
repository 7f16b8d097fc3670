package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

func init() {
	register("rwkv7", rwkv7)
	register("arwkv7", arwkv7)
}

// rwkv7 is RWKV 7 (arXiv:2503.14456).
func rwkv7(b *builder) {
	b.layerNorms = true
	b.embedding(1)
	b.m.embed.norm = b.norm("token_embd_norm", b.m.Embd)
	first := b.keep()
	for b.nextLayer() {
		m := b.timeMix7(first)
		state := m.state()
		b.bindState(state + b.m.Embd)
		b.add(m, b.channelMix(state, false))
	}
	b.head()
}

// arwkv7 is ARWKV: Qwen 2.5 with RWKV 7's time mixing instead of attention.
func arwkv7(b *builder) {
	b.embedding(1)
	first := b.keep()
	for b.nextLayer() {
		m := b.timeMix7(first)
		b.bindState(m.state())
		b.add(m, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// timeMix7 is x += out · (g * (norm(wkv(r, w, k, v, a)) + bonus)), where the inputs
// of the products are mixed with those of the token before. Each head has a state
// S, and a token does
//
//	S = S·diag(w) - (S·κ)·(a*κ)^T + v·k'^T;  y = S·r
//
// where κ is kk*k made a vector of length 1, and k' = k·(1 + (a-1)·ka).
type timeMix7 struct {
	layer                int
	norm                 *norm
	lerps                [][]float32 // of r, w, k, v, a, g
	r, k, v              linear
	w, a, mix, g         narrowed // mix: with the values of the first layer; g may be none
	kk, ka, rk           []float32
	headNorm             *norm // nil: none
	out                  linear
	heads, dim           int
	values               *kept // the first layer's values
	rs, ks, vs           area
	decays, rates, mixes area
	gates                area
}

// narrowed is a product by way of a few numbers, and what is added to it.
type narrowed struct {
	in, out linear
	bias    []float32
	act     func([]float32) // of the few; nil: none
	mid     area
}

// narrowed binds the current layer's name1, name2 and, if add is set, name0.
func (b *builder) narrowed(name string, rank int, act func([]float32), add bool) narrowed {
	d := b.m.Embd
	n := narrowed{act: act, in: b.plainLinear(name+"1", d, rank), out: b.plainLinear(name+"2", rank, d)}
	if add {
		n.bias = b.vector(name+"0.weight", d)
	}
	return n
}

// timeMix7 binds the current layer's.
func (b *builder) timeMix7(values *kept) *timeMix7 {
	d := b.m.Embd
	m := &timeMix7{layer: b.layer, norm: b.norm("attn_norm", d), values: values}
	m.heads, m.dim = b.rwkvHeads()
	m.w = b.narrowed("time_mix_w", b.uint("attention.decay_lora_rank"), tanhs, true)
	m.a = b.narrowed("time_mix_a", b.uint("attention.iclr_lora_rank"), nil, true)
	if b.layer > 0 {
		m.mix = b.narrowed("time_mix_v", b.uint("attention.value_residual_mix_lora_rank"), nil, true)
	}
	mixtures := 5
	if b.has("time_mix_g1.weight") && b.has("time_mix_g2.weight") {
		m.g = b.narrowed("time_mix_g", b.uint("attention.gate_lora_rank"), sigmoids, false)
		mixtures = 6
	}
	if t, ok := b.file.Tensor(b.tensorName("time_mix_lerp_fused.weight")); ok && mixtures == 5 && t.Shape[len(t.Shape)-1] == 6 {
		mixtures = 6 // there may be one for the gate without the gate
	}
	m.lerps = b.lerps("time_mix_lerp_fused", mixtures)
	m.r, m.k, m.v = b.plainLinear("time_mix_receptance", d, d), b.plainLinear("time_mix_key", d, d), b.plainLinear("time_mix_value", d, d)
	m.kk, m.ka, m.rk = b.vector("time_mix_k_k.weight", d), b.vector("time_mix_k_a.weight", d), b.vector("time_mix_r_k.weight", d)
	if b.has("time_mix_ln.weight") && b.has("time_mix_ln.bias") {
		m.headNorm = &norm{w: b.vector("time_mix_ln.weight", d), b: b.vector("time_mix_ln.bias", d), mean: true, eps: rwkvNormEps}
	}
	m.out = b.plainLinear("time_mix_output", d, d)
	at := areas(d, d, d, d, d, d, d, m.w.in.w.Rows, m.a.in.w.Rows, m.mix.in.w.Rows, m.g.in.w.Rows)
	m.rs, m.ks, m.vs, m.decays, m.rates, m.mixes, m.gates = at[0], at[1], at[2], at[3], at[4], at[5], at[6]
	m.w.mid, m.a.mid, m.mix.mid, m.g.mid = at[7], at[8], at[9], at[10]
	return m
}

// state is how many numbers the layer keeps: a token's input, and the heads'.
func (m *timeMix7) state() int { return m.heads*m.dim + m.heads*m.dim*m.dim }

func (m *timeMix7) size(z *sizes) {
	d := m.out.w.Rows
	z.need(&z.mix, m.g.mid.end())
	z.need(&z.attnOut, max(m.w.mid.width, m.a.mid.width, m.mix.mid.width, m.g.mid.width, d))
	z.need(&z.ffn, 6*blocks(d))
	z.need(&z.tile, max(maxTileRows, 3*m.dim))
	z.addLinear(&m.out, nil)
}

func (m *timeMix7) run(p *pass) {
	d, n := p.m.Embd, p.n
	s := p.shift(m.norm, m.layer, 0)
	mixed := shaped(&p.acts3, &p.hidden, len(m.lerps)*n, d)
	for i := range p.Tiles(len(m.lerps) * n) {
		s.mix(mixed.Row(i), i%n, m.lerps[i/n])
		mixed.Quantize(i, i+1)
	}
	p.Barrier()
	m.project(p, mixed, 0, &m.r, m.rs)
	m.project(p, mixed, 2, &m.k, m.ks)
	m.project(p, mixed, 3, &m.v, m.vs)
	m.project(p, mixed, 1, &m.w.in, m.w.mid)
	m.project(p, mixed, 4, &m.a.in, m.a.mid)
	m.project(p, mixed, 3, &m.mix.in, m.mix.mid)
	m.project(p, mixed, 5, &m.g.in, m.g.mid)
	p.Barrier()
	m.w.widen(p, m.decays)
	m.a.widen(p, m.rates)
	m.mix.widen(p, m.mixes)
	m.g.widen(p, m.gates)
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

// project computes a product of the i-th mixture, if there is one.
func (m *timeMix7) project(p *pass, mixed *kernels.Acts, i int, l *linear, to area) {
	if l.w.Rows > 0 {
		p.part = mixed.Slice(i*p.n, (i+1)*p.n)
		p.into(to, 0, l, &p.part)
	}
}

// widen computes the second half of the product, with a barrier at the end.
func (l *narrowed) widen(p *pass, to area) {
	if l.in.w.Rows == 0 {
		return
	}
	few := shaped(&p.acts2, &p.attn, p.n, l.mid.width)
	for t := range p.Tiles(p.n) {
		row := few.Row(t)
		copy(row, p.at(l.mid, t))
		if l.act != nil {
			l.act(row)
		}
		few.Quantize(t, t+1)
	}
	p.Barrier()
	p.into(to, 0, &l.out, few)
	p.Barrier()
}

// at is what the product and its bias give for number i of token t, through a sigmoid.
func (l *narrowed) at(x []float32, i int) float32 { return kernels.Sigmoid(x[i] + l.bias[i]) }

// decayRate is how far a decay may go in one token: exp(-1/sqrt(e)).
const decayRate = -0.606531

// step does head h of token t: from is the head's state before it, [dim of v][dim
// of k], and to after it; they may be the same.
func (m *timeMix7) step(p *pass, y []float32, h, t int, from, to []float32) {
	n, at := m.dim, h*m.dim
	r, k, v := p.at(m.rs, t)[at:at+n], p.at(m.ks, t)[at:at+n], p.at(m.vs, t)[at:at+n]
	first := p.kept[m.values.id][t*p.m.Embd+at:][:n]
	if m.layer == 0 {
		copy(first, v)
	} else {
		for i, x := range v {
			v[i] = x + float32((first[i]-x)*m.mix.at(p.at(m.mixes, t), at+i))
		}
	}
	decay, kappa, rate := p.tile[:n], p.tile[n:2*n], p.tile[2*n:3*n]
	kernels.Mul(kappa, k, m.kk[at:at+n])
	length := float32(math.Sqrt(float64(kernels.Dot(kappa, kappa))))
	kernels.Scale(kappa, kappa, 1/max(length, 1e-12))
	for i := range n {
		decay[i] = decayRate * m.w.at(p.at(m.decays, t), at+i)
		a := m.a.at(p.at(m.rates, t), at+i)
		rate[i] = kappa[i] * a
		ka := float32(k[i] * m.ka[at+i])
		k[i] += float32(a*ka) - ka
	}
	kernels.ExpAll(decay, decay)
	for i := range n {
		s, was := to[i*n:(i+1)*n], from[i*n:(i+1)*n]
		overlap := -kernels.Dot(was, kappa)
		kernels.Mul(s, was, decay)
		kernels.Axpy(s, v[i], k)
		kernels.Axpy(s, overlap, rate)
		y[i] = kernels.Dot(s, r)
	}
	if m.headNorm != nil {
		kernels.LayerNorm(y, y, m.headNorm.w[at:at+n], m.headNorm.b[at:at+n], m.headNorm.eps)
	}
	kernels.Mul(kappa, k, r)
	kernels.Axpy(y, kernels.Dot(kappa, m.rk[at:at+n]), v)
	if m.g.in.w.Rows > 0 {
		kernels.Mul(y, y, p.at(m.gates, t)[at:at+n])
	}
}
