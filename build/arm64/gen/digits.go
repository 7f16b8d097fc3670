package main

// digitFormats are the types of ternary numbers, two bits, one bit and NVFP4.
var digitFormats = []unitFormat{
	{name: "TQ1_0", bytes: 54, elems: 256, consts: digitConsts, unit: func(a *asm) {
		unitScale(a, 52)
		sameScale(a, 8)
		a.ins("FLDPQ (R%d), (F%d, F%d)", uSrc, dBytes, dBytes+1)
		a.ins("FMOVQ 32(R%d), F%d", uSrc, dBytes+2)
		a.ins("MOVWU 48(R%d), R9", uSrc)
		a.ins("VDUP R9, V%d.S4", dBytes+3)
		var blocks []*asm
		for b := range 8 {
			s := &asm{}
			x := 6 * (b % 2)
			if b < 5 {
				digits(s, dBytes, b, x)
				digits(s, dBytes+1, b, x+3)
			} else {
				digits(s, dBytes+2, 2*(b-5), x)
				if b == 7 {
					digits(s, dBytes+3, 5, x+3)
				} else {
					digits(s, dBytes+2, 2*(b-5)+1, x+3)
				}
			}
			s.ins("FSTPQ (F%d, F%d), %d(R%d)", x, x+3, 32*b, uQ)
			blocks = append(blocks, s)
		}
		a.weaveN(2, blocks)
	}},
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
		a.note("Byte i/4, shifted by i%%4*2.")
		constQ(a, gByte, 0x0101010100000000, 0x0303030302020202)
		a.op("MOVI16B", 4, 0)
		for i := 1; i < 4; i++ {
			a.op("ADD16B", 0, gByte+i-1, gByte+i)
		}
		constQ(a, gBit, 0xfafcfe00fafcfe00, 0xfafcfe00fafcfe00)
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
		a.op("MOVI16B", 127, dTop)
		a.op("MOVI4S", 128, dFactor)
		a.op("SCVTF4S", dFactor, dFactor)
		a.op("MOVI4S", 1, gScale)
		a.op("SCVTF4S", gScale, gScale)
	}, unit: func(a *asm) {
		a.ins("FMOVS (R%d), F0", uSrc)
		a.note("The scales: a half has seven more bits of mantissa and another bias; 0x7f is 0.")
		a.op("CMEQ16B", dTop, 0, 1)
		a.op("AND16B", dTop, 0, 0)
		a.op("BIC16B", 1, 0, 0)
		a.op("USHLL8H", 7, 0, 0)
		a.op("FCVTL4S", 0, 0)
		a.op("FMUL4S", dFactor, 0, 0)
		a.ins("FMOVQ.P F0, 16(R%d)", uSubs)
		a.ins("FMOVD.P F%d, 8(R%d)", gScale, uD)
		var blocks []*asm
		for b := range 2 {
			s := &asm{}
			x := 2 + 4*b
			s.op("LDURQ", 4+16*b, uSrc, x)
			s.op("USHR16B", 4, x, x+1)
			s.op("AND16B", dNibble, x, x)
			s.op("TBL16B", x, dBook, x)
			s.op("TBL16B", x+1, dBook, x+1)
			s.op("ZIP1_2D", x+1, x, x+2)
			s.op("ZIP2_2D", x+1, x, x+3)
			s.ins("FSTPQ (F%d, F%d), %d(R%d)", x+2, x+3, 32*b, uQ)
			blocks = append(blocks, s)
		}
		a.weave(blocks...)
	}},
}

// Vector registers of these formats.
const (
	dThree, dOne                  = 25, 26 // bytes of 3 and 1
	dBook, dNibble, dTop, dFactor = 16, 17, 18, 19
	dPower                        = 16 // 5 registers: powers of 3 from 3 on; 20: one more a word
	dFirst, dSecond               = 21, 22
	dBytes                        = 12 // 4 registers
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

func digitConsts(a *asm) {
	for i, power := range []int{3, 9, 27, 81} {
		a.op("MOVI16B", power, dPower+i)
	}
	constQ(a, dPower+4, 0x0303030301010101, 0x1b1b1b1b09090909)
	a.op("MOVI16B", 86, dFirst)
	a.op("MOVI16B", 171, dSecond)
}

// digits leaves digit n, less one, of each byte of src in x; two registers more are
// used. With f the byte times 3^n modulo 256 that is the integer part of 3f/256 less one:
// -1 below 86, 1 from 171 on. n = 5: digit i of word i.
func digits(s *asm, src, n, x int) {
	f := src
	if n > 0 {
		f = x
		s.op("MUL16B", dPower+n-1, src, x)
	}
	s.op("CMHS16B", dSecond, f, x+1)
	s.op("CMHI16B", f, dFirst, x)
	s.op("SUB16B", x+1, x, x)
}
