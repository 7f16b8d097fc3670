package main

import "fmt"

// The kernels for few tokens read the blocks of the file, eight rows at once:
//
//	func few(dst *float32, w *byte, step, groups, blocks int, a *Acts, t int)
//
// Each row's integer dot products gather in four lanes of its own register
// (acc), which is never cleared: adding pairs turns eight registers into two
// vectors with a row in each lane, and the totals before are subtracted, exact
// modulo 2^32. From there on a vector lane is a row, and the float steps of
// the block follow in the fixed order.
const (
	vC     = 6  // correction of the block's totals, at its end
	vMin   = 7  // minimums, at the block's end, 2 registers
	vScale = 0  // f16 scales of rows 0-3; vScale+1: rows 4-7. Min types: scale and min pairs
	vTmp   = 2  // free registers of the streams, then of the block's end
	vConst = 11 // constants of the type, from here downwards
	vFacc2 = 12 // sums of the minimums, 2 registers
	vPrevB = 14 // totals after odd blocks, 2 registers
	vAcc   = 16 // 8 rows
	vPrevA = 24 // totals after even blocks, 2 registers
	vFacc  = 26 // results, 2 registers
	vMask  = 28
	vAct   = 29 // the block's 32 activations, 2 registers
	vDA    = 31 // activation scales of four blocks; with minimums of two, lanes 2 and 3: times suma
)

// general registers of every kernel for few tokens; rows are R0 to R7.
const (
	rQ, rD, rDS, rC, rS              = 8, 9, 10, 11, 19
	rDst, rStep, rGroups, rA, rBlock = 12, 13, 14, 15, 16
	rCount                           = 17
	rQ0, rD0, rDS0, rC0              = 22, 23, 24, 25 // where the token's activations begin
)

// fewFormat describes a type with blocks of 32.
type fewFormat struct {
	name   string
	tmps   int                     // registers of one row's stream, without the product's
	mins   bool                    // the block begins with scale and minimum, not scale alone
	power  bool                    // the scale is a byte, half of a power of two (see quant.E8M0Half)
	bias   int                     // right shift that makes of C = -128*suma what to add (negative: to subtract); 0: nothing
	offset int                     // what row leaves the weights too large by; the kernels for few use bias instead
	limit  int                     // largest magnitude of an unpacked weight
	consts []func(a *asm, reg int) // loads of constants, first to vConst
	// row loads row r's block (behind the scales) and leaves its weights 0-15
	// and 16-31 in the two registers returned.
	row func(a *asm, r int, tmp []int) (lo, hi int)
}

// product adds the 32 products of the weights in lo and hi with the activations
// in act and act+1 to acc; it needs tmps free registers.
type product struct {
	tmps int
	emit func(a *asm, lo, hi, act, acc, tmp, limit int)
	half func(a *asm, w, act, acc, tmp int) // 16 products
}

var (
	dotProd = product{0, emitSDOT, halfSDOT}
	neon    = product{1, emitSMULL, halfSMULL}
)

func emitSDOT(a *asm, lo, hi, act, acc, _, _ int) {
	a.op("SDOT", act, lo, acc)
	a.op("SDOT", act+1, hi, acc)
}

// emitSMULL multiplies into 16 bits: two products of int8 always fit, four if the
// weights stay below 64.
func emitSMULL(a *asm, lo, hi, act, acc, tmp, limit int) {
	a.op("SMULL8H", act, lo, tmp)
	a.op("SMLAL2_8H", act, lo, tmp)
	if limit < 64 {
		a.op("SMLAL8H", act+1, hi, tmp)
		a.op("SMLAL2_8H", act+1, hi, tmp)
		a.op("SADALP4S", tmp, acc)
		return
	}
	a.op("SADALP4S", tmp, acc)
	a.op("SMULL8H", act+1, hi, tmp)
	a.op("SMLAL2_8H", act+1, hi, tmp)
	a.op("SADALP4S", tmp, acc)
}

func halfSDOT(a *asm, w, act, acc, _ int) { a.op("SDOT", act, w, acc) }

func halfSMULL(a *asm, w, act, acc, tmp int) {
	a.op("SMULL8H", act, w, tmp)
	a.op("SMLAL2_8H", act, w, tmp)
	a.op("SADALP4S", tmp, acc)
}

