package model

import (
	"math"
	"slices"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
)

// indexer is what makes an attention sparse: it scores all that the cache has for
// a token, and the token attends to the best of it alone ("lightning indexer",
// DeepSeek-V3.2). What is scored are rows that the layer keeps beside its keys:
// one per position, or one per block of neighbouring positions.
//
//	score(row) = Σ_h weight_h · max(q_h · row, 0)
//
// As long as a token has no more rows than are picked, it sees all of them, and
// nothing is scored.
type indexer struct {
	layer      int
	shared     bool // the picks of the last indexer that is not shared are this one's
	q          linear
	weights    linear // empty: every weight is 1
	scale      float32
	qNorm      *norm // of each head; nil: none
	rope       *rope // of the queries; nil: none
	ropeLast   bool  // it turns the last numbers, not the first
	heads, dim int
	keys       indexKeys // nil: another block writes the rows
	side       int       // of the layer's rows in the cache
	per        int       // positions to a row
	most       int       // rows that are picked
	tail       bool      // positions of a row that is not complete are always seen

	// Each head picks for a KV head of its own, blocks of positions by the best of
	// them without weights, and the last local blocks always (MiniMax-M3).
	blocks bool
	local  int

	qs, ws area
}

// indexKeys make the rows that an indexer scores.
type indexKeys interface {
	size(z *sizes)
	// project computes what the tokens of the pass need, without a barrier.
	project(p *pass, in *kernels.Acts)
	// store keeps token t's row.
	store(p *pass, t int)
	// pool keeps the rows of several positions that the pass has completed.
	pool(p *pass)
}

// maxPerRow bounds the positions to a row.
const maxPerRow = 1 << 12

// indexer reads the keys that all have. An architecture goes on with what its
// queries and keys are.
func (b *builder) indexer() *indexer {
	x := &indexer{
		layer: b.layer, heads: b.uint("attention.indexer.head_count"), dim: b.uint("attention.indexer.key_length"),
		per: 1, most: b.uint("attention.indexer.top_k"),
	}
	if x.heads < 1 || x.dim < 1 || x.most < 1 {
		b.fail(ErrModel, "layer %d: an indexer of %d heads of %d that picks %d", b.layer, x.heads, x.dim, x.most)
		return x
	}
	x.scale = 1 / sqrt(x.dim*x.heads)
	return x
}

// sharedIndexer has the picks of the layers before.
func (b *builder) sharedIndexer() *indexer {
	x := b.indexer()
	x.shared = true
	return x
}

// latentIndexer binds the indexer of a latent attention with that latent of the
// queries: rows of one position each, normed by a layer norm and turned.
func (b *builder) latentIndexer(a *latentAttention, r *rope, eps float32) *indexer {
	x := b.indexer()
	if a.qa == nil {
		b.fail(ErrModel, "layer %d: an indexer without a latent of the queries", b.layer)
	}
	if b.err != nil {
		return x
	}
	x.rope = r
	x.bindWeighted(b, a.qa.w.Rows)
	x.keys = b.positionKeys(x, b.indexKey(x, "indexer.attn_k"), &norm{
		w: b.vector("indexer.k_norm.weight", x.dim), b: b.vector("indexer.k_norm.bias", x.dim), mean: true, eps: eps,
	})
	return x
}

// bindWeighted binds queries made of a latent of that width, and weights.
func (x *indexer) bindWeighted(b *builder, latent int) {
	x.q = linear{w: b.matrix("indexer.attn_q_b.weight", latent, x.heads*x.dim)}
	x.weights = linear{w: b.matrix("indexer.proj.weight", b.m.Embd, x.heads)}
}

// indexKey binds the matrix of an indexer's keys.
func (b *builder) indexKey(x *indexer, name string) linear {
	return linear{w: b.matrix(name+".weight", b.m.Embd, x.dim)}
}

// indexed tells for each layer whether it has an indexer of its own.
func (b *builder) indexed(or int) []bool {
	list := make([]bool, b.m.Layers)
	for i, v := range b.uints("attention.indexer.types", or) {
		list[i] = v != 0
	}
	return list
}

// lists is how many picks a token has.
func (x *indexer) lists() int {
	if x.blocks {
		return x.heads
	}
	return 1
}

// lay gives the indexer its part of the mix buffer, and returns where it ends.
func (x *indexer) lay() int {
	at := areas(x.heads*x.dim, x.heads)
	x.qs, x.ws = at[0], at[1]
	return x.ws.end()
}

func (x *indexer) size(z *sizes) {
	if x.per > maxPerRow {
		z.fail("layer %d: an indexer of %d positions to a row, more than %d", x.layer, x.per, maxPerRow)
		return
	}
	if x.rope != nil && x.rope.dim > x.dim {
		z.fail("layer %d: an indexer rotates %d numbers of %d", x.layer, x.rope.dim, x.dim)
	}
	z.need(&z.mix, x.lay())
	z.need(&z.tile, maxTileRows+x.dim)
	z.need(&z.sparse.lists, x.lists())
	z.need(&z.sparse.most, x.most)
	z.need(&z.sparse.rows, (x.most+1)*x.per)
	if x.keys != nil {
		x.keys.size(z)
	}
}

