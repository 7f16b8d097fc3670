package kernels

import "math"

// Acts is the input of a matrix product: N tokens of K values. X is filled by
// the caller; Quantize derives the rest, 32 values at a time.
type Acts struct {
	N, K int
	X    []float32 // [N][K]
	Q    []int8    // [N][K] values divided by their block's scale, rounded
	D    []float32 // [N][K/32] scales
	S    []int16   // [N][K/16] sums of Q
	DS   []float32 // [N][K/32] D times the sum of Q over the block
	C    []int32   // [N][K/32] -128 times the sum of Q over the block
	C16  []int32   // [N][K/16] -32 times S
}

// Resize sets the shape and makes room, reusing what is there. The contents
// are undefined afterwards.
func (a *Acts) Resize(n, k int) {
	a.N, a.K = n, k
	// Kernels read whole groups of 4 tokens, so capacity is rounded up.
	n4 := (n + 3) &^ 3
	if k%32 != 0 {
		a.X, a.Q, a.D, a.S, a.DS, a.C, a.C16 = grow(a.X, n4*k)[:n*k], nil, nil, nil, nil, nil, nil
		return
	}
	a.X = grow(a.X, n4*k)[:n*k]
	a.Q = grow(a.Q, n4*k)[:n*k]
	a.D = grow(a.D, n4*k/32)[:n*k/32]
	a.S = grow(a.S, n4*k/16)[:n*k/16]
	a.DS = grow(a.DS, n4*k/32)[:n*k/32]
	a.C = grow(a.C, n4*k/32)[:n*k/32]
	a.C16 = grow(a.C16, n4*k/16)[:n*k/16]
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// Quantize fills Q, D, S, DS, C and C16 of tokens t0..t1 from X. It does nothing if
// K is no multiple of 32: no quantized matrix has such rows.
func (a *Acts) Quantize(t0, t1 int) {
	if a.K%32 != 0 || t0 >= t1 {
		return
	}
	active.quantize(a, t0*a.K/32, t1*a.K/32)
}

// QuantizeSpan is Quantize for the values k0..k1 of token t, both multiples of 32.
func (a *Acts) QuantizeSpan(t, k0, k1 int) {
	if a.K%32 != 0 || k0 >= k1 {
		return
	}
	active.quantize(a, (t*a.K+k0)/32, (t*a.K+k1)/32)
}

// Row is token t's values, X.
func (a *Acts) Row(t int) []float32 { return a.X[t*a.K : (t+1)*a.K] }

// Slice is the tokens t0..t1 of a, sharing its memory.
func (a *Acts) Slice(t0, t1 int) Acts {
	s := Acts{N: t1 - t0, K: a.K, X: a.X[t0*a.K : t1*a.K]}
	if a.K%32 == 0 {
		b0, b1 := t0*a.K/32, t1*a.K/32
		s.Q, s.D, s.S = a.Q[t0*a.K:t1*a.K], a.D[b0:b1], a.S[2*b0:2*b1]
		s.DS, s.C, s.C16 = a.DS[b0:b1], a.C[b0:b1], a.C16[2*b0:2*b1]
	}
	return s
}

// quantMin is the smallest largest magnitude that is quantized; a block below
// it counts as zeros, so that its reciprocal is never infinite.
const quantMin = 1.0 / (1 << 100)

// quantizeGo quantizes the blocks b0..b1, counted through all tokens.
func quantizeGo(a *Acts, b0, b1 int) {
	for b := b0; b < b1; b++ {
		x := a.X[b*32:][:32]
		q := a.Q[b*32:][:32]
		var amax float32
		for _, v := range x {
			if v = abs32(v); v > amax {
				amax = v
			}
		}
		var d, id float32
		if amax >= quantMin {
			d = amax / 127
			id = 127 / amax
		}
		var sum [2]int32
		for i, v := range x {
			n := roundInt(float32(v * id))
			q[i] = int8(n)
			sum[i/16] += int32(int8(n))
		}
		a.D[b] = d
		a.S[2*b], a.S[2*b+1] = int16(sum[0]), int16(sum[1])
		a.DS[b] = d * float32(sum[0]+sum[1])
		a.C[b] = -128 * (sum[0] + sum[1])
		a.C16[2*b], a.C16[2*b+1] = -32*sum[0], -32*sum[1]
	}
}

// roundInt rounds to the nearest integer, half to even; |x| must be below 2^22.
func roundInt(x float32) int32 {
	return int32(math.Float32bits(x+expMagic)) - 0x4b400000
}
