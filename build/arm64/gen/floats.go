package main

import "fmt"

// floatType is a type whose weights are floats.
type floatType struct {
	name  string
	bytes int
	// widen16 turns the 16 elements loaded in raw (F32: 4 registers, else 2)
	// into four registers of floats: F16 in order, of BF16 the odd ones first. There
	// bf16Mask has what odd ones keep of their pair.
	widen16 func(a *asm, raw, to int)
}

const bf16Mask = 12

var floatTypes = []floatType{
	{"F32", 4, nil},
	{"F16", 2, func(a *asm, raw, to int) {
		for i := range 2 {
			a.op("FCVTL4S", raw+i, to+2*i)
			a.op("FCVTL2_4S", raw+i, to+2*i+1)
		}
	}},
	{"BF16", 2, func(a *asm, raw, to int) {
		for i := range 2 {
			a.op("AND16B", bf16Mask, raw+i, to+i)
			a.op("SHL4S", 16, raw+i, to+2+i)
		}
	}},
}

// load16 loads 16 elements behind Rptr and leaves them as floats in to to to+3.
func (t floatType) load16(a *asm, ptr, raw, to int) {
	if t.widen16 == nil {
		a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", ptr, to, to+1)
		a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", ptr, to+2, to+3)
		return
	}
	a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", ptr, raw, raw+1)
	t.widen16(a, raw, to)
}

// tree adds the 16 lanes in acc to acc+3 in the fixed order as far as four
// lanes: lane i += lane i+8, then i+4.
func tree(a *asm, acc int) {
	a.op("FADD4S", acc+2, acc, acc)
	a.op("FADD4S", acc+3, acc+1, acc+1)
	a.op("FADD4S", acc+1, acc, acc)
}

// treeEnd adds lanes i+2, then i+1 of four sums at once: (x0+x2) + (x1+x3) of
// each of the registers x goes to a lane of to.
func treeEnd(a *asm, x [4]int, tmp, to int) {
	for i := 0; i < 4; i += 2 {
		// The low halves of two registers against their high halves.
		a.op("ZIP1_2D", x[i+1], x[i], tmp)
		a.op("ZIP2_2D", x[i+1], x[i], tmp+1)
		a.op("FADD4S", tmp+1, tmp, x[i])
	}
	a.op("FADDP4S", x[2], x[0], to)
}

// fewFloat emits the kernel that multiplies groups of four rows with one token:
//
//	func few(dst *float32, w *byte, step, groups, n int, x *float32)
//
// n is a multiple of 16. Each row has its 16 lanes in four registers.
func fewFloat(t floatType) string {
	a := &asm{}
	if t.name == "BF16" {
		upper(a)
	}
	fewFloatBegin(a, t.bytes)
	a.label("loop")
	// times multiplies 16 weights of each row with the floats in 0 to 3; product i
	// goes to sum place(i).
	times := func(place func(i int) int) {
		for pair := 0; pair < 4; pair += 2 {
			var rows []*asm
			for r := pair; r < pair+2; r++ {
				s := &asm{}
				to := 4 + 4*(r%2)
				raw := 12 + 2*(r%2)
				if t.name == "BF16" {
					raw = to + 2
				}
				t.load16(s, r, raw, to)
				for i := range 4 {
					s.op("FMLA4S", i, to+i, 16+4*r+place(i))
				}
				rows = append(rows, s)
			}
			a.weave(rows...)
		}
	}
	if t.name == "BF16" { // 16 pairs, half of the lanes at a time
		a.ins("SUBS $32, R17, R17")
		for h := range 2 {
			a.ins("FLDPQ %d(R8), (F0, F1)", 32*h)
			a.ins("FLDPQ %d(R8), (F2, F3)", 64+32*h)
			times(func(i int) int { return 2*h + i%2 })
		}
		a.ins("ADD $128, R8, R8")
	} else {
		a.ins("FLDPQ.P 32(R8), (F0, F1)")
		a.ins("FLDPQ.P 32(R8), (F2, F3)")
		a.ins("SUBS $16, R17, R17")
		times(func(i int) int { return i })
	}
	a.ins("BNE loop")
	fewFloatEnd(a)
	name := "few" + t.name + "NEON"
	return a.text(name+" multiplies groups of four rows of "+t.name+" with one token.", name, 0, 48)
}

