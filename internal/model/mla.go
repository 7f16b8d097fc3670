package model

import "happyphonellm/internal/kernels"

// latentAttention is multi-head latent attention (DeepSeek-V2,
// arXiv:2405.04434): keys and values of all heads are made of one short vector
// per token, which is what the cache keeps, beside the part of the key that is
// rotated and shared by the heads. Where the file has the matrices of keys and
// values apart, they are applied to queries and outputs instead ("absorbed"), and
// attention works on the short vectors.
type latentAttention struct {
	// What is as in other attentions: the cache, heads, gate, sinks, window, and
	// the output. Absorbed, there is one KV head of latent+rotated numbers.
	core      *attention
	from      *kept // the stream as it was at that point is the input; nil: as it is here
	norm      *norm
	qa        *linear // to the latent of queries; nil: none
	qaNorm    *norm
	q         linear // of that, or of the input
	kva       linear // to the latent of keys and values, then the shared part of keys
	kvNorm    *norm
	sharedKey *norm // of the shared part, before its rotation; nil: none
	keyOf     []linear
	valueOf   []linear // absorbed: one per head
	kvb       linear   // else: a head's own part of the key, and its value, for all heads
	rope      *rope    // nil: none
	own       int      // numbers of a head's key that are its own and do not turn
	rotated   int      // the shared ones that turn, after them
	latent    int
	valueDim  int
	index     *indexer // it picks what a token sees, absorbed only; nil: all
}

// latentHeads describes the heads of a layer with latent attention.
type latentHeads struct {
	n                int
	keyDim, valueDim int // of a head, as if it were unpacked
	latent           int
}

// latentHeads reads the usual keys of the current layer.
func (b *builder) latentHeads() latentHeads {
	l := max(b.layer, 0)
	h := latentHeads{n: b.uints("attention.head_count", 0)[l], latent: b.uint("attention.kv_lora_rank")}
	h.keyDim = b.positiveOr("attention.key_length_mla", b.positiveOr("attention.key_length", 0))
	h.valueDim = b.positiveOr("attention.value_length_mla", b.positiveOr("attention.value_length", 0))
	return h
}

// latentAttention binds the attention of the current layer under its usual names.
func (b *builder) latentAttention(h latentHeads, r *rope) *latentAttention {
	embd, rotated := b.m.Embd, r.width(0)
	a := &latentAttention{
		core: &attention{layer: b.layer, heads: h.n, valueDim: h.valueDim},
		rope: r, own: h.keyDim - rotated, rotated: rotated, latent: h.latent, valueDim: h.valueDim,
	}
	if h.n < 1 || h.latent < 1 || h.valueDim < 1 || a.own < 0 || a.own == 0 && !b.has("attn_kv_b.weight") {
		b.fail(ErrModel, "layer %d: %d latent heads of %d and %d numbers, of which %d turn, from %d", b.layer, h.n, h.keyDim, h.valueDim, rotated, h.latent)
		return a
	}
	in := embd
	a.norm = b.rmsNorm("attn_norm", embd)
	if b.has("attn_q_a.weight") {
		in = b.uint("attention.q_lora_rank")
		qa := b.linear("attn_q_a", embd, in)
		a.qa, a.qaNorm = &qa, b.rmsNorm("attn_q_a_norm", in)
		a.q = b.linear("attn_q_b", in, h.n*h.keyDim)
	} else {
		a.q = b.linear("attn_q", embd, h.n*h.keyDim)
	}
	a.kva = b.linear("attn_kv_a_mqa", embd, h.latent+rotated)
	a.kvNorm = b.rmsNorm("attn_kv_a_norm", h.latent)
	c := b.cached(a.core.layer)
	if b.has("attn_kv_b.weight") {
		a.kvb = b.linear("attn_kv_b", h.latent, h.n*(a.own+h.valueDim))
		a.core.kvHeads, a.core.keyDim = h.n, h.keyDim
		c.ValueDim = h.valueDim
	} else {
		a.keyOf = b.headLinears("attn_k_b", a.own, h.latent, h.n)
		a.valueOf = b.headLinears("attn_v_b", h.latent, h.valueDim, h.n)
		a.core.kvHeads, a.core.keyDim = 1, h.latent+rotated
	}
	c.Heads, c.KeyDim = a.core.kvHeads, a.core.keyDim
	a.core.o = b.linear("attn_output", h.n*h.valueDim, embd)
	a.core.params = kernels.AttendParams{Scale: 1 / sqrt(h.keyDim)}
	return a
}

// headLinears binds a matrix for each of n heads, stacked in one tensor.
func (b *builder) headLinears(name string, in, out, n int) []linear {
	ws := b.matrices(name+".weight", in, out, n)
	list := make([]linear, len(ws))
	for i, w := range ws {
		list[i].w = w
	}
	return list
}

