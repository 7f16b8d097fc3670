package quant

import "encoding/binary"

// Q5_0: 32 elements in 22 bytes: half d, uint32 with the fifth bit of element
// j at bit j, low four bits as in Q4_0. x = d * (q - 16).
func dequantizeQ5_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 22)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[22*b:22*b+22]
		d, high := halfAt(blk), binary.LittleEndian.Uint32(blk[2:])
		for j, q := range blk[6:22] {
			lo, hi := fifthBits(q, high, j)
			y[j] = d * float32(lo-16)
			y[j+16] = d * float32(hi-16)
		}
	}
}

// Q5_1: 32 elements in 24 bytes: half d, half m, then as Q5_0. x = d*q + m.
func dequantizeQ5_1(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 24)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[24*b:24*b+24]
		d, m, high := halfAt(blk), halfAt(blk[2:]), binary.LittleEndian.Uint32(blk[4:])
		for j, q := range blk[8:24] {
			lo, hi := fifthBits(q, high, j)
			y[j] = float32(d*float32(lo)) + m
			y[j+16] = float32(d*float32(hi)) + m
		}
	}
}

// fifthBits joins the two 4-bit numbers of byte q (elements j and j+16) with their fifth bits.
func fifthBits(q byte, high uint32, j int) (lo, hi int) {
	return int(q&15) | int(high>>j&1)<<4, int(q>>4) | int(high>>(j+16)&1)<<4
}
