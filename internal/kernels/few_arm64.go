//go:build !purego

package kernels

import (
	"math/bits"

	"happyphonellm/internal/quant"
)

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
// bytes apart with token t of a, blocks of the file each, and writes one float
// a row to dst. rows is a constant of the kernel.
type fewKernel func(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

// fewQuant makes a mulFunc of a kernel that takes rows rows at once and whose
// blocks have elems weights; both are powers of 2.
func fewQuant(kernel fewKernel, rows, elems uint) mulFunc {
	rowShift, blockShift := bits.TrailingZeros(rows), bits.TrailingZeros(elems)
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		blocks := m.Cols >> blockShift
		groups := (r1 - r0) >> rowShift
		whole := r0 + groups<<rowShift
		for t := range a.N {
			if groups > 0 {
				kernel(&dst[t*stride+r0], &m.Data[r0*m.RowBytes], m.RowBytes, groups, blocks, a, t)
			}
			// The rest one by one: step 0 makes every row of the group the same.
			for r := whole; r < r1; r++ {
				kernel(&s.tier.rest[0], &m.Data[r*m.RowBytes], 0, 1, blocks, a, t)
				dst[t*stride+r] = s.tier.rest[0]
			}
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
	quant.MXFP4:  fewQuant(fewMXFP4NEON, 8, 32),
	quant.Q2_K:   fewQuant(fewQ2_KNEON, 4, 256),
	quant.Q3_K:   fewQuant(fewQ3_KNEON, 4, 256),
	quant.Q4_K:   fewQuant(fewQ4_KNEON, 4, 256),
	quant.Q5_K:   fewQuant(fewQ5_KNEON, 4, 256),
	quant.Q6_K:   fewQuant(fewQ6_KNEON, 4, 256),
	quant.IQ4_XS: fewQuant(fewIQ4_XSNEON, 4, 256),
	quant.TQ1_0:  fewQuant(fewTQ1_0NEON, 4, 256),
	quant.TQ2_0:  fewQuant(fewTQ2_0NEON, 4, 256),
	quant.Q1_0:   fewQuant(fewQ1_0NEON, 4, 128),
	quant.Q2_0:   fewQuant(fewQ2_0NEON, 4, 64),
	quant.NVFP4:  fewQuant(fewNVFP4NEON, 4, 64),
}

var fewDotProd = [typeCount]mulFunc{
	quant.Q4_0:   fewQuant(fewQ4_0DotProd, 8, 32),
	quant.Q4_1:   fewQuant(fewQ4_1DotProd, 8, 32),
	quant.Q5_0:   fewQuant(fewQ5_0DotProd, 8, 32),
	quant.Q5_1:   fewQuant(fewQ5_1DotProd, 8, 32),
	quant.Q8_0:   fewQuant(fewQ8_0DotProd, 8, 32),
	quant.IQ4_NL: fewQuant(fewIQ4_NLDotProd, 8, 32),
	quant.MXFP4:  fewQuant(fewMXFP4DotProd, 8, 32),
	quant.Q2_K:   fewQuant(fewQ2_KDotProd, 4, 256),
	quant.Q3_K:   fewQuant(fewQ3_KDotProd, 4, 256),
	quant.Q4_K:   fewQuant(fewQ4_KDotProd, 4, 256),
	quant.Q5_K:   fewQuant(fewQ5_KDotProd, 4, 256),
	quant.Q6_K:   fewQuant(fewQ6_KDotProd, 4, 256),
	quant.IQ4_XS: fewQuant(fewIQ4_XSDotProd, 4, 256),
	quant.TQ1_0:  fewQuant(fewTQ1_0DotProd, 4, 256),
	quant.TQ2_0:  fewQuant(fewTQ2_0DotProd, 4, 256),
	quant.Q1_0:   fewQuant(fewQ1_0DotProd, 4, 128),
	quant.Q2_0:   fewQuant(fewQ2_0DotProd, 4, 64),
	quant.NVFP4:  fewQuant(fewNVFP4DotProd, 4, 64),
}

//go:noescape
func fewQ4_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ4_1NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ5_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ5_1NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ8_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewMXFP4NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewIQ4_NLNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ4_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ4_1DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ5_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ5_1DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ8_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewMXFP4DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewIQ4_NLDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ2_KNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ3_KNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ4_KNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ5_KNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ6_KNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewIQ4_XSNEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ2_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ3_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ4_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ5_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ6_KDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewIQ4_XSDotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewTQ1_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewTQ2_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ1_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ2_0NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewNVFP4NEON(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewTQ1_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewTQ2_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ1_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewQ2_0DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)

//go:noescape
func fewNVFP4DotProd(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)
