package quant

import (
	"encoding/binary"
	"math"
)

// Quantizers of the K types. Groups are fitted one by one; then their scales
// (and minimums) are quantized themselves, and the numbers rounded to those.

// groupK fits the group of 32 of x to [0, n] with weights by its own size, or by
// importances; it returns the group's weight too.
func groupK(x, importance []float32, n, mean float32) (d, min, weight float32) {
	var w [32]float32
	if importance != nil {
		rowWeights(&w, x, importance, mean)
	} else {
		size := sqrt32(sumSquares(x) / 32)
		for i, v := range x {
			w[i] = size + abs(v)
		}
	}
	for _, v := range w[:len(x)] {
		weight += v
	}
	d, min = fitScaleMin(x, w[:], n, false)
	return d, -min, weight
}

// largest quantizes values that are not negative to [0, n] so that the largest
// is n, and returns the scale.
func largest(x []float32, n float32, l []uint8) float32 {
	var top float32
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	clear(l)
	if top <= 0 {
		return 0
	}
	for i, v := range x {
		l[i] = uint8(clamp(round32(n/top*v), 0, n))
	}
	return top / n
}

// superblockK quantizes 256 values with a scale and a minimum of six bits per 32:
// codes up to n, the 16 bytes that Q4_K and Q5_K begin with.
func superblockK(q *[256]uint8, head []byte, x, importance []float32, n float32) {
	var scales, mins, weights [8]float32
	mean := 2 * sumSquares(x) / 256
	for g := range 8 {
		var qw []float32
		if importance != nil {
			qw = importance[32*g:][:32]
		}
		scales[g], mins[g], weights[g] = groupK(x[32*g:][:32], qw, n, mean)
	}
	var ls, lm [8]uint8
	var d, dmin float32
	if importance != nil {
		d, dmin = fitPositive(scales[:], weights[:], 63, ls[:]), fitPositive(mins[:], weights[:], 63, lm[:])
	} else {
		d, dmin = largest(scales[:], 63, ls[:]), largest(mins[:], 63, lm[:])
	}
	putHalf(head, d)
	putHalf(head[2:], dmin)
	p := head[4:16]
	for g := range 4 {
		p[g] = ls[g] | ls[g+4]>>4<<6
		p[g+4] = lm[g] | lm[g+4]>>4<<6
		p[g+8] = ls[g+4]&15 | lm[g+4]<<4
	}
	d, dmin = halfAt(head), halfAt(head[2:])
	for g := range 8 {
		roundGroup(q[32*g:][:32], x[32*g:][:32], float32(d*float32(ls[g])), float32(dmin*float32(lm[g])), n)
	}
}

// roundGroup rounds (x + m) / d to [0, n].
func roundGroup(q []uint8, x []float32, d, m, n float32) {
	if d == 0 {
		clear(q)
		return
	}
	inverse := 1 / d
	for i, v := range x {
		q[i] = uint8(round32(clamp((v+m)*inverse, 0, n)))
	}
}

// importances256 is the part of the importances that superblock b has, or nil.
func importances256(importance []float32, b int) []float32 {
	if importance == nil {
		return nil
	}
	return importance[256*b:][:256]
}

func weightedQ4_K(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 256, 144) {
		var q [256]uint8
		blk := dst[144*b:][:144]
		superblockK(&q, blk[:16], src[256*b:][:256], importances256(importance, b), 15)
		packHalves(blk[16:144], &q)
	}
}

// packHalves stores the low four bits of 64k+i and 64k+32+i in byte 32k+i.
func packHalves(dst []byte, q *[256]uint8) {
	for i := range dst[:128] {
		at := i/32*64 + i%32
		dst[i] = q[at]&15 | q[at+32]<<4
	}
}

func weightedQ5_K(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 256, 176) {
		var q [256]uint8
		blk := dst[176*b:][:176]
		superblockK(&q, blk[:16], src[256*b:][:256], importances256(importance, b), 31)
		high := blk[16:48]
		clear(high)
		for i, v := range q {
			high[i%32] |= v >> 4 << (i / 32)
		}
		packHalves(blk[48:], &q)
	}
}

