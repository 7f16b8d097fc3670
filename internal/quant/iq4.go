package quant

import "encoding/binary"

// CodebookIQ4 holds the 16 values that the 4-bit numbers of IQ4_NL and IQ4_XS stand for.
var CodebookIQ4 = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// IQ4_NL: 32 elements in 18 bytes, as Q4_0. x = d * codebook[q].
func dequantizeIQ4_NL(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 18)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[18*b:18*b+18]
		d := halfAt(blk)
		for j, q := range blk[2:18] {
			y[j] = d * float32(CodebookIQ4[q&15])
			y[j+16] = d * float32(CodebookIQ4[q>>4])
		}
	}
}

// IQ4_XS: 256 elements in 136 bytes: half d, uint16 with the high two bits of
// eight scales, 4 bytes with their low four bits, 128 bytes of 4-bit numbers,
// 16 bytes per 32 elements as in Q4_0. x = (d * (scale-32)) * codebook[q].
func dequantizeIQ4_XS(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 136)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[136*b:136*b+136]
		d, high := halfAt(blk), binary.LittleEndian.Uint16(blk[2:])
		for g := range 8 {
			scale := int(blk[4+g/2]>>(g%2*4)&15) | int(high>>(2*g)&3)<<4
			dl := float32(d * float32(scale-32))
			out := y[32*g:][:32]
			for j, q := range blk[8+16*g:][:16] {
				out[j] = dl * float32(CodebookIQ4[q&15])
				out[j+16] = dl * float32(CodebookIQ4[q>>4])
			}
		}
	}
}
