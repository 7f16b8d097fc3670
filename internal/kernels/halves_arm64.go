//go:build !purego

package kernels

import "unsafe"

// Products of F16 weights with tokens in F16 by FMLAL: weights are multiplied as they
// lie in the file. Kernels see *float32 where both sides are F16.

// narrow writes token t of a as F16 to dst and returns what takes its results
// back to its scale.
func narrow(dst []uint16, a *Acts, t int) (back float32) {
	x := a.Row(t)
	scale, back := f16Range(dotVecNEON(x, x))
	narrowF16NEON16(&dst[0], &x[0], len(x), scale)
	return back
}

func fewHalves(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if m.Cols%16 != 0 {
		halvesGo(dst, stride, m, r0, r1, a, s)
		return
	}
	ts := &s.tier
	ts.halves = grow(ts.halves, a.K)
	w := m.Data[r0*m.RowBytes : r1*m.RowBytes]
	for t := range a.N {
		y := dst[t*stride+r0:][:r1-r0]
		back := narrow(ts.halves, a, t)
		rowsFloat(fewF16FHM, y, w, m.RowBytes, asFloats(ts.halves), a.K, s)
		scaleVecNEON(y, y, back)
	}
}

func manyHalves(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if m.Cols%16 != 0 {
		halvesGo(dst, stride, m, r0, r1, a, s)
		return
	}
	ts := &s.tier
	ts.halves = grow(ts.halves, halfTokens*a.K)
	for t0 := 0; t0 < a.N; t0 += halfTokens {
		n := min(halfTokens, a.N-t0)
		for i := range n {
			s.halves.back[i] = narrow(ts.halves[i*a.K:], a, t0+i)
		}
		out := dst[t0*stride:]
		for r := r0; r < r1; r += 2 {
			w := (*float32)(unsafe.Pointer(&m.Data[r*m.RowBytes]))
			gemmFloats(gemmF16FHM, out[r:], stride, min(2, r1-r), w, m.RowBytes, asFloats(ts.halves), 2*a.K, a.K, n, ts)
		}
		for i := range n {
			y := out[i*stride+r0 : i*stride+r1]
			scaleVecNEON(y, y, s.halves.back[i])
		}
	}
}

func asFloats(x []uint16) *float32 { return (*float32)(unsafe.Pointer(&x[0])) }

// halvesGo serves rows that the kernels do not take.
var halvesGo = inHalves(mulFloatGo)

//go:noescape
func fewF16FHM(dst *float32, w *byte, step, groups, n int, x *float32)

//go:noescape
func gemmF16FHM(dst *float32, stride int, w *float32, wstep int, x *float32, xstep, n, groups int)
