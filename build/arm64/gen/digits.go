package main

// The types of ternary numbers, two bits, one bit and NVFP4 are multiplied with few
// tokens as K types are. digitFormats unpack them; weights that are coded in another way
// are of no use for that.
var digitFormats = []unitFormat{
	{name: "TQ2_0", bytes: 66, elems: 256, consts: func(a *asm) {
		a.op("MOVI16B", 3, dThree)
		a.op("MOVI16B", 1, dOne)
	}, unit: func(a *asm) {
		unitScale(a, 64)
		sameScale(a, 8)
		var blocks []*asm
		for b := range 8 {
			s := &asm{}
			x := 2 * (b % 4)
			s.ins("FLDPQ %d(R%d), (F%d, F%d)", 32*(b/4), uSrc, x, x+1)
			for i := range 2 {
				if b%4 > 0 {
					s.op("USHR16B", 2*(b%4), x+i, x+i)
				}
				if b%4 < 3 {
					s.op("AND16B", dThree, x+i, x+i)
				}
				s.op("SUB16B", dOne, x+i, x+i)
			}
			s.ins("FSTPQ (F%d, F%d), %d(R%d)", x, x+1, 32*b, uQ)
			blocks = append(blocks, s)
		}
		a.weaveN(4, blocks)
	}},
	{name: "Q1_0", bytes: 18, elems: 128, consts: func(a *asm) {
		byteConsts(a)
		a.op("MOVI16B", 1, dOne)
	}, unit: func(a *asm) {
		unitScale(a, 0)
		sameScale(a, 4)
		a.op("LDURQ", 2, uSrc, 8)
		a.note("A clear bit is -1, a set one 1.")
		a.op("NOT16B", 8, 8)
		var blocks []*asm
		for x := range 8 {
			s := &asm{}
			s.op("TBL16B", gByte+x, 8, x)
			s.op("CMTST16B", gBit, x, x)
			s.op("ORR16B", dOne, x, x)
			if x%2 == 1 {
				s.ins("FSTPQ (F%d, F%d), %d(R%d)", x-1, x, 16*(x-1), uQ)
			}
			blocks = append(blocks, s)
		}
		a.weaveN(4, blocks)
	}},
	{name: "Q2_0", bytes: 18, elems: 64, consts: func(a *asm) {
		repeatBytes(a, 4, 4, []int{gByte, gByte + 1, gByte + 2, gByte + 3})
		constQ(a, gBit, pairOfByte, pairOfByte)
		a.op("MOVI16B", 3, dThree)
		a.op("MOVI16B", 1, dOne)
	}, unit: func(a *asm) {
		unitScale(a, 0)
		sameScale(a, 2)
		a.op("LDURQ", 2, uSrc, 8)
		var blocks []*asm
		for x := range 4 {
			s := &asm{}
			s.op("TBL16B", gByte+x, 8, x)
			s.op("USHL16B", gBit, x, x)
			s.op("AND16B", dThree, x, x)
			s.op("SUB16B", dOne, x, x)
			if x%2 == 1 {
				s.ins("FSTPQ (F%d, F%d), %d(R%d)", x-1, x, 16*(x-1), uQ)
			}
			blocks = append(blocks, s)
		}
		a.weave(blocks...)
	}},
	{name: "NVFP4", bytes: 36, elems: 64, sub: "fsub", consts: func(a *asm) {
		codebook("FP4")(a, dBook)
		a.op("MOVI16B", 15, dNibble)
		scalesNVFP4Consts(a, dTop, dFactor)
		a.op("MOVI4S", 1, gScale)
		a.op("SCVTF4S", gScale, gScale)
	}, unit: func(a *asm) {
		a.ins("FMOVS (R%d), F1", uSrc)
		scalesNVFP4(a, dTop, dFactor, 1, 2, []int{0})
		a.ins("FMOVQ.P F0, 16(R%d)", uSubs)
		a.ins("FMOVD.P F%d, 8(R%d)", gScale, uD)
		var blocks []*asm
		for b := range 2 {
			s := &asm{}
			lo, hi := nibblesNVFP4(s, b, uSrc, dBook, dNibble, []int{4 * b, 4*b + 1, 4*b + 2, 4*b + 3})
			s.ins("FSTPQ (F%d, F%d), %d(R%d)", lo, hi, 32*b, uQ)
			blocks = append(blocks, s)
		}
		a.weave(blocks...)
	}},
}

