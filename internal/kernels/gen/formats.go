package main

import "fmt"

// formats are the quantized tensor types, in ggml's block layouts, and two of
// our own: what types without a kernel are unpacked to (see expand_amd64.go).
var formats = []*format{
	{name: "S8", consts: []string{"B128"}, bytes: 36, blocks: 1, signed: true, local: true, scales: scaleFloat, value: int8At(4)},
	{name: "S8Sub", consts: []string{"B128"}, bytes: 44, blocks: 1, signed: true, sub: true, local: true, scales: scalesFloatSub, value: int8At(12)},
	{name: "Q4_0", consts: []string{"B15", "B120"}, bytes: 18, blocks: 1, offset: 8, scales: scaleFirst, value: nibbleAt(2)},
	{name: "Q4_1", consts: []string{"B15", "B128"}, bytes: 20, blocks: 1, min: true, scales: scaleMinFirst, value: nibbleAt(4)},
	{name: "Q5_0", consts: []string{"B15", "B16", "Bits", "B112"}, bytes: 22, blocks: 1, offset: 16, scales: scaleFifth, value: fifthAt(2)},
	{name: "Q5_1", consts: []string{"B15", "B16", "Bits", "B128"}, bytes: 24, blocks: 1, min: true, scales: scaleMinFirst, value: fifthAt(4)},
	{name: "Q8_0", consts: []string{"B128"}, bytes: 34, blocks: 1, signed: true, scales: scaleFirst, value: func(k *rows, b, c, i, dst int) {
		k.op(pick(k.asm, "VMOVDQA32", "VMOVDQA"), k.v(k.raw(0, 2+16*c, i)), k.v(dst))
	}},
	{name: "IQ4_NL", consts: []string{"B15", "IQ4Raised"}, bytes: 18, blocks: 1, signed: true, raised: true, scales: scaleFirst, value: codebook("IQ4", func(b int) int { return 2 })},
	// The codebook of 4-bit floats is raised by 16, so that its values need no sign.
	{name: "MXFP4", consts: []string{"B15", "FP4", "B112"}, bytes: 17, blocks: 1, offset: 16, scales: scaleE8M0, value: codebook("FP4", func(b int) int { return 1 })},
	{name: "NVFP4", consts: []string{"B15", "FP4", "B16"}, bytes: 36, blocks: 2, offset: 16, sub: true, scales: scalesNVFP4, value: nibblesBy8},
	{name: "TQ1_0", consts: []string{"Ones8", "Zero", "B192", "B127"}, bytes: 54, blocks: 8, offset: 1, shifted: always(6), scales: scaleTQ1, value: digitAt},
	{name: "TQ2_0", consts: twoBitMasks, bytes: 66, blocks: 8, offset: 1, bundles: pairs, shifted: inPlace2, scales: scaleTQ2, value: func(k *rows, b, c, i, dst int) {
		k.twoBits(b, dst, k.raw(0, b/4*32+16*c, i))
	}},
	{name: "Q1_0", consts: []string{"Bits", "B2", "B127"}, bytes: 18, blocks: 4, offset: 1, scales: scaleFirst, value: bitAt},
	{name: "Q2_0", consts: []string{"B127", "Fours2", "Pick2"}, bytes: 18, blocks: 2, offset: 1, scales: scaleFirst, value: pairAt},
	{name: "IQ4_XS", consts: []string{"B15", "IQ4Raised"}, bytes: 136, blocks: 8, signed: true, raised: true, scales: scalesIQ4XS,
		value: codebook("IQ4", func(b int) int { return 8 + 16*b })},
	{name: "Q4_K", consts: []string{"B15", "B240", "B128"}, bytes: 144, blocks: 8, min: true, bundles: pairs, shifted: inPlace4, scales: scalesK, value: func(k *rows, b, c, i, dst int) {
		r := k.raw(0, 16+b/2*32+16*c, i)
		if k.shifted(b) > 0 {
			k.and(dst, r, "B240")
			return
		}
		k.nibble(dst, r, b%2)
	}},
	{name: "Q5_K", consts: []string{"B15", "B16", "B128"}, bytes: 176, blocks: 8, min: true, bundles: pairs, scales: scalesK, value: func(k *rows, b, c, i, dst int) {
		k.nibble(dst, k.raw(0, 48+b/2*32+16*c, i), b%2)
		k.highBits(dst, k.raw(1, 16+16*c, i), b, 4, "B16")
	}},
	{name: "Q6_K", consts: []string{"B15", "B48"}, bytes: 210, blocks: 8, offset: 32, sub: true, bundles: [][]int{{0, 2, 1, 3}, {4, 6, 5, 7}},
		scales: scalesQ6K, value: func(k *rows, b, c, i, dst int) {
			h, j := b/4, b%4
			k.nibble(dst, k.raw(0, h*64+j%2*32+16*c, i), j/2)
			k.highBits(dst, k.raw(1, 128+h*32+16*c, i), 2*j, 4, "B48")
		}},
	{name: "Q3_K", consts: []string{"B3", "B4", "B28"}, bytes: 110, blocks: 8, offset: 4, sub: true, bundles: fours, scales: scalesQ3K,
		value: func(k *rows, b, c, i, dst int) {
			k.twoBits(b, dst, k.raw(0, 32+b/4*32+16*c, i))
			k.highBits(dst, k.raw(1, 16*c, i), b, 2, "B4")
		}},
	{name: "Q2_K", consts: twoBitMasks, bytes: 84, blocks: 8, sub: true, min: true, bundles: fours, shifted: inPlace2, scales: scalesQ2K,
		value: func(k *rows, b, c, i, dst int) {
			k.twoBits(b, dst, k.raw(0, 16+b/4*32+16*c, i))
		}},
}

