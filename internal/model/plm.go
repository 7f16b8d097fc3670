package model

func init() { register("plm", plm) }

// plm is PLM 1.8B: latent attention whose keys and values are unpacked, and a
// feed-forward that squares what is above 0.
func plm(b *builder) {
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		a := b.latentAttention(b.latentHeads(), rope)
		for _, l := range []*linear{&a.q, &a.kva, &a.kvb} {
			*l = l.unscaled()
		}
		b.add(a, b.plainFeedForward(reGLU).unscaled())
	}
	b.head()
}