func (a *latentAttention) size(z *sizes) {
	c := a.core
	c.size(z)
	z.need(&z.tile, max(a.own+a.rotated, a.own+a.valueDim, c.keyDim))
	z.need(&z.latent.kva, a.kva.w.Rows)
	if a.qa != nil {
		z.need(&z.latent.query, blocks(a.qa.w.Rows))
	}
	if a.absorbed() {
		z.need(&z.latent.head, blocks(a.own))
		z.need(&z.latent.out, c.heads*blocks(a.latent))
		z.need(&z.queries, latentQueries)
	} else {
		z.need(&z.latent.short, blocks(a.latent))
	}
	if a.index != nil {
		if !a.absorbed() {
			z.fail("layer %d: an indexer over keys and values that are not latent", c.layer)
			return
		}
		a.index.size(z)
	}
}

func (a *latentAttention) absorbed() bool { return a.keyOf != nil }

// latents is the scratch memory of latent attention.
type latents struct {
	query kernels.Acts // [batch][sizes.latent.query] latent of the queries
	kva   []float32    // [batch][sizes.latent.kva] latent of keys and values, and shared keys
	short kernels.Acts // [batch][sizes.latent.short] that latent, normed, where it is unpacked
	out   kernels.Acts // [heads][batch][latent] attention's outputs before their matrices
}

// latentSizes are the widths of latents, per token.
type latentSizes struct {
	query, kva, short, out int
	head                   int // per worker: one head's query
}

func (l *latents) resize(batch int, z *latentSizes) {
	l.query.Resize(batch, z.query)
	l.kva = make([]float32, batch*z.kva)
	l.short.Resize(batch, z.short)
	l.out.Resize(batch, z.out)
}

func (a *latentAttention) run(p *pass) {
	c, l := a.core, &p.latents
	in := p.normedOf(a.from, a.norm)
	query := in
	if a.qa != nil {
		query = shaped(&p.acts2, &l.query, p.n, a.qa.w.Rows)
		p.product(query.X, a.qa, in)
	}
	p.product(l.kva, &a.kva, in)
	gates := c.gateTiles()
	for i := range p.Tiles(gates) {
		c.gateTile(p, in, i, gates)
	}
	p.Barrier()
	var short *kernels.Acts
	if !a.absorbed() {
		short = shaped(&p.acts3, &l.short, p.n, a.latent)
	}
	for t := range p.Tiles(p.n) {
		if a.qa != nil {
			a.qaNorm.apply(query.Row(t), query.Row(t))
			query.Quantize(t, t+1)
		}
		a.shorten(p, short, t)
	}
	p.Barrier()
	if !a.absorbed() {
		for h := range p.Tiles(c.heads) {
			a.unpack(p, query, short, h)
		}
		p.Barrier()
		c.output(p)
		return
	}
	for h := range p.Tiles(c.heads) {
		a.absorb(p, query, h)
	}
	p.Barrier()
	if a.index != nil {
		a.index.run(p, in, query)
	}
	a.attend(p)
	p.Barrier()
	a.values(p)
}

// shorten norms the latent of token t and turns the shared part of its key.
func (a *latentAttention) shorten(p *pass, short *kernels.Acts, t int) {
	width := a.latent + a.rotated
	row := p.latents.kva[t*width : (t+1)*width]
	latent, shared := row[:a.latent], row[a.latent:]
	a.kvNorm.apply(latent, latent)
	if a.sharedKey != nil {
		a.sharedKey.apply(shared, shared)
	}
	a.turn(p, shared, t)
	if a.absorbed() {
		p.cache.StoreKey(a.core.layer, 0, p.pos+t, row)
		return
	}
	copy(short.Row(t), latent)
	short.Quantize(t, t+1)
}

func (a *latentAttention) turn(p *pass, x []float32, t int) {
	if a.rope != nil {
		a.rope.rotate(x, p.rope[a.rope.id][t*a.rope.dim:])
	}
}

// absorb computes head h's queries for the latents: the key matrix is applied to
// what does not turn.
func (a *latentAttention) absorb(p *pass, query *kernels.Acts, h int) {
	d, width := a.own+a.rotated, a.latent+a.rotated
	stride := a.core.heads * width
	a.q.mul(p, p.tile, d, h*d, d, query)
	own := shaped(&p.part, &p.head, p.n, a.own)
	for t := range p.n {
		copy(own.Row(t), p.tile[t*d:])
		q := p.q[t*stride+h*width+a.latent : t*stride+(h+1)*width]
		copy(q, p.tile[t*d+a.own:])
		a.turn(p, q, t)
	}
	own.Quantize(0, p.n)
	a.keyOf[h].mul(p, p.q[h*width:], stride, 0, a.latent, own)
	if a.core.temper != nil {
		for t := range p.n {
			q := p.q[t*stride+h*width : t*stride+(h+1)*width]
			kernels.Scale(q, q, a.core.temper.at(p.pos+t))
		}
	}
}