// upper sets bf16Mask.
func upper(a *asm) {
	a.ins("MOVD $0xffff0000, R9")
	a.ins("VDUP R9, V%d.S4", bf16Mask)
}

// fewFloatBegin loads the arguments and begins a group: rows in R0 to R3, the
// token in R8, its length in R17, the sums in 16 to 31.
func fewFloatBegin(a *asm, bytes int) {
	a.ins("MOVD dst+0(FP), R12")
	a.ins("MOVD w+8(FP), R0")
	a.ins("MOVD step+16(FP), R13")
	a.ins("MOVD groups+24(FP), R14")
	a.ins("MOVD n+32(FP), R16")
	a.ins("MOVD x+40(FP), R15")
	for r := 1; r < 4; r++ {
		a.ins("ADD R13, R%d, R%d", r-1, r)
	}
	a.note("From the end of a group's rows to the next group.")
	a.ins("LSL $2, R13, R13")
	a.ins("MOVD $%d, R11", bytes)
	a.ins("MSUB R11, R13, R16, R13")
	a.label("group")
	for i := range 16 {
		a.op("MOVIZ", 16+i)
	}
	a.ins("MOVD R15, R8")
	a.ins("MOVD R16, R17")
}

// fewFloatEnd adds up the sums of a group and goes on to the next.
func fewFloatEnd(a *asm) {
	for r := range 4 {
		tree(a, 16+4*r)
	}
	treeEnd(a, [4]int{16, 20, 24, 28}, 0, 16)
	a.ins("FMOVQ.P F16, 16(R12)")
	for r := range 4 {
		a.ins("ADD R13, R%d, R%d", r, r)
	}
	a.ins("SUBS $1, R14, R14")
	a.ins("BNE group")
	a.ins("RET")
}

// halfType is a type of 16 bits that processors multiply without widening.
type halfType struct {
	name string // of weights and processor feature
	per  int    // elements that a round of the loops takes at least: those of all 16 lanes
	// times adds the products of the 8 elements in x and w to the lanes of the sums
	// acc to acc+3 that are those of register i of the round.
	times func(a *asm, x, w, acc, i int)
}

var halfTypes = []halfType{
	{"F16FHM", 16, func(a *asm, x, w, acc, i int) {
		a.op("FMLAL4S", x, w, acc+2*i)
		a.op("FMLAL2_4S", x, w, acc+2*i+1)
	}},
	{"BF16Pairs", 32, func(a *asm, x, w, acc, i int) {
		a.op("BFMLALT4S", x, w, acc+i)
		a.op("BFMLALB4S", x, w, acc+i)
	}},
}

// fewHalves emits the kernel that multiplies groups of four rows with one token of
// the same type; arguments as fewFloat's.
func fewHalves(t halfType) string {
	a := &asm{}
	fewFloatBegin(a, 2)
	columns16 := func(at int) {
		a.ins("FLDPQ.P 32(R8), (F0, F1)")
		for pair := 0; pair < 4; pair += 2 {
			var rows []*asm
			for r := pair; r < pair+2; r++ {
				s := &asm{}
				w := 4 + 2*r
				s.ins("FLDPQ.P 32(R%d), (F%d, F%d)", r, w, w+1)
				for i := range 2 {
					t.times(s, i, w+i, 16+4*r, at%t.per/8+i)
				}
				rows = append(rows, s)
			}
			a.weave(rows...)
		}
	}
	if t.per == 16 {
		a.ins("SUBS $32, R17, R17")
		a.ins("BLT rest")
	}
	a.label("loop")
	a.ins("SUBS $32, R17, R17")
	columns16(0)
	columns16(16)
	if t.per == 16 {
		a.ins("BGE loop")
		a.label("rest")
		a.ins("ADDS $32, R17, R17")
		a.ins("BEQ done")
		columns16(0)
		a.label("done")
	} else {
		a.ins("BNE loop")
	}
	fewFloatEnd(a)
	name := "few" + t.name
	return a.text(name+" multiplies groups of four rows with one token of their type.", name, 0, 48)
}

