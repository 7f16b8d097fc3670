//go:build !purego

package kernels

import "unsafe"

// Products of rows of F16 (FHM) and BF16 with tokens of the same type: weights are
// multiplied as they lie in the file. Kernels see *float32 where both sides have 16 bits.
type halfKernels struct {
	few  fewFloatKernel
	gemm gemmFloatKernel
	// narrow writes a token and returns what its results are to be multiplied with.
	narrow func(dst []uint16, x []float32) (back float32)
}

var f16FHM = halfKernels{few: fewF16FHM, gemm: gemmF16FHM, narrow: func(dst []uint16, x []float32) float32 {
	scale, back := f16Range(dotVecNEON(x, x))
	narrowF16NEON16(&dst[0], &x[0], len(x), scale)
	return back
}}

var bf16Pairs = halfKernels{few: fewBF16Pairs, gemm: gemmBF16Pairs, narrow: func(dst []uint16, x []float32) float32 {
	narrowBF16Pairs16(&dst[0], &x[0], len(x))
	return 1
}}

// halvesGo serves rows that the kernels do not take.
var halvesGo = inHalves(mulFloatGo)

func (k *halfKernels) mulFew(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if !m.wholeRounds() {
		halvesGo(dst, stride, m, r0, r1, a, s)
		return
	}
	ts := &s.tier
	ts.halves = grow(ts.halves, a.K)
	w := m.Data[r0*m.RowBytes : r1*m.RowBytes]
	for t := range a.N {
		y := dst[t*stride+r0:][:r1-r0]
		s.halves.back[0] = k.narrow(ts.halves, a.Row(t))
		rowsFloat(k.few, y, w, m.RowBytes, asFloats(ts.halves), a.K, s)
		s.halves.scaleBack(y, 0)
	}
}

func (k *halfKernels) mulMany(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if !m.wholeRounds() {
		halvesGo(dst, stride, m, r0, r1, a, s)
		return
	}
	ts := &s.tier
	ts.halves = grow(ts.halves, halfBlock(a.K, a.N)*a.K)
	for t0, n := 0, 0; t0 < a.N; t0 += n {
		n = halfBlock(a.K, a.N-t0)
		for i := range n {
			s.halves.back[i] = k.narrow(ts.halves[i*a.K:], a.Row(t0+i))
		}
		out := dst[t0*stride:]
		for r := r0; r < r1; r += 2 {
			w := (*float32)(unsafe.Pointer(&m.Data[r*m.RowBytes]))
			gemmFloats(k.gemm, out[r:], stride, min(2, r1-r), w, m.RowBytes, asFloats(ts.halves), 2*a.K, a.K, n, ts)
		}
		for i := range n {
			s.halves.scaleBack(out[i*stride+r0:i*stride+r1], i)
		}
	}
}

func asFloats(x []uint16) *float32 { return (*float32)(unsafe.Pointer(&x[0])) }

//go:noescape
func fewF16FHM(dst *float32, w *byte, step, groups, n int, x *float32)

//go:noescape
func gemmF16FHM(dst *float32, stride int, w *float32, wstep int, x *float32, xstep, n, groups int)

//go:noescape
func fewBF16Pairs(dst *float32, w *byte, step, groups, n int, x *float32)

//go:noescape
func gemmBF16Pairs(dst *float32, stride int, w *float32, wstep int, x *float32, xstep, n, groups int)
