package model

import (
	"slices"

	"happyphonellm/internal/kernels"
)

// attention is x += post(O · attend(rope(Q·norm(x)), cache)): grouped-query
// attention over the layer's cached keys and values.
type attention struct {
	layer            int   // whose keys and values are stored and read
	borrows          bool  // they have been stored by an earlier block; k and v are not there
	from             *kept // the stream as it was at that point is the input; nil: as it is here
	norm             *norm // nil: none
	q, k, v, o       linear
	qNorm, kNorm     *norm         // of each head before its rotation, see applyHead; nil: none
	normLast         bool          // these norms come after the rotation
	values           *valueExperts // they make the values, instead of v; nil: none
	vNorm            *norm         // of each value head; nil: none
	qWhole, kWhole   *norm         // of all heads together, before the rotation; nil: none
	rope             *rope         // nil: none
	temper           *temper       // factor of the queries by position; nil: none
	heads, kvHeads   int
	keyDim, valueDim int
	window           int  // positions that a token sees, itself included; 0: all
	chunked          bool // a token sees the positions since the last multiple of window instead
	params           kernels.AttendParams
	clamp            float32   // queries, keys and values go no farther from 0; 0: no limit
	slopes           []float32 // [heads] ALiBi: what each position farther away takes off a score; nil: none
	sinks            []float32 // [heads] scores without a value; nil: none
	gate             *linear   // its sigmoid, a number per head or per output, multiplies the output; nil: none
	gated            bool      // there is such a gate per output, and its rows follow each head's in q
	sub              *norm     // of all heads' outputs together, before o; nil: none
	softGate         bool      // the gate's softplus instead of its sigmoid
	post             *norm     // of the output before it is added; nil: none
	aside            bool      // the output is not added: it waits for joined
	index            *indexer  // it picks what a token sees; nil: all
}

// heads describes a layer's attention heads.
type heads struct {
	n, kv            int
	keyDim, valueDim int
	gated            bool          // the rows of q have each head's queries and then its gate
	values           *valueExperts // they make the values, for which there is no matrix; nil: none
}

// heads reads the attention head counts and widths of the current layer.
func (b *builder) heads() heads {
	h := heads{n: b.uints("attention.head_count", 0)[max(b.layer, 0)]}
	h.kv = b.uints("attention.head_count_kv", h.n)[max(b.layer, 0)]
	if h.n == 0 || h.kv == 0 || h.n%h.kv != 0 {
		b.fail(ErrModel, "layer %d has %d heads over %d KV heads", b.layer, h.n, h.kv)
		return heads{n: 1, kv: 1, keyDim: 2, valueDim: 2}
	}
	// The width that is not given follows from the first layer's heads.
	first := b.uints("attention.head_count", 0)[0]
	if first == 0 {
		first = h.n
	}
	h.keyDim = b.positiveOr("attention.key_length", b.m.Embd/first)
	h.valueDim = b.positiveOr("attention.value_length", b.m.Embd/first)
	return h
}

// attention binds the attention of the current layer under its usual names,
// scaled by 1/sqrt(keyDim): separate or fused projections, and biases and head
// norms where the file has them. What an architecture does differently it sets
// on the result.
func (b *builder) attention(h heads, r *rope) *attention {
	a := b.bareAttention(h, r)
	a.norm = b.norm("attn_norm", b.m.Embd)
	a.qNorm = b.normOr("attn_q_norm", h.keyDim)
	a.kNorm = b.normOr("attn_k_norm", h.keyDim)
	return a
}

// bareAttention is attention without any norm.
func (b *builder) bareAttention(h heads, r *rope) *attention {
	embd := b.m.Embd
	a := &attention{
		layer: b.layer, rope: r,
		heads: h.n, kvHeads: h.kv, keyDim: h.keyDim, valueDim: h.valueDim, gated: h.gated, values: h.values,
		o:      b.linear("attn_output", h.n*h.valueDim, embd),
		params: kernels.AttendParams{Scale: 1 / sqrt(h.keyDim)},
	}
	qDim, kDim, vDim := h.n*h.keyDim, h.kv*h.keyDim, h.kv*h.valueDim
	if h.gated {
		qDim += h.n * h.valueDim
	}
	if b.has("attn_qkv.weight") {
		qkv := b.linear("attn_qkv", embd, qDim+kDim+vDim)
		if qkv.bias == nil && b.has("attn_q.bias") { // as some old files have it
			qkv.bias = slices.Concat(b.vector("attn_q.bias", qDim), b.vector("attn_k.bias", kDim), b.vector("attn_v.bias", vDim))
		}
		if b.err == nil {
			a.q, a.k, a.v = qkv.rows(0, qDim), qkv.rows(qDim, kDim), qkv.rows(qDim+kDim, vDim)
		}
	} else {
		a.q = b.linear("attn_q", embd, qDim)
		a.k = b.linear("attn_k", embd, kDim)
		if h.values == nil {
			a.v = b.linear("attn_v", embd, vDim)
		}
	}
	c := b.cached(a.layer)
	c.Heads, c.KeyDim, c.ValueDim = h.kv, h.keyDim, h.valueDim
	return a
}

