package main

// arrange emits the kernel that copies eight unpacked rows of int8 into a panel:
//
//	func arrange(panel *byte, block int, q *int8, step, blocks int)
//
// step is the distance of the rows, block that of the panel's blocks, in bytes.
func arrange(tier string) string {
	a := &asm{}
	a.ins("MOVD panel+0(FP), R8")
	a.ins("MOVD block+8(FP), R9")
	a.ins("MOVD q+16(FP), R0")
	a.ins("MOVD step+24(FP), R10")
	a.ins("MOVD blocks+32(FP), R11")
	for r := 1; r < 8; r++ {
		a.ins("ADD R10, R%d, R%d", r-1, r)
	}
	a.label("loop")
	a.ins("SUBS $1, R11, R11")
	switch tier {
	case "NEON":
		for r := range 8 {
			a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", r, 2*r, 2*r+1)
			a.ins("FSTPQ (F%d, F%d), %d(R8)", 2*r, 2*r+1, 32*r)
		}
	case "DotProd":
		for h := range 2 {
			for r := range 4 {
				a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", 4*h+r, r, 4+r)
			}
			for half := range 2 {
				// A 4x4 transpose of 32-bit words: rows into columns.
				x := 4 * half
				for i := range 2 {
					a.op("TRN1_4S", x+2*i+1, x+2*i, 16+2*i)
					a.op("TRN2_4S", x+2*i+1, x+2*i, 17+2*i)
				}
				a.op("ZIP1_2D", 18, 16, 20)
				a.op("ZIP1_2D", 19, 17, 21)
				a.op("ZIP2_2D", 18, 16, 22)
				a.op("ZIP2_2D", 19, 17, 23)
				a.ins("FSTPQ (F20, F21), %d(R8)", 128*half+32*h)
				a.ins("FSTPQ (F22, F23), %d(R8)", 128*half+64+32*h)
			}
		}
	case "I8MM":
		for p := range 4 {
			x := 4 * (p % 2)
			a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", 2*p, x, x+1)
			a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", 2*p+1, x+2, x+3)
			for half := range 2 {
				y := 16 + x + 2*half
				a.op("ZIP1_2D", x+2+half, x+half, y)
				a.op("ZIP2_2D", x+2+half, x+half, y+1)
				a.ins("FSTPQ (F%d, F%d), %d(R8)", y, y+1, 128*half+32*p)
			}
		}
	}
	a.ins("ADD R9, R8, R8")
	a.ins("BNE loop")
	a.ins("RET")
	name := "arrange" + tier
	return a.text(name+" copies eight rows into a panel.", name, 0, 40)
}

// gather8 emits the kernel that puts one float of each of eight rows side by side:
//
//	func gather8(dst *byte, block int, x *float32, step, blocks int)
//
// With twice each stands there twice.
func gather8(twice bool) string {
	a := &asm{}
	a.ins("MOVD dst+0(FP), R8")
	a.ins("MOVD block+8(FP), R9")
	a.ins("MOVD x+16(FP), R0")
	a.ins("MOVD step+24(FP), R10")
	a.ins("MOVD blocks+32(FP), R11")
	for r := 1; r < 8; r++ {
		a.ins("ADD R10, R%d, R%d", r-1, r)
	}
	a.label("loop")
	for r := range 8 {
		if r%4 == 0 {
			a.ins("FMOVS.P 4(R%d), F%d", r, r/4)
		} else {
			a.ins("VLD1.P 4(R%d), V%d.S[%d]", r, r/4, r%4)
		}
	}
	a.ins("SUBS $1, R11, R11")
	name := "gather8NEON"
	if twice {
		name = "gather8TwiceNEON"
		for i := range 2 {
			a.op("ZIP1_4S", i, i, 2+2*i)
			a.op("ZIP2_4S", i, i, 3+2*i)
		}
		a.ins("FSTPQ (F2, F3), (R8)")
		a.ins("FSTPQ (F4, F5), 32(R8)")
	} else {
		a.ins("FSTPQ (F0, F1), (R8)")
	}
	a.ins("ADD R9, R8, R8")
	a.ins("BNE loop")
	a.ins("RET")
	return a.text(name+" puts one float of each of eight rows side by side.", name, 0, 40)
}

