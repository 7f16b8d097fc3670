package main

import "fmt"

// Scales and minimums of blocks and superblocks, a row per lane, as the formats have them.

// scaleE8M0: the block begins with a byte that is the exponent of twice the
// scale (the codebook's values are doubled). 0 is 2^-128, as an exponent it would be 0.
func scaleE8M0(k *rows) {
	d, t := k.regD(), regVal
	for half := range k.groups() / 2 {
		k.collect("MOVB", 8, func(n int) string { return k.addr(0, 2*half+n/4, n%4) })
		k.op("VMOVQ", "DI", x(t+half))
	}
	if k.wide {
		k.op("VPUNPCKLQDQ", x(t+1), x(t), x(t))
	}
	k.op("VPMOVZXBD", x(t), k.v(d))
	k.shl(d, d, 23)
	k.op("VMULPS", k.cst("Half"), k.v(d), k.v(d))
	k.op("VMAXPS", k.cst("E8M0Least"), k.v(d), k.v(d))
	k.putScale(0, d)
}

// scaleFloat: the block begins with a float32 scale.
func scaleFloat(k *rows) {
	k.dword(k.regD())
	k.putScale(0, k.regD())
}

// scalesFloatSub: a float32 scale and two float32 sub-scales.
func scalesFloatSub(k *rows) {
	k.header(0)
	k.putScale(0, 0)
	k.putSub(0, 1)
	k.putSub(1, 2)
}

// collect brings n bytes or words, as op loads them, together in DI, the first lowest:
// what inserts them into vectors is short of units.
func (k *rows) collect(op string, n int, at func(i int) string) {
	k.op(op+"QZX", at(n-1), "DI")
	for i := n - 2; i >= 0; i-- {
		k.op("SHLQ", fmt.Sprintf("$%d", 64/n), "DI")
		k.op(op, at(i), "DI")
	}
}

// scaleFirst: an f16 scale at 0.
func scaleFirst(k *rows) { k.oneScale(k.regD(), 0) }

// oneScale takes the f16 at off of every row, through r, as the scale of all blocks.
func (k *rows) oneScale(r, off int) {
	k.halves(r, off)
	for b := range k.f.blocks {
		k.putScale(b, r)
	}
}

// halves widens the f16 at off of every row.
func (k *rows) halves(dst, off int) {
	t := []int{regVal, regVal + 1}
	for l := range k.groups() {
		k.collect("MOVW", 4, func(i int) string { return k.addr(off, l, i) })
		if l%2 == 0 {
			k.op("VMOVQ", "DI", x(t[l/2]))
		} else {
			k.op("VPINSRQ", "$1", "DI", x(t[l/2]), x(t[l/2]))
		}
	}
	if k.wide {
		k.op("VINSERTI128", "$1", x(t[1]), y(t[0]), y(t[0]))
		k.op("VCVTPH2PS", y(t[0]), k.v(dst))
	} else {
		k.op("VCVTPH2PS", x(t[0]), k.v(dst))
	}
}

// scaleFifth: the same, but AVX2 loads the bytes after the scale anyway.
func scaleFifth(k *rows) {
	if k.wide {
		scaleFirst(k)
		return
	}
	k.dword(k.regD())
	k.half(k.regD(), k.regD())
	k.putScale(0, k.regD())
}

// scaleMinFirst: f16 scale, f16 minimum.
func scaleMinFirst(k *rows) {
	k.halves(k.regD(), 0)
	k.halves(k.regM(), 2)
	k.putScale(0, k.regD())
	k.putMin(0, k.regM())
}

// scaleMinFifth: the same where fifth bits keep the general registers busy.
func scaleMinFifth(k *rows) {
	k.dword(k.regD())
	k.shr(k.regM(), k.regD(), 16)
	k.half(k.regD(), k.regD())
	k.half(k.regM(), k.regM())
	k.putScale(0, k.regD())
	k.putMin(0, k.regM())
}

// header loads 16 bytes at off of every row and transposes them: dword j of
// all rows is then in register j.
func (k *rows) header(off int) {
	for i := range 4 {
		k.load(regRaw+i, off, i)
	}
	k.transpose(regRaw, regVal)
}

// negate flips the sign of floats.
func (k *rows) negate(r int) {
	k.op(pick(k.asm, "VPXORD", "VPXOR"), k.cst("Sign"), k.v(r), k.v(r))
}

func (k *rows) cvt(dst, src int) { k.op("VCVTDQ2PS", k.v(src), k.v(dst)) }

// part takes n bits (a mask constant) at bit at of src.
func (k *rows) part(dst, src, at int, mask string) {
	if at > 0 {
		k.shr(dst, src, at)
		src = dst
	}
	k.and(dst, src, mask)
}

// Registers of the superblock scales, beside the header in 0 to 3.
const (
	sD  = 8
	sT  = 9 // may be tmp(1)
	sM  = 10
	sT2 = 11
)

