//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// fewFloat multiplies groups*4 rows of n float weights (a multiple of 16, with BF16 of 32) that
// begin at w and lie step bytes apart with the n floats at x.
type fewFloatKernel func(dst *float32, w *byte, step, groups, n int, x *float32)

var fewFloats = [typeCount]mulFunc{
	quant.F32:  fewFloat(fewF32NEON),
	quant.F16:  inHalves(fewFloat(fewF16NEON)),
	quant.BF16: inHalves(fewFloat(fewBF16NEON)),
}

func fewFloat(kernel fewFloatKernel) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		if !m.wholeRounds() {
			mulFloatGo(dst, stride, m, r0, r1, a, s)
			return
		}
		w := m.Data[r0*m.RowBytes : r1*m.RowBytes]
		for t := range a.N {
			rowsFloat(kernel, dst[t*stride+r0:][:r1-r0], w, m.RowBytes, &a.X[t*a.K], a.K, s)
		}
	}
}

// rowsFloat multiplies the rows in w, step bytes apart, with the n elements at x.
func rowsFloat(kernel fewFloatKernel, dst []float32, w []byte, step int, x *float32, n int, s *Scratch) {
	g := len(dst) / 4
	if g > 0 {
		kernel(&dst[0], &w[0], step, g, n, x)
	}
	for i := 4 * g; i < len(dst); i++ {
		kernel(&s.tier.rest[0], &w[i*step], 0, 1, n, x)
		dst[i] = s.tier.rest[0]
	}
}

var manyFloats = [typeCount]mulFunc{
	quant.F32:  manyFloat,
	quant.F16:  inHalves(manyFloat),
	quant.BF16: inHalves(manyFloat),
}

// manyFloat widens two rows and multiplies them with all tokens.
func manyFloat(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if !m.wholeRounds() {
		mulFloatGo(dst, stride, m, r0, r1, a, s)
		return
	}
	ts := &s.tier
	ts.floats = grow(ts.floats, 2*m.Cols)
	for r := r0; r < r1; r += 2 {
		rows := min(2, r1-r)
		w := (*float32)(unsafe.Pointer(&m.Data[r*m.RowBytes]))
		if m.Type != quant.F32 {
			w = &ts.floats[0]
			for i := range rows {
				widenVecNEON(m.Type, ts.floats[i*m.Cols:][:m.Cols], m.row(r+i))
			}
		}
		gemmFloats(gemmFloatNEON, dst[r:], stride, rows, w, 4*m.Cols, &a.X[0], 4*a.K, a.K, a.N, ts)
	}
}

// gemmFloats multiplies one or two rows (wstep bytes apart) with n tokens (xstep bytes
// apart) of k elements: dst[t*stride+row].
func gemmFloats(kernel gemmFloatKernel, dst []float32, stride, rows int, w *float32, wstep int, x *float32, xstep, k, n int, ts *tierScratch) {
	token := func(t int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(x), t*xstep)) }
	if rows == 2 && n >= 3 {
		kernel(&dst[0], 4*stride, w, wstep, x, xstep, k, n/3)
		if n%3 > 0 { // the last three, of which some are there already
			kernel(&dst[(n-3)*stride], 4*stride, w, wstep, token(n-3), xstep, k, 1)
		}
		return
	}
	for t := range n {
		// One token, or one row, three times: only the first result is used.
		if rows == 1 {
			wstep = 0
		}
		kernel(&ts.corner[0], 8, w, wstep, token(t), 0, k, 1)
		copy(dst[t*stride:][:rows], ts.corner[:])
	}
}

// widenVecNEON turns len(dst) values of F16 or BF16 into floats, BF16 as splitBF16Go has
// them; len(dst) is a multiple of 16, with BF16 of 32.
func widenVecNEON(t quant.Type, dst []float32, src []byte) {
	src = src[:2*len(dst)]
	if t == quant.F16 {
		widenF16NEON(&dst[0], &src[0], len(dst))
	} else {
		widenBF16NEON(&dst[0], &src[0], len(dst))
	}
}

//go:noescape
func fewF32NEON(dst *float32, w *byte, step, groups, n int, x *float32)

//go:noescape
func fewF16NEON(dst *float32, w *byte, step, groups, n int, x *float32)

//go:noescape
func fewBF16NEON(dst *float32, w *byte, step, groups, n int, x *float32)

//go:noescape
func widenF16NEON(dst *float32, src *byte, n int)

//go:noescape
func widenBF16NEON(dst *float32, src *byte, n int)

// gemmFloatKernel multiplies two rows of n floats with groups*3 tokens; strides
// and steps are in bytes, n is a multiple of 16.
type gemmFloatKernel func(dst *float32, stride int, w *float32, wstep int, x *float32, xstep, n, groups int)

//go:noescape
func gemmFloatNEON(dst *float32, stride int, w *float32, wstep int, x *float32, xstep, n, groups int)