// tokens sets registers first to first+3 to where tokens t to t+3 begin in a
// field of Acts; those that a does not have repeat the last one. a is in R9,
// t in R10; a token has K>>shift bytes.
func tokens(a *asm, field string, first, shift int) {
	a.ins("MOVD Acts_K(R9), R12")
	a.ins("MOVD Acts_N(R9), R13")
	a.ins("LSR $%d, R12, R12", shift)
	a.ins("MOVD Acts_%s(R9), R%d", field, first)
	a.ins("MADD R12, R%d, R10, R%d", first, first)
	for i := 1; i < 4; i++ {
		a.ins("ADD $%d, R10, R14", i)
		a.ins("CMP R13, R14")
		a.ins("CSEL LT, R12, ZR, R14")
		a.ins("ADD R14, R%d, R%d", first+i-1, first+i)
	}
}

// pack emits the kernel that packs a quad of tokens:
//
//	func pack(acts *byte, a *Acts, t, blocks int)
func pack(name string, pairs bool) string {
	a := &asm{}
	a.ins("MOVD acts+0(FP), R8")
	a.ins("MOVD a+8(FP), R9")
	a.ins("MOVD t+16(FP), R10")
	a.ins("MOVD blocks+24(FP), R11")
	tokens(a, "Q", 0, 0)
	tokens(a, "D", 4, 3)
	a.label("loop")
	for t := range 4 {
		a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", t, t, 4+t)
	}
	a.ins("SUBS $1, R11, R11")
	if pairs {
		for half := range 2 {
			for p := range 2 {
				x, y := 4*half+2*p, 16+8*half+2*p
				a.op("ZIP1_2D", x+1, x, y)
				a.op("ZIP2_2D", x+1, x, y+1)
				a.ins("FSTPQ.P (F%d, F%d), 32(R8)", y, y+1)
			}
		}
		for p := range 2 {
			a.ins("FMOVS.P 4(R%d), F%d", 4+2*p, p)
			a.ins("VLD1.P 4(R%d), V%d.S[1]", 5+2*p, p)
			a.op("DUP2D", 0, p, p)
		}
		a.ins("FSTPQ.P (F0, F1), 32(R8)")
	} else {
		for x := 0; x < 8; x += 2 {
			a.ins("FSTPQ.P (F%d, F%d), 32(R8)", x, x+1)
		}
		a.ins("FMOVS.P 4(R4), F0")
		for t := 1; t < 4; t++ {
			a.ins("VLD1.P 4(R%d), V0.S[%d]", 4+t, t)
		}
		a.ins("FMOVQ.P F0, 16(R8)")
	}
	a.ins("BNE loop")
	a.ins("RET")
	return a.text(name+" packs a quad of tokens.", name, 0, 32)
}

// gather4 emits
//
//	func gather4(dst *byte, a *Acts, t, blocks int)
//
// which puts the scaled sums (DS) of four tokens side by side.
func gather4() string {
	a := &asm{}
	a.ins("MOVD dst+0(FP), R8")
	a.ins("MOVD a+8(FP), R9")
	a.ins("MOVD t+16(FP), R10")
	a.ins("MOVD blocks+24(FP), R11")
	tokens(a, "DS", 0, 3)
	a.label("loop")
	a.ins("FMOVS.P 4(R0), F0")
	for t := 1; t < 4; t++ {
		a.ins("VLD1.P 4(R%d), V0.S[%d]", t, t)
	}
	a.ins("FMOVQ.P F0, 16(R8)")
	a.ins("SUBS $1, R11, R11")
	a.ins("BNE loop")
	a.ins("RET")
	return a.text("gather4NEON puts the scaled sums of four tokens side by side.", "gather4NEON", 0, 32)
}

