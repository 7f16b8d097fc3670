package quant

import "encoding/binary"

// IQ2_XXS: 256 elements in 66 bytes: half d, then 8 bytes per 32 elements: four
// indices of a byte into the grid, and a word with four groups of seven sign
// bits and, on top, a scale of 4 bits. x = d * (scale + 1/2) / 4 * point.
func dequantizeIQ2_XXS(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 66)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[66*b:66*b+66]
		d := halfAt(blk)
		for g := range 8 { // groups of 32
			index, word := blk[2+8*g:][:4], binary.LittleEndian.Uint32(blk[6+8*g:])
			dl := d * (float32(word>>28) + 0.5) * 0.25
			for l := range 4 {
				scalePoint(y[32*g+8*l:][:8], dl, GridIQ2_XXS[index[l]], SignMasks[Signs7(word>>(7*l))])
			}
		}
	}
}

// IQ2_XS: 256 elements in 74 bytes: half d, 32 words of 16 bits, one per 8
// elements (9 bits of index, 7 sign bits), 8 bytes with a scale of 4 bits per
// 16 elements.
func dequantizeIQ2_XS(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 74)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[74*b:74*b+74]
		d, scales := halfAt(blk), blk[66:74]
		for l := range 32 { // groups of 8
			word := binary.LittleEndian.Uint16(blk[2+2*l:])
			dl := d * (float32(scales[l/4]>>(l%4/2*4)&15) + 0.5) * 0.25
			scalePoint(y[8*l:][:8], dl, GridIQ2_XS[word&511], SignMasks[Signs7(uint32(word>>9))])
		}
	}
}

// IQ2_S: 256 elements in 82 bytes: half d, 32 bytes with the low eight bits of
// the indices, 32 bytes of signs, 8 bytes with the high two bits of four
// indices each, 8 bytes of scales as in IQ2_XS.
func dequantizeIQ2_S(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 82)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[82*b:82*b+82]
		d, low, signs, high, scales := halfAt(blk), blk[2:34], blk[34:66], blk[66:74], blk[74:82]
		for l := range 32 {
			index := int(low[l]) | int(high[l/4]>>(l%4*2)&3)<<8
			dl := d * (float32(scales[l/4]>>(l%4/2*4)&15) + 0.5) * 0.25
			scalePoint(y[8*l:][:8], dl, GridIQ2_S[index], SignMasks[signs[l]])
		}
	}
}
