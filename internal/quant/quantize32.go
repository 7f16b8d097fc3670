package quant

import (
	"encoding/binary"
	"math"
)

// Quantizers of the 32-wide types. They round as ggml's reference does; with
// importances of the columns the scale is fitted.

func putHalf(dst []byte, v float32) { binary.LittleEndian.PutUint16(dst, F32ToF16(v)) }

// inverse is 1/d, or 0 for 0.
func inverseOf(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// rowWeights are importance * sqrt(mean + x^2): large values count more, but
// none counts nothing.
func rowWeights(w *[32]float32, x, importance []float32, mean float32) {
	for i, v := range x {
		w[i] = importance[i] * sqrt32(mean+float32(v*v))
	}
}

// centred quantizes 32 values to [0, 2n) around n: codes, and the scale.
func centred(q *[32]uint8, x, importance []float32, n, mean float32) float32 {
	if importance != nil {
		var w [32]float32
		rowWeights(&w, x, importance, mean)
		d := fitScale(x, w[:], n)
		inverse := inverseOf(d)
		for i, v := range x {
			q[i] = uint8(clamp(round32(inverse*v), -n, n-1) + n)
		}
		return d
	}
	d := extreme(x) / -n
	inverse := inverseOf(d)
	for i, v := range x {
		// Half up, by cutting what is positive.
		q[i] = uint8(clamp(float32(v*inverse)+n+0.5, 0, 2*n-1))
	}
	return d
}

// ranged quantizes 32 values to [0, n] above the least: codes, scale and minimum.
func ranged(q *[32]uint8, x, importance []float32, n, mean float32) (d, min float32) {
	if importance != nil {
		var w [32]float32
		rowWeights(&w, x, importance, mean)
		d, min = fitScaleMin(x, w[:], n, false)
		inverse := inverseOf(d)
		for i, v := range x {
			q[i] = uint8(clamp(round32(clamp((v-min)*inverse, 0, n)), 0, n))
		}
		return d, min
	}
	lo, hi := x[0], x[0]
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	d = (hi - lo) / n
	inverse := inverseOf(d)
	for i, v := range x {
		q[i] = uint8(clamp(float32((v-lo)*inverse)+0.5, 0, n))
	}
	return d, lo
}

// packNibbles stores the low halves of 32 codes in 16 bytes, and returns their
// fifth bits.
func packNibbles(dst []byte, q *[32]uint8) (fifth uint32) {
	for i := range 16 {
		dst[i] = q[i]&15 | q[i+16]<<4
	}
	for i, v := range q {
		fifth |= uint32(v>>4&1) << i
	}
	return fifth
}

// slice32 is the part of the importances that block b has, or nil.
func slice32(importance []float32, b int) []float32 {
	if importance == nil {
		return nil
	}
	return importance[32*b:][:32]
}

func meanSquare(src, importance []float32) float32 {
	if importance == nil {
		return 0
	}
	return sumSquares(src) / float32(len(src))
}

func weightedQ4_0(dst []byte, src, importance []float32) {
	mean := meanSquare(src, importance)
	for b := range blocks(len(src), len(dst), 32, 18) {
		var q [32]uint8
		blk := dst[18*b:][:18]
		putHalf(blk, centred(&q, src[32*b:][:32], slice32(importance, b), 8, mean))
		packNibbles(blk[2:], &q)
	}
}

func weightedQ4_1(dst []byte, src, importance []float32) {
	mean := meanSquare(src, importance)
	for b := range blocks(len(src), len(dst), 32, 20) {
		var q [32]uint8
		blk := dst[20*b:][:20]
		d, m := ranged(&q, src[32*b:][:32], slice32(importance, b), 15, mean)
		putHalf(blk, d)
		putHalf(blk[2:], m)
		packNibbles(blk[4:], &q)
	}
}

func weightedQ5_0(dst []byte, src, importance []float32) {
	mean := meanSquare(src, importance)
	for b := range blocks(len(src), len(dst), 32, 22) {
		var q [32]uint8
		blk := dst[22*b:][:22]
		putHalf(blk, centred(&q, src[32*b:][:32], slice32(importance, b), 16, mean))
		binary.LittleEndian.PutUint32(blk[2:], packNibbles(blk[6:], &q))
	}
}

func weightedQ5_1(dst []byte, src, importance []float32) {
	mean := meanSquare(src, importance)
	for b := range blocks(len(src), len(dst), 32, 24) {
		var q [32]uint8
		blk := dst[24*b:][:24]
		d, m := ranged(&q, src[32*b:][:32], slice32(importance, b), 31, mean)
		putHalf(blk, d)
		putHalf(blk[2:], m)
		binary.LittleEndian.PutUint32(blk[4:], packNibbles(blk[8:], &q))
	}
}

// edgesFP4 are the middles between the magnitudes 0, 1, 2, 3, 4, 6, 8, 12.
var edgesFP4 = [7]float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10}

// weightedMXFP4 takes the largest power of two that the block's largest value is
// at least four times of (the standard's rule), and the nearest 4-bit floats, the
// smaller of two that are as near. It has no use for importances.
func weightedMXFP4(dst []byte, src, _ []float32) {
	for b := range blocks(len(src), len(dst), 32, 17) {
		x, blk := src[32*b:][:32], dst[17*b:][:17]
		var q [32]uint8
		blk[0] = 0
		if amax := abs(extreme(x)); amax > 0 {
			// floor(log2(amax)) - 2 + 127: the float's own exponent, less two.
			exponent := int(math.Float32bits(amax) >> 23)
			blk[0] = byte(max(exponent-2, 0))
		}
		d, edges := E8M0Half(blk[0]), edgesFP4
		for i := range edges {
			edges[i] *= d
		}
		for i, v := range x {
			a := abs(v)
			for _, edge := range edges {
				q[i] += uint8(math.Float32bits(edge-a) >> 31) // one if a is above
			}
			if v < 0 && q[i] > 0 {
				q[i] |= 8
			}
		}
		packNibbles(blk[1:], &q)
	}
}
