package quant

// Q2_K: 256 elements in 84 bytes: 16 bytes with a 4-bit scale (low) and a
// 4-bit minimum (high) per 16 elements, 64 bytes of 2-bit numbers, half d,
// half dmin. Elements 32k+i of each half of the block sit in byte i of that
// half's 32 bytes, at bit 2k. x = (d*scale)*q - dmin*min.
func dequantizeQ2_K(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 84)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[84*b:84*b+84]
		scales, qs := blk[:16], blk[16:80]
		d, dmin := halfAt(blk[80:]), halfAt(blk[82:])
		for g := range 16 { // groups of 16 elements
			dl := float32(d * float32(scales[g]&15))
			ml := float32(dmin * float32(scales[g]>>4))
			q, shift := qs[g/8*32+g%2*16:][:16], g%8/2*2
			for i := range 16 {
				y[16*g+i] = float32(dl*float32(q[i]>>shift&3)) - ml
			}
		}
	}
}

// Q3_K: 256 elements in 110 bytes: 32 bytes with the third bit of each
// element (of element 32k+i at bit k of byte i), 64 bytes of low bits as in Q2_K, 12 bytes
// with 16 scales of 6 bits, half d. x = (d * (scale-32)) * (q - 4).
func dequantizeQ3_K(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 110)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[110*b:110*b+110]
		high, qs, scales := blk[:32], blk[32:96], blk[96:108]
		d := halfAt(blk[108:])
		for g := range 16 {
			dl := float32(d * float32(scaleQ3_K(scales, g)-32))
			q, shift := qs[g/8*32+g%2*16:][:16], g%8/2*2
			h, bit := high[g%2*16:][:16], g/2
			for i := range 16 {
				v := int(q[i]>>shift&3) | int(h[i]>>bit&1)<<2
				y[16*g+i] = dl * float32(v-4)
			}
		}
	}
}

// scaleQ3_K unpacks the 6-bit scale of group g (0 to 15) from 12 bytes: the low
// four bits are the halves of the first eight bytes, the high two bits lie in
// the last four bytes.
func scaleQ3_K(scales []byte, g int) int {
	lo := scales[g%8] >> (g / 8 * 4) & 15
	hi := scales[8+g%4] >> (g / 4 * 2) & 3
	return int(lo | hi<<4)
}

// Q4_K: 256 elements in 144 bytes: half d, half dmin, 12 bytes with a 6-bit
// scale and a 6-bit minimum per 32 elements, 128 bytes of 4-bit numbers. The
// 32 bytes k hold elements 64k+i in their low and 64k+32+i in their high halves.
// x = (d*scale)*q - dmin*min.
func dequantizeQ4_K(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 144)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[144*b:144*b+144]
		d, dmin := halfAt(blk), halfAt(blk[2:])
		scales, qs := blk[4:16], blk[16:144]
		for g := range 8 { // groups of 32 elements
			sc, m := scaleMinK4(scales, g)
			dl, ml := float32(d*float32(sc)), float32(dmin*float32(m))
			q, shift := qs[g/2*32:][:32], g%2*4
			for i := range 32 {
				y[32*g+i] = float32(dl*float32(q[i]>>shift&15)) - ml
			}
		}
	}
}

// Q5_K: 256 elements in 176 bytes: as Q4_K with 32 bytes before the 4-bit
// numbers that hold the fifth bits: that of element 32k+i is bit k of byte i.
func dequantizeQ5_K(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 176)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[176*b:176*b+176]
		d, dmin := halfAt(blk), halfAt(blk[2:])
		scales, high, qs := blk[4:16], blk[16:48], blk[48:176]
		for g := range 8 {
			sc, m := scaleMinK4(scales, g)
			dl, ml := float32(d*float32(sc)), float32(dmin*float32(m))
			q, shift := qs[g/2*32:][:32], g%2*4
			for i := range 32 {
				v := q[i]>>shift&15 | high[i]>>g&1<<4
				y[32*g+i] = float32(dl*float32(v)) - ml
			}
		}
	}
}

// scaleMinK4 unpacks the 6-bit scale and minimum of group g (0 to 7) of Q4_K
// and Q5_K. Bytes 0 to 3 and 4 to 7 hold scales and minimums 0 to 3, and in
// their top two bits the high bits of 4 to 7, whose low four bits are the
// halves of bytes 8 to 11.
func scaleMinK4(p []byte, g int) (scale, min byte) {
	if g < 4 {
		return p[g] & 63, p[g+4] & 63
	}
	return p[g+4]&15 | p[g-4]>>6<<4, p[g+4]>>4 | p[g]>>6<<4
}

// Q6_K: 256 elements in 210 bytes: 128 bytes of low four bits, 64 bytes of
// high two bits, 16 signed scales (one per 16 elements), half d. Each half of
// the block (128 elements, 64 low bytes, 32 high bytes) holds element 32k+i
// in low byte 32*(k%2)+i, half k/2, and in high byte i at bit 2k.
// x = (d*scale) * (q - 32).
func dequantizeQ6_K(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 210)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[210*b:210*b+210]
		low, high, scales := blk[:128], blk[128:192], blk[192:208]
		d := halfAt(blk[208:])
		for g := range 16 {
			dl := float32(d * float32(int8(scales[g])))
			k, at := g%8/2, g%2*16 // quarter of the half block, first byte in it
			lo, loShift := low[g/8*64+k%2*32+at:][:16], k/2*4
			hi, hiShift := high[g/8*32+at:][:16], k*2
			for i := range 16 {
				v := int(lo[i]>>loShift&15) | int(hi[i]>>hiShift&3)<<4
				y[16*g+i] = dl * float32(v-32)
			}
		}
	}
}