// scalesK: f16 d, f16 dmin, 12 bytes of 6-bit scales and minimums: of the first four
// blocks they are whole, of the others the low four bits are in the last dword, the
// high two in the top bits of the first four's.
func scalesK(k *rows) {
	k.header(0)
	k.shr(sM, 0, 16)
	k.half(sD, 0)
	k.half(sM, sM)
	k.negate(sM)
	packed := func(dst, from, first int) { // to a byte a block
		k.join(dst, field{3, from, 0, "B15"}, field{first, 6, 4, "B48"})
	}
	for g, at := range []struct{ scale, min int }{{1, 2}, {sT2, 0}} {
		if g == 1 {
			packed(sT2, 0, 1)
			packed(0, 4, 2)
		}
		for j := range 4 {
			k.byteOf(sT, at.scale, j, g == 0)
			k.cvt(sT, sT)
			k.op("VMULPS", k.v(sD), k.v(sT), k.v(sT))
			k.putScale(4*g+j, sT)
			k.byteOf(sT, at.min, j, g == 0)
			k.cvt(sT, sT)
			k.op("VMULPS", k.v(sM), k.v(sT), k.v(sT))
			k.putMin(4*g+j, sT)
		}
	}
}

// byteOf takes byte j of src's dwords, where mixed is set without its top two bits.
func (k *rows) byteOf(dst, src, j int, mixed bool) {
	switch {
	case mixed:
		k.part(dst, src, 8*j, "D63")
	case j < 3:
		k.part(dst, src, 8*j, "D255")
	default:
		k.shr(dst, src, 24)
	}
}

// signedByteOf takes byte j of src's dwords, as int8.
func (k *rows) signedByteOf(dst, src, j int) {
	if j < 3 {
		k.shl(dst, src, 24-8*j)
		src = dst
	}
	k.sar(dst, src, 24)
}

// scalesIQ4XS: f16 d, 16 bits of high pairs, 4 bytes of low nibbles.
func scalesIQ4XS(k *rows) {
	k.header(0)
	k.op(pick(k.asm, "VMOVDQA32", "VMOVDQA"), k.v(0), k.v(2))
	k.half(sD, 2)
	for j := range 8 {
		k.join(sT2, field{1, 4 * j, 0, "D15"}, field{0, 16 + 2*j, 4, "D48"})
		k.op("VPADDD", k.cst("Dm32"), k.v(sT2), k.v(sT2))
		k.cvt(sT, sT2)
		k.op("VMULPS", k.v(sD), k.v(sT), k.v(sT))
		k.putScale(j, sT)
	}
}

// scaleTQ2: f16 d at 64.
func scaleTQ2(k *rows) { k.oneScale(sD, 64) }

// scalesNVFP4: four E4M3 scales, one per 16 weights, where 0x7f is 0 and the top
// bit means nothing. Moved to the place of an f16 they are 2^-8 of the value; a half
// of it is wanted, as the codebook is doubled.
func scalesNVFP4(k *rows) {
	k.dword(sD)
	for s := range 4 {
		k.part(sT, sD, 8*s, "D255")
		if k.wide {
			k.op("VPCMPEQD", k.cst("D7f"), k.v(sT), "K1")
			k.op("VPXORD", k.v(sT), k.v(sT), "K1", k.v(sT))
		} else {
			k.op("VPCMPEQD", k.cst("D7f"), k.v(sT), k.v(sT2))
			k.op("VPANDN", k.v(sT), k.v(sT2), k.v(sT))
		}
		k.and(sT, sT, "D7f")
		k.shl(sT, sT, 7)
		k.half(sT, sT)
		k.op("VMULPS", k.cst("F128"), k.v(sT), k.v(sT))
		k.putSub(s, sT)
	}
	for b := range 2 {
		k.op("VMOVUPS", k.cst("One"), k.v(sT))
		k.putScale(b, sT)
	}
}

// scalesQ6K: 16 int8 sub-scales at 192, f16 d at 208.
func scalesQ6K(k *rows) {
	k.header(192)
	for s := range 16 {
		k.signedByteOf(sT, s/4, s%4)
		k.cvt(sT, sT)
		k.putSub(s, sT)
	}
	k.oneScale(sD, 208)
}

// scalesQ3K: 12 bytes of 6-bit sub-scales at 96, f16 d at 108: the low four bits of two
// in each of 8 bytes, the high two of four in each of the others.
func scalesQ3K(k *rows) {
	k.header(92)
	for g := range 4 {
		k.join(sT2, field{1 + g%2, g / 2 * 4, 0, "B15"}, field{3, 2 * g, 4, "B48"})
		k.op("VPSUBB", k.cst("B32"), k.v(sT2), k.v(sT2))
		for j := range 4 {
			k.signedByteOf(sT, sT2, j)
			k.cvt(sT, sT)
			k.putSub(4*g+j, sT)
		}
	}
	k.oneScale(sD, 108)
}

// scalesQ2K: 16 bytes of sub-scales (low) and minimums (high), f16 d and dmin
// at 80.
func scalesQ2K(k *rows) {
	k.header(0)
	for s := range 16 {
		k.part(sT, s/4, s%4*8, "D15")
		k.cvt(sT, sT)
		k.putSub(s, sT)
	}
	for b := range 8 {
		at := b % 2 * 16
		k.part(sT, b/2, at+4, "D15")
		if at+12 > 16 {
			k.shr(sT2, b/2, at+12-16)
		} else {
			k.shl(sT2, b/2, 16-at-12)
		}
		k.and(sT2, sT2, "D15High")
		k.or(sT, sT, sT2)
		k.putPair(b, sT)
	}
	k.halves(sD, 80)
	k.halves(sM, 82)
	k.negate(sM)
	for b := range 8 {
		k.putScale(b, sD)
		k.putMin(b, sM)
	}
}
