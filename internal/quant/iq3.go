package quant

import "encoding/binary"

// IQ3_XXS: 256 elements in 98 bytes: half d, 64 bytes of indices into the grid
// (one per 4 elements), then per 32 elements a word of signs and a scale as in
// IQ2_XXS. x = d * (scale + 1/2) / 2 * point.
func dequantizeIQ3_XXS(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 98)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[98*b:98*b+98]
		d := halfAt(blk)
		for g := range 8 {
			index, word := blk[2+8*g:][:8], binary.LittleEndian.Uint32(blk[66+4*g:])
			dl := d * (float32(word>>28) + 0.5) * 0.5
			for l := range 4 {
				point := uint64(GridIQ3_XXS[index[2*l]]) | uint64(GridIQ3_XXS[index[2*l+1]])<<32
				scalePoint(y[32*g+8*l:][:8], dl, point, SignMasks[Signs7(word>>(7*l))])
			}
		}
	}
}

// IQ3_S: 256 elements in 110 bytes: half d, 64 bytes with the low eight bits of
// the indices (one per 4 elements), 8 bytes with their ninth bits, 32 bytes of
// signs, 4 bytes with a scale of 4 bits per 32 elements.
// x = d * (2*scale + 1) * point.
func dequantizeIQ3_S(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 110)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[110*b:110*b+110]
		d, low, high, signs, scales := halfAt(blk), blk[2:66], blk[66:74], blk[74:106], blk[106:110]
		for l := range 32 { // groups of 8
			g := l / 4
			dl := d * float32(2*int(scales[g/2]>>(g%2*4)&15)+1)
			at := func(i int) uint64 {
				return uint64(GridIQ3_S[int(low[i])|int(high[i/8]>>(i%8)&1)<<8])
			}
			scalePoint(y[8*l:][:8], dl, at(2*l)|at(2*l+1)<<32, SignMasks[signs[l]])
		}
	}
}
