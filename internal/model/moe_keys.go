package model

import (
	"encoding/binary"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/quant"
)

// What files with experts have in common.

// denseLead is the number of layers before the first with experts.
func (b *builder) denseLead() int { return b.uintOr("leading_dense_block_count", 0) }

// evenWidth is the width of the feed-forward cut into the experts of a token.
func (b *builder) evenWidth() int {
	return b.uints("feed_forward_length", 0)[max(b.layer, 0)] / max(1, b.uints("expert_used_count", 1)[max(b.layer, 0)])
}

// layerFloat is a number that the file has for each layer, or once for all.
func (b *builder) layerFloat(name string, or float32) float32 {
	a, err := b.file.Array(b.key(name))
	if err != nil {
		return b.floatOr(name, or)
	}
	if b.layer >= a.Len() {
		b.fail(ErrModel, "%s has %d entries for layer %d", b.key(name), a.Len(), b.layer)
		return or
	}
	return float32(a.Float(b.layer))
}

// usualRope is the rotation that most models have in all layers.
func (b *builder) usualRope(style ropeStyle) *rope {
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	return b.rope(ropeParams{
		style: style, dim: dim,
		base:    b.floatOr("rope.freq_base", 10000),
		factors: b.vectorOr("rope_freqs.weight", dim/2),
	})
}

// windowRopes are the rotations of the layers that see all and of those that
// see a window, which may have a base of their own.
func (b *builder) windowRopes(style ropeStyle) (full, local *rope) {
	h := b.heads()
	dim, base := b.positiveOr("rope.dimension_count", h.keyDim), b.floatOr("rope.freq_base", 10000)
	full = b.rope(ropeParams{style: style, dim: dim, base: base})
	local = b.rope(ropeParams{style: style, dim: dim, base: b.floatOr("rope.freq_base_swa", base)})
	return full, local
}

// width is the rotation's width, or the given where there is none after an error.
func (r *rope) width(or int) int {
	if r == nil {
		return or
	}
	return r.dim
}

// swiGLULimit is SwiGLU with its gate clamped from above and its up part on both
// sides before they are used; a limit of 0 is none.
func swiGLULimit(limit float32) activation {
	if limit <= swiGLUNoLimit {
		return kernels.SwiGLU
	}
	return func(dst, gate, up []float32) {
		for i, g := range gate[:len(dst)] {
			dst[i] = float32(kernels.SiLU(min(g, limit))) * min(max(up[i], -limit), limit)
		}
	}
}

// swiGLUCut is swiGLULimit with the clamp of the gate after its activation.
func swiGLUCut(limit float32) activation {
	if limit <= swiGLUNoLimit {
		return kernels.SwiGLU
	}
	return func(dst, gate, up []float32) {
		for i, g := range gate[:len(dst)] {
			dst[i] = min(kernels.SiLU(g), limit) * min(max(up[i], -limit), limit)
		}
	}
}

// swiGLUNoLimit is up to where a limit counts as none, as in llama.cpp.
const swiGLUNoLimit = 1e-6

// expertsByToken binds the experts that each token has in the current layer.
func (b *builder) expertsByToken(m *mixture) []int32 {
	name := b.tensorName("ffn_gate_tid2eid.weight")
	t := b.find(name, m.used, b.m.Vocab)
	switch {
	case b.err != nil:
		return nil
	case t == nil:
		b.fail(ErrModel, "tensor %q is missing", name)
		return nil
	case t.Type != quant.I32:
		b.fail(ErrUnsupported, "tensor %q has type %v", name, t.Type)
		return nil
	}
	list := make([]int32, m.used*b.m.Vocab)
	for i := range list {
		e := binary.LittleEndian.Uint32(t.Data[4*i:])
		if e >= uint32(len(m.up)) {
			b.fail(ErrModel, "tensor %q names expert %d of %d", name, e, len(m.up))
			return nil
		}
		list[i] = int32(e)
	}
	return list
}