// gatherSub emits the kernel that puts the two sub-scales of a block of eight
// rows side by side, as two vectors of int32:
//
//	func gatherSub(dst *byte, block int, sub *int8, step, blocks int)
//
// With twice each stands there twice.
func gatherSub(twice bool) string {
	a := &asm{}
	a.ins("MOVD dst+0(FP), R8")
	a.ins("MOVD block+8(FP), R9")
	a.ins("MOVD sub+16(FP), R0")
	a.ins("MOVD step+24(FP), R10")
	a.ins("MOVD blocks+32(FP), R11")
	for r := 1; r < 8; r++ {
		a.ins("ADD R10, R%d, R%d", r-1, r)
	}
	a.label("loop")
	for r := range 8 {
		if r == 0 {
			a.op("LDRH_P", 2, r, 0)
		} else {
			a.ins("VLD1.P 2(R%d), V0.H[%d]", r, r)
		}
	}
	a.ins("SUBS $1, R11, R11")
	a.note("Bytes by half of the block; then widened.")
	a.op("UZP1_16B", 0, 0, 1)
	a.op("UZP2_16B", 0, 0, 2)
	name := "gatherSubNEON"
	if twice {
		name = "gatherSubTwiceNEON"
	}
	for h := range 2 {
		x := 1 + h
		a.op("SXTL8H", x, x)
		a.op("SXTL4S", x, 4)
		a.op("SXTL2_4S", x, 5)
		if twice {
			for i := range 2 {
				a.op("ZIP1_4S", 4+i, 4+i, 6+2*i)
				a.op("ZIP2_4S", 4+i, 4+i, 7+2*i)
			}
			a.ins("FSTPQ (F6, F7), %d(R8)", 64*h)
			a.ins("FSTPQ (F8, F9), %d(R8)", 64*h+32)
		} else {
			a.ins("FSTPQ (F4, F5), %d(R8)", 32*h)
		}
	}
	a.ins("ADD R9, R8, R8")
	a.ins("BNE loop")
	a.ins("RET")
	return a.text(name+" puts the sub-scales of eight rows side by side.", name, 0, 40)
}

// gatherFloatSub emits the same for float sub-scales:
//
//	func gatherFloatSub(dst *byte, block int, sub *float32, step, blocks int)
func gatherFloatSub(twice bool) string {
	a := &asm{}
	a.ins("MOVD dst+0(FP), R8")
	a.ins("MOVD block+8(FP), R9")
	a.ins("MOVD sub+16(FP), R0")
	a.ins("MOVD step+24(FP), R10")
	a.ins("MOVD blocks+32(FP), R11")
	for r := 1; r < 8; r++ {
		a.ins("ADD R10, R%d, R%d", r-1, r)
	}
	a.label("loop")
	for r := 0; r < 8; r += 2 {
		a.ins("FMOVD.P 8(R%d), F%d", r, r/2)
		a.ins("VLD1.P 8(R%d), V%d.D[1]", r+1, r/2)
	}
	a.ins("SUBS $1, R11, R11")
	name := "gatherFloatSubNEON"
	if twice {
		name = "gatherFloatSubTwiceNEON"
	}
	for h, uzp := range []string{"UZP1_4S", "UZP2_4S"} {
		for i := range 2 {
			a.op(uzp, 2*i+1, 2*i, 4+i)
		}
		if twice {
			for i := range 2 {
				a.op("ZIP1_4S", 4+i, 4+i, 6+2*i)
				a.op("ZIP2_4S", 4+i, 4+i, 7+2*i)
			}
			a.ins("FSTPQ (F6, F7), %d(R8)", 64*h)
			a.ins("FSTPQ (F8, F9), %d(R8)", 64*h+32)
		} else {
			a.ins("FSTPQ (F4, F5), %d(R8)", 32*h)
		}
	}
	a.ins("ADD R9, R8, R8")
	a.ins("BNE loop")
	a.ins("RET")
	return a.text(name+" puts the float sub-scales of eight rows side by side.", name, 0, 40)
}