// scaleE8M0: the block begins with a byte that is the exponent of twice the
// scale (the codebook's values are doubled). 0 is 2^-128, as an exponent it would be 0.
func scaleE8M0(k *rows) {
	d := k.regD()
	k.dword(d, 0, 0)
	k.shl(d, d, 24)
	k.shr(d, d, 1)
	k.op("VMULPS", k.cst("Half"), k.v(d), k.v(d))
	k.op("VMAXPS", k.cst("E8M0Least"), k.v(d), k.v(d))
	k.putScale(0, d)
}

// int8At: the 32 weights of a block as they are.
func int8At(off int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) {
		k.op(pick(k.asm, "VMOVDQA32", "VMOVDQA"), k.v(k.raw(0, off+16*c, i)), k.v(dst))
	}
}

// scaleFloat: the block begins with a float32 scale.
func scaleFloat(k *rows) {
	k.dword(k.regD(), 0, 0)
	k.putScale(0, k.regD())
}

// scalesFloatSub: a float32 scale and two float32 sub-scales.
func scalesFloatSub(k *rows) {
	k.header(0)
	k.putScale(0, 0)
	k.putSub(0, 1)
	k.putSub(1, 2)
}

var (
	pairs = [][]int{{0, 1}, {2, 3}, {4, 5}, {6, 7}}
	fours = [][]int{{0, 1, 2, 3}, {4, 5, 6, 7}}
)

var twoBitMasks = []string{"B3", "B12", "B48", "B192"}

// Bits that stay in place are multiples of a power of two.
func inPlace2(b int) int { return 2 * (b % 4) }
func inPlace4(b int) int { return 4 * (b % 2) }

func always(n int) func(int) int { return func(int) int { return n } }

// nibble takes the low (0) or high (1) halves of raw's bytes.
func (k *rows) nibble(dst, raw, half int) {
	if half == 0 {
		k.and(dst, raw, "B15")
		return
	}
	k.shrw(dst, raw, 4)
	k.and(dst, dst, "B15")
}

