//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// unitUnpacker unpacks a row of units, blocks of the file, with a grid of points
// if the type has one.
type unitUnpacker func(f *rowForm, src *byte, units int, grid unsafe.Pointer)

// unpackUnits makes a row's unpacking of a kernel for units of size bytes and
// blocks of 32 weights.
func unpackUnits(kernel unitUnpacker, size, blocks int, grid unsafe.Pointer) func(f *rowForm, src []byte) {
	return func(f *rowForm, src []byte) {
		n := len(f.d) / blocks
		_ = src[n*size-1]
		kernel(f, unsafe.SliceData(src), n, grid)
	}
}

// withUnits adds the types with grids, digits and bits to a table of rows' unpacking.
func withUnits(tab [typeCount]func(f *rowForm, src []byte)) [typeCount]func(f *rowForm, src []byte) {
	tab[quant.IQ1_S] = unpackUnits(unpackIQ1_SNEON, 50, 8, unsafe.Pointer(&gridEighths))
	tab[quant.IQ1_M] = unpackUnits(unpackIQ1_MNEON, 56, 8, unsafe.Pointer(&gridEighths))
	tab[quant.IQ2_XXS] = unpackUnits(unpackIQ2_XXSNEON, 66, 8, unsafe.Pointer(&quant.GridIQ2_XXS))
	tab[quant.IQ2_XS] = unpackUnits(unpackIQ2_XSNEON, 74, 8, unsafe.Pointer(&quant.GridIQ2_XS))
	tab[quant.IQ2_S] = unpackUnits(unpackIQ2_SNEON, 82, 8, unsafe.Pointer(&quant.GridIQ2_S))
	tab[quant.IQ3_XXS] = unpackUnits(unpackIQ3_XXSNEON, 98, 8, unsafe.Pointer(&quant.GridIQ3_XXS))
	tab[quant.IQ3_S] = unpackUnits(unpackIQ3_SNEON, 110, 8, unsafe.Pointer(&quant.GridIQ3_S))
	tab[quant.TQ2_0] = unpackUnits(unpackTQ2_0NEON, 66, 8, nil)
	tab[quant.Q1_0] = unpackUnits(unpackQ1_0NEON, 18, 4, nil)
	tab[quant.Q2_0] = unpackUnits(unpackQ2_0NEON, 18, 2, nil)
	tab[quant.NVFP4] = unpackUnits(unpackNVFP4NEON, 36, 2, nil)
	return tab
}

//go:noescape
func unpackIQ1_SNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackIQ1_MNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackIQ2_XXSNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackIQ2_XSNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackIQ2_SNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackIQ3_XXSNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackIQ3_SNEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackTQ2_0NEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackQ1_0NEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackQ2_0NEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)

//go:noescape
func unpackNVFP4NEON(f *rowForm, src *byte, units int, grid unsafe.Pointer)
