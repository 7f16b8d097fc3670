package quant

import "encoding/binary"

// deltaIQ1 is what IQ1_S and IQ1_M add to or subtract from the values of a point.
const deltaIQ1 = 0.125

// IQ1_S: 256 elements in 50 bytes: half d, 32 bytes with the low eight bits of
// the indices (one per 8 elements), then per 32 elements a word of 16 bits: four
// times the high three bits, three bits of scale, the sign of delta.
// x = d * (2*scale + 1) * (point + delta).
func dequantizeIQ1_S(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 50)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[50*b:50*b+50]
		d, low := halfAt(blk), blk[2:34]
		for g := range 8 { // groups of 32
			word := binary.LittleEndian.Uint16(blk[34+2*g:])
			dl, delta := d*float32(2*(word>>12&7)+1), float32(deltaIQ1)
			if word&0x8000 != 0 {
				delta = -delta
			}
			for l := range 4 {
				index := int(low[4*g+l]) | int(word>>(3*l)&7)<<8
				shiftPoint(y[32*g+8*l:][:8], dl, delta, GridIQ1_S[index])
			}
		}
	}
}

// IQ1_M: 256 elements in 56 bytes: 32 bytes with the low eight bits of the
// indices, 16 bytes with a half byte per 8 elements (the high three bits, the
// sign of delta), four words of 16 bits with four scales of three bits each
// (one per 16 elements) and, in their top four bits, the parts of half d.
func dequantizeIQ1_M(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 56)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[56*b:56*b+56]
		low, high, scales := blk[:32], blk[32:48], blk[48:56]
		d := ScaleIQ1_M(scales)
		for l := range 32 { // groups of 8
			scale := binary.LittleEndian.Uint16(scales[l/8*2:]) >> (l % 8 / 2 * 3) & 7
			dl, delta := d*float32(2*scale+1), float32(deltaIQ1)
			h := high[l/2] >> (l % 2 * 4)
			if h&8 != 0 {
				delta = -delta
			}
			shiftPoint(y[8*l:][:8], dl, delta, GridIQ1_S[int(low[l])|int(h&7)<<8])
		}
	}
}

// ScaleIQ1_M puts an IQ1_M block's d together from the last 8 bytes of the block.
func ScaleIQ1_M(scales []byte) float32 {
	var d uint16
	for i := range 4 {
		d |= binary.LittleEndian.Uint16(scales[2*i:]) >> 12 << (4 * i)
	}
	return F16ToF32(d)
}

// shiftPoint writes dl * (point + delta).
func shiftPoint(y []float32, dl, delta float32, point uint64) {
	for i := range y {
		y[i] = dl * (float32(int8(point>>(8*i))) + delta)
	}
}
