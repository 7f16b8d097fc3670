package model

func init() { register("minimax-m3", minimaxM3) }

// minimaxM3 is MiniMax-M3. In the layers with experts each KV head picks the
// blocks of positions that a token sees.
func minimaxM3(b *builder) {
	lead := b.denseLead()
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.o.bias = nil // llama.cpp has none here
		b.add(a)
		if b.layer < lead {
			b.add(b.feedForward(swiGLUClamped).unscaled())
			continue
		}
		a.index = b.blockIndexer(a, rope)
		m := b.sharedMoE()
		m.act = swiGLUClamped
		if m.shared != nil {
			m.shared.act = swiGLUClamped
		}
		b.add(m.unscaled())
	}
	b.head()
}

// blockIndexer binds the indexer of an attention whose KV heads pick blocks.
func (b *builder) blockIndexer(a *attention, r *rope) *indexer {
	x := b.indexer()
	x.blocks, x.rope = true, r
	x.per, x.local = b.uint("attention.indexer.block_size"), b.uint("attention.indexer.local_blocks")
	if x.heads != a.kvHeads || x.per < 1 {
		b.fail(ErrModel, "layer %d: an indexer of %d heads over %d KV heads, in blocks of %d", b.layer, x.heads, a.kvHeads, x.per)
		return x
	}
	x.q = linear{w: b.matrix("indexer.q_proj.weight", b.m.Embd, x.heads*x.dim)}
	x.qNorm = b.rmsNorm("indexer.q_norm", x.dim)
	x.keys = b.positionKeys(x, b.indexKey(x, "indexer.k_proj"), b.rmsNorm("indexer.k_norm", x.dim))
	return x
}
