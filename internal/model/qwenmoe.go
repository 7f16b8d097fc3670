package model

import "happyphonellm/internal/kernels"

func init() {
	register("qwen2moe", qwenMoE)
	register("qwen3moe", qwenMoE)
	register("qwen3vlmoe", qwenMoE)
}

// qwenMoE is Qwen 1.5 and 2 MoE, with an expert that every token goes through,
// and Qwen 3 MoE, without one. Of the one that sees it is the text part.
func qwenMoE(b *builder) {
	rope := b.usualRope(ropeHalves)
	if b.m.Arch == "qwen3vlmoe" {
		rope = b.sectionedRope(true)
	}
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		m := b.experts(b.expertWidth(b.evenWidth()), kernels.SwiGLU)
		m.normed = b.boolOr("expert_weights_norm", b.m.Arch != "qwen2moe")
		switch b.m.Arch {
		case "qwen2moe":
			m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", b.ffnLength()), kernels.SwiGLU)
			m.shared.weight = b.vector("ffn_gate_inp_shexp.weight", b.m.Embd)
			m.unscaled()
		case "qwen3vlmoe":
			m.unscaled()
		}
		b.add(b.attention(h, rope), m)
	}
	b.head()
}
