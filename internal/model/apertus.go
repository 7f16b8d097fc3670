package model

import (
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kernels"
)

func init() { register("apertus", apertus) }

// apertus is Apertus: norms on the heads, and a feed-forward without a gate whose
// activation has parameters of its own in every layer.
func apertus(b *builder) {
	h := b.heads()
	rope := b.rope(b.withFactors(ropeParams{style: ropeHalves, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)}))
	negative, positive := b.floats("xielu.alpha_n"), b.floats("xielu.alpha_p")
	beta, eps := b.floats("xielu.beta"), b.floats("xielu.eps")
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		a := b.attention(h, rope)
		a.qNorm, a.kNorm = b.rmsNorm("attn_q_norm", h.keyDim), b.rmsNorm("attn_k_norm", h.keyDim)
		f := b.plainFeedForward(xIELU(negative[b.layer], positive[b.layer], beta[b.layer], eps[b.layer]))
		b.add(a, f.unscaled())
	}
	b.head()
}

// xIELU is the expanded integral of the ELU (arXiv:2411.13010):
//
//	x > 0:  ap·x² + beta·x
//	else:   an·(exp(min(x, eps)) - 1 - x) + beta·x
//
// with ap = softplus(positive) and an = beta + softplus(negative).
func xIELU(negative, positive, beta, eps float32) activation {
	ap, an := kernels.Softplus(positive), beta+kernels.Softplus(negative)
	return func(dst, x, _ []float32) {
		for i, v := range x[:len(dst)] {
			if v > 0 {
				dst[i] = float32(float32(ap*v)*v) + float32(beta*v)
			} else {
				grown := float32(kernels.Exp64(float64(min(v, eps))) - 1)
				dst[i] = float32((grown-v)*an) + float32(beta*v)
			}
		}
	}
}

// floats reads a number per layer from a key without the architecture's name;
// one number stands for all layers.
func (b *builder) floats(key string) []float32 {
	list := make([]float32, b.m.Layers)
	a, err := b.file.Array(key)
	if err != nil {
		v, err := b.file.Float(key)
		if err != nil && b.err == nil {
			b.err = err
		}
		for i := range list {
			list[i] = float32(v)
		}
		return list
	}
	if a.Len() < len(list) || a.Kind() != gguf.Float32 {
		b.fail(ErrModel, "%s has %d entries of kind %v for %d layers", key, a.Len(), a.Kind(), len(list))
		return list
	}
	for i := range list {
		list[i] = float32(a.Float(i))
	}
	return list
}
