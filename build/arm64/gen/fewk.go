package main

// The kernels for few tokens of the K types take four rows at once. For each
// superblock of 256 weights they first bring the sub-scales of the four rows
// side by side into a table on the stack, a row of vectors per block of 32,
// then take the eight blocks one after the other. Types with smaller blocks, and those
// with one scale a block, go the same way; in what follows superblock means theirs.
const (
	kTmp    = 0  // 8 free registers
	kConst  = 8  // 4 constants of the type
	kDA     = 12 // activation scales of four blocks
	kDS     = 13 // the same times suma; C16 or S of the block for types with sub-scales
	kAct    = 14 // the block's activations, 2 registers
	kAcc    = 16 // rows; 20 to 23: second half of the block for types with sub-scales
	kTotal  = 24 // totals before: of even blocks 24 and 25, of odd blocks 26 and 27
	kFacc   = 28
	kFacc2  = 29
	kD      = 30 // the superblocks' scales
	kM      = 31 // minus their minimum scales
	rTable  = 21
	rKConst = 20
)

type kFormat struct {
	name    string
	bytes   int // of a superblock
	blocks  int // of a superblock
	entry   int // bytes of a table row; 0: the superblock's scale is all there is
	sub     bool
	float   bool // sub-scales are floats, and there is no other scale
	mins    bool // table rows are (scale, minimum)
	subMins bool // table rows are (sub0, sub1, min0, min1)
	bias    bool // weights come 32 too large
	coding  *kCoding
	limit   int
	consts  func(a *asm)
	perSub  func(a *asm, b int) // constants of block b
	header  func(a *asm)
	scales  func(a *asm) // of one row, to be unpacked; nil: left to the caller
	row     func(a *asm, b, r int, t []int) (lo, hi int)
}

// kCoding says how the weights that row leaves differ from the type's: they are 1 more
// (plus), then times 2^shift(b), at last negated (neg).
type kCoding struct {
	plus, neg bool
	shift     func(b int) int
}

func fewK(f kFormat, tier string, mul product) string {
	a := &asm{}
	field := ""
	switch {
	case f.subMins:
		field = "S"
	case f.bias:
		field = "C16"
	case f.coding != nil && f.coding.plus:
		field = "C"
	}
	fewHead(a, 4, f.mins, field)
	if f.entry > 0 {
		a.ins("MOVD $table-%d(SP), R%d", f.blocks*f.entry, rTable)
	}
	a.ins("MOVD $·kConstants(SB), R%d", rKConst)
	f.consts(a)
	for i := range 4 {
		a.op("MOVIZ", kAcc+i)
		if f.sub {
			a.op("MOVIZ", kAcc+4+i)
		}
	}
	a.op("MOVIZ", kTotal)
	a.op("MOVIZ", kTotal+1)
	a.label("group")
	a.op("MOVIZ", kFacc)
	a.op("MOVIZ", kFacc2)
	a.ins("MOVD R%d, R%d", rQ0, rQ)
	a.ins("MOVD R%d, R%d", rD0, rD)
	if f.mins {
		a.ins("MOVD R%d, R%d", rDS0, rDS)
	}
	switch {
	case f.subMins:
		a.ins("MOVD R%d, R%d", rC0, rS)
	case field != "":
		a.ins("MOVD R%d, R%d", rC0, rC)
	}
	a.ins("MOVD R%d, R%d", rBlock, rCount)
	a.label("super")
	f.header(a)
	for b := range f.blocks {
		kBlock(a, f, mul, b)
	}
	for r := range 4 {
		a.ins("ADD $%d, R%d, R%d", f.bytes, r, r)
	}
	a.ins("SUBS $1, R%d, R%d", rCount, rCount)
	a.ins("BNE super")
	if f.mins || f.subMins {
		a.op("FADD4S", kFacc2, kFacc, kFacc)
	}
	a.ins("FMOVQ.P F%d, 16(R%d)", kFacc, rDst)
	fewTail(a, 4)
	name := "few" + f.name + tier
	return a.text(name+" multiplies groups of four rows of "+f.name+" with one token.", name, f.blocks*f.entry, 56)
}