func (a *attention) size(z *sizes) {
	if a.rope != nil && a.rope.dim > a.keyDim {
		z.fail("layer %d rotates %d numbers of heads of %d, see rope.dimension_count", a.layer, a.rope.dim, a.keyDim)
	}
	z.need(&z.query, a.heads*a.keyDim)
	z.need(&z.attnOut, a.heads*a.valueDim)
	z.need(&z.tile, max(a.keyDim, a.valueDim))
	z.need(&z.queries, attendTokens*a.heads/a.kvHeads)
	if a.qWhole != nil {
		z.need(&z.key, a.kvHeads*a.keyDim)
	}
	z.need(&z.gate, a.gateWidth())
	if a.values != nil {
		a.values.size(z, a.kvHeads*a.valueDim)
	}
	if a.aside {
		z.need(&z.aside, a.o.w.Rows)
	}
	z.addLinear(&a.o, a.post)
	if a.index != nil {
		a.index.size(z)
	}
}

func (a *attention) run(p *pass) {
	in := p.normedOf(a.from, a.norm)
	kv := a.kvHeads
	if a.borrows {
		kv = 0
	}
	if a.values != nil {
		a.values.run(p, in)
	}
	// One tile is one head: its rows, its norm and its rotation stay with the
	// worker, and keys and values go straight to the cache.
	gates := a.gateTiles()
	for i := range p.Tiles(a.heads + 2*kv + gates) {
		switch h := i - a.heads; {
		case h < 0:
			a.query(p, in, i)
		case h < kv:
			a.key(p, in, h)
		case h < 2*kv:
			a.value(p, in, h-kv)
		default:
			a.gateTile(p, in, h-2*kv, gates)
		}
	}
	p.Barrier()
	if a.qWhole != nil {
		a.normWhole(p, kv)
	}
	if a.index != nil {
		a.index.run(p, in, in)
	}
	a.output(p)
}

// output attends with the queries of the pass, and adds what comes of it, or
// puts it aside.
func (a *attention) output(p *pass) {
	out := shaped(&p.acts2, &p.attn, p.n, a.heads*a.valueDim)
	// Where heads are no whole quantization blocks, or are normed together, a
	// token's must be complete before they can be quantized.
	whole := a.valueDim%32 == 0 && a.sub == nil
	// One tile is one head of one token, or the heads that share a KV head, of some.
	tokens, each := 1, 1
	if p.n > 1 || a.index != nil {
		tokens, each = attendTokens, a.heads/a.kvHeads
	}
	across := a.heads / each
	for i := range p.Tiles(tiles(p.n, tokens) * across) {
		t0, h0 := i/across*tokens, i%across*each
		t1, h1 := min(t0+tokens, p.n), h0+each
		a.attend(p, out, t0, t1, h0, h1)
		if a.gateWidth() > 0 {
			a.applyGate(p, out, t0, t1, h0, h1)
		}
		if whole {
			for t := t0; t < t1; t++ {
				out.QuantizeSpan(t, h0*a.valueDim, h1*a.valueDim)
			}
		}
	}
	p.Barrier()
	if !whole {
		for t := range p.Tiles(p.n) {
			a.sub.apply(out.Row(t), out.Row(t))
			out.Quantize(t, t+1)
		}
		p.Barrier()
	}
	if a.aside {
		p.storeLinear(&a.o, out, p.aside)
		return
	}
	p.addLinear(&a.o, out, a.post)
}

// query computes head h's queries into the pass.
func (a *attention) query(p *pass, in *kernels.Acts, h int) {
	d, stride := a.keyDim, a.heads*a.keyDim
	row := h * d
	if a.gated {
		row += h * a.valueDim
	}
	a.q.mul(p, p.q[h*d:], stride, row, d, in)
	for t := range p.n {
		clamp(p.q[t*stride+h*d:t*stride+(h+1)*d], a.clamp)
	}
	if a.qWhole != nil {
		return
	}
	for t := range p.n {
		q := p.q[t*stride+h*d : t*stride+(h+1)*d]
		a.turn(p, q, a.qNorm, h, t)
		if a.temper != nil {
			kernels.Scale(q, q, a.temper.at(p.pos+t))
		}
	}
}