// fewHead loads the arguments, finds the token's activations (ds: the scaled
// sums as well; field: one more field of Acts) and sets the row pointers.
func fewHead(a *asm, rows int, ds bool, field string) {
	a.ins("MOVD dst+0(FP), R%d", rDst)
	a.ins("MOVD w+8(FP), R0")
	a.ins("MOVD step+16(FP), R%d", rStep)
	a.ins("MOVD groups+24(FP), R%d", rGroups)
	a.ins("MOVD blocks+32(FP), R%d", rBlock)
	a.ins("MOVD a+40(FP), R%d", rA)
	a.ins("MOVD t+48(FP), R20")
	a.note("Token t is t*K values in; its scales are t*K/32 floats in.")
	a.ins("MOVD Acts_K(R%d), R21", rA)
	a.ins("MUL R21, R20, R20")
	a.ins("MOVD Acts_Q(R%d), R%d", rA, rQ0)
	a.ins("MOVD Acts_D(R%d), R%d", rA, rD0)
	a.ins("ADD R20, R%d, R%d", rQ0, rQ0)
	a.ins("ADD R20>>3, R%d, R%d", rD0, rD0)
	if ds {
		a.ins("MOVD Acts_DS(R%d), R%d", rA, rDS0)
		a.ins("ADD R20>>3, R%d, R%d", rDS0, rDS0)
	}
	if field != "" {
		shift := 3
		if field == "C16" {
			shift = 2
		}
		a.ins("MOVD Acts_%s(R%d), R%d", field, rA, rC0)
		a.ins("ADD R20>>%d, R%d, R%d", shift, rC0, rC0)
	}
	for r := 1; r < rows; r++ {
		a.ins("ADD R%d, R%d, R%d", rStep, r-1, r)
	}
	a.note("A finished group leaves every pointer one row further.")
	a.ins("MOVD $%d, R20", rows-1)
	a.ins("MUL R20, R%d, R%d", rStep, rStep)
}

func fewTail(a *asm, rows int) {
	a.ins("SUB $1, R%d, R%d", rGroups, rGroups)
	a.ins("CBZ R%d, done", rGroups)
	for r := range rows {
		a.ins("ADD R%d, R%d, R%d", rStep, r, r)
	}
	a.ins("B group")
	a.label("done")
	a.ins("RET")
}

// few emits the kernel of one type with blocks of 32.
func few(f fewFormat, tier string, mul product) string {
	a := &asm{}
	field := ""
	if f.bias != 0 {
		field = "C"
	}
	fewHead(a, 8, f.mins, field)
	a.op("MOVI16B", 15, vMask)
	for i, load := range f.consts {
		load(a, vConst-i)
	}
	for i := range 8 {
		a.op("MOVIZ", vAcc+i)
	}
	for i := range 2 {
		a.op("MOVIZ", vPrevA+i)
	}
	a.label("group")
	for i := range 2 {
		a.op("MOVIZ", vFacc+i)
		if f.mins {
			a.op("MOVIZ", vFacc2+i)
		}
	}
	a.ins("MOVD R%d, R%d", rQ0, rQ)
	a.ins("MOVD R%d, R%d", rD0, rD)
	if f.mins {
		a.ins("MOVD R%d, R%d", rDS0, rDS)
	}
	if f.bias != 0 {
		a.ins("MOVD R%d, R%d", rC0, rC)
	}
	left := rBlock
	if !f.mins {
		left = rCount
		a.ins("SUBS $4, R%d, R%d", rBlock, rCount)
		a.ins("BLT pairs")
		a.label("four")
		a.ins("FMOVQ.P 16(R%d), F%d", rD, vDA)
		for i := range 4 {
			fewBlock(a, f, mul, i)
		}
		a.ins("SUBS $4, R%d, R%d", rCount, rCount)
		a.ins("BGE four")
		a.label("pairs")
		a.ins("ADD $4, R%d, R%d", rCount, rCount)
	}
	a.ins("SUBS $2, R%d, R%d", left, rCount)
	a.ins("BLT last")
	a.label("pair")
	a.ins("FMOVD.P 8(R%d), F%d", rD, vDA)
	if f.mins {
		a.ins("VLD1.P 8(R%d), V%d.D[1]", rDS, vDA)
	}
	fewBlock(a, f, mul, 0)
	fewBlock(a, f, mul, 1)
	a.ins("SUBS $2, R%d, R%d", rCount, rCount)
	a.ins("BGE pair")
	a.label("last")
	a.ins("TBZ $0, R%d, store", rCount)
	a.ins("FMOVS (R%d), F%d", rD, vDA)
	if f.mins {
		a.ins("VLD1 (R%d), V%d.S[2]", rDS, vDA)
	}
	fewBlock(a, f, mul, 0)
	for i := range 2 {
		a.op("ORR16B", vPrevB+i, vPrevB+i, vPrevA+i)
	}
	a.label("store")
	if f.mins {
		for i := range 2 {
			a.op("FADD4S", vFacc2+i, vFacc+i, vFacc+i)
		}
	}
	a.ins("FSTPQ.P (F%d, F%d), 32(R%d)", vFacc, vFacc+1, rDst)
	fewTail(a, 8)
	doc := fmt.Sprintf("few%s%s multiplies groups of eight rows of %s with one token.", f.name, tier, f.name)
	return a.text(doc, "few"+f.name+tier, 0, 56)
}

