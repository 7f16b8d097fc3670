package quant

import (
	_ "embed"
	"encoding/binary"
	"math/bits"
)

// The grids of the IQ1, IQ2 and IQ3 types: lists of points, each of 8 (IQ3: 4)
// small integers, that a block's numbers index. Value i of a point is byte i of
// the word, as an int8 (IQ1: -1, 0 or 1; the others are positive). They are
// only read.
var (
	GridIQ2_XXS [256]uint64
	GridIQ2_XS  [512]uint64
	GridIQ2_S   [1024]uint64
	GridIQ1_S   [2048]uint64 // IQ1_M too
	GridIQ3_XXS [256]uint32
	GridIQ3_S   [512]uint32
)

// SignMasks has, for eight sign bits, a word whose byte i is 0xff where bit i
// is set: (x ^ mask) - mask negates those bytes.
var SignMasks [256]uint64

// packedGrids holds the grids one after another, two bytes a point: see
// testdata/make_grids.py.
//
//go:embed grids.bin
var packedGrids []byte

func init() {
	rest := packedGrids
	eight := func(grid []uint64, values ...int8) {
		for i := range grid {
			word := binary.LittleEndian.Uint16(rest[2*i:])
			for j := range 8 {
				grid[i] |= uint64(uint8(values[word>>(2*j)&3])) << (8 * j)
			}
		}
		rest = rest[2*len(grid):]
	}
	four := func(grid []uint32, values ...int8) {
		for i := range grid {
			word := binary.LittleEndian.Uint16(rest[2*i:])
			for j := range 4 {
				grid[i] |= uint32(uint8(values[word>>(4*j)&7])) << (8 * j)
			}
		}
		rest = rest[2*len(grid):]
	}
	eight(GridIQ2_XXS[:], 8, 25, 43, 0)
	eight(GridIQ2_XS[:], 8, 25, 43, 0)
	eight(GridIQ2_S[:], 8, 25, 43, 0)
	eight(GridIQ1_S[:], -1, 0, 1, 0)
	four(GridIQ3_XXS[:], 4, 12, 20, 28, 36, 44, 52, 62)
	four(GridIQ3_S[:], 1, 3, 5, 7, 9, 11, 13, 15)
	for s := range SignMasks {
		for i := range 8 {
			if s>>i&1 != 0 {
				SignMasks[s] |= 0xff << (8 * i)
			}
		}
	}
}

// Signs7 widens seven sign bits to eight: the eighth makes their number even.
func Signs7(s uint32) uint8 {
	s &= 127
	return uint8(s | uint32(bits.OnesCount32(s))<<7)
}

// scalePoint writes dl times the bytes of a point, negated by the mask.
func scalePoint(y []float32, dl float32, point, mask uint64) {
	for i := range y {
		v := float32(uint8(point >> (8 * i)))
		if mask>>(8*i)&1 != 0 {
			v = -v
		}
		y[i] = dl * v
	}
}
