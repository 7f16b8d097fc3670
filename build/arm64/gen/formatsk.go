package main

var formatsK = []kFormat{
	{name: "Q2_K", bytes: 84, blocks: 8, entry: 64, sub: true, subMins: true, limit: 3,
		consts: func(a *asm) { a.op("MOVI16B", 3, kConst) },
		header: headerQ2K,
		scales: unpackScalesQ2K,
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 16+32*(b/4), r, t[0], t[1])
			for _, x := range t[:2] {
				if b%4 > 0 {
					a.op("USHR16B", 2*(b%4), x, x)
				}
				a.op("AND16B", kConst, x, x)
			}
			return t[0], t[1]
		}},
	{name: "Q3_K", bytes: 110, blocks: 8, entry: 32, sub: true, limit: 4,
		consts: func(*asm) {},
		perSub: func(a *asm, b int) { a.op("MOVI16B", 1<<b, kConst) },
		header: headerQ3K,
		scales: unpackScalesQ3K,
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.ins("FLDPQ (R%d), (F%d, F%d)", r, t[0], t[1])
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 32+32*(b/4), r, t[2], t[3])
			for i := range 2 {
				high, low := t[i], t[2+i]
				// 4 less where the high bit is clear.
				a.op("CMTST16B", kConst, high, high)
				if b%4 > 0 {
					a.op("USHR16B", 2*(b%4), low, low)
				}
				a.op("NOT16B", high, high)
				a.op("SLI16B", 2, high, low)
			}
			return t[2], t[3]
		}},
	{name: "Q4_K", bytes: 144, blocks: 8, entry: 32, mins: true, limit: 15,
		consts: func(a *asm) { a.op("MOVI16B", 15, kConst) },
		header: headerScalesK,
		scales: unpackScalesK,
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 16+32*(b/2), r, t[0], t[1])
			for _, x := range t[:2] {
				if b%2 == 0 {
					a.op("AND16B", kConst, x, x)
				} else {
					a.op("USHR16B", 4, x, x)
				}
			}
			return t[0], t[1]
		}},
	{name: "Q5_K", bytes: 176, blocks: 8, entry: 32, mins: true, limit: 31,
		consts: func(a *asm) {
			a.op("MOVI16B", 15, kConst)
			a.op("MOVI16B", 31, kConst+1)
		},
		perSub: func(a *asm, b int) { a.op("MOVI16B", 1<<b, kConst+2) },
		header: headerScalesK,
		scales: unpackScalesK,
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.ins("FLDPQ 16(R%d), (F%d, F%d)", r, t[0], t[1])
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 48+32*(b/2), r, t[2], t[3])
			for i := range 2 {
				// The mask of the high bit, its lower half replaced by the nibble.
				a.op("CMTST16B", kConst+2, t[i], t[i])
				if b%2 == 0 {
					a.op("BIT16B", kConst, t[2+i], t[i])
				} else {
					a.op("SRI16B", 4, t[2+i], t[i])
				}
				a.op("AND16B", kConst+1, t[i], t[i])
			}
			return t[0], t[1]
		}},
	{name: "Q6_K", bytes: 210, blocks: 8, entry: 32, sub: true, bias: true, limit: 63,
		consts: func(a *asm) {
			a.op("MOVI16B", 0x3f, kConst)
			a.op("MOVI16B", 0x30, kConst+1)
			a.op("MOVI4S", 1, kConst+3)
		},
		header: headerQ6K,
		scales: unpackScalesQ6K,
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 64*(b/4)+32*(b%2), r, t[0], t[1])
			a.ins("FLDPQ %d(R%d), (F%d, F%d)", 128+32*(b/4), r, t[2], t[3])
			for i := range 2 {
				low, high := t[i], t[2+i]
				if b%2 == 1 {
					a.op("USHR16B", 2, high, high)
				}
				if b%4 < 2 {
					a.op("SLI16B", 4, high, low)
					a.op("AND16B", kConst, low, low)
				} else {
					a.op("AND16B", kConst+1, high, high)
					a.op("SRI16B", 4, low, high)
				}
			}
			if b%4 < 2 {
				return t[0], t[1]
			}
			return t[2], t[3]
		}},
	{name: "IQ4_XS", bytes: 136, blocks: 8, entry: 16, limit: 127,
		consts: func(a *asm) {
			codebook("IQ4")(a, kConst)
			a.ins("MOVD $·kConstants(SB), R%d", rKConst)
			a.op("MOVI16B", 15, kConst+1)
			a.op("MOVI4S", 63, kConst+2)
			a.op("MOVI4S", 32, kConst+3)
		},
		header: headerIQ4XS,
		row: func(a *asm, b, r int, t []int) (int, int) {
			a.op("LDURQ", 8+16*b, r, t[0])
			a.op("USHR16B", 4, t[0], t[1])
			a.op("AND16B", kConst+1, t[0], t[0])
			a.op("TBL16B", t[0], kConst, t[0])
			a.op("TBL16B", t[1], kConst, t[1])
			return t[0], t[1]
		}},
	tq1_0,
}

