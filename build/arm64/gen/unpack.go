package main

// unpackRow emits the kernel that unpacks one row of a type with blocks of 32:
//
//	func unpack(q *int8, d, m *float32, src *byte, blocks int)
func unpackRow(f fewFormat) string {
	a := &asm{}
	a.ins("MOVD q+0(FP), R1")
	a.ins("MOVD d+8(FP), R2")
	a.ins("MOVD m+16(FP), R3")
	a.ins("MOVD src+24(FP), R0")
	a.ins("MOVD blocks+32(FP), R4")
	a.op("MOVI16B", 15, vMask)
	if f.offset != 0 {
		a.op("MOVI16B", (256-f.offset)&255, 27)
	}
	for i, load := range f.consts {
		load(a, vConst-i)
	}
	a.label("loop")
	if f.power {
		a.op("LDRB_P", 1, 0, 16)
		powers(a, 16, 17)
	} else {
		a.op("LDRH_P", 2, 0, 16)
		a.op("FCVTL4S", 16, 16)
	}
	a.ins("FMOVS.P F16, 4(R2)")
	if f.mins {
		a.op("LDRH_P", 2, 0, 17)
		a.op("FCVTL4S", 17, 17)
		a.ins("FMOVS.P F17, 4(R3)")
	}
	tmp := []int{2, 3, 4, 5}
	lo, hi := f.row(a, 0, tmp)
	if f.offset != 0 {
		a.op("ADD16B", 27, lo, lo)
		a.op("ADD16B", 27, hi, hi)
	}
	a.ins("FSTPQ.P (F%d, F%d), 32(R1)", lo, hi)
	a.ins("SUBS $1, R4, R4")
	a.ins("BNE loop")
	a.ins("RET")
	name := "unpack" + f.name + "NEON"
	return a.text(name+" unpacks a row of "+f.name+".", name, 0, 40)
}

// Registers of unpackK, beside those of the formats.
const (
	uSub  = 29 // sub-scales of Q2_K
	u32   = 30 // bytes of 32
	uZero = 31
)

// unpackK emits the kernel that unpacks one row of a K type:
//
//	func unpack(q *int8, d, m *float32, sub *int8, src *byte, supers int)
//
// The weights of Q2_K are multiplied with their sub-scales. What a format's
// scales do not fill is left to the caller.
func unpackK(f kFormat) string {
	a := &asm{}
	a.ins("MOVD q+0(FP), R1")
	a.ins("MOVD d+8(FP), R2")
	a.ins("MOVD m+16(FP), R3")
	a.ins("MOVD sub+24(FP), R5")
	a.ins("MOVD src+32(FP), R0")
	a.ins("MOVD supers+40(FP), R4")
	f.consts(a)
	a.op("MOVIZ", uZero)
	a.op("MOVI16B", 32, u32)
	a.label("loop")
	if f.scales != nil {
		f.scales(a)
	}
	var rows []*asm
	ways := 2
	for b := range 8 {
		s := &asm{}
		if f.perSub != nil {
			f.perSub(s, b)
			ways = 1 // it has one register for all blocks
		}
		t := []int{kTmp + b%2*4, kTmp + b%2*4 + 1, kTmp + b%2*4 + 2, kTmp + b%2*4 + 3}
		lo, hi := f.row(s, b, 0, t)
		if f.bias {
			s.op("SUB16B", u32, lo, lo)
			s.op("SUB16B", u32, hi, hi)
		}
		if f.subMins {
			s.op("DUP16B", 2*b, uSub, t[2])
			s.op("DUP16B", 2*b+1, uSub, t[3])
			s.op("MUL16B", t[2], lo, lo)
			s.op("MUL16B", t[3], hi, hi)
		}
		s.ins("FSTPQ (F%d, F%d), %d(R1)", lo, hi, 32*b)
		rows = append(rows, s)
	}
	a.weaveN(ways, rows)
	a.ins("ADD $256, R1, R1")
	a.ins("ADD $%d, R0, R0", f.bytes)
	a.ins("SUBS $1, R4, R4")
	a.ins("BNE loop")
	a.ins("RET")
	name := "unpack" + f.name + "NEON"
	return a.text(name+" unpacks a row of "+f.name+".", name, 0, 48)
}

