package model

import "happyphonellm/internal/kernels"

func init() { register("arctic", arctic) }

// arctic is Snowflake's Arctic: a dense feed-forward after the attention, and
// experts beside both of them, whose input is that of the layer.
func arctic(b *builder) {
	embd := b.m.Embd
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		layer := b.keep()
		a := b.attention(b.heads(), rope)
		f := &feedForward{
			norm: b.rmsNorm("ffn_norm", embd),
			gate: b.linear("ffn_gate", embd, embd),
			up:   b.linear("ffn_up", embd, embd),
			down: b.linear("ffn_down", embd, embd),
			act:  kernels.SwiGLU,
		}
		m := b.experts(b.ffnLength(), kernels.SwiGLU)
		m.norm, m.from = b.rmsNorm("ffn_norm_exps", embd), layer
		b.add(layer, a, f.unscaled(), m.unscaled())
	}
	b.head()
}