// gemmFloat emits the kernel for many tokens, two rows of floats with groups of
// three tokens, or with t, if that is not nil, rows with tokens of that type:
//
//	func gemm(dst *float32, stride int, w *float32, wstep int, x *float32, xstep, n, groups int)
//
// Strides and steps are in bytes.
func gemmFloat(t *halfType) string {
	name, shift, passes, per := "gemmFloatNEON", 2, 2, 16
	if t != nil {
		name, shift, passes, per = "gemm"+t.name, 1, t.per/16, t.per
	}
	a := &asm{}
	for i, arg := range []string{"dst", "stride", "w", "wstep", "x", "xstep", "n", "groups"} {
		a.ins("MOVD %s+%d(FP), R%d", arg, 8*i, i)
	}
	a.ins("ADD R5, R4, R9")
	a.ins("ADD R5, R9, R10")
	a.note("From the end of a group's tokens to the next group.")
	a.ins("ADD R5<<1, R5, R11")
	a.ins("SUB R6<<%d, R11, R11", shift)
	a.ins("MOVD $·zeros(SB), R15")
	a.label("group")
	for i := 0; i < 24; i += 2 {
		a.ins("FLDPQ (R15), (F%d, F%d)", i, i+1)
	}
	a.ins("MOVD R2, R12")
	a.ins("ADD R3, R2, R13")
	a.ins("MOVD R6, R14")
	a.label("loop")
	for pass := range passes {
		// Two registers of each row in 24 to 27, of each token in 28 to 31 in turn.
		a.ins("FLDPQ.P 32(R12), (F24, F25)")
		a.ins("FLDPQ.P 32(R13), (F26, F27)")
		if pass == 0 {
			a.ins("SUBS $%d, R14, R14", per)
		}
		for tok, ptr := range []int{4, 9, 10} {
			x := 28 + tok%2*2
			a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", ptr, x, x+1)
			for i := range 2 {
				for r := range 2 {
					row, acc := 24+2*r+i, 12*r+4*tok
					if t != nil {
						t.times(a, x+i, row, acc, 2*pass+i)
					} else {
						a.op("FMLA4S", x+i, row, acc+2*pass+i)
					}
				}
			}
		}
	}
	a.ins("BNE loop")
	for i := range 6 {
		tree(a, 4*i)
	}
	// Rows in lanes 0 and 1 of each token: registers 0, 4, 8 and 12, 16, 20.
	treeEnd(a, [4]int{0, 12, 4, 16}, 24, 0)
	a.op("ZIP1_2D", 20, 8, 24)
	a.op("ZIP2_2D", 20, 8, 25)
	a.op("FADD4S", 25, 24, 8)
	a.op("FADDP4S", 8, 8, 1)
	a.ins("FMOVD F0, (R0)")
	a.ins("ADD R1, R0, R0")
	a.ins("VST1 V0.D[1], (R0)")
	a.ins("ADD R1, R0, R0")
	a.ins("FMOVD F1, (R0)")
	a.ins("ADD R1, R0, R0")
	for _, ptr := range []int{4, 9, 10} {
		a.ins("ADD R11, R%d, R%d", ptr, ptr)
	}
	a.ins("SUBS $1, R7, R7")
	a.ins("BNE group")
	a.ins("RET")
	return a.text(name+" multiplies two rows with groups of three tokens.", name, 0, 64)
}

