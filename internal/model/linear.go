package model

import (
	"math"
	"slices"

	"happyphonellm/internal/kernels"
)

// linear is y = scale * (W x) + bias.
type linear struct {
	w     kernels.Matrix // [out][in]
	bias  []float32      // [out]; nil: none
	scale []float32      // one number for the whole tensor; nil: none
	plain *linear        // the same without what biasBeforeScale did; nil: it did nothing

	switched *switched // what the token's adapter adds before the scale; nil: none
	lora     []lora    // what adapters add before the bias
}

// mul computes the outputs r0 to r0+k for all tokens of x:
// dst[t*stride+r-r0] is output r of token t.
func (l *linear) mul(p *pass, dst []float32, stride, r0, k int, x *kernels.Acts) {
	p.view = l.w.View(r0, k)
	if p.watch != nil {
		p.watch(&p.view.Data[0], x)
	}
	p.view.MulRows(dst, stride, 0, k, x, p.scratch)
	if l.switched != nil {
		l.switched.add(p, dst, stride, r0, k, x)
	}
	if l.scale != nil {
		for t := range x.N {
			y := dst[t*stride : t*stride+k]
			kernels.Scale(y, y, l.scale[0])
		}
	}
	for i := range l.lora {
		l.lora[i].add(p, dst, stride, r0, k, x)
	}
	if l.bias != nil {
		for t := range x.N {
			y := dst[t*stride : t*stride+k]
			kernels.Add(y, y, l.bias[r0:r0+k])
		}
	}
}

// biasBeforeScale turns y = scale * (W x + bias), adapters included, which is what
// llama.cpp's feed-forward computes, into the form of linear.
func (l linear) biasBeforeScale() linear {
	if l.scale == nil {
		return l
	}
	plain := l
	l.plain = &plain
	l.lora = scaledLoRA(l.lora, l.scale[0])
	if l.bias != nil {
		l.bias = make([]float32, len(plain.bias))
		kernels.Scale(l.bias, plain.bias, l.scale[0])
	}
	return l
}

// unscaled is the linear as it is in a file without scales.
func (l linear) unscaled() linear {
	if l.plain != nil {
		l = *l.plain
	}
	l.scale = nil
	return l
}

// times is the linear with its outputs, bias included, multiplied by f: residual
// and logit scales cost nothing that way.
func (l linear) times(f float32) linear {
	if f == 1 {
		return l
	}
	scale := f
	if l.scale != nil {
		scale *= l.scale[0]
	}
	l.scale = []float32{scale}
	l.lora = scaledLoRA(l.lora, f)
	if l.bias != nil {
		b := make([]float32, len(l.bias))
		kernels.Scale(b, l.bias, f)
		l.bias = b
	}
	return l
}

// rows is the linear's outputs r0 to r0+n as a linear of its own, for fused tensors.
func (l linear) rows(r0, n int) linear {
	part := linear{w: l.w.View(r0, n), scale: l.scale}
	if l.bias != nil {
		part.bias = l.bias[r0 : r0+n]
	}
	part.lora = slices.Clone(l.lora)
	for i := range part.lora {
		part.lora[i].b = l.lora[i].b.View(r0, n)
	}
	return part
}

// norm is a root-mean-square norm, or a layer norm.
type norm struct {
	w      []float32 // nil: none
	b      []float32 // added after w; nil: none
	mean   bool      // a layer norm: the mean is subtracted
	groups int       // equal parts that are normed each for itself; 0: one
	eps    float32
}

// apply writes the normed x to dst, which may be x. Without a norm, x is copied.
func (n *norm) apply(dst, x []float32) {
	if n == nil {
		copy(dst, x)
		return
	}
	if n.groups > 1 {
		k := len(x) / n.groups
		for i := 0; i < len(x); i += k {
			kernels.RMSNorm(dst[i:i+k], x[i:i+k], part(n.w, i, k), n.eps)
		}
		return
	}
	if n.mean {
		kernels.LayerNorm(dst, x, n.w, n.b, n.eps)
		return
	}
	kernels.RMSNorm(dst, x, n.w, n.eps)
	if n.b != nil {
		kernels.Add(dst, dst, n.b)
	}
}

// applyHead norms head h in place. The weights are those of one head, for all,
// or of all heads, one after the other.
func (n *norm) applyHead(x []float32, h int) {
	if len(n.w) <= len(x) {
		n.apply(x, x)
		return
	}
	one := norm{w: part(n.w, h*len(x), len(x)), b: part(n.b, h*len(x), len(x)), mean: n.mean, eps: n.eps}
	one.apply(x, x)
}

// part is k numbers of w from i on, where there is a w.
func part(w []float32, i, k int) []float32 {
	if w == nil {
		return nil
	}
	return w[i : i+k]
}

// sqrt is the square root of a width.
func sqrt(n int) float32 { return float32(math.Sqrt(float64(n))) }
