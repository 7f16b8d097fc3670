package model

import "happyphonellm/internal/kernels"

func init() { register("bitnet", bitnet) }

// bitnet is BitNet b1.58: a Llama that norms what goes into the last product of
// each branch, too.
func bitnet(b *builder) {
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), rope), b.feedForward(kernels.SwiGLU)
		a.sub, f.sub = b.norm("attn_sub_norm", a.heads*a.valueDim), b.norm("ffn_sub_norm", f.up.w.Rows)
		b.add(a, f)
	}
	b.head()
}