// sparseSizes are the widths of what sparse attentions work on.
type sparseSizes struct {
	lists int // per token; 0: no layer is sparse
	most  int // rows per list, where the context has as many
	rows  int // of the cache that a token sees at most, where there are as many,
	every int // and one more for so many tokens of the context; 0: none
}

// scoredTokens is how many tokens of a pass are scored at once.
const scoredTokens = 8

// picks is the scratch memory of sparse attention. It depends on the length of
// the context, and is made with the first pass.
type picks struct {
	capacity int       // of the cache that it was made for
	stride   int       // numbers of a list
	scores   []float32 // [scoredTokens][lists][capacity]
	rows     []int32   // [batch][lists][stride] a list's length, and its rows in order
}

// fit makes the buffers for a cache.
func (s *State) fit(c *kvcache.Cache) {
	z := &s.m.sizes.sparse
	k := &s.picks
	if z.lists == 0 || k.capacity == c.Capacity() {
		return
	}
	k.capacity = c.Capacity()
	k.stride = 1 + min(z.most, k.capacity)
	k.scores = make([]float32, scoredTokens*z.lists*k.capacity)
	k.rows = make([]int32, s.batch*z.lists*k.stride)
	row := 0
	for i := range s.m.cache {
		key, value := c.RowBytes(i)
		row = max(row, key+value)
	}
	for i := range s.passes {
		s.passes[i].gathered = make([]byte, z.seen(k.capacity)*row)
	}
}

// bytes estimates what fit makes.
func (z *sparseSizes) bytes(batch, workers, context int, row int64) float64 {
	if z.lists == 0 {
		return 0
	}
	return 4*float64(scoredTokens*z.lists)*float64(context) +
		4*float64(batch*z.lists)*float64(1+min(z.most, context)) +
		float64(workers)*float64(z.seen(context))*float64(row)
}

// seen is how many rows of the cache a token sees at most.
func (z *sparseSizes) seen(context int) int {
	n := min(z.rows, 2*context)
	if z.every > 0 {
		n += context / z.every
	}
	return n
}

// list is the picks of token t's i-th list.
func (k *picks) list(lists, t, i int) []int32 {
	at := (t*lists + i) * k.stride
	return k.rows[at : at+k.stride]
}

// run computes and keeps the rows of the pass's tokens, made of in, and makes the
// picks of those that do not see all, by queries made of query. It begins after a
// barrier and ends with one.
func (x *indexer) run(p *pass, in, query *kernels.Acts) {
	if x.shared {
		return
	}
	p.into(x.qs, 0, &x.q, query)
	if x.weights.w.Rows > 0 {
		p.into(x.ws, 0, &x.weights, in)
	}
	if x.keys != nil {
		x.keys.project(p, in)
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		if x.keys != nil {
			x.keys.store(p, t)
		}
		x.query(p, t)
	}
	p.Barrier()
	if x.keys != nil {
		x.keys.pool(p)
	}
	x.pick(p)
}

// query norms and turns the queries of token t, and scales its weights.
func (x *indexer) query(p *pass, t int) {
	q := p.at(x.qs, t)
	for h := range x.heads {
		head := q[h*x.dim : (h+1)*x.dim]
		if x.qNorm != nil {
			x.qNorm.apply(head, head)
		}
		x.turn(head, p, t)
	}
	if x.weights.w.Rows > 0 {
		w := p.at(x.ws, t)
		kernels.Scale(w, w, x.scale)
	}
}

// turn rotates a query or a key of token t.
func (x *indexer) turn(head []float32, p *pass, t int) {
	if x.rope == nil {
		return
	}
	x.rope.rotate(x.turning(head), p.rope[x.rope.id][t*x.rope.dim:])
}

// turning is the part of a query or a key that turns.
func (x *indexer) turning(head []float32) []float32 {
	if x.ropeLast {
		return head[x.dim-x.rope.dim:]
	}
	return head
}

// rows is how many rows the token at pos chooses from.
func (x *indexer) rows(pos int) int {
	if x.blocks {
		return pos/x.per + 1
	}
	return (pos + 1) / x.per
}

// dense is how many of the pass's first tokens see all there is.
func (x *indexer) dense(p *pass) int {
	seen := x.most * x.per // positions
	if !x.blocks {
		seen += x.per - 1
	}
	return max(0, min(p.n, seen-p.pos))
}

