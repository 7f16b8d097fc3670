package main

// The kernels that multiply four unpacked rows, one after another in f, with one token:
//
//	func rows(dst *float32, f *rowForm, a *Acts, t int)
//
// Integer sums go as in the kernels for few tokens that read the file: each row's
// gather in four lanes of its own register, never cleared, and the totals before
// are subtracted. Scales of four blocks are multiplied and transposed at once;
// blocks that are left go one by one.
const (
	wTmp   = 0 // 8 free registers
	wAct   = 8
	wScale = 10 // 4 registers: scales of blocks 0 to 3, a row in each lane
	wDA    = 14 // activation scales of four blocks
	wFacc  = 15
	wAcc   = 16 // rows; 20 to 23: second half of the block for forms with sub-scales
	wTotal = 24 // totals before: of even blocks 24 and 25, of odd blocks 26 and 27
	wSubs  = 28 // sub-scales of two blocks as bytes of words, a row in each; 29: of two more
	wBytes = 30 // TBL's numbers that make words of bytes, 2 registers
)

// general registers: rows of weights are R0 to R3, of scales from wD on, of
// sub-scales from wSub on.
const (
	wD, wQ, wDs, wSub, wDst, wCount, wTable = 4, 8, 9, 10, 14, 17, 20
)

// rowsLimit is the largest weight.
const rowsLimit = 62

// rows emits the kernel without or with sub-scales of 16, which are at least 0.
func rows(sub bool, tier string, mul product) string {
	a := &asm{}
	a.ins("MOVD dst+0(FP), R%d", wDst)
	a.ins("MOVD f+8(FP), R19")
	a.ins("MOVD a+16(FP), R15")
	a.ins("MOVD t+24(FP), R21")
	a.ins("MOVD Acts_K(R15), R16")
	a.ins("MUL R16, R21, R21")
	a.ins("MOVD Acts_Q(R15), R%d", wQ)
	a.ins("ADD R21, R%d, R%d", wQ, wQ)
	a.ins("MOVD Acts_D(R15), R%d", wDs)
	a.ins("ADD R21>>3, R%d, R%d", wDs, wDs)
	step := func(field string, first, shift int) {
		a.ins("MOVD rowForm_%s(R19), R%d", field, first)
		for r := first + 1; r < first+4; r++ {
			a.ins("ADD R16>>%d, R%d, R%d", shift, r-1, r)
		}
	}
	step("q", 0, 0)
	step("d", wD, 3)
	if sub {
		step("sub", wSub, 4)
		a.ins("MOVD $·kConstants(SB), R%d", wTable)
	}
	a.op("MOVIZ", wFacc)
	for i := range 4 {
		a.op("MOVIZ", wAcc+i)
		if sub {
			a.op("MOVIZ", wAcc+4+i)
		}
	}
	a.op("MOVIZ", wTotal)
	a.op("MOVIZ", wTotal+1)
	a.ins("LSR $5, R16, R%d", wCount)
	a.ins("SUBS $4, R%d, R%d", wCount, wCount)
	a.ins("BLT ones")
	a.label("four")
	a.ins("FMOVQ.P 16(R%d), F%d", wDs, wDA)
	for r := range 4 {
		a.ins("FMOVQ.P 16(R%d), F%d", wD+r, wTmp+r)
	}
	for r := range 4 {
		a.op("FMUL4S", wDA, wTmp+r, wTmp+r)
	}
	transpose4(a, wTmp, wTmp+4, wScale)
	if sub {
		for r := range 4 {
			a.ins("FMOVD.P 8(R%d), F%d", wSub+r, wTmp+r)
		}
		a.op("ZIP1_4S", wTmp+1, wTmp, wTmp)
		a.op("ZIP1_4S", wTmp+3, wTmp+2, wTmp+2)
		a.op("ZIP1_2D", wTmp+2, wTmp, wSubs)
		a.op("ZIP2_2D", wTmp+2, wTmp, wSubs+1)
	}
	for b := range 4 {
		rowsBlock(a, sub, mul, b)
	}
	a.ins("SUBS $4, R%d, R%d", wCount, wCount)
	a.ins("BGE four")
	a.label("ones")
	a.ins("ADDS $4, R%d, R%d", wCount, wCount)
	a.ins("BEQ done")
	a.label("one")
	a.ins("FMOVS.P 4(R%d), F%d", wDs, wDA)
	a.ins("FMOVS.P 4(R%d), F%d", wD, wScale)
	for r := 1; r < 4; r++ {
		a.ins("VLD1.P 4(R%d), V%d.S[%d]", wD+r, wScale, r)
	}
	a.op("FMULI4S", 0, wDA, wScale, wScale)
	if sub {
		a.op("LDRH_P", 2, wSub, wSubs)
		for r := 1; r < 4; r++ {
			a.ins("VLD1.P 2(R%d), V%d.H[%d]", wSub+r, wSubs, 2*r)
		}
	}
	rowsBlock(a, sub, mul, 0)
	for i := range 2 {
		a.op("ORR16B", wTotal+2+i, wTotal+2+i, wTotal+i)
	}
	a.ins("SUBS $1, R%d, R%d", wCount, wCount)
	a.ins("BNE one")
	a.label("done")
	a.ins("FMOVQ F%d, (R%d)", wFacc, wDst)
	a.ins("RET")
	name := "rowsScale" + tier
	if sub {
		name = "rowsSub" + tier
	}
	return a.text(name+" multiplies four unpacked rows with one token.", name, 0, 32)
}

// rowsBlock emits block b of four.
func rowsBlock(a *asm, sub bool, mul product, b int) {
	a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", wQ, wAct, wAct+1)
	ways := 4
	if mul.tmps > 0 {
		ways = 2
	}
	var rows []*asm
	for r := range 4 {
		s := &asm{}
		lo := wTmp + r%ways*(8/ways)
		hi, tmp := lo+1, lo+8/ways-1
		s.ins("FLDPQ.P 32(R%d), (F%d, F%d)", r, lo, hi)
		if sub {
			mul.half(s, lo, wAct, wAcc+r, tmp)
			mul.half(s, hi, wAct+1, wAcc+4+r, tmp)
		} else {
			mul.emit(s, lo, hi, wAct, wAcc+r, tmp, rowsLimit)
		}
		rows = append(rows, s)
	}
	a.weaveN(ways, rows)
	old, total := wTotal, wTotal+2
	if b%2 == 1 {
		old, total = total, old
	}
	var halves []*asm
	for h := range 2 {
		if h == 1 && !sub {
			break
		}
		s := &asm{}
		acc, t := wAcc+4*h, wTmp+2*h
		s.op("ADDP4S", acc+1, acc, t)
		s.op("ADDP4S", acc+3, acc+2, t+1)
		s.op("ADDP4S", t+1, t, total+h)
		s.op("SUB4S", old+h, total+h, old+h)
		halves = append(halves, s)
	}
	a.weave(halves...)
	if sub {
		a.ins("FLDPQ %d(R%d), (F%d, F%d)", 32*(b%2), wTable, wBytes, wBytes+1)
		a.op("TBL16B", wBytes, wSubs+b/2, wTmp)
		a.op("TBL16B", wBytes+1, wSubs+b/2, wTmp+1)
		a.op("MUL4S", wTmp, old, old)
		a.op("MLA4S", wTmp+1, old+1, old)
	}
	a.op("SCVTF4S", old, old)
	a.op("FMLA4S", wScale+b, old, wFacc)
}
