package model

import "happyphonellm/internal/kernels"

func init() { register("grovemoe", groveMoE) }

// groveMoE is Ant's GroveMoE: beside the experts there is a smaller one for each
// group of them, which llama.cpp gives the experts' output to read.
func groveMoE(b *builder) {
	embd := b.m.Embd
	group := max(1, b.uint("experts_per_group"))
	rope := b.usualRope(ropeHalves)
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		m := b.experts(b.expertWidth(b.evenWidth()), kernels.SwiGLU).unscaled()
		m.into = b.keep()
		small := *m
		count, ffn := len(m.up)/group, b.positiveOr("expert_chunk_feed_forward_length", h.keyDim)
		if b.err == nil && count == 0 {
			b.fail(ErrModel, "%s is %d, more than the %d experts", b.key("experts_per_group"), group, len(m.up))
		}
		small.gate = b.expertLinears("ffn_gate_chexps", embd, ffn, count)
		small.up = b.expertLinears("ffn_up_chexps", embd, ffn, count)
		small.down = b.expertLinears("ffn_down_chexps", ffn, embd, count)
		small.norm, small.from, small.into = nil, m.into, nil
		small.routed, small.share = &routerInput{norm: m.norm}, group
		small.used = min(m.used, count)
		small.unscaled().scale *= b.float("expert_group_scale")
		b.add(b.attention(h, rope), m, &small, &plus{from: m.into, scale: 1})
	}
	b.head()
}
