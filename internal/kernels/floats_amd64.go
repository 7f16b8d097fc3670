//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// floatKernels are the products of float rows of one tier, by the type of the
// weights: 16 rows times a vector, and rows by fours times 4 vectors. dst, strides
// in bytes, is [row] or [vector][row]. n, the length, is a multiple of 16, with BF16
// of 32. Vectors are floats as inHalves makes them (avx512bf16: BF16, see pairs).
type floatKernels struct {
	dots16  [typeCount]func(dst, x *float32, w *byte, stride, n int)
	dots4x4 [typeCount]func(dst *float32, dstStride int, x *float32, xStride int, w *byte, stride, rows, n int)
}

var floatsAVX2 = floatKernels{
	dots16: [typeCount]func(dst, x *float32, w *byte, stride, n int){
		quant.F32: dots16F32AVX2, quant.F16: dots16F16AVX2, quant.BF16: dots16BF16AVX2},
	dots4x4: [typeCount]func(dst *float32, dstStride int, x *float32, xStride int, w *byte, stride, rows, n int){
		quant.F32: dots4x4F32AVX2, quant.F16: dots4x4F16AVX2, quant.BF16: dots4x4BF16AVX2},
}

var floatsVNNI = floatKernels{
	dots16: [typeCount]func(dst, x *float32, w *byte, stride, n int){
		quant.F32: dots16F32VNNI, quant.F16: dots16F16VNNI, quant.BF16: dots16BF16VNNI},
	dots4x4: [typeCount]func(dst *float32, dstStride int, x *float32, xStride int, w *byte, stride, rows, n int){
		quant.F32: dots4x4F32VNNI, quant.F16: dots4x4F16VNNI, quant.BF16: dots4x4BF16VNNI},
}

var floatsDPBF16 = floatKernels{
	dots16:  [typeCount]func(dst, x *float32, w *byte, stride, n int){quant.BF16: dots16BF16DP},
	dots4x4: [typeCount]func(dst *float32, dstStride int, x *float32, xStride int, w *byte, stride, rows, n int){quant.BF16: dots4x4BF16DP},
}

// fits reports whether the kernels take a matrix.
func (k *floatKernels) fits(m *Matrix) bool { return m.Rows >= 16 && m.wholeRounds() }

func (k *floatKernels) few(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if !k.fits(m) {
		mulFloatGo(dst, stride, m, r0, r1, a, s)
		return
	}
	k.each(dst, stride, m, r0, r1, &a.X[0], 4*a.K, a.N, s)
}

func (k *floatKernels) many(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if !k.fits(m) {
		mulFloatGo(dst, stride, m, r0, r1, a, s)
		return
	}
	k.fours(dst, stride, m, r0, r1, &a.X[0], 4*a.K, a.N, s)
}

// each multiplies groups of 16 rows with each of n vectors xStride bytes apart.
func (k *floatKernels) each(dst []float32, stride int, m *Matrix, r0, r1 int, x *float32, xStride, n int, s *Scratch) {
	dots := k.dots16[m.Type]
	for r := r0; r < r1; r += 16 {
		start, rows := min(r, m.Rows-16), min(16, r1-r)
		w := &m.Data[start*m.RowBytes]
		for t := range n {
			if start == r && rows == 16 {
				dots(&dst[t*stride+r], vector(x, xStride, t), w, m.RowBytes, m.Cols)
				continue
			}
			dots(&s.tier.out[0], vector(x, xStride, t), w, m.RowBytes, m.Cols)
			copy(dst[t*stride+r:][:rows], s.tier.out[r-start:])
		}
	}
}

// fours multiplies 4 rows with 4 vectors at a time; what is left over of either
// is each's.
func (k *floatKernels) fours(dst []float32, stride int, m *Matrix, r0, r1 int, x *float32, xStride, n int, s *Scratch) {
	dots := k.dots4x4[m.Type]
	rEnd, tEnd := r0+(r1-r0)&^3, n&^3
	for r := r0; r < rEnd; r += 16 {
		for t := 0; t < tEnd; t += 4 {
			dots(&dst[t*stride+r], 4*stride, vector(x, xStride, t), xStride, &m.Data[r*m.RowBytes], m.RowBytes, min(16, rEnd-r), m.Cols)
		}
	}
	if rEnd < r1 {
		k.each(dst, stride, m, rEnd, r1, x, xStride, n, s)
	}
	if tEnd < n {
		k.each(dst[tEnd*stride:], stride, m, r0, r1, vector(x, xStride, tEnd), xStride, n-tEnd, s)
	}
}

func vector(x *float32, stride, t int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(x), t*stride))
}

// pairs makes a product of BF16 weights with tokens in BF16, [n][K] in order, whose
// kernels see *float32.
func (k *floatKernels) pairs(mul func(dst []float32, stride int, m *Matrix, r0, r1 int, x *float32, xStride, n int, s *Scratch)) mulFunc {
	other := inHalves(mulFloatGo)
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		if !k.fits(m) {
			other(dst, stride, m, r0, r1, a, s)
			return
		}
		ts := &s.tier
		ts.pairs = grow(ts.pairs, halfBlock(a.K, a.N)*a.K)
		for t0, n := 0, 0; t0 < a.N; t0 += n {
			n = halfBlock(a.K, a.N-t0)
			narrowBF16DP(&ts.pairs[0], &a.X[t0*a.K], n*a.K)
			mul(dst[t0*stride:], stride, m, r0, r1, (*float32)(unsafe.Pointer(&ts.pairs[0])), 2*a.K, n, s)
		}
	}
}
