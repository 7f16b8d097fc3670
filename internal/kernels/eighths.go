//go:build !purego && (amd64 || arm64)

package kernels

import "happyphonellm/internal/quant"

// gridEighths are 8*(value + 1) of the points of IQ1, filled once.
var gridEighths [len(quant.GridIQ1_S)]uint64

func init() {
	for i, point := range quant.GridIQ1_S {
		for j := range 8 {
			gridEighths[i] |= uint64(8*(int8(point>>(8*j))+1)) << (8 * j)
		}
	}
}
