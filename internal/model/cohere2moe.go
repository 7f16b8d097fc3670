package model

import "happyphonellm/internal/kernels"

func init() { register("cohere2moe", cohereMoE) }

// cohereMoE is Cohere's Command A with experts: attention and experts side by
// side on the same norm, and windows in three of four layers. Only these rotate,
// and the leading dense layers.
func cohereMoE(b *builder) {
	const eps = "attention.layer_norm_rms_epsilon"
	b.layerNorms = b.floatOr(eps, 0) == 0
	lead := b.denseLead()
	window, windowed := b.uint("attention.sliding_window"), b.windowedAfter(4)
	rope := b.usualRope(ropeAdjacent)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		a.o.bias = nil // llama.cpp has none here
		if windowed[b.layer] {
			a.window = window
		}
		if windowed[b.layer] || b.layer < lead {
			a.rope = rope
		}
		if b.layer < lead {
			f := b.bareFeedForward(kernels.SwiGLU)
			f.norm = a.norm
			b.parallel(a, f)
			continue
		}
		m := b.moe(kernels.SwiGLU)
		m.norm, m.choiceBias = a.norm, nil
		m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
		if n := b.uintOr("expert_shared_count", 0); n > 0 {
			ffn := b.positiveOr("expert_shared_feed_forward_length", m.width()*n)
			m.shared = b.sharedExpert("_shexp", ffn, kernels.SwiGLU)
			m.scaled(0.5)
		}
		b.parallel(a, m)
	}
	out := b.head()
	out.out = out.out.times(b.float("logit_scale"))
}
