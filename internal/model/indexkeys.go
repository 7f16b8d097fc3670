package model

import "happyphonellm/internal/kernels"

// positionKeys are rows of one position each: the key, normed and turned.
type positionKeys struct {
	x    *indexer
	k    linear
	norm *norm
	raw  area
}

// positionKeys gives the current layer's indexer keys of one position each.
func (b *builder) positionKeys(x *indexer, k linear, n *norm) *positionKeys {
	b.cached(b.layer).Sides[0].Dim = x.dim
	return &positionKeys{x: x, k: k, norm: n}
}

func (k *positionKeys) size(z *sizes) {
	k.raw = area{k.x.lay(), k.x.dim}
	z.need(&z.mix, k.raw.end())
}

func (k *positionKeys) project(p *pass, in *kernels.Acts) { p.into(k.raw, 0, &k.k, in) }

func (k *positionKeys) store(p *pass, t int) {
	key := p.at(k.raw, t)
	k.norm.apply(key, key)
	k.x.turn(key, p, t)
	p.cache.StoreSide(k.x.layer, 0, p.pos+t, key)
}

func (*positionKeys) pool(*pass) {}

// pooledKeys are rows of several positions: what the cache keeps of each position
// (the layer's first list) is pooled when the last of them is there (the second).
type pooledKeys struct {
	x     *indexer
	k     linear
	norm  *norm     // of a position's key before it is kept; nil: none
	gate  linear    // scores of a position's numbers: a row is the softmax-weighted mean; empty: the plain mean
	ape   []float32 // [per][dim] added to them
	after *norm     // of a row, which is then turned to its first position; nil: none of both

	raw area // the key, and its gate
}

// pooledKeys gives the current layer's indexer rows of x.per positions each.
func (b *builder) pooledKeys(x *indexer, k linear) *pooledKeys {
	x.side = 1
	b.cached(b.layer).Sides[0].Dim = x.dim
	b.cached(b.layer).Sides[1].Dim, b.cached(b.layer).Sides[1].Every = x.dim, x.per
	return &pooledKeys{x: x, k: k}
}

// bindGate makes the mean of a row a weighted one.
func (k *pooledKeys) bindGate(b *builder) {
	k.gate = b.indexKey(k.x, "indexer_compressor_gate")
	k.ape = b.vector("indexer_compressor_ape.weight", k.x.dim, k.x.per)
	b.cached(b.layer).Sides[0].Dim = 2 * k.x.dim
}

// width is how many numbers a position keeps.
func (k *pooledKeys) width() int {
	if k.gate.w.Rows > 0 {
		return 2 * k.x.dim
	}
	return k.x.dim
}

func (k *pooledKeys) size(z *sizes) {
	k.raw = area{k.x.lay(), k.width()}
	z.need(&z.mix, k.raw.end())
	z.need(&z.tile, (k.x.per+1)*k.width())
	if r := k.x.rope; r != nil {
		z.need(&z.tile, (k.x.per+1)*k.width()+r.dim)
	}
}

func (k *pooledKeys) project(p *pass, in *kernels.Acts) {
	p.into(k.raw, 0, &k.k, in)
	if k.gate.w.Rows > 0 {
		p.into(k.raw, k.x.dim, &k.gate, in)
	}
}

func (k *pooledKeys) store(p *pass, t int) {
	row := p.at(k.raw, t)
	if k.norm != nil {
		k.norm.apply(row[:k.x.dim], row[:k.x.dim])
	}
	p.cache.StoreSide(k.x.layer, 0, p.pos+t, row)
}

func (k *pooledKeys) pool(p *pass) {
	first := p.pos / k.x.per
	for i := range p.Tiles((p.pos+p.n)/k.x.per - first) {
		k.row(p, first+i)
	}
	p.Barrier()
}

// row makes row r of what the cache has of its positions.
func (k *pooledKeys) row(p *pass, r int) {
	per, d, width := k.x.per, k.x.dim, k.width()
	kept := p.cache.Side(k.x.layer, 0)
	row, members := p.tile[:d], p.tile[width:(per+1)*width]
	for j := range per {
		kernels.LoadKV(kept.Type, members[j*width:(j+1)*width], kept.K[(r*per+j)*kept.KStride:])
	}
	if k.gate.w.Rows > 0 {
		for j := range per {
			gate := members[j*width+d : (j+1)*width]
			kernels.Add(gate, gate, k.ape[j*d:(j+1)*d])
		}
		weighedMean(row, members, members[d:], width, per)
	} else {
		clear(row)
		for j := range per {
			kernels.Add(row, row, members[j*width:][:d])
		}
		kernels.Scale(row, row, 1/float32(per))
	}
	if k.after != nil {
		k.after.apply(row, row)
		if rope := k.x.rope; rope != nil {
			table := p.tile[(per+1)*width:][:rope.dim]
			rope.tableIn(table, r*per, p.cache.Capacity())
			rope.rotate(k.x.turning(row), table)
		}
	}
	p.cache.StoreSide(k.x.layer, 1, r, row)
}

// weighedMean sets each number of dst to the mean of n values, weighed by the
// softmax of n scores; value and score j of number i are at j*stride + i.
func weighedMean(dst, values, scores []float32, stride, n int) {
	for i := range dst {
		most := scores[i]
		for j := 1; j < n; j++ {
			most = max(most, scores[j*stride+i])
		}
		sum, total := float32(0), float32(0)
		for j := range n {
			e := kernels.Exp(scores[j*stride+i] - most)
			sum += float32(e * values[j*stride+i])
			total += e
		}
		dst[i] = sum / total
	}
}