// key computes KV head h's keys into the cache.
func (a *attention) key(p *pass, in *kernels.Acts, h int) {
	d := a.keyDim
	if a.qWhole != nil {
		stride := a.kvHeads * d
		a.k.mul(p, p.k[h*d:], stride, h*d, d, in)
		for t := range p.n {
			clamp(p.k[t*stride+h*d:t*stride+(h+1)*d], a.clamp)
		}
		return
	}
	a.k.mul(p, p.tile, d, h*d, d, in)
	for t := range p.n {
		k := p.tile[t*d : (t+1)*d]
		clamp(k, a.clamp)
		a.turn(p, k, a.kNorm, h, t)
		p.cache.StoreKey(a.layer, h, p.pos+t, k)
	}
}

// value computes KV head h's values into the cache.
func (a *attention) value(p *pass, in *kernels.Acts, h int) {
	d := a.valueDim
	if a.values != nil {
		a.values.copy(p, p.tile, h*d, d)
	} else {
		a.v.mul(p, p.tile, d, h*d, d, in)
	}
	for t := range p.n {
		v := p.tile[t*d : (t+1)*d]
		clamp(v, a.clamp)
		if a.vNorm != nil {
			a.vNorm.apply(v, v)
		}
		p.cache.StoreValue(a.layer, h, p.pos+t, v)
	}
}

// turn norms and rotates head h of token t.
func (a *attention) turn(p *pass, x []float32, n *norm, h, t int) {
	if n != nil && !a.normLast {
		n.applyHead(x, h)
	}
	if a.rope != nil {
		a.rope.rotate(x, p.rope[a.rope.id][t*a.rope.dim:])
	}
	if n != nil && a.normLast {
		n.applyHead(x, h)
	}
}

// attendTokens is how many tokens of a pass attend together: they share the
// reading of keys and values.
const attendTokens = 16

// attend computes the heads h0 to h1, which share a KV head, of the tokens t0 to
// t1 over the positions that each sees.
func (a *attention) attend(p *pass, out *kernels.Acts, t0, t1, h0, h1 int) {
	if a.index != nil {
		for ; t1 > max(t0, a.index.dense(p)); t1-- {
			a.attendPicked(p, out, t1-1, h0, h1)
		}
	}
	p.queries = p.queries[:0]
	for t := t0; t < t1; t++ {
		for h := h0; h < h1; h++ {
			q := a.sees(p, t, h)
			q.Q = p.q[(t*a.heads+h)*a.keyDim : (t*a.heads+h+1)*a.keyDim]
			q.Out = out.Row(t)[h*a.valueDim : (h+1)*a.valueDim]
			p.queries = append(p.queries, q)
		}
	}
	kernels.AttendMany(p.queries, p.cache.Head(a.layer, h0/(a.heads/a.kvHeads)), p.scratch)
}

// attendPicked is attend for one token that sees what has been picked for it.
func (a *attention) attendPicked(p *pass, out *kernels.Acts, t, h0, h1 int) {
	kv := h0 / (a.heads / a.kvHeads)
	head, n := a.index.gather(p, p.cache.Head(a.layer, kv), t, kv%a.index.lists(), true)
	p.queries = p.queries[:0]
	for h := h0; h < h1; h++ {
		q := a.sees(p, t, h)
		q.From, q.To = 0, n
		q.Q = p.q[(t*a.heads+h)*a.keyDim : (t*a.heads+h+1)*a.keyDim]
		q.Out = out.Row(t)[h*a.valueDim : (h+1)*a.valueDim]
		p.queries = append(p.queries, q)
	}
	kernels.AttendMany(p.queries, head, p.scratch)
}

// sees is what head h of token t attends to, and how.
func (a *attention) sees(p *pass, t, h int) kernels.Query {
	q := kernels.Query{To: p.pos + t + 1, Params: a.params}
	switch {
	case a.window > 0 && a.chunked:
		q.From = (q.To - 1) / a.window * a.window
	case a.window > 0:
		q.From = max(0, q.To-a.window)
	}
	if a.slopes != nil {
		q.Params.Slope, q.Params.Pos = a.slopes[h], p.pos+t
	}
	if a.sinks != nil {
		q.Params.HasSink, q.Params.Sink = true, a.sinks[h]
	}
	return q
}
