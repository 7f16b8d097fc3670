//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// rowUnpackNEON unpacks a row of each quantized type as rowUnpack does, but
// that the weights of Q2_K are multiplied with their sub-scales.
var rowUnpackNEON = func() [typeCount]func(f *rowForm, src []byte) {
	tab := rowUnpack
	tab[quant.Q4_0] = unpack32(18, unpackQ4_0NEON)
	tab[quant.Q4_1] = unpack32(20, unpackQ4_1NEON)
	tab[quant.Q5_0] = unpack32(22, unpackQ5_0NEON)
	tab[quant.Q5_1] = unpack32(24, unpackQ5_1NEON)
	tab[quant.Q8_0] = unpack32(34, unpackQ8_0NEON)
	tab[quant.IQ4_NL] = unpack32(18, unpackIQ4_NLNEON)
	tab[quant.MXFP4] = unpack32(17, unpackMXFP4NEON)
	tab[quant.Q2_K] = func(f *rowForm, src []byte) {
		unpackQ2_K(f, src)
		for i := range f.q {
			f.q[i] *= f.sub[i/16]
		}
	}
	return tab
}()

func unpack32(size int, kernel func(q *int8, d, m *float32, src *byte, blocks int)) func(f *rowForm, src []byte) {
	return func(f *rowForm, src []byte) {
		_ = src[len(f.d)*size-1]
		kernel(&f.q[0], &f.d[0], &f.m[0], unsafe.SliceData(src), len(f.d))
	}
}

//go:noescape
func unpackQ4_0NEON(q *int8, d, m *float32, src *byte, blocks int)

//go:noescape
func unpackQ4_1NEON(q *int8, d, m *float32, src *byte, blocks int)

//go:noescape
func unpackQ5_0NEON(q *int8, d, m *float32, src *byte, blocks int)

//go:noescape
func unpackQ5_1NEON(q *int8, d, m *float32, src *byte, blocks int)

//go:noescape
func unpackQ8_0NEON(q *int8, d, m *float32, src *byte, blocks int)

//go:noescape
func unpackIQ4_NLNEON(q *int8, d, m *float32, src *byte, blocks int)

// codebookFP4 is quant's, for the assembly.
var codebookFP4 = quant.CodebookFP4

//go:noescape
func unpackMXFP4NEON(q *int8, d, m *float32, src *byte, blocks int)

//go:noescape
func arrangeNEON(panel *byte, block int, q *int8, step, blocks int)

//go:noescape
func arrangeDotProd(panel *byte, block int, q *int8, step, blocks int)

//go:noescape
func arrangeI8MM(panel *byte, block int, q *int8, step, blocks int)

//go:noescape
func gather8NEON(dst *byte, block int, x *float32, step, blocks int)

//go:noescape
func gather8TwiceNEON(dst *byte, block int, x *float32, step, blocks int)

//go:noescape
func packNEON(acts *byte, a *Acts, t, blocks int)

//go:noescape
func packI8MM(acts *byte, a *Acts, t, blocks int)

//go:noescape
func gather4NEON(dst *byte, a *Acts, t, blocks int)
