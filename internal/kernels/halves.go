package kernels

import (
	"math"

	"happyphonellm/internal/quant"
)

// Products with F16 and BF16 weights take the activations in the weights' type, so that
// processors that multiply such numbers need not widen them.

// takesHalves reports whether weights of type t are such.
func takesHalves(t quant.Type) bool { return t == quant.F16 || t == quant.BF16 }

// halfTokens is how many tokens such a product rounds at once at most: they stay in
// the cache while all rows of a tile pass.
const halfTokens = 48

// halfBlock is how many of n tokens of k values those are.
func halfBlock(k, n int) int { return min(max(1<<18/k/12*12, 12), halfTokens, n) }

// halfRows is how many rows a tile has at least, since each rounds all tokens.
const halfRows = 96

// halves are a worker's tokens, rounded.
type halves struct {
	acts Acts                // X, as floats; BF16: see splitBF16Go
	back [halfTokens]float32 // what takes each token's results back to its scale
}

// inHalves makes a product with F16 or BF16 weights of one that takes activations
// as floats.
func inHalves(mul mulFunc) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		h := &s.halves
		for t0, n := 0, 0; t0 < a.N; t0 += n {
			n = halfBlock(a.K, a.N-t0)
			h.acts.N, h.acts.K = n, a.K
			// Kernels read whole groups of 4 tokens.
			h.acts.X = grow(h.acts.X, (n+3)&^3*a.K)
			for i := range n {
				h.back[i] = roundTo(m.Type, h.acts.Row(i), a.Row(t0+i))
			}
			out := dst[t0*stride:]
			mul(out, stride, m, r0, r1, &h.acts, s)
			for i := range n {
				h.scaleBack(out[i*stride+r0:i*stride+r1], i)
			}
		}
	}
}

// roundTo rounds a token for weights of type t and returns what its results are to
// be multiplied with.
func roundTo(t quant.Type, dst, x []float32) (back float32) {
	if t == quant.BF16 {
		active.splitBF16(dst, x)
		return 1
	}
	scale, back := f16Range(active.dot(x, x))
	active.roundF16(dst, x, scale)
	return back
}

// scaleBack takes the results of token i back to its scale.
func (h *halves) scaleBack(y []float32, i int) {
	if h.back[i] != 1 {
		active.scale(y, y, h.back[i])
	}
}

// f16Range is the power of two that brings values whose squares sum to squares
// into the range of F16, and its inverse: their Euclidean norm ends in
// [2^14, 2^15), so that none overflows and none above 2^-28 of it loses bits.
func f16Range(squares float32) (scale, back float32) {
	e := int(math.Float32bits(squares)>>23) - 127
	k := 14 - e>>1
	return math.Float32frombits(uint32(127+k) << 23), math.Float32frombits(uint32(127-k) << 23)
}

// roundF16Go sets dst = F16(x * scale), widened again.
func roundF16Go(dst, x []float32, scale float32) {
	for i, v := range x {
		dst[i] = quant.F16ToF32(quant.F32ToF16(float32(v * scale)))
	}
}

// splitBF16Go sets dst = BF16(x), widened again. Of each 32 elements the 16 odd ones
// come first, then the 16 even ones: the order in which processors add the products
// of 16 pairs to 16 sums. A rest of fewer elements stays in order.
func splitBF16Go(dst, x []float32) {
	for i, v := range x {
		dst[splitPlace(i, len(x))] = quant.BF16ToF32(quant.F32ToBF16(v))
	}
}

// splitPlace is the place of element i of n in that order.
func splitPlace(i, n int) int {
	if i >= n&^31 {
		return i
	}
	return i&^31 + i%32/2 + 16*(1-i%2)
}
