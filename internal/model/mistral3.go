package model

import "happyphonellm/internal/kernels"

func init() { register("mistral3", mistral3) }

// mistral3 is Ministral 3 and Mistral Small 4: a Llama, dense or with experts, whose
// queries grow with their position where the file says so.
func mistral3(b *builder) {
	h := b.heads()
	rope := b.rope(b.withFactors(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)}))
	temper := b.temper(0, b.positiveOr("rope.scaling.original_context_length", b.m.Context))
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.temper = temper
		b.add(a)
		if b.positiveOr("expert_count", 0) > 0 {
			b.add(b.moe(kernels.SwiGLU))
		} else {
			b.add(b.feedForward(kernels.SwiGLU))
		}
	}
	b.head()
}

// temper reads attention.temperature_scale; nil where that is zero. One step of
// growth is floor positions.
func (b *builder) temper(offset float64, floor int) *temper {
	scale := b.floatOr("attention.temperature_scale", 0)
	if scale == 0 {
		return nil
	}
	if floor < 1 {
		b.fail(ErrModel, "%s without a context length to count in", b.key("attention.temperature_scale"))
		return nil
	}
	return &temper{floor: float64(floor), scale: float64(scale), offset: offset}
}