// headerScalesK: f16 d and dmin and twelve bytes of 6-bit scales and minimums.
func headerScalesK(a *asm) {
	for r := range 4 {
		a.ins("FMOVQ (R%d), F%d", r, r)
	}
	a.note("Words of the four rows: (d, dmin) in 4, bytes 0-3 of the scales in 5, 4-7 in 6, 8-11 in 7.")
	transpose4(a, 0, 12, 4)
	a.ins("FLDPQ (R%d), (F0, F1)", rKConst)
	a.ins("FLDPQ 32(R%d), (F2, F3)", rKConst)
	a.op("UZP1_8H", 4, 4, 12)
	a.op("UZP2_8H", 4, 4, 13)
	a.op("FCVTL4S", 12, 12)
	a.op("FCVTL4S", 13, 13)
	a.op("FNEG4S", 13, 13)
	a.op("MOVI16B", 63, 14)
	a.note("Scales 0-3 in 15, 4-7 in 7; minimums 0-3 in 14, 4-7 in 4.")
	a.op("AND16B", 14, 5, 15)
	a.op("AND16B", 14, 6, 14)
	a.op("USHR16B", 4, 7, 4)
	a.op("USHR16B", 6, 6, 6)
	a.op("USHR16B", 6, 5, 5)
	a.op("SLI16B", 4, 6, 4)
	a.op("SLI16B", 4, 5, 7)
	var blocks []*asm
	for b := range 8 {
		s := &asm{}
		sc, mn := 15, 14
		if b >= 4 {
			sc, mn = 7, 4
		}
		x, y := 5, 6
		if b%2 == 1 {
			x, y = 30, 31
		}
		s.op("TBL16B", b%4, sc, x)
		s.op("TBL16B", b%4, mn, y)
		s.op("SCVTF4S", x, x)
		s.op("SCVTF4S", y, y)
		s.op("FMUL4S", 12, x, x)
		s.op("FMUL4S", 13, y, y)
		s.ins("FSTPQ (F%d, F%d), %d(R%d)", x, y, 32*b, rTable)
		blocks = append(blocks, s)
	}
	a.weaveN(2, blocks)
}

func headerQ6K(a *asm) {
	for r := range 4 {
		a.ins("FMOVQ 192(R%d), F%d", r, r)
	}
	byteColumns(a, 0, 12, 4)
	for i := range 4 {
		storeBytes(a, 4+i, 12, 32, 2*i, 0)
	}
	headerScale(a, 208)
}

// headerScale: an f16 d at an offset of the superblock.
func headerScale(a *asm, at int) {
	for r := range 4 {
		a.op("LDRH", at, r, r)
	}
	a.op("ZIP1_8H", 1, 0, 0)
	a.op("ZIP1_8H", 3, 2, 2)
	a.op("ZIP1_4S", 2, 0, 0)
	a.op("FCVTL4S", 0, kD)
}

