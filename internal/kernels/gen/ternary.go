package main

// TQ1_0: 32 bytes whose five digits in base 3 are blocks 0 to 4, 16 bytes whose digits are
// the next 80 weights, 4 bytes of four digits for the last 16, f16 d at 52. A byte is a
// fraction: digit n is the integer part of 3 times its (n+1)th remainder, and the remainders
// are the byte times 3^n modulo 256.

// digitAt emits the digits of a chunk. AVX-512 keeps the remainders in the registers of the
// raw bytes, for the next block's digits; AVX2 has no room and begins at the bytes.
func digitAt(k *rows, b, c, i, dst int) {
	n, set, off := b, c, 16*c
	if b >= 5 {
		n, set, off = 2*(b-5)+c, 0, 32
	}
	if n == 5 && b == 7 {
		k.fourDigits(i, dst)
		k.digit(b, dst, dst)
		return
	}
	if k.wide {
		r := k.raw(set, off, i)
		if n > 0 {
			k.triple(r, r)
		}
		k.digit(b, dst, r)
		return
	}
	r := k.raw(0, off, i)
	for range n {
		k.triple(dst, r)
		r = dst
	}
	k.digit(b, dst, r)
}

// triple multiplies bytes with 3.
func (k *rows) triple(dst, src int) {
	t := k.tmp(1)
	k.op("VPADDB", k.v(src), k.v(src), k.v(t))
	k.op("VPADDB", k.v(t), k.v(src), k.v(dst))
}

// digit turns remainders x to digits: 3*x/256 rounded down is the top two bits of 3/4 of x.
// x-1 (or 0) averaged with its half, both rounded up, is exactly this, rounded down. Where
// f.shifted says so, they stay where they are: 64 times the digit.
func (k *rows) digit(b, dst, src int) {
	t := k.tmp(1)
	k.op("VPSUBUSB", k.cst("Ones8"), k.v(src), k.v(t))
	k.op("VPAVGB", k.cst("Zero"), k.v(t), k.v(dst))
	k.op("VPAVGB", k.v(t), k.v(dst), k.v(dst))
	if k.shifted(b) > 0 {
		k.and(dst, dst, "B192")
		return
	}
	k.shrw(dst, dst, 6)
	k.and(dst, dst, "B3")
}

// fourDigits gives the last 16 weights' remainders: the four bytes times 1, 3, 9 and 27.
func (k *rows) fourDigits(i, dst int) {
	t := k.tmp(1)
	k.op("VPSHUFB", k.cst("Last4"), k.v(k.raw(pick(k.asm, 1, 0), 38, i)), k.v(dst))
	k.op("VPMULLW", k.cst("Powers3"), k.v(dst), k.v(t))
	k.and(t, t, "W255")
	k.shrw(dst, dst, 8)
	k.op("VPMULLW", k.cst("Powers3"), k.v(dst), k.v(dst))
	k.op("VPSLLW", "$8", k.v(dst), k.v(dst))
	k.or(dst, dst, t)
}

// scaleTQ1: f16 d at 52.
func scaleTQ1(k *rows) { k.oneScale(sD, 52) }

// ternaryConstants are the patterns of the above.
func ternaryConstants(put func(name string, at func(i int) byte)) {
	put("Zero", func(int) byte { return 0 })
	put("W255", func(i int) byte { return byte(255 * (1 - i%2)) })
	put("Last4", func(i int) byte { return byte(10 + i%4) })
	put("Powers3", func(i int) byte { return []byte{1, 0, 1, 0, 3, 0, 3, 0, 9, 0, 9, 0, 27, 0, 27, 0}[i%16] })
}