// twoBits takes block b's two bits of raw's bytes, in place where f.shifted says so.
func (k *rows) twoBits(b, dst, raw int) {
	if b%4 == 0 || k.shifted(b) > 0 {
		k.and(dst, raw, twoBitMasks[b%4])
		return
	}
	k.shrw(dst, raw, 2*(b%4))
	k.and(dst, dst, "B3")
}

// highBits adds bits of raw that begin at bit from, moved to bit to; mask has
// them in their new place.
func (k *rows) highBits(dst, raw, from, to int, mask string) {
	t := k.tmp(1)
	switch {
	case from < to:
		k.op("VPSLLW", fmt.Sprintf("$%d", to-from), k.v(raw), k.v(t))
		k.and(t, t, mask)
	case from > to:
		k.shrw(t, raw, from-to)
		k.and(t, t, mask)
	default:
		k.and(t, raw, mask)
	}
	k.or(dst, dst, t)
}

// nibbleAt: 16 bytes at off; the low halves are weights 0 to 15.
func nibbleAt(off int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) { k.nibble(dst, k.raw(0, off+0, i), c) }
}

// fifthAt: four bytes of fifth bits at off, then nibbles. The byte with a
// weight's bit is copied to the weight's place and tested there.
func fifthAt(off int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) {
		k.nibble(dst, k.raw(0, off+4, i), c)
		h, t := k.raw(1, 0, i), k.tmp(1)
		spread := k.cst(fmt.Sprintf("Spread%d", off+2*c))
		k.op("VPSHUFB", spread, k.v(h), k.v(t))
		if k.wide {
			k.op("VPTESTMB", k.cst("Bits"), k.v(t), "K1")
			k.op("VPADDB", k.cst("B16"), k.v(dst), "K1", k.v(dst))
			return
		}
		k.op("VPAND", k.cst("Bits"), k.v(t), k.v(t))
		k.op("VPCMPEQB", k.cst("Bits"), k.v(t), k.v(t))
		k.and(t, t, "B16")
		k.or(dst, dst, t)
	}
}

// bitAt: 16 bytes of bits from 2 on. A set bit is 2 and the offset 1.
func bitAt(k *rows, b, c, i, dst int) {
	raw := k.raw(0, 2, i)
	k.op("VPSHUFB", k.cst(fmt.Sprintf("Spread%d", 4*b+2*c)), k.v(raw), k.v(dst))
	if k.wide {
		k.op("VPTESTMB", k.cst("Bits"), k.v(dst), "K1")
		k.op("VMOVDQU8.Z", k.cst("B2"), "K1", k.v(dst))
		return
	}
	k.and(dst, dst, "Bits")
	k.op("VPCMPEQB", k.cst("Bits"), k.v(dst), k.v(dst))
	k.and(dst, dst, "B2")
}

// pairAt: 16 bytes of pairs of bits from 2 on. Bytes go to their four weights, of
// the last two halved by a shift; each keeps its pair, in place or 2 up, and a table
// brings that down.
func pairAt(k *rows, b, c, i, dst int) {
	raw, t := k.raw(0, 2, i), k.tmp(1)
	at := 8*b + 4*c
	k.shrw(t, raw, 4)
	k.op("VPSHUFB", k.cst(fmt.Sprintf("PairsHigh%d", at)), k.v(t), k.v(t))
	k.op("VPSHUFB", k.cst(fmt.Sprintf("PairsLow%d", at)), k.v(raw), k.v(dst))
	k.or(dst, dst, t)
	k.and(dst, dst, "Fours2")
	if k.wide {
		k.op("VPSHUFB", k.v(dst), k.cst("Pick2"), k.v(dst))
		return
	}
	k.op("VMOVDQU", k.cst("Pick2"), k.v(t))
	k.op("VPSHUFB", k.v(dst), k.v(t), k.v(dst))
}

