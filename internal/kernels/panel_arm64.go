//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// rowUnpackNEON unpacks a row of each quantized type, or several that follow each other,
// as rowUnpack does, but that the weights of Q2_K are multiplied with their sub-scales.
var rowUnpackNEON = func() [typeCount]func(f *rowForm, src []byte) {
	tab := rowUnpack
	tab[quant.Q4_0] = unpack32(18, unpackQ4_0NEON)
	tab[quant.Q4_1] = unpack32(20, unpackQ4_1NEON)
	tab[quant.Q5_0] = unpack32(22, unpackQ5_0NEON)
	tab[quant.Q5_1] = unpack32(24, unpackQ5_1NEON)
	tab[quant.Q8_0] = unpack32(34, unpackQ8_0NEON)
	tab[quant.IQ4_NL] = unpack32(18, unpackIQ4_NLNEON)
	tab[quant.MXFP4] = unpack32(17, unpackMXFP4NEON)
	tab[quant.Q2_K] = unpack256(84, unpackQ2_KNEON, func(f *rowForm, src []byte) {
		for sb := range len(f.d) / 8 {
			blk := src[84*sb:][:84]
			for i, v := range blk[:16] {
				f.min[16*sb+i] = int8(v >> 4)
			}
			d, dmin := f16(blk[80:]), f16(blk[82:])
			for b := range 8 {
				f.d[8*sb+b], f.m[8*sb+b] = d, -dmin
			}
		}
	})
	tab[quant.Q3_K] = unpack256(110, unpackQ3_KNEON, nil)
	tab[quant.Q4_K] = unpack256(144, unpackQ4_KNEON, nil)
	tab[quant.Q5_K] = unpack256(176, unpackQ5_KNEON, nil)
	tab[quant.Q6_K] = unpack256(210, unpackQ6_KNEON, nil)
	tab[quant.IQ4_XS] = unpack256(136, unpackIQ4_XSNEON, scalesIQ4_XS)
	tab[quant.TQ1_0] = unpack256(54, unpackTQ1_0NEON, nil)
	return withUnits(tab)
}()

// unpack256 makes a row's unpacking of a kernel for superblocks of size bytes,
// and of what does the scales that the kernel leaves, if any.
func unpack256(size int, kernel func(q *int8, d, m *float32, sub *int8, src *byte, supers int), scales func(f *rowForm, src []byte)) func(f *rowForm, src []byte) {
	return func(f *rowForm, src []byte) {
		n := len(f.d) / 8
		_ = src[n*size-1]
		if scales != nil {
			scales(f, src)
		}
		kernel(&f.q[0], &f.d[0], &f.m[0], &f.sub[0], unsafe.SliceData(src), n)
	}
}

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
func unpackQ2_KNEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

//go:noescape
func unpackQ3_KNEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

//go:noescape
func unpackQ4_KNEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

//go:noescape
func unpackQ5_KNEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

//go:noescape
func unpackQ6_KNEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

//go:noescape
func unpackIQ4_XSNEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

//go:noescape
func unpackTQ1_0NEON(q *int8, d, m *float32, sub *int8, src *byte, supers int)

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
func gatherSubNEON(dst *byte, block int, sub *int8, step, blocks int)

//go:noescape
func gatherSubTwiceNEON(dst *byte, block int, sub *int8, step, blocks int)

//go:noescape
func gatherFloatSubNEON(dst *byte, block int, sub *float32, step, blocks int)

//go:noescape
func gatherFloatSubTwiceNEON(dst *byte, block int, sub *float32, step, blocks int)

//go:noescape
func packNEON(acts *byte, a *Acts, t, blocks int)

//go:noescape
func packI8MM(acts *byte, a *Acts, t, blocks int)

//go:noescape
func gather4NEON(dst *byte, a *Acts, t, blocks int)
