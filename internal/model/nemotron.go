package model

func init() {
	register("nemotron", nemotron)
	register("jais2", jais2)
}

// nemotron is Nemotron 3 and 4, Minitron: layer norms, a partial rotation, and a
// feed-forward that squares what is above 0.
func nemotron(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.plainFeedForward(reGLU).unscaled())
	}
	b.head()
}

// jais2 is Jais 2, built like Nemotron.
func jais2(b *builder) { nemotron(b) }
