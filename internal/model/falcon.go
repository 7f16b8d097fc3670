package model

func init() { register("falcon", falcon) }

// falcon is Falcon 7B, whose attention and feed-forward are side by side on the
// same layer norm, and 40B, where attention has one of its own.
func falcon(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), rope), b.barePlainFeedForward(plainGELU).unscaled()
		f.norm = a.norm
		if own := b.normOr("attn_norm_2", b.m.Embd); own != nil {
			a.norm = own
		}
		b.parallel(a, f)
	}
	b.head()
}