// widen emits
//
//	func widen(dst *float32, src *byte, n int)
//
// for a multiple of 16, with BF16 of 32, whose odd elements come before the even ones.
func widen(t floatType) string {
	a := &asm{}
	a.ins("MOVD dst+0(FP), R0")
	a.ins("MOVD src+8(FP), R1")
	a.ins("MOVD n+16(FP), R2")
	if t.name == "BF16" {
		upper(a)
		a.label("loop")
		for h := range 2 {
			t.load16(a, 1, 4, 0)
			a.ins("FSTPQ (F0, F1), %d(R0)", 32*h)
			a.ins("FSTPQ (F2, F3), %d(R0)", 64+32*h)
		}
		a.ins("ADD $128, R0, R0")
		a.ins("SUBS $32, R2, R2")
	} else {
		a.label("loop")
		t.load16(a, 1, 4, 0)
		a.ins("FSTPQ.P (F0, F1), 32(R0)")
		a.ins("FSTPQ.P (F2, F3), 32(R0)")
		a.ins("SUBS $16, R2, R2")
	}
	a.ins("BNE loop")
	a.ins("RET")
	name := "widen" + t.name + "NEON"
	return a.text(name+" turns "+t.name+" into floats.", name, 0, 24)
}

// weigh emits the second half of attention, out += sum of w[j] * row j:
//
//	func weigh(out *float32, v *byte, step int, w *float32, n int)
//
// for width values of a row (a constant of the kernel) and rows that lie step
// bytes apart. Each value has its own sequential chain.
func weigh(t floatType, width int) string {
	a := &asm{}
	a.ins("MOVD out+0(FP), R0")
	a.ins("MOVD v+8(FP), R1")
	a.ins("MOVD step+16(FP), R2")
	a.ins("MOVD w+24(FP), R3")
	a.ins("MOVD n+32(FP), R4")
	const acc = 16
	for i := 0; i < width/4; i += 2 {
		a.ins("FLDPQ %d(R0), (F%d, F%d)", 16*i, acc+i, acc+i+1)
	}
	row := func(lane int) {
		var parts []*asm
		for p := range width / 16 {
			s := &asm{}
			to := 4 + 4*(p%2)
			if t.bytes == 4 {
				s.ins("FLDPQ %d(R1), (F%d, F%d)", 64*p, to, to+1)
				s.ins("FLDPQ %d(R1), (F%d, F%d)", 64*p+32, to+2, to+3)
			} else {
				raw := 12 + 2*(p%2)
				s.ins("FLDPQ %d(R1), (F%d, F%d)", 32*p, raw, raw+1)
				t.widen16(s, raw, to)
			}
			for i := range 4 {
				s.op("FMLAI4S", lane, 0, to+i, acc+4*p+i)
			}
			parts = append(parts, s)
		}
		a.weaveN(2, parts)
		a.ins("ADD R2, R1, R1")
	}
	a.ins("SUBS $4, R4, R4")
	a.ins("BLT rest")
	a.label("four")
	a.ins("FMOVQ.P 16(R3), F0")
	for lane := range 4 {
		row(lane)
	}
	a.ins("SUBS $4, R4, R4")
	a.ins("BGE four")
	a.label("rest")
	a.ins("ADDS $4, R4, R4")
	a.ins("BEQ done")
	a.label("one")
	a.ins("FMOVS.P 4(R3), F0")
	row(0)
	a.ins("SUBS $1, R4, R4")
	a.ins("BNE one")
	a.label("done")
	for i := 0; i < width/4; i += 2 {
		a.ins("FSTPQ (F%d, F%d), %d(R0)", acc+i, acc+i+1, 16*i)
	}
	a.ins("RET")
	name := fmt.Sprintf("weigh%sx%dNEON", t.name, width)
	return a.text(fmt.Sprintf("%s adds n weighted rows of %d values to out.", name, width), name, 0, 40)
}
