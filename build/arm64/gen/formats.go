package main

// The types with blocks of 32. Nibble i of a block's 16 bytes is weight i
// (low) and weight 16+i (high).
var formats32 = []fewFormat{
	{name: "Q4_0", tmps: 2, bias: 4, offset: 8, limit: 15, row: nibbles},
	{name: "Q4_1", tmps: 2, mins: true, limit: 15, row: nibbles},
	{name: "Q5_0", tmps: 3, limit: 16, consts: fifthConsts, row: fifth},
	{name: "Q5_1", tmps: 3, mins: true, bias: -3, offset: -16, limit: 16, consts: fifthConsts, row: fifth},
	{name: "Q8_0", tmps: 2, limit: 128, row: func(a *asm, r int, t []int) (int, int) {
		a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", r, t[0], t[1])
		return t[0], t[1]
	}},
	{name: "IQ4_NL", tmps: 2, limit: 127, consts: []func(*asm, int){codebook("IQ4")}, row: coded},
	{name: "MXFP4", tmps: 2, power: true, limit: 12, row: coded, consts: []func(*asm, int){codebook("FP4"),
		func(a *asm, reg int) { a.op("MOVI4S", 0xa0, reg); a.op("SHL4S", 16, reg, reg) },
		func(a *asm, reg int) { a.op("MOVI4S", 0x20, reg); a.op("SHL4S", 16, reg, reg) },
	}},
}

// powers makes halves of the powers of two whose exponents are bytes 0 to 3 of x
// (quant.E8M0Half): the larger of (e-1)<<23, the bits of a float, and (e+1)<<21, of a
// subnormal for e < 2. Register t is used.
func powers(a *asm, x, t int) {
	a.op("USHLL8H", 7, x, x)
	a.op("USHLL4S", 14, x, x)
	a.op("SHL4S", 2, x, t)
	a.op("SUB4S", vConst-1, t, t)
	a.op("SMAX4S", t, x, x)
	a.op("ADD4S", vConst-2, x, x)
}

func codebook(name string) func(*asm, int) {
	return func(a *asm, reg int) {
		a.ins("MOVD $·codebook%s(SB), R20", name)
		a.ins("FMOVQ (R20), F%d", reg)
	}
}

// coded: nibbles are numbers of a codebook.
func coded(a *asm, r int, t []int) (lo, hi int) {
	lo, hi = nibbles(a, r, t)
	a.op("TBL16B", lo, vConst, lo)
	a.op("TBL16B", hi, vConst, hi)
	return lo, hi
}

func nibbles(a *asm, r int, t []int) (lo, hi int) {
	a.ins("FMOVQ.P 16(R%d), F%d", r, t[0])
	a.op("USHR16B", 4, t[0], t[1])
	a.op("AND16B", vMask, t[0], t[0])
	return t[0], t[1]
}

// fifthConsts: which byte of the four with the fifth bits belongs to weights 0
// to 15, to 16 to 31, and which bit of it.
var fifthConsts = []func(*asm, int){
	func(a *asm, reg int) { constQ(a, reg, 0, 0x0101010101010101) },
	func(a *asm, reg int) { constQ(a, reg, 0x0202020202020202, 0x0303030303030303) },
	func(a *asm, reg int) { constQ(a, reg, 0x8040201008040201, 0x8040201008040201) },
}

// constQ sets a register to two words, the low one first.
func constQ(a *asm, reg int, lo, hi uint64) {
	a.ins("VMOVQ $0x%x, $0x%x, V%d", lo, hi, reg)
}

// fifth sets the upper half of a weight's byte to ones where its fifth bit is
// clear: that is the weight less 16, as a signed byte.
func fifth(a *asm, r int, t []int) (lo, hi int) {
	hi, lo, raw := t[0], t[1], t[2]
	a.ins("VLD1R.P 4(R%d), [V%d.S4]", r, hi)
	a.ins("FMOVQ.P 16(R%d), F%d", r, raw)
	a.op("NOT16B", hi, hi)
	a.op("TBL16B", vConst, hi, lo)
	a.op("TBL16B", vConst-1, hi, hi)
	a.op("CMTST16B", vConst-2, lo, lo)
	a.op("CMTST16B", vConst-2, hi, hi)
	a.op("BIT16B", vMask, raw, lo)
	a.op("SRI16B", 4, raw, hi)
	return lo, hi
}
