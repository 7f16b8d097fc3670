package kernels

// The K types of ggml: superblocks of 256 weights with sub-scales.

// scalesK unpacks the eight 6-bit scales and minimums of Q4_K and Q5_K from
// their 12 bytes.
func scalesK(s []byte) (sc, mn [8]uint8) {
	for j := range 4 {
		sc[j] = s[j] & 63
		mn[j] = s[j+4] & 63
		sc[j+4] = s[j+8]&15 | s[j]>>6<<4
		mn[j+4] = s[j+8]>>4 | s[j+4]>>6<<4
	}
	return sc, mn
}

func unpackQ4_K(f *rowForm, src []byte) {
	f.form = formMin
	for sb := range len(f.d) / 8 {
		blk := src[sb*144:][:144]
		unpackScalesK(f, sb, blk)
		q := f.q[sb*256:][:256]
		for i, v := range blk[16:144] {
			// 32 bytes hold block 2j in their low and 2j+1 in their high halves.
			at := i/32*64 + i%32
			q[at] = int8(v & 15)
			q[at+32] = int8(v >> 4)
		}
	}
}

func unpackQ5_K(f *rowForm, src []byte) {
	f.form = formMin
	for sb := range len(f.d) / 8 {
		blk := src[sb*176:][:176]
		unpackScalesK(f, sb, blk)
		q := f.q[sb*256:][:256]
		high := blk[16:48]
		for i, v := range blk[48:176] {
			at := i/32*64 + i%32
			bit := i / 32 * 2
			h := high[i%32] >> bit
			q[at] = int8(v&15 | h&1<<4)
			q[at+32] = int8(v>>4 | h>>1&1<<4)
		}
	}
}

// unpackScalesK fills d = d*sc and m = -dmin*mn of a superblock whose first 16
// bytes are f16 d, f16 dmin and the 6-bit scales.
func unpackScalesK(f *rowForm, sb int, blk []byte) {
	d, dmin := f16(blk), f16(blk[2:])
	sc, mn := scalesK(blk[4:16])
	for j := range 8 {
		f.d[sb*8+j] = d * float32(sc[j])
		f.m[sb*8+j] = -(dmin * float32(mn[j]))
	}
}

// unpackQ6_K: 128 bytes of low nibbles, 64 of high pairs of bits, 16 int8
// sub-scales, f16 d; weights are offset by 32.
func unpackQ6_K(f *rowForm, src []byte) {
	f.form = formSub
	for sb := range len(f.d) / 8 {
		blk := src[sb*210:][:210]
		for i, v := range blk[192:208] {
			f.sub[sb*16+i] = int8(v)
		}
		d := f16(blk[208:])
		for b := range 8 {
			f.d[sb*8+b] = d
		}
		for h := range 2 {
			q := f.q[sb*256+h*128:][:128]
			lo, hi := blk[h*64:][:64], blk[128+h*32:][:32]
			for i := range 32 {
				q[i] = int8(lo[i]&15|hi[i]&3<<4) - 32
				q[i+32] = int8(lo[i+32]&15|hi[i]>>2&3<<4) - 32
				q[i+64] = int8(lo[i]>>4|hi[i]>>4&3<<4) - 32
				q[i+96] = int8(lo[i+32]>>4|hi[i]>>6<<4) - 32
			}
		}
	}
}

// unpackQ3_K: 32 bytes of high bits, 64 of low pairs, 12 of 6-bit sub-scales
// offset by 32, f16 d; a weight is low - 4*(high bit clear).
func unpackQ3_K(f *rowForm, src []byte) {
	f.form = formSub
	for sb := range len(f.d) / 8 {
		blk := src[sb*110:][:110]
		s := blk[96:108]
		for i := range 16 {
			low := s[i%8] >> (i / 8 * 4) & 15
			high := s[8+i%4] >> (i / 4 * 2) & 3
			f.sub[sb*16+i] = int8(low|high<<4) - 32
		}
		d := f16(blk[108:])
		for b := range 8 {
			f.d[sb*8+b] = d
			q := f.q[sb*256+b*32:][:32]
			low := blk[32+b/4*32:][:32]
			for i := range q {
				q[i] = int8(low[i]>>(b%4*2)&3) - 4 + int8(blk[i]>>b&1)<<2
			}
		}
	}
}

// unpackQ2_K: 16 bytes of nibble sub-scales (low) and minimums (high), 64 of
// pairs of bits, f16 d, f16 dmin.
func unpackQ2_K(f *rowForm, src []byte) {
	f.form = formSubMin
	for sb := range len(f.d) / 8 {
		blk := src[sb*84:][:84]
		for i, v := range blk[:16] {
			f.sub[sb*16+i] = int8(v & 15)
			f.min[sb*16+i] = int8(v >> 4)
		}
		d, dmin := f16(blk[80:]), f16(blk[82:])
		for b := range 8 {
			f.d[sb*8+b], f.m[sb*8+b] = d, -dmin
			q := f.q[sb*256+b*32:][:32]
			low := blk[16+b/4*32:][:32]
			for i := range q {
				q[i] = int8(low[i] >> (b % 4 * 2) & 3)
			}
		}
	}
}
