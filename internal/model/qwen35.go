package model

import (
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kernels"
)

func init() {
	register("qwen35", qwen35)
	register("qwen35moe", qwen35)
	register("qwen3next", qwen35)
}

// qwen35 is Qwen 3.5, dense or with experts, and Qwen 3 Next: most layers are
// gated delta nets, every fourth is attention with a gate on its output.
func qwen35(b *builder) {
	h := b.heads()
	h.gated = true
	params := ropeParams{
		style: ropeHalves, dim: b.positiveOr("rope.dimension_count", h.keyDim),
		base: b.floatOr("rope.freq_base", 10000),
	}
	if b.m.Arch != "qwen3next" {
		params = b.withSections(params, true)
	}
	rope := b.rope(params)
	recurrent := b.recurrent(4)
	b.embedding(1)
	for b.nextLayer() {
		if recurrent[b.layer] {
			d := b.deltaNet()
			if b.m.Arch == "qwen3next" {
				d.grouped = true
				d.unscaled()
			}
			b.add(d)
		} else {
			a := b.attention(h, rope)
			b.scaleScores(a)
			b.add(a)
		}
		norm := b.norm("post_attention_norm", b.m.Embd)
		if b.m.Arch == "qwen35" {
			f := b.bareFeedForward(kernels.SwiGLU)
			f.norm = norm
			b.add(f)
			continue
		}
		m := b.experts(b.expertWidth(b.evenWidth()), kernels.SwiGLU)
		m.norm = norm
		if b.has("ffn_up_shexp.weight") {
			m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", b.ffnLength()), kernels.SwiGLU)
			m.shared.weight = b.vector("ffn_gate_inp_shexp.weight", b.m.Embd)
		}
		b.add(m)
	}
	b.head()
}

// recurrent tells which layers have a state instead of attention: the file's
// list, or all but the last of every n, where n is the file's or the given.
func (b *builder) recurrent(n int) []bool {
	list := make([]bool, b.m.Layers)
	const name = "attention.recurrent_layers"
	a, err := b.file.Array(b.key(name))
	if err == nil && a.Len() >= len(list) && (a.Kind() == gguf.Bool || a.Kind().IsInteger()) {
		for i := range list {
			list[i] = a.Bool(i)
		}
		return list
	}
	if err == nil {
		b.fail(ErrModel, "%s is a list of %d %v for %d layers", b.key(name), a.Len(), a.Kind(), len(list))
		return list
	}
	n = b.positiveOr("full_attention_interval", n)
	for i := range list {
		list[i] = (i+1)%n != 0
	}
	return list
}