func kBlock(a *asm, f kFormat, mul product, b int) {
	a.note("Block %d.", b)
	switch {
	case f.blocks == 2 && b == 0:
		a.ins("FMOVD.P 8(R%d), F%d", rD, kDA)
	case b%4 == 0:
		a.ins("FMOVQ.P 16(R%d), F%d", rD, kDA)
		if f.mins {
			a.ins("FMOVQ.P 16(R%d), F%d", rDS, kDS)
		}
	}
	a.ins("FLDPQ.P 32(R%d), (F%d, F%d)", rQ, kAct, kAct+1)
	if f.perSub != nil {
		f.perSub(a, b)
	}
	var rows []*asm
	ways, size := 2, 4
	if mul.tmps > 0 {
		ways, size = 1, 8
	}
	for r := range 4 {
		s := &asm{}
		t := make([]int, size)
		for i := range t {
			t[i] = kTmp + r%ways*size + i
		}
		lo, hi := f.row(s, b, r, t[:4])
		if f.sub {
			mul.half(s, lo, kAct, kAcc+r, t[size-1])
			mul.half(s, hi, kAct+1, kAcc+4+r, t[size-1])
		} else {
			mul.emit(s, lo, hi, kAct, kAcc+r, t[size-1], f.limit)
		}
		rows = append(rows, s)
	}
	a.weaveN(ways, rows)
	old, total := kTotal, kTotal+2
	if b%2 == 1 {
		old, total = kTotal+2, kTotal
	}
	var halves []*asm
	for h := range 2 {
		if h == 1 && !f.sub {
			break
		}
		s := &asm{}
		acc, t := kAcc+4*h, kTmp+2*h
		s.op("ADDP4S", acc+1, acc, t)
		s.op("ADDP4S", acc+3, acc+2, t+1)
		s.op("ADDP4S", t+1, t, total+h)
		if f.coding != nil && f.coding.neg {
			s.op("SUB4S", total+h, old+h, old+h)
		} else {
			s.op("SUB4S", old+h, total+h, old+h)
		}
		halves = append(halves, s)
	}
	a.weave(halves...)
	shift := 0
	switch {
	case f.coding != nil:
		shift = f.decode(a, b, old)
	case f.bias:
		a.ins("FMOVD.P 8(R%d), F%d", rC, kDS)
		a.op("MLAI4S", 0, kDS, kConst+3, old)
		a.op("MLAI4S", 1, kDS, kConst+3, old+1)
	case f.subMins && b%2 == 0:
		a.ins("FMOVD.P 8(R%d), F%d", rS, kDS)
		a.op("SXTL4S", kDS, kDS)
	}
	x := kTmp + 4
	switch {
	case f.float:
		a.ins("FLDPQ %d(R%d), (F%d, F%d)", f.entry*b, rTable, x, x+1)
		a.op("SCVTF4S", old, old)
		a.op("SCVTF4S", old+1, old+1)
		a.op("FMUL4S", x, old, old)
		a.op("FMLA4S", x+1, old+1, old)
		a.op("FMLAI4S", b%4, kDA, old, kFacc)
		return
	case f.sub:
		a.ins("FLDPQ %d(R%d), (F%d, F%d)", f.entry*b, rTable, x, x+1)
		a.op("MUL4S", x, old, old)
		a.op("MLA4S", x+1, old+1, old)
		a.op("FMULI4S", b%4, kDA, kD, x)
	case f.mins:
		a.ins("FLDPQ %d(R%d), (F%d, F%d)", f.entry*b, rTable, x, x+1)
		a.op("FMULI4S", b%4, kDA, x, x)
		a.op("FMLAI4S", b%4, kDS, x+1, kFacc2)
	case f.entry == 0:
		a.op("FMULI4S", b%4, kDA, kD, x)
	default:
		a.ins("FMOVQ %d(R%d), F%d", f.entry*b, rTable, x)
		a.op("FMULI4S", b%4, kDA, x, x)
	}
	if shift > 0 {
		a.op("SCVTFI4S", shift, old, old)
	} else {
		a.op("SCVTF4S", old, old)
	}
	a.op("FMLA4S", x, old, kFacc)
	if f.subMins {
		a.ins("FLDPQ %d(R%d), (F%d, F%d)", f.entry*b+32, rTable, x, x+1)
		a.op("MULI4S", b%2*2, kDS, x, x)
		a.op("MLAI4S", b%2*2+1, kDS, x+1, x)
		a.op("FMULI4S", b%4, kDA, kM, x+1)
		a.op("SCVTF4S", x, x)
		a.op("FMLA4S", x+1, x, kFacc2)
	}
}

// decode makes of the sums of coded weights those of the weights, but for the factor
// 2^shift that it returns.
func (f kFormat) decode(a *asm, b, sum int) (shift int) {
	if f.coding.shift != nil {
		shift = f.coding.shift(b)
	}
	if shift < 0 {
		a.op("SHL4S", -shift, sum, sum)
		shift = 0
	}
	if f.coding.plus {
		a.note("C is -128 times the sum of the activations.")
		a.ins("VLD1R.P 4(R%d), [V%d.S4]", rC, kDS)
		a.op("SSRA4S", 7-shift, kDS, sum)
	}
	return shift
}

// transpose4 turns four registers x of four words, rows, into columns y;
// x, y and t (four registers each) must differ.
func transpose4(a *asm, x, t, y int) {
	for i := 0; i < 4; i += 2 {
		a.op("TRN1_4S", x+i+1, x+i, t+i)
		a.op("TRN2_4S", x+i+1, x+i, t+i+1)
	}
	for i := range 2 {
		a.op("ZIP1_2D", t+2+i, t+i, y+i)
		a.op("ZIP2_2D", t+2+i, t+i, y+2+i)
	}
}

// byteColumns turns four registers x of 16 bytes into four registers y whose
// words hold one byte of each row: y of bytes 0 to 3, 4 to 7, and so on.
func byteColumns(a *asm, x, t, y int) {
	for i := 0; i < 4; i += 2 {
		a.op("ZIP1_16B", x+i+1, x+i, t+i)
		a.op("ZIP2_16B", x+i+1, x+i, t+i+1)
	}
	for i := range 2 {
		a.op("ZIP1_8H", t+2+i, t+i, y+2*i)
		a.op("ZIP2_8H", t+2+i, t+i, y+2*i+1)
	}
}

// storeBytes widens the 16 signed bytes of x, four sub-blocks of four rows, to
// table rows: sub-blocks i and i+1 go to row i/2 at offset at. Four registers
// at t are used.
func storeBytes(a *asm, x, t, entry, row, at int) {
	a.op("SXTL2_8H", x, t+2)
	a.op("SXTL8H", x, t)
	for i := 2; i >= 0; i -= 2 {
		a.op("SXTL2_4S", t+i, t+i+1)
		a.op("SXTL4S", t+i, t+i)
		a.ins("FSTPQ (F%d, F%d), %d(R%d)", t+i, t+i+1, entry*(row+i/2)+at, rTable)
	}
}
