package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

func init() { register("grok", grok) }

// grok is xAI's Grok 1 and 2: capped attention scores, norms after each block,
// and in Grok 2 a dense feed-forward beside the experts.
func grok(b *builder) {
	const layerNorm, ffnNorm = "layer_output_norm", "post_ffw_norm"
	rope := b.usualRope(ropeHalves)
	b.embedding(b.floatOr("embedding_scale", 78.38367176906169))
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, rope)
		a.params.Scale = b.floatOr("attention.output_scale", 0.08838834764831845)
		a.params.Softcap = b.floatOr("attn_logit_softcapping", 30)
		a.post = b.rmsNorm("attn_output_norm", b.m.Embd)
		m := b.moe(kernels.GeGLU).unscaled()
		if b.has("ffn_up.weight") {
			m.shared = b.sharedExpert("", b.ffnLength(), kernels.GeGLU)
			m.unscaled().scaled(float32(math.Sqrt2 / 2))
		}
		name := layerNorm
		if !b.has(name + ".weight") {
			name = ffnNorm
		}
		m.post = b.rmsNorm(name, b.m.Embd)
		b.add(a, m)
	}
	out := b.head()
	out.out = out.out.times(b.floatOr("logit_scale", 0.5773502691896257))
	out.cap = b.floatOr("final_logit_softcapping", 0)
}