func weightedQ2_K(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 256, 84) {
		x, blk, qw := src[256*b:][:256], dst[84*b:][:84], importances256(importance, b)
		mean := sumSquares(x) / 256
		var scales, mins, weights [16]float32
		var all [256]float32
		for g := range 16 {
			var w [32]float32
			v := x[16*g:][:16]
			if qw != nil {
				rowWeights(&w, v, qw[16*g:], mean)
			} else {
				for i := range v {
					w[i] = abs(v[i])
				}
			}
			for _, s := range w[:16] {
				weights[g] += s
			}
			copy(all[16*g:], w[:16])
			scales[g], mins[g] = fitScaleMin(v, w[:], 3, qw == nil)
			mins[g] = -mins[g]
		}
		var ls, lm [16]uint8
		var d, dmin float32
		if qw != nil {
			d, dmin = fitPositive(scales[:], weights[:], 15, ls[:]), fitPositive(mins[:], weights[:], 15, lm[:])
		} else {
			d, dmin = largest(scales[:], 15, ls[:]), largest(mins[:], 15, lm[:])
		}
		putHalf(blk[80:], d)
		putHalf(blk[82:], dmin)
		d, dmin = halfAt(blk[80:]), halfAt(blk[82:])
		var q [256]uint8
		for g := range 16 {
			v, s, m := x[16*g:][:16], ls[g], lm[g]
			if d > 0 {
				s, m = nearestScales(v, all[16*g:][:16], d, dmin, s, m)
			}
			blk[g] = s | m<<4
			roundGroup(q[16*g:][:16], v, float32(d*float32(s)), float32(dmin*float32(m)), 3)
		}
		packPairs(blk[16:80], &q)
	}
}

// nearestScales tries the numbers beside a group's rounded scale and minimum: with four
// bits each, and two of a weight, others may fit better than the nearest.
func nearestScales(x, w []float32, d, dmin float32, s, m uint8) (bestS, bestM uint8) {
	bestS, bestM = s, m
	best := float32(math.Inf(1))
	for ds := -1; ds <= 1; ds++ {
		for dm := -1; dm <= 1; dm++ {
			ns, nm := int(s)+ds, int(m)+dm
			if ns < 0 || ns > 15 || nm < 0 || nm > 15 {
				continue
			}
			scale, min := float32(d*float32(ns)), float32(dmin*float32(nm))
			inverse := inverseOf(scale)
			var sum float32
			for i, v := range x {
				q := round32(clamp((v+min)*inverse, 0, 3))
				e := float32(scale*q) - min - v
				sum += float32(w[i] * e * e)
			}
			if sum < best {
				best, bestS, bestM = sum, uint8(ns), uint8(nm)
			}
		}
	}
	return bestS, bestM
}

// packPairs stores the low two bits of element 128h+32k+i at bit 2k of byte 32h+i.
func packPairs(dst []byte, q *[256]uint8) {
	for i := range dst[:64] {
		at := i/32*128 + i%32
		dst[i] = q[at]&3 | q[at+32]&3<<2 | q[at+64]&3<<4 | q[at+96]&3<<6
	}
}

// roundSigned rounds x/d to [-n, n-1] and adds n.
func roundSigned(q []uint8, x []float32, d, n float32) {
	inverse := inverseOf(d)
	for i, v := range x {
		q[i] = uint8(round32(clamp(v*inverse, -n, n-1)) + n)
	}
}

func weightedQ3_K(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 256, 110) {
		x, blk, qw := src[256*b:][:256], dst[110*b:][:110], importances256(importance, b)
		mean := 2 * sumSquares(x) / 256
		var scales, weights [16]float32
		for g := range 16 {
			v := x[16*g:][:16]
			if qw == nil {
				scales[g] = fitScaleByTurns(v, 4)
				continue
			}
			var w [32]float32
			rowWeights(&w, v, qw[16*g:], mean)
			for _, s := range w[:16] {
				weights[g] += s
			}
			scales[g] = fitScale(v, w[:], 4)
		}
		var d float32
		if qw != nil {
			d = fitScale(scales[:], weights[:], 32)
		} else {
			d = extreme(scales[:]) / -32
		}
		putHalf(blk[108:], d)
		inverse := inverseOf(d)
		d = halfAt(blk[108:])
		s := blk[96:108]
		clear(s)
		var q [256]uint8
		for g := range 16 {
			l := clamp(round32(clamp(scales[g]*inverse, -32, 31)), -32, 31)
			u := uint8(l + 32)
			s[g%8] |= u & 15 << (g / 8 * 4)
			s[8+g%4] |= u >> 4 << (g / 4 * 2)
			roundSigned(q[16*g:][:16], x[16*g:][:16], float32(d*l), 4)
		}
		high := blk[:32]
		clear(high)
		for i, v := range q {
			high[i%32] |= v >> 2 << (i / 32)
		}
		packPairs(blk[32:96], &q)
	}
}

