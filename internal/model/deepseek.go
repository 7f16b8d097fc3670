package model

import "happyphonellm/internal/kernels"

func init() {
	register("deepseek", deepseek)
	register("dots1", deepseek)
	register("bailingmoe", deepseek)
	register("bailingmoe2", deepseek)
	register("glm4moe", deepseek)
}

// deepseek is the first DeepSeek MoE and what has grown from it: dots.llm1, Ling
// (bailingmoe) and GLM 4.5. A few dense layers lead, and some experts are shared.
func deepseek(b *builder) {
	arch := b.m.Arch
	style := ropeHalves
	if arch == "deepseek" || arch == "bailingmoe" {
		style = ropeAdjacent
	}
	lead := b.denseLead()
	if arch == "bailingmoe" {
		lead = 0
	}
	rope := b.usualRope(style)
	if arch == "glm4moe" && b.multiAxis() {
		rope = b.sectionedRope(false)
	}
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		if arch == "bailingmoe" { // its heads are as wide as their rotation
			h.keyDim, h.valueDim = rope.width(h.keyDim), rope.width(h.valueDim)
		}
		b.add(b.attention(h, rope))
		var norm *norm
		if arch == "glm4moe" {
			norm = b.rmsNorm("post_attention_norm", b.m.Embd)
		}
		if b.layer < lead {
			f := b.bareFeedForward(kernels.SwiGLU).unscaled()
			f.norm = norm
			if norm == nil {
				f.norm = b.rmsNorm("ffn_norm", b.m.Embd)
			}
			b.add(f)
			continue
		}
		m := b.sharedMoE()
		switch arch {
		case "deepseek":
			m.gating, m.normed = gateSoftmax, false
		case "bailingmoe":
			m.gating = gateSoftmax
		}
		if norm != nil {
			m.norm = norm
		}
		b.add(m.unscaled())
	}
	b.head()
}

// sharedMoE binds experts as DeepSeek has them: a gating and a norm of the
// weights by the file's keys, and shared experts as one that is as wide as all
// of them, where there are any.
func (b *builder) sharedMoE() *mixture {
	m := b.moe(kernels.SwiGLU)
	m.gating = b.gatingOr(gateSigmoid)
	m.normed = b.boolOr("expert_weights_norm", false)
	if n := b.uintOr("expert_shared_count", 0); n > 0 {
		width := b.positiveOr("expert_shared_feed_forward_length", b.expertWidth(0)) * n
		m.shared = b.sharedExpert("_shexp", width, kernels.SwiGLU)
	}
	return m
}