// fewBlock emits one block of eight rows, whose scale is lane of vDA; odd and
// even blocks swap the registers of the totals.
func fewBlock(a *asm, f fewFormat, mul product, lane int) {
	a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", rQ, vAct, vAct+1)
	var rows []*asm
	need := f.tmps + mul.tmps
	ways := (vConst - len(f.consts) - vTmp + 1) / need
	for r := range 8 {
		s := &asm{}
		sc := vScale + r/4
		switch {
		case f.mins && r%4 == 0:
			s.ins("FMOVS.P 4(R%d), F%d", r, sc)
		case f.mins:
			s.ins("VLD1.P 4(R%d), V%d.S[%d]", r, sc, r%4)
		case f.power && r%4 == 0:
			s.op("LDRB_P", 1, r, sc)
		case f.power:
			s.ins("VLD1.P 1(R%d), V%d.B[%d]", r, sc, r%4)
		case r%4 == 0:
			s.op("LDRH_P", 2, r, sc)
		default:
			s.ins("VLD1.P 2(R%d), V%d.H[%d]", r, sc, r%4)
		}
		tmp := make([]int, need)
		for i := range tmp {
			tmp[i] = vTmp + r%ways*need + i
		}
		lo, hi := f.row(s, r, tmp[:f.tmps])
		mul.emit(s, lo, hi, vAct, vAcc+r, tmp[need-1], f.limit)
		rows = append(rows, s)
	}
	a.weaveN(ways, rows)
	old, total := vPrevA, vPrevB
	if lane%2 == 1 {
		old, total = vPrevB, vPrevA
	}
	if f.bias != 0 {
		a.ins("VLD1R.P 4(R%d), [V%d.S4]", rC, vC)
		if f.bias < 0 {
			a.op("NEG4S", vC, vC)
		}
	}
	if f.mins {
		a.note("Pairs of scale and minimum come apart.")
		a.op("UZP2_8H", vScale+1, vScale, vMin)
		a.op("UZP1_8H", vScale+1, vScale, vScale)
		a.op("FCVTL2_4S", vMin, vMin+1)
		a.op("FCVTL4S", vMin, vMin)
		a.op("FCVTL2_4S", vScale, vScale+1)
		a.op("FCVTL4S", vScale, vScale)
	}
	halves := [2]*asm{{}, {}}
	for h, s := range halves {
		t, acc := vTmp+2*h, vAcc+4*h
		s.op("ADDP4S", acc+1, acc, t)
		s.op("ADDP4S", acc+3, acc+2, t+1)
		s.op("ADDP4S", t+1, t, total+h)
		switch {
		case f.power:
			powers(s, vScale+h, vC+h)
		case !f.mins:
			s.op("FCVTL4S", vScale+h, vScale+h)
		}
		s.op("FMULI4S", lane, vDA, vScale+h, vScale+h)
		s.op("SUB4S", old+h, total+h, old+h)
		if f.bias != 0 {
			s.op("SSRA4S", max(f.bias, -f.bias), vC, old+h)
		}
		s.op("SCVTF4S", old+h, old+h)
		if f.mins {
			s.op("FMLAI4S", 2+lane, vDA, vMin+h, vFacc2+h)
		}
		s.op("FMLA4S", vScale+h, old+h, vFacc+h)
	}
	a.weave(halves[:]...)
}