// nibblesBy8: 8 bytes of nibbles for each 16 weights, from 4 on.
func nibblesBy8(k *rows, b, c, i, dst int) {
	raw, t := k.raw(0, 4+16*b, i), k.tmp(1)
	k.nibble(t, raw, 1)
	k.nibble(dst, raw, 0)
	k.op([]string{"VPUNPCKLQDQ", "VPUNPCKHQDQ"}[c], k.v(t), k.v(dst), k.v(dst))
	if k.wide {
		k.op("VPSHUFB", k.v(dst), k.cst("FP4"), k.v(dst))
		return
	}
	k.op("VMOVDQU", k.cst("FP4"), k.v(t))
	k.op("VPSHUFB", k.v(dst), k.v(t), k.v(dst))
}

// codebook: 16 bytes of nibbles that index a table of int8 values.
func codebook(table string, off func(b int) int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) {
		k.nibble(dst, k.raw(0, off(b), i), c)
		if k.wide {
			table := table
			if k.f.raised {
				table += "Raised"
			}
			k.op("VPSHUFB", k.v(dst), k.cst(table), k.v(dst))
			return
		}
		t := k.tmp(1)
		k.op("VMOVDQU", k.cst(table), k.v(t))
		k.op("VPSHUFB", k.v(dst), k.v(t), k.v(dst))
	}
}

// scaleFirst: the block begins with an f16 scale, and no other bytes than the
// weights: words are collected one by one.
func scaleFirst(k *rows) {
	d := k.regD()
	t := []int{regVal, regVal + 1}
	for half := range k.groups() / 2 {
		k.op("VPXOR", x(t[half]), x(t[half]), x(t[half]))
		for i := range 8 {
			k.op("VPINSRW", fmt.Sprintf("$%d", i), k.addr(0, 2*half+i/4, i%4), x(t[half]), x(t[half]))
		}
	}
	if k.wide {
		k.op("VINSERTI128", "$1", x(t[1]), y(t[0]), y(t[0]))
		k.op("VCVTPH2PS", y(t[0]), k.v(d))
	} else {
		k.op("VCVTPH2PS", x(t[0]), k.v(d))
	}
	for b := range k.f.blocks {
		k.putScale(b, d)
	}
}

// scaleFifth: the same, but the bytes after the scale are needed too.
func scaleFifth(k *rows) {
	k.dword(k.regD(), 0, 0)
	k.half(k.regD(), k.regD())
	k.putScale(0, k.regD())
}