// unpack computes head h's queries, keys and values.
func (a *latentAttention) unpack(p *pass, query, short *kernels.Acts, h int) {
	c := a.core
	d, kv, width := a.own+a.rotated, a.own+a.valueDim, a.latent+a.rotated
	stride := c.heads * d
	a.q.mul(p, p.q[h*d:], stride, h*d, d, query)
	a.kvb.mul(p, p.tile, kv, h*kv, kv, short)
	key := p.tile2[:d]
	for t := range p.n {
		q := p.q[t*stride+h*d : t*stride+(h+1)*d]
		a.turn(p, q[a.own:], t)
		if c.temper != nil {
			kernels.Scale(q, q, c.temper.at(p.pos+t))
		}
		own := p.tile[t*kv : (t+1)*kv]
		copy(key, own[:a.own])
		copy(key[a.own:], p.latents.kva[t*width+a.latent:(t+1)*width])
		p.cache.StoreKey(c.layer, h, p.pos+t, key)
		p.cache.StoreValue(c.layer, h, p.pos+t, own[a.own:])
	}
}

// latentQueries is how many queries attend together: all heads of all tokens
// read the same latents.
const latentQueries = 64

// attend computes the latent outputs of all heads.
func (a *latentAttention) attend(p *pass) {
	c := a.core
	out := shaped(&p.acts3, &p.latents.out, c.heads*p.n, a.latent)
	width := a.latent + a.rotated
	cache := p.cache.SharedHead(c.layer, 0, a.latent)
	// One tile is some heads of some tokens.
	heads := max(1, min(c.heads, latentQueries/attendTokens))
	dense := p.n
	if a.index != nil {
		heads, dense = min(c.heads, latentQueries/4), a.index.dense(p)
	}
	tokens := min(p.n, latentQueries/heads)
	across := tiles(c.heads, heads)
	for i := range p.Tiles(tiles(p.n, tokens) * across) {
		t0, h0 := i/across*tokens, i%across*heads
		t1, h1 := min(t0+tokens, p.n), min(h0+heads, c.heads)
		p.queries = p.queries[:0]
		for h := h0; h < h1; h++ {
			for t := t0; t < min(t1, dense); t++ {
				p.queries = append(p.queries, a.latentQuery(p, out, t, h, width))
			}
		}
		kernels.AttendMany(p.queries, cache, p.scratch)
		for t := max(t0, dense); t < t1; t++ {
			picked, n := a.index.gather(p, cache, t, 0, false)
			p.queries = p.queries[:0]
			for h := h0; h < h1; h++ {
				q := a.latentQuery(p, out, t, h, width)
				q.From, q.To = 0, n
				p.queries = append(p.queries, q)
			}
			kernels.AttendMany(p.queries, picked, p.scratch)
		}
		for h := h0; h < h1; h++ {
			out.Quantize(h*p.n+t0, h*p.n+t1)
		}
	}
}

// latentQuery is head h's of token t.
func (a *latentAttention) latentQuery(p *pass, out *kernels.Acts, t, h, width int) kernels.Query {
	q := a.core.sees(p, t, h)
	q.Q = p.q[(t*a.core.heads+h)*width : (t*a.core.heads+h+1)*width]
	q.Out = out.Row(h*p.n + t)
	return q
}

// values applies the value matrices to the latent outputs, and the output's.
func (a *latentAttention) values(p *pass) {
	c := a.core
	latent := shaped(&p.acts3, &p.latents.out, c.heads*p.n, a.latent)
	width := c.heads * a.valueDim
	out := shaped(&p.acts2, &p.attn, p.n, width)
	whole := a.valueDim%32 == 0
	for h := range p.Tiles(c.heads) {
		p.part = latent.Slice(h*p.n, (h+1)*p.n)
		a.valueOf[h].mul(p, out.X[h*a.valueDim:], width, 0, a.valueDim, &p.part)
		if c.gate != nil {
			c.applyGate(p, out, 0, p.n, h, h+1)
		}
		for t := range p.n {
			if whole {
				out.QuantizeSpan(t, h*a.valueDim, (h+1)*a.valueDim)
			}
		}
	}
	p.Barrier()
	if !whole {
		for t := range p.Tiles(p.n) {
			out.Quantize(t, t+1)
		}
		p.Barrier()
	}
	p.addLinear(&c.o, out, c.post)
}
