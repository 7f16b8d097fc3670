package quant

import (
	"encoding/binary"
	"math"
)

// Q8_0: 32 elements in 34 bytes: half d, 32 signed bytes. x = q * d.
func dequantizeQ8_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 34)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[34*b:34*b+34]
		d := halfAt(blk)
		for j, q := range blk[2:34] {
			y[j] = float32(int8(q)) * d
		}
	}
}

// quantizeQ8_0 rounds x/d half away from zero, d = max|x| / 127. What is not
// a number is stored as zero, so the result is the same on every platform.
func quantizeQ8_0(dst []byte, src []float32) {
	n := blocks(len(src), len(dst), 32, 34)
	for b := range n {
		x, blk := src[32*b:32*b+32], dst[34*b:34*b+34]
		var amax float32
		for _, v := range x {
			if a := math.Float32frombits(math.Float32bits(v) &^ (1 << 31)); a > amax {
				amax = a
			}
		}
		d := amax / 127
		var inverse float32
		if d != 0 {
			inverse = 1 / d
		}
		binary.LittleEndian.PutUint16(blk, F32ToF16(d))
		for j, v := range x {
			blk[2+j] = byte(roundInt8(v * inverse))
		}
	}
}

// roundInt8 rounds half away from zero and clamps to [-127, 127]; NaN gives 0.
func roundInt8(v float32) int8 {
	switch {
	case v >= 127:
		return 127
	case v <= -127:
		return -127
	case v != v:
		return 0
	}
	// In float64 the sum is exact, so that cutting it off rounds the number itself.
	return int8(int32(float64(v) + math.Copysign(0.5, float64(v))))
}