// scaleMinFirst: f16 scale, f16 minimum.
func scaleMinFirst(k *rows) {
	k.dword(k.regD(), 0, 0)
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

// field takes n bits (a mask constant) at bit at of src.
func (k *rows) field(dst, src, at int, mask string) {
	if at > 0 {
		k.shr(dst, src, at)
		src = dst
	}
	k.and(dst, src, mask)
}

// Registers of the superblock scales, beside the header in 0 to 3.
const (
	sD  = 8
	sM  = 9
	sT  = 10
	sT2 = 11
)

// scalesK: f16 d, f16 dmin, 12 bytes of 6-bit scales and minimums.
func scalesK(k *rows) {
	k.header(0)
	k.shr(sM, 0, 16)
	k.half(sD, 0)
	k.half(sM, sM)
	k.negate(sM)
	for j := range 8 {
		six := func(low int, high bool) {
			// Scales 0 to 3 are whole; 4 to 7 have their low four bits in
			// the last dword and the high two in the first four's top bits.
			if j < 4 {
				k.field(sT, low, 8*j, "D63")
				return
			}
			at := 8 * (j - 4)
			if high {
				at += 4
			}
			k.field(sT, 3, at, "D15")
			k.shr(sT2, low, 8*(j-4)+6)
			k.and(sT2, sT2, "D3")
			k.shl(sT2, sT2, 4)
			k.or(sT, sT, sT2)
		}
		six(1, false)
		k.cvt(sT, sT)
		k.op("VMULPS", k.v(sD), k.v(sT), k.v(sT))
		k.putScale(j, sT)
		six(2, true)
		k.cvt(sT, sT)
		k.op("VMULPS", k.v(sM), k.v(sT), k.v(sT))
		k.putMin(j, sT)
	}
}

// scalesIQ4XS: f16 d, 16 bits of high pairs, 4 bytes of low nibbles.
func scalesIQ4XS(k *rows) {
	k.header(0)
	k.op(pick(k.asm, "VMOVDQA32", "VMOVDQA"), k.v(0), k.v(2))
	k.half(sD, 2)
	for j := range 8 {
		k.field(sT, 1, 4*j, "D15")
		k.field(sT2, 0, 16+2*j, "D3")
		k.shl(sT2, sT2, 4)
		k.or(sT, sT, sT2)
		k.op("VPADDD", k.cst("Dm32"), k.v(sT), k.v(sT))
		k.cvt(sT, sT)
		k.op("VMULPS", k.v(sD), k.v(sT), k.v(sT))
		k.putScale(j, sT)
	}
}

// lastHalf widens the f16 in the high half of the last dword of 16 bytes.
func (k *rows) lastHalf(dst, off int) {
	k.forget()
	k.dword(dst, off, 3)
	k.halfHigh(dst, dst)
}

// scaleTQ2: f16 d at 64.
func scaleTQ2(k *rows) {
	k.lastHalf(sD, 50)
	for b := range 8 {
		k.putScale(b, sD)
	}
}

// scalesNVFP4: four E4M3 scales, one per 16 weights, where 0x7f is 0 and the top
// bit means nothing. Moved to the
// place of an f16 they are 2^-8 of the value; a half of it is wanted, as the
// codebook is doubled.
func scalesNVFP4(k *rows) {
	k.dword(sD, 0, 0)
	for s := range 4 {
		k.field(sT, sD, 8*s, "D255")
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
		k.shl(sT, s/4, 24-s%4*8)
		k.sar(sT, sT, 24)
		k.cvt(sT, sT)
		k.putSub(s, sT)
	}
	k.lastHalf(sD, 194)
	for b := range 8 {
		k.putScale(b, sD)
	}
}

// scalesQ3K: 12 bytes of 6-bit sub-scales at 96, f16 d at 108.
func scalesQ3K(k *rows) {
	k.header(92)
	for s := range 16 {
		k.field(sT, 1+s%8/4, s%4*8+s/8*4, "D15")
		k.field(sT2, 3, s%4*8+s/4*2, "D3")
		k.shl(sT2, sT2, 4)
		k.or(sT, sT, sT2)
		k.op("VPADDD", k.cst("Dm32"), k.v(sT), k.v(sT))
		k.cvt(sT, sT)
		k.putSub(s, sT)
	}
	k.lastHalf(sD, 94)
	for b := range 8 {
		k.putScale(b, sD)
	}
}

// scalesQ2K: 16 bytes of sub-scales (low) and minimums (high), f16 d and dmin
// at 80.
func scalesQ2K(k *rows) {
	k.header(0)
	for s := range 16 {
		k.field(sT, s/4, s%4*8, "D15")
		k.cvt(sT, sT)
		k.putSub(s, sT)
	}
	for b := range 8 {
		at := b % 2 * 16
		k.field(sT, b/2, at+4, "D15")
		if at+12 > 16 {
			k.shr(sT2, b/2, at+12-16)
		} else {
			k.shl(sT2, b/2, 16-at-12)
		}
		k.and(sT2, sT2, "D15High")
		k.or(sT, sT, sT2)
		k.putPair(b, sT)
	}
	k.forget()
	k.dword(sD, 68, 3)
	k.shr(sM, sD, 16)
	k.half(sD, sD)
	k.half(sM, sM)
	k.negate(sM)
	for b := range 8 {
		k.putScale(b, sD)
		k.putMin(b, sM)
	}
}
