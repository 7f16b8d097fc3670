//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// actView points at one token's quantized activations. The assembly reads the
// fields at their offsets: 0, 8, 16, 24, 32, 40.
type actView struct {
	q  *int8
	d  *float32
	ds *float32
	c  *int32
	s  *int16
	c2 *int32 // C16
}

// kConstants: byte numbers that move byte 0, 1, 2, 3 of each 32-bit word to
// its low end and clear the rest (a number of 255 gives 0), and ones that
// bring byte i of all four words together.
var kConstants = [5][16]byte{
	{0, 255, 255, 255, 4, 255, 255, 255, 8, 255, 255, 255, 12, 255, 255, 255},
	{1, 255, 255, 255, 5, 255, 255, 255, 9, 255, 255, 255, 13, 255, 255, 255},
	{2, 255, 255, 255, 6, 255, 255, 255, 10, 255, 255, 255, 14, 255, 255, 255},
	{3, 255, 255, 255, 7, 255, 255, 255, 11, 255, 255, 255, 15, 255, 255, 255},
	{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
}

// fewKernel multiplies groups*rows weight rows that begin at w and lie step
// bytes apart with one token of blocks*32 values (blocks*256 for the K types)
// and writes one float a row to dst. rows is a constant of the kernel.
type fewKernel func(dst *float32, w *byte, step, groups, blocks int, a *actView)

// fewQuant makes a mulFunc of a kernel that takes rows rows at once and whose
// blocks have elems weights.
func fewQuant(kernel fewKernel, rows, elems int) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		blocks := m.Cols / elems
		kb := m.Cols / 32
		for t := range a.N {
			v := &s.tier.view
			v.q = unsafe.SliceData(a.Q[t*a.K:])
			v.d = unsafe.SliceData(a.D[t*kb:])
			v.ds = unsafe.SliceData(a.DS[t*kb:])
			v.c = unsafe.SliceData(a.C[t*kb:])
			v.s = unsafe.SliceData(a.S[t*2*kb:])
			v.c2 = unsafe.SliceData(a.C16[t*2*kb:])
			out := dst[t*stride+r0:][:r1-r0]
			w := m.Data[r0*m.RowBytes : r1*m.RowBytes]
			if g := len(out) / rows; g > 0 {
				kernel(unsafe.SliceData(out), unsafe.SliceData(w), m.RowBytes, g, blocks, v)
				out, w = out[g*rows:], w[g*rows*m.RowBytes:]
			}
			// The rest one by one: step 0 makes every row of the group the same.
			for i := range out {
				kernel(&s.tier.rest[0], &w[i*m.RowBytes], 0, 1, blocks, v)
				out[i] = s.tier.rest[0]
			}
			*v = actView{}
		}
	}
}

var fewNEON = [typeCount]mulFunc{
	quant.Q4_0:   fewQuant(fewQ4_0NEON, 8, 32),
	quant.Q4_1:   fewQuant(fewQ4_1NEON, 8, 32),
	quant.Q5_0:   fewQuant(fewQ5_0NEON, 8, 32),
	quant.Q5_1:   fewQuant(fewQ5_1NEON, 8, 32),
	quant.Q8_0:   fewQuant(fewQ8_0NEON, 8, 32),
	quant.IQ4_NL: fewQuant(fewIQ4_NLNEON, 8, 32),
	quant.Q2_K:   fewQuant(fewQ2_KNEON, 4, 256),
	quant.Q3_K:   fewQuant(fewQ3_KNEON, 4, 256),
	quant.Q4_K:   fewQuant(fewQ4_KNEON, 4, 256),
	quant.Q5_K:   fewQuant(fewQ5_KNEON, 4, 256),
	quant.Q6_K:   fewQuant(fewQ6_KNEON, 4, 256),
	quant.IQ4_XS: fewQuant(fewIQ4_XSNEON, 4, 256),
}

var fewDotProd = [typeCount]mulFunc{
	quant.Q4_0:   fewQuant(fewQ4_0DotProd, 8, 32),
	quant.Q4_1:   fewQuant(fewQ4_1DotProd, 8, 32),
	quant.Q5_0:   fewQuant(fewQ5_0DotProd, 8, 32),
	quant.Q5_1:   fewQuant(fewQ5_1DotProd, 8, 32),
	quant.Q8_0:   fewQuant(fewQ8_0DotProd, 8, 32),
	quant.IQ4_NL: fewQuant(fewIQ4_NLDotProd, 8, 32),
	quant.Q2_K:   fewQuant(fewQ2_KDotProd, 4, 256),
	quant.Q3_K:   fewQuant(fewQ3_KDotProd, 4, 256),
	quant.Q4_K:   fewQuant(fewQ4_KDotProd, 4, 256),
	quant.Q5_K:   fewQuant(fewQ5_KDotProd, 4, 256),
	quant.Q6_K:   fewQuant(fewQ6_KDotProd, 4, 256),
	quant.IQ4_XS: fewQuant(fewIQ4_XSDotProd, 4, 256),
}

//go:noescape
func fewQ4_0NEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ4_1NEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ5_0NEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ5_1NEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ8_0NEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewIQ4_NLNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ4_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ4_1DotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ5_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ5_1DotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ8_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewIQ4_NLDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ2_KNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ3_KNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ4_KNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ5_KNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ6_KNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewIQ4_XSNEON(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ2_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ3_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ4_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ5_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewQ6_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)

//go:noescape
func fewIQ4_XSDotProd(dst *float32, w *byte, step, groups, blocks int, a *actView)