// Vector registers of these formats.
const (
	dThree, dOne                  = 25, 26 // bytes of 3 and 1
	dBook, dNibble, dTop, dFactor = 16, 17, 18, 19
	dPower                        = kConst     // 4 registers: powers of 3 from 3 on
	dWords, dFirst, dSecond       = 20, 21, 22 // powers from 1 on by word; where digits begin to be 1 and 2
)

// sameScale stores the unit's scale for n blocks.
func sameScale(a *asm, n int) {
	a.op("DUP4S", 0, gScale, gScale)
	switch n {
	case 8:
		a.ins("FSTPQ.P (F%d, F%d), 32(R%d)", gScale, gScale, uD)
	case 4:
		a.ins("FMOVQ.P F%d, 16(R%d)", gScale, uD)
	case 2:
		a.ins("FMOVD.P F%d, 8(R%d)", gScale, uD)
	}
}

// tq1_0 is unpacked as K types are.
var tq1_0 = kFormat{
	name: "TQ1_0", bytes: 54, blocks: 8, limit: 1,
	consts: func(a *asm) {
		for i, power := range []int{3, 9, 27, 81} {
			a.op("MOVI16B", power, dPower+i)
		}
		constQ(a, dWords, 0x0303030301010101, 0x1b1b1b1b09090909)
		a.op("MOVI16B", 86, dFirst)
		a.op("MOVI16B", 171, dSecond)
	},
	header: func(a *asm) { headerScale(a, 52) },
	scales: func(a *asm) {
		a.op("LDRH", 52, uSrc, gScale)
		unpackScaleD(a, gScale)
	},
	row: func(a *asm, b, r int, t []int) (int, int) {
		if b < 5 {
			a.ins("FLDPQ (R%d), (F%d, F%d)", r, t[0], t[1])
			digits(a, t[0], b, t[0], t[2])
			digits(a, t[1], b, t[1], t[3])
			return t[0], t[1]
		}
		a.ins("FMOVQ 32(R%d), F%d", r, t[1])
		digits(a, t[1], 2*(b-5), t[0], t[2])
		if b < 7 {
			digits(a, t[1], 2*(b-5)+1, t[1], t[3])
			return t[0], t[1]
		}
		// Four bytes have four digits each.
		a.ins("FMOVS 48(R%d), F%d", r, t[1])
		a.op("DUP4S", 0, t[1], t[1])
		a.op("MUL16B", dWords, t[1], t[1])
		digits(a, t[1], 0, t[1], t[3])
		return t[0], t[1]
	},
}

// fewDigits are the others for few tokens.
var fewDigits = []kFormat{
	{name: "TQ2_0", bytes: 66, blocks: 8, limit: 48, consts: func(a *asm) {
		for i := range 3 {
			a.op("MOVI16B", 3<<(2*i), kConst+i)
		}
	},
		coding: &kCoding{plus: true, shift: func(b int) int { return b % 4 % 3 * 2 }},
		header: func(a *asm) { headerScale(a, 64) },
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 32*(b/4), r, t[0], t[1])
			for _, x := range t[:2] {
				if b%4 < 3 {
					a.op("AND16B", kConst+b%4, x, x)
				} else {
					a.op("USHR16B", 6, x, x)
				}
			}
			return t[0], t[1]
		}},
	{name: "Q1_0", bytes: 18, blocks: 4, limit: 1, consts: func(a *asm) {
		repeatBytes(a, 8, 2, []int{kConst, kConst + 1, kConst + 2, kConst + 3, kAcc + 4, kAcc + 5, kAcc + 6, kAcc + 7})
		constQ(a, kM, bitOfByte, bitOfByte)
	},
		// Masks of the bits: -1 for a set one.
		coding: &kCoding{plus: true, neg: true, shift: func(int) int { return -1 }},
		header: func(a *asm) { headerScale(a, 0) },
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.op("LDURQ", 2, r, t[0])
			index := kConst + 2*b
			if b >= 2 {
				index = kAcc + 2*b
			}
			for i := 1; i >= 0; i-- {
				a.op("TBL16B", index+i, t[0], t[i])
				a.op("CMTST16B", kM, t[i], t[i])
			}
			return t[0], t[1]
		}},
	{name: "Q2_0", bytes: 18, blocks: 2, limit: 3, consts: func(a *asm) {
		repeatBytes(a, 4, 4, []int{kConst, kConst + 1, kConst + 2, kConst + 3})
		constQ(a, kAcc+4, pairOfByte, pairOfByte)
		a.op("MOVI16B", 3, kAcc+5)
	},
		coding: &kCoding{plus: true},
		header: func(a *asm) { headerScale(a, 0) },
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.op("LDURQ", 2, r, t[0])
			for i := 1; i >= 0; i-- {
				a.op("TBL16B", kConst+2*b+i, t[0], t[i])
				a.op("USHL16B", kAcc+4, t[i], t[i])
				a.op("AND16B", kAcc+5, t[i], t[i])
			}
			return t[0], t[1]
		}},
	{name: "NVFP4", bytes: 36, blocks: 2, entry: 32, sub: true, float: true, limit: 12, consts: func(a *asm) {
		codebook("FP4")(a, kConst)
		a.ins("MOVD $·kConstants(SB), R%d", rKConst)
		a.op("MOVI16B", 15, kConst+1)
		scalesNVFP4Consts(a, kConst+2, kConst+3)
	},
		header: func(a *asm) {
			a.ins("FMOVS (R0), F0")
			for r := 1; r < 4; r++ {
				a.ins("VLD1 (R%d), V0.S[%d]", r, r)
			}
			a.ins("FMOVQ 64(R%d), F2", rKConst)
			a.op("TBL16B", 2, 0, 0)
			scalesNVFP4(a, kConst+2, kConst+3, 0, 1, []int{4, 5, 6, 7})
			a.ins("FSTPQ (F4, F5), (R%d)", rTable)
			a.ins("FSTPQ (F6, F7), 32(R%d)", rTable)
		},
		row: func(a *asm, b, r int, t []int) (int, int) {
			return nibblesNVFP4(a, b, r, kConst, kConst+1, t)
		}},
}