// headerQ3K: 6-bit sub-scales less 32, low nibbles in eight bytes, high pairs
// of bits in four; d behind them.
func headerQ3K(a *asm) {
	for r := range 4 {
		// Two bytes early, so as not to read behind the superblock.
		a.op("LDURQ", 94, r, r)
		a.op("EXT16B", 2, r, r, r)
	}
	transpose4(a, 0, 12, 4)
	a.op("XTN4H", 7, kD)
	a.op("FCVTL4S", kD, kD)
	a.ins("FMOVQ 64(R%d), F15", rKConst)
	a.op("MOVI16B", 63, 14)
	a.op("MOVI16B", 32, 13)
	a.op("USHR16B", 4, 4, 2)
	a.op("USHR16B", 4, 5, 3)
	for i, x := range []int{4, 5, 2, 3} {
		high := 6
		if i > 0 {
			a.op("USHR16B", 2*i, 6, 7)
			high = 7
		}
		a.op("SLI16B", 4, high, x)
		a.op("AND16B", 14, x, x)
		a.op("SUB16B", 13, x, x)
		a.note("From bytes by row to rows by byte.")
		a.op("TBL16B", 15, x, x)
	}
	for i, x := range []int{4, 5, 2, 3} {
		tmp := 12
		storeBytes(a, x, tmp, 32, 2*i, 0)
	}
}

func headerQ2K(a *asm) {
	for r := range 4 {
		a.ins("FMOVQ (R%d), F%d", r, r)
	}
	byteColumns(a, 0, 12, 4)
	a.op("MOVI16B", 15, kD)
	for i := range 4 {
		a.op("AND16B", kD, 4+i, 0)
		a.op("USHR16B", 4, 4+i, 4+i)
		storeBytes(a, 0, 12, 64, 2*i, 0)
		storeBytes(a, 4+i, 12, 64, 2*i, 32)
	}
	for r := range 4 {
		a.ins("FMOVS 80(R%d), F%d", r, r)
	}
	a.op("ZIP1_4S", 1, 0, 0)
	a.op("ZIP1_4S", 3, 2, 2)
	a.op("ZIP1_2D", 2, 0, 0)
	a.op("UZP1_8H", 0, 0, kD)
	a.op("UZP2_8H", 0, 0, kM)
	a.op("FCVTL4S", kD, kD)
	a.op("FCVTL4S", kM, kM)
	a.op("FNEG4S", kM, kM)
}

// headerIQ4XS: f16 d, two high bits of eight scales, their low nibbles.
func headerIQ4XS(a *asm) {
	for r := range 4 {
		a.ins("FMOVD (R%d), F%d", r, r)
	}
	a.op("ZIP1_4S", 1, 0, 0)
	a.op("ZIP1_4S", 3, 2, 2)
	a.op("ZIP1_2D", 2, 0, 4)
	a.op("ZIP2_2D", 2, 0, 5)
	a.op("XTN4H", 4, kD)
	a.op("FCVTL4S", kD, kD)
	var blocks []*asm
	for b := range 8 {
		s := &asm{}
		x := b % 4
		h := []int{6, 7, 12, 13}[x]
		if b == 0 {
			s.op("ORR16B", 5, 5, x)
		} else {
			s.op("USHR4S", 4*b, 5, x)
		}
		s.op("USHR4S", 16+2*b, 4, h)
		s.op("SLI4S", 4, h, x)
		s.op("AND16B", kConst+2, x, x)
		s.op("SUB4S", kConst+3, x, x)
		s.op("SCVTF4S", x, x)
		s.op("FMUL4S", kD, x, x)
		s.ins("FMOVQ F%d, %d(R%d)", x, 16*b, rTable)
		blocks = append(blocks, s)
	}
	a.weaveN(4, blocks)
}