func weightedQ6_K(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 256, 210) {
		x, blk, qw := src[256*b:][:256], dst[210*b:][:210], importances256(importance, b)
		var scales [16]float32
		for g := range 16 {
			v := x[16*g:][:16]
			var w [16]float32
			if qw != nil {
				copy(w[:], qw[16*g:])
			} else {
				for i := range v {
					w[i] = v[i] * v[i]
				}
			}
			scales[g] = fitScale(v, w[:], 32)
		}
		clear(blk)
		top := extreme(scales[:])
		if abs(top) < tiny {
			continue
		}
		putHalf(blk[208:], top/-128)
		inverse, d := -128/top, halfAt(blk[208:])
		var q [256]uint8
		for g := range 16 {
			l := clamp(round32(inverse*scales[g]), -128, 127)
			blk[192+g] = byte(int8(l))
			roundSigned(q[16*g:][:16], x[16*g:][:16], float32(d*l), 32)
		}
		low, high := blk[:128], blk[128:192]
		for h := range 2 {
			for i := range 32 {
				v := q[128*h+i:]
				low[64*h+i] = v[0]&15 | v[64]<<4
				low[64*h+32+i] = v[32]&15 | v[96]<<4
				high[32*h+i] = v[0]>>4 | v[32]>>4<<2 | v[64]>>4<<4 | v[96]>>4<<6
			}
		}
	}
}

// weightedIQ4_XS fits each group of 32 to the codebook; scales have six bits.
func weightedIQ4_XS(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 256, 136) {
		x, blk, qw := src[256*b:][:256], dst[136*b:][:136], importances256(importance, b)
		mean := 2 * sumSquares(x) / 256
		var scales [8]float32
		for g := range 8 {
			scales[g] = fitCodebook(x[32*g:][:32], slice32(qw, g), mean)
		}
		d := extreme(scales[:]) / -32
		putHalf(blk, d)
		inverse, high := inverseOf(d), uint16(0)
		clear(blk[4:8])
		d = halfAt(blk)
		for g := range 8 {
			l := clamp(round32(inverse*scales[g]), -32, 31)
			u := uint8(l + 32)
			blk[4+g/2] |= u & 15 << (g % 2 * 4)
			high |= uint16(u>>4) << (2 * g)
			var q [32]uint8
			roundCodebook(&q, x[32*g:][:32], inverseOf(float32(d*l)))
			packNibbles(blk[8+16*g:], &q)
		}
		binary.LittleEndian.PutUint16(blk[2:], high)
	}
}

func weightedIQ4_NL(dst []byte, src, importance []float32) {
	for b := range blocks(len(src), len(dst), 32, 18) {
		x, blk := src[32*b:][:32], dst[18*b:][:18]
		d := fitCodebook(x, slice32(importance, b), 2*sumSquares(x)/32)
		putHalf(blk, d)
		var q [32]uint8
		roundCodebook(&q, x, inverseOf(d))
		packNibbles(blk[2:], &q)
	}
}

// nearestIQ4 has, for each number from -128 to 127 (at +128), the codebook's
// index below or at it; and edgesIQ4 the middles between neighbours.
var nearestIQ4, edgesIQ4 = func() (below [257]uint8, edges [16]float32) {
	for i := range 15 {
		edges[i] = (float32(CodebookIQ4[i]) + float32(CodebookIQ4[i+1])) / 2
	}
	edges[15] = 1e30
	for v := range below {
		for i := range 15 {
			// An upper bound that is right up to the next whole number's edge.
			if edges[i] < float32(v-128) {
				below[v] = uint8(i + 1)
			}
		}
	}
	return below, edges
}()

// indexIQ4 is the index of the codebook's value nearest to v.
func indexIQ4(v float32) uint8 {
	v = clamp(v, -128, 127)
	i := nearestIQ4[int32(v+128)]
	// Edges are more than one apart, so that at most one more lies below v.
	if v >= edgesIQ4[i] {
		i++
	}
	return i
}

func roundCodebook(q *[32]uint8, x []float32, inverse float32) {
	for i, v := range x {
		q[i] = indexIQ4(v * inverse)
	}
}

// fitCodebook finds d for x ~ d * codebook: the value of the largest magnitude
// is put at the codebook's first, up to seven beside it, or at its negative.
func fitCodebook(x, importance []float32, mean float32) float32 {
	top := extreme(x)
	if abs(top) < tiny {
		return 0
	}
	var w [32]float32
	if importance != nil {
		rowWeights(&w, x, importance, mean)
	} else {
		for i, v := range x {
			w[i] = v * v
		}
	}
	first := float32(CodebookIQ4[0])
	best, scale := float32(-1), top/first
	for try := -8; try <= 7; try++ {
		inverse := (first + float32(try)) / top
		if try == -8 { // the other way round
			inverse = -first / top
		}
		var lx, ll float32
		for i, v := range x {
			q := float32(CodebookIQ4[indexIQ4(v*inverse)])
			wq := w[i] * q
			lx += float32(wq * v)
			ll += float32(wq * q)
		}
		if ll > 0 && lx*lx > best*ll {
			scale = lx / ll
			best = scale * lx
		}
	}
	return scale
}