// pick makes the picks of the tokens that do not see all.
func (x *indexer) pick(p *pass) {
	k, lists := &p.picks, x.lists()
	for t0 := x.dense(p); t0 < p.n; t0 += scoredTokens {
		tokens := min(scoredTokens, p.n-t0)
		most := x.rows(p.pos + t0 + tokens - 1)
		across := tiles(most, scoredRows)
		for i := range p.Tiles(tokens * across) {
			t, r0 := i/across, i%across*scoredRows
			r1 := min(r0+scoredRows, x.rows(p.pos+t0+t))
			x.score(p, t0+t, r0, r1, k.scores[t*lists*k.capacity:(t+1)*lists*k.capacity])
		}
		p.Barrier()
		for i := range p.Tiles(tokens * lists) {
			t, l := i/lists, i%lists
			x.choose(k.list(lists, t0+t, l), k.scores[i*k.capacity:(i+1)*k.capacity], x.rows(p.pos+t0+t))
		}
		p.Barrier()
	}
}

// scoredRows is how many rows make a tile.
const scoredRows = 64

// score computes the scores of the rows r0 to r1 for token t.
func (x *indexer) score(p *pass, t, r0, r1 int, scores []float32) {
	rows := p.cache.Side(x.layer, x.side)
	q, key := p.at(x.qs, t), p.tile[:x.dim]
	if x.blocks {
		x.scoreBlocks(p, rows, q, key, t, r0, r1, scores)
		return
	}
	var weights []float32
	if x.weights.w.Rows > 0 {
		weights = p.at(x.ws, t)
	}
	for r := r0; r < r1; r++ {
		kernels.LoadKV(rows.Type, key, rows.K[r*rows.KStride:])
		sum := float32(0)
		for h := range x.heads {
			v := max(kernels.Dot(q[h*x.dim:(h+1)*x.dim], key), 0)
			if weights != nil {
				v = float32(v * weights[h])
			}
			sum += v
		}
		scores[r] = sum
	}
}

// scoreBlocks is score for blocks of positions, each head for itself.
func (x *indexer) scoreBlocks(p *pass, rows kernels.HeadCache, q, key []float32, t, r0, r1 int, scores []float32) {
	n, pos := p.picks.capacity, p.pos+t
	for r := r0; r < r1; r++ {
		for h := range x.heads {
			scores[h*n+r] = float32(math.Inf(-1))
		}
		for j := r * x.per; j < min((r+1)*x.per, pos+1); j++ {
			kernels.LoadKV(rows.Type, key, rows.K[j*rows.KStride:])
			for h := range x.heads {
				s := &scores[h*n+r]
				*s = max(*s, kernels.Dot(q[h*x.dim:(h+1)*x.dim], key))
			}
		}
		if r > pos/x.per-x.local {
			for h := range x.heads {
				scores[h*n+r] += always
			}
		}
	}
}

// always is what is added to the score of what must be picked.
const always = 1e30

// choose writes the best of n rows into list: how many there are, and then they in
// rising order.
func (x *indexer) choose(list []int32, scores []float32, n int) {
	rows := list[1 : 1+min(x.most, n)]
	largest(rows, scores[:n])
	slices.Sort(rows)
	list[0] = int32(len(rows))
}

// gather copies the rows of one head that token t has picked to where this worker
// attends to them, and returns them and their number. valuesToo is false where
// values are the beginnings of keys.
func (x *indexer) gather(p *pass, head kernels.HeadCache, t, list int, valuesToo bool) (kernels.HeadCache, int) {
	g := p.gather(head, valuesToo)
	pos := p.pos + t
	picked := p.picks.list(x.lists(), t, list)
	for _, row := range picked[1 : 1+picked[0]] {
		from := int(row) * x.per
		g.add(&head, from, min(from+x.per, pos+1))
	}
	if x.tail {
		g.add(&head, (pos+1)/x.per*x.per, pos+1)
	}
	return g.HeadCache, g.n
}

// gathered is a copy of some rows of a head, of keys alone where values are the
// beginnings of keys.
type gathered struct {
	kernels.HeadCache
	values   bool
	n        int
	key, val int // bytes per row
}

// gather begins a copy of rows of head.
func (p *pass) gather(head kernels.HeadCache, valuesToo bool) gathered {
	g := gathered{HeadCache: head, values: valuesToo}
	g.key, _ = kernels.KVRowBytes(head.Type, head.KDim)
	g.K, g.KStride = p.gathered, g.key
	g.V, g.VStride = g.K, g.key
	if valuesToo {
		g.val, _ = kernels.KVRowBytes(head.Type, head.VDim)
		g.V, g.VStride = p.gathered[len(p.gathered)/(g.key+g.val)*g.key:], g.val
	}
	return g
}

// add copies the rows from to to.
func (g *gathered) add(head *kernels.HeadCache, from, to int) {
	if from >= to {
		return
	}
	stride := head.KStride
	if stride == 0 {
		stride = g.key
	}
	copy(g.K[g.n*g.key:], head.K[from*stride:][:(to-from)*g.key])
	if g.values {
		copy(g.V[g.n*g.val:], head.V[from*g.val:][:(to-from)*g.val])
	}
	g.n += to - from
}