// digits leaves digit n, less one, of each byte of src in x; m is free. With f the byte
// times 3^n modulo 256 that is the integer part of 3f/256 less one: -1 below 86, 1 from
// 171 on.
func digits(s *asm, src, n, x, m int) {
	f := src
	if n > 0 {
		f = x
		s.op("MUL16B", dPower+n-1, src, x)
	}
	s.op("CMHS16B", dSecond, f, m)
	s.op("CMHI16B", f, dFirst, x)
	s.op("SUB16B", m, x, x)
}

// Constants by byte: bit i%8, and shifts of i%4*2 to the right.
const (
	bitOfByte  = 0x8040201008040201
	pairOfByte = 0xfafcfe00fafcfe00
)

// repeatBytes sets registers to TBL's numbers of bytes that each stand there n times,
// step of them in a register. It uses register 0.
func repeatBytes(a *asm, n, step int, to []int) {
	if n == 8 {
		constQ(a, to[0], 0, 0x0101010101010101)
	} else {
		constQ(a, to[0], 0x0101010100000000, 0x0303030302020202)
	}
	a.op("MOVI16B", step, 0)
	for i := 1; i < len(to); i++ {
		a.op("ADD16B", 0, to[i-1], to[i])
	}
}

// scalesNVFP4Consts sets 127 in the bytes of top and 128.0 in factor.
func scalesNVFP4Consts(a *asm, top, factor int) {
	a.op("MOVI16B", 127, top)
	a.op("MOVI4S", 128, factor)
	a.op("SCVTF4S", factor, factor)
}

// scalesNVFP4 widens the bytes of x, four to a register of to (see quant.E4M3Half): a
// half has seven more bits of mantissa and another bias; 0x7f is 0. t is free.
func scalesNVFP4(a *asm, top, factor, x, t int, to []int) {
	a.op("CMEQ16B", top, x, t)
	a.op("AND16B", top, x, x)
	a.op("BIC16B", t, x, x)
	for i, y := range to {
		switch i {
		case 0:
			a.op("USHLL8H", 7, x, t)
		case 2:
			a.op("EXT16B", 8, x, x, x)
			a.op("USHLL8H", 7, x, t)
		}
		if i%2 == 0 {
			a.op("FCVTL4S", t, y)
		} else {
			a.op("FCVTL2_4S", t, y)
		}
	}
	for _, y := range to {
		a.op("FMUL4S", factor, y, y)
	}
}

// nibblesNVFP4 leaves the weights of block b in the third and fourth register of t:
// nibbles of eight bytes are weights 0 to 7 (low) and 8 to 15 (high).
func nibblesNVFP4(a *asm, b, r, book, mask int, t []int) (lo, hi int) {
	a.op("LDURQ", 4+16*b, r, t[0])
	a.op("USHR16B", 4, t[0], t[1])
	a.op("AND16B", mask, t[0], t[0])
	a.op("TBL16B", t[0], book, t[0])
	a.op("TBL16B", t[1], book, t[1])
	a.op("ZIP1_2D", t[1], t[0], t[2])
	a.op("ZIP2_2D", t[1], t[0], t[3])
	return t[2], t[3]
}