// unpackScalesK: f16 d and dmin and twelve bytes of 6-bit scales and minimums.
func unpackScalesK(a *asm) {
	a.ins("FMOVQ (R0), F0")
	a.op("FCVTL4S", 0, 12)
	a.op("FNEG4S", 12, 13)
	a.op("MOVI16B", 63, 1)
	a.note("Of the words of four bytes: scales 0-3 in word 1 of 1, 4-7 in word 1 of 3; minimums in words 2 of 1 and 4.")
	a.op("AND16B", 1, 0, 1)
	a.op("USHR16B", 6, 0, 2)
	a.op("AND16B", kConst, 0, 3)
	a.op("USHR16B", 4, 0, 4)
	a.op("DUP4S", 3, 3, 3)
	a.op("DUP4S", 3, 4, 4)
	a.op("SLI16B", 4, 2, 3)
	a.op("SLI16B", 4, 2, 4)
	a.note("Each byte becomes a word.")
	a.op("ZIP1_16B", uZero, 1, 5)
	a.op("ZIP2_16B", uZero, 1, 6)
	a.op("ZIP1_16B", uZero, 3, 3)
	a.op("ZIP2_16B", uZero, 4, 4)
	a.op("ZIP2_8H", uZero, 5, 5)
	a.op("ZIP1_8H", uZero, 6, 6)
	a.op("ZIP2_8H", uZero, 3, 3)
	a.op("ZIP1_8H", uZero, 4, 4)
	for _, x := range []int{5, 3} {
		a.op("SCVTF4S", x, x)
		a.op("FMULI4S", 0, 12, x, x)
	}
	for _, x := range []int{6, 4} {
		a.op("SCVTF4S", x, x)
		a.op("FMULI4S", 1, 13, x, x)
	}
	a.ins("FSTPQ.P (F5, F3), 32(R2)")
	a.ins("FSTPQ.P (F6, F4), 32(R3)")
}

// unpackScaleD stores eight times what is in half-word lane 0 of register x.
func unpackScaleD(a *asm, x int) {
	a.op("FCVTL4S", x, x)
	a.op("DUP4S", 0, x, x)
	a.ins("FSTPQ.P (F%d, F%d), 32(R2)", x, x)
}

func unpackScalesQ6K(a *asm) {
	a.ins("FMOVQ 192(R0), F0")
	a.ins("FMOVQ.P F0, 16(R5)")
	a.op("LDRH", 208, 0, 1)
	unpackScaleD(a, 1)
}

// unpackScalesQ3K: 6-bit sub-scales less 32, low nibbles in eight bytes, high
// pairs of bits in four; d behind them.
func unpackScalesQ3K(a *asm) {
	// Two bytes early, so as not to read behind the superblock.
	a.op("LDURQ", 94, 0, 0)
	a.op("LDRH", 108, 0, 7)
	a.op("EXT16B", 2, 0, 0, 0)
	unpackScaleD(a, 7)
	a.op("MOVI16B", 15, 1)
	a.op("AND16B", 1, 0, 1)
	a.op("USHR16B", 4, 0, 2)
	a.op("ZIP1_2D", 2, 1, 1)
	a.op("DUP4S", 2, 0, 2)
	for i := range 3 {
		a.op("USHR16B", 2+2*i, 2, 3+i)
	}
	a.op("ZIP1_4S", 3, 2, 2)
	a.op("ZIP1_4S", 5, 4, 4)
	a.op("ZIP1_2D", 4, 2, 2)
	a.op("SLI16B", 4, 2, 1)
	a.op("MOVI16B", 63, 2)
	a.op("AND16B", 2, 1, 1)
	a.op("SUB16B", u32, 1, 1)
	a.ins("FMOVQ.P F1, 16(R5)")
}

func unpackScalesQ2K(a *asm) {
	a.ins("FMOVQ (R0), F%d", uSub)
	a.op("MOVI16B", 15, 0)
	a.op("AND16B", 0, uSub, uSub)
}
