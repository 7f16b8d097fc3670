package kernels

import (
	"math"

	"happyphonellm/internal/quant"
)

// halfTokens is how many tokens a product with F16 weights rounds at once: they
// stay in the cache while all rows of a tile pass.
const halfTokens = 48

// halves are a worker's tokens as a product with F16 weights takes them.
type halves struct {
	acts Acts                // X: F16 values, widened
	back [halfTokens]float32 // what takes each token's results back to its scale
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

// inHalves makes a product with F16 weights of one that takes activations as
// they are: both sides of each multiplication are F16.
func inHalves(mul mulFunc) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		h := &s.halves
		for t0 := 0; t0 < a.N; t0 += halfTokens {
			n := min(halfTokens, a.N-t0)
			h.acts.N, h.acts.K = n, a.K
			// Kernels read whole groups of 4 tokens.
			h.acts.X = grow(h.acts.X, (n+3)&^3*a.K)
			for i := range n {
				x := a.Row(t0 + i)
				var scale float32
				scale, h.back[i] = f16Range(active.dot(x, x))
				active.roundF16(h.acts.Row(i), x, scale)
			}
			out := dst[t0*stride:]
			mul(out, stride, m, r0, r1, &h.acts, s)
			for i := range n {
				y := out[i*stride+r0 : i*stride+r1]
				active.scale(y, y, h.back[i])
			}
		}
	}
}
