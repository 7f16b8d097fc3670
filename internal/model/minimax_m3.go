package model

func init() { register("minimax-m3", minimaxM3) }

// minimaxM3 is MiniMax-M3. Its attention chooses the blocks of positions that a
// token sees: as long as there are no more than are chosen, that is all of them;
// longer contexts are refused.
func minimaxM3(b *builder) {
	b.m.Positions = b.toInt("attention.indexer.top_k", uint64(b.uint("attention.indexer.top_k"))*uint64(max(1, b.uint("attention.indexer.block_size"))))
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
		m := b.sharedMoE()
		m.act = swiGLUClamped
		if m.shared != nil {
			m.shared.act = swiGLUClamped
		}
		b.add(m.unscaled())
	}
	b.head()
}
