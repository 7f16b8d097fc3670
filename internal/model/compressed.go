package model

import "happyphonellm/internal/kernels"

// compressedAttention is x += B·A·attend(q, cache) (DeepSeek-V4): many heads over
// one key of the position, which is its value too, in a window, and over rows that
// stand for ratio positions each, from the beginning of the context on. An indexer
// may pick which of those a token sees. What attention gives is turned back by the
// token's position, and goes through a narrow middle, group of heads by group.
type compressedAttention struct {
	layer      int
	from       *kept
	norm       *norm
	qa, q      linear // the queries, by way of a latent
	qaNorm     *norm
	kv         linear
	kvNorm     *norm
	heads, dim int
	headNorm   *norm // of each query
	rope       *rope // of the last numbers
	window     int
	params     kernels.AttendParams
	sinks      []float32   // [heads]
	rows       *compressor // nil: the window is all there is
	index      *indexer    // nil: all rows are seen
	indexRows  *compressor // what it scores
	a          []linear    // [groups] to the middle
	b          linear      // from there
}

func (c *compressedAttention) size(z *sizes) {
	if c.rope.dim > c.dim {
		z.fail("layer %d rotates %d numbers of heads of %d, see rope.dimension_count", c.layer, c.rope.dim, c.dim)
		return
	}
	group := c.heads / len(c.a) * c.dim
	z.need(&z.query, c.heads*c.dim)
	z.need(&z.latent.query, blocks(c.qa.w.Rows))
	z.need(&z.latent.kva, c.dim)
	z.need(&z.attnOut, len(c.a)*blocks(group))
	z.need(&z.ffn, blocks(c.b.w.Cols))
	z.need(&z.tile, max(maxTileRows, c.dim, c.rope.dim))
	z.need(&z.queries, compressedHeads)
	z.addLinear(&c.b, nil)
	if c.rows == nil {
		return
	}
	end := 0
	z.need(&z.sparse.lists, 1)
	z.need(&z.sparse.rows, c.window)
	if c.index != nil {
		c.index.size(z)
		end = c.indexRows.lay(c.index.lay())
		c.indexRows.size(z)
		z.need(&z.sparse.rows, c.window+c.index.most)
	} else if z.sparse.every == 0 || c.rows.ratio < z.sparse.every {
		z.sparse.every = c.rows.ratio
	}
	c.rows.lay(end)
	c.rows.size(z)
}

// compressedHeads is how many heads of a token attend together.
const compressedHeads = 16

func (c *compressedAttention) run(p *pass) {
	in := p.normedOf(c.from, c.norm)
	l := &p.latents
	query := shaped(&p.acts2, &l.query, p.n, c.qa.w.Rows)
	p.product(query.X, &c.qa, in)
	p.product(l.kva, &c.kv, in)
	c.project(p, in)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		c.qaNorm.apply(query.Row(t), query.Row(t))
		query.Quantize(t, t+1)
		key := l.kva[t*c.dim : (t+1)*c.dim]
		c.kvNorm.apply(key, key)
		c.rope.rotate(c.turning(key), c.table(p, t))
		p.cache.StoreKey(c.layer, 0, p.pos+t, key)
		if c.rows != nil {
			c.rows.bias(p, t)
		}
		if c.index != nil {
			c.indexRows.bias(p, t)
		}
	}
	p.Barrier()
	for h := range p.Tiles(c.heads) {
		c.query(p, query, h)
	}
	if c.rows != nil {
		c.rows.run(p)
	}
	if c.index != nil {
		c.indexRows.run(p)
	}
	p.Barrier()
	if c.index != nil {
		c.index.run(p, in, query)
	}
	c.output(p)
}

func (c *compressedAttention) project(p *pass, in *kernels.Acts) {
	if c.rows != nil {
		c.rows.project(p, in)
	}
	if c.index != nil {
		c.indexRows.project(p, in)
	}
}

// turning is the part of a head that turns.
func (c *compressedAttention) turning(x []float32) []float32 { return x[c.dim-c.rope.dim:] }

// table is that of token t's position.
func (c *compressedAttention) table(p *pass, t int) []float32 {
	return p.rope[c.rope.id][t*c.rope.dim : (t+1)*c.rope.dim]
}

// query computes head h's queries.
func (c *compressedAttention) query(p *pass, query *kernels.Acts, h int) {
	stride := c.heads * c.dim
	c.q.mul(p, p.q[h*c.dim:], stride, h*c.dim, c.dim, query)
	for t := range p.n {
		q := p.q[t*stride+h*c.dim : t*stride+(h+1)*c.dim]
		c.headNorm.apply(q, q)
		c.rope.rotate(c.turning(q), c.table(p, t))
	}
}

// output attends, and adds what comes of it to the residual stream.
func (c *compressedAttention) output(p *pass) {
	groups := len(c.a)
	group := c.heads / groups * c.dim
	// Group by group, so that the tokens of one follow each other.
	out := shaped(&p.acts3, &p.attn, groups*p.n, group)
	across := tiles(c.heads, compressedHeads)
	for i := range p.Tiles(p.n * across) {
		h0 := i % across * compressedHeads
		c.attend(p, out, i/across, h0, min(h0+compressedHeads, c.heads))
	}
	p.Barrier()
	for i := range p.Tiles(groups * p.n) {
		out.Quantize(i, i+1)
	}
	p.Barrier()
	low := shaped(&p.acts4, &p.hidden, p.n, c.b.w.Cols)
	rank := c.b.w.Cols / groups
	for g := range p.Tiles(groups) {
		p.part = out.Slice(g*p.n, (g+1)*p.n)
		c.a[g].mul(p, low.X[g*rank:], low.K, 0, rank, &p.part)
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		low.Quantize(t, t+1)
	}
	p.Barrier()
	p.addLinear(&c.b, low, nil)
}

// attend computes the heads h0 to h1 of token t.
func (c *compressedAttention) attend(p *pass, out *kernels.Acts, t, h0, h1 int) {
	pos := p.pos + t
	keys := p.cache.SharedHead(c.layer, 0, c.dim)
	from, to := max(0, pos+1-c.window), pos+1
	if c.rows != nil {
		g := p.gather(keys, false)
		g.add(&keys, from, to)
		c.gatherRows(p, &g, t)
		keys, from, to = g.HeadCache, 0, g.n
	}
	back := p.tile2[:c.rope.dim]
	c.rope.back(back, c.table(p, t))
	per := c.heads / len(c.a)
	p.queries = p.queries[:0]
	for h := h0; h < h1; h++ {
		q := kernels.Query{From: from, To: to, Params: c.params}
		q.Params.HasSink, q.Params.Sink = true, c.sinks[h]
		q.Q = p.q[(t*c.heads+h)*c.dim : (t*c.heads+h+1)*c.dim]
		q.Out = out.Row(h/per*p.n + t)[h%per*c.dim : (h%per+1)*c.dim]
		p.queries = append(p.queries, q)
	}
	kernels.AttendMany(p.queries, keys, p.scratch)
	for i := range p.queries {
		c.rope.rotate(c.turning(p.queries[i].Out), back)
	}
}

// gatherRows adds the rows of several positions that token t sees.
func (c *compressedAttention) gatherRows(p *pass, g *gathered, t int) {
	rows := p.cache.Side(c.layer, c.rows.side)
	if c.index == nil || t < c.index.dense(p) {
		g.add(&rows, 0, (p.pos+t+1)/c.rows.ratio)
		return
	}
	picked := p.picks.list(1, t, 0)
	for _, r := range picked[1 : 1+picked[0]] {
		g.add(&rows, int(r), int(r)+1)
	}
}
