package main

import "fmt"

// The kernels for many tokens multiply one panel, eight rows unpacked to int8,
// with quads of four tokens:
//
//	func gemm(dst *float32, stride int, panel, acts *byte, blocks, quads int)
//
// dst[t*stride+r] in bytes; the layouts of panel and acts are described in
// internal/kernels/many_arm64.go. A form says what follows the integer
// products of a block; the same as in plain Go's rowForm, but Q2_K's
// sub-scales are multiplied into its weights beforehand.
type form struct {
	name             string
	sub, min, subMin bool
	float            bool // the sub-scales are floats
}

var forms = []form{
	{name: "Scale"}, {name: "Min", min: true}, {name: "Sub", sub: true}, {name: "SubMin", subMin: true},
	{name: "FloatSub", sub: true, float: true},
}

// firstHalf multiplies the integers x of a block's first half with their
// sub-scales, to sum; secondHalf adds those of the second.
func (f form) firstHalf(s *asm, sub, x, sum int) {
	f.half(s, "MUL4S", sub, x, sum)
}

func (f form) secondHalf(s *asm, sub, x, sum int) {
	f.half(s, "MLA4S", sub, x, sum)
}

func (f form) half(s *asm, op string, sub, x, sum int) {
	if f.float {
		s.op("SCVTF4S", x, x)
		op = "F" + op
	}
	s.op(op, sub, x, sum)
}

// toFloat converts a block's sum, unless it is a float.
func (f form) toFloat(s *asm, x int) {
	if !f.float {
		s.op("SCVTF4S", x, x)
	}
}

// general registers of the gemm kernels
const (
	gDst, gStride, gPanel, gActs, gBlocks, gQuads, gP, gCount, gQ, gZero = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
)

// gemmTier is what differs between the tiers.
type gemmTier struct {
	name       string
	scaleBytes int // of one block's scales in the panel, and of each sub-scale
	actScale   int // of one block's scales in the activations
	panelLast  int // offset in the block where the last load of it goes
	actsLast   int
	block      func(a *asm, t *gemmTier, f form)
	finish     func(a *asm) (sum int) // leaves sums in sum+4*h+t, rows in lanes, h = half of the rows, t = token
}

const vSum = 16

func (t *gemmTier) panelBlock(f form) int {
	if f.sub {
		return 256 + 3*t.scaleBytes
	}
	return 256 + t.scaleBytes
}

func (t *gemmTier) actBlock() int { return 128 + t.actScale }

// panelAt and actsAt give the operand of a load at an offset of the block; the
// pointers stand at panelLast and actsLast and move with that last load.
func (t *gemmTier) panelAt(f form, off int) string {
	if off == t.panelLast {
		return fmt.Sprintf(".P %d(R%d)", t.panelBlock(f), gP)
	}
	return fmt.Sprintf(" %d(R%d)", off-t.panelLast, gP)
}

func (t *gemmTier) actsAt(off int) string {
	if off == t.actsLast {
		return fmt.Sprintf(".P %d(R%d)", t.actBlock(), gActs)
	}
	return fmt.Sprintf(" %d(R%d)", off-t.actsLast, gActs)
}

// gemm emits one kernel.
func gemm(t *gemmTier, f form) string {
	a := &asm{}
	for i, arg := range []string{"dst", "stride", "panel", "acts", "blocks", "quads"} {
		a.ins("MOVD %s+%d(FP), R%d", arg, 8*i, i)
	}
	a.note("Vector units are the bottleneck: zeros are loaded, two registers at once.")
	a.ins("MOVD $·zeros(SB), R%d", gZero)
	a.label("quad")
	a.ins("ADD $%d, R%d, R%d", t.panelLast, gPanel, gP)
	a.ins("ADD $%d, R%d, R%d", t.actsLast, gActs, gActs)
	for i := 0; i < 8; i += 2 {
		a.ins("FLDPQ (R%d), (F%d, F%d)", gZero, vSum+i, vSum+i+1)
	}
	a.ins("SUBS $2, R%d, R%d", gBlocks, gCount)
	a.ins("BLT last")
	a.label("pair")
	t.block(a, t, f)
	t.block(a, t, f)
	a.ins("SUBS $2, R%d, R%d", gCount, gCount)
	a.ins("BGE pair")
	a.label("last")
	a.ins("TBZ $0, R%d, sums", gCount)
	t.block(a, t, f)
	a.label("sums")
	a.ins("SUB $%d, R%d, R%d", t.actsLast, gActs, gActs)
	sum := t.finish(a)
	if (f.min || f.subMin) && sum != vSum {
		for i := range 8 {
			a.op("ORR16B", sum+i, sum+i, vSum+i)
		}
		sum = vSum
	}
	switch {
	case f.min:
		minLoop(a, t)
	case f.subMin:
		subMinLoop(a, t)
	}
	a.ins("MOVD R%d, R%d", gDst, gQ)
	for tok := range 4 {
		a.ins("FSTPQ (F%d, F%d), (R%d)", sum+tok, sum+4+tok, gQ)
		a.ins("ADD R%d, R%d, R%d", gStride, gQ, gQ)
	}
	a.ins("MOVD R%d, R%d", gQ, gDst)
	a.ins("SUBS $1, R%d, R%d", gQuads, gQuads)
	a.ins("BNE quad")
	a.ins("RET")
	name := "gemm" + f.name + t.name
	return a.text(name+" multiplies a panel of eight rows with quads of tokens.", name, 0, 48)
}

// minLoop adds the products of the minimums (behind the panel's blocks) with
// the scaled sums of the activations (behind theirs), a chain of its own.
func minLoop(a *asm, t *gemmTier) {
	a.ins("SUB $%d, R%d, R%d", t.panelLast, gP, gP)
	a.ins("MOVD R%d, R%d", gBlocks, gCount)
	for i := range 8 {
		a.op("MOVIZ", 24+i)
	}
	a.label("min")
	a.ins("FLDPQ.P 32(R%d), (F0, F1)", gP)
	a.ins("FMOVQ.P 16(R%d), F2", gActs)
	a.ins("SUBS $1, R%d, R%d", gCount, gCount)
	for h := range 2 {
		for tok := range 4 {
			a.op("FMLAI4S", tok, 2, h, 24+4*h+tok)
		}
	}
	a.ins("BNE min")
	for i := range 8 {
		a.op("FADD4S", 24+i, vSum+i, vSum+i)
	}
}

// subMinLoop does the same with minimums per 16 weights: behind the panel's
// blocks lie per block the float factor and two integer minimums of each row,
// behind the activations' the scale and two sums of each token.
func subMinLoop(a *asm, t *gemmTier) {
	a.ins("SUB $%d, R%d, R%d", t.panelLast, gP, gP)
	a.ins("MOVD R%d, R%d", gBlocks, gCount)
	for i := range 8 {
		a.op("MOVIZ", 24+i)
	}
	a.label("min")
	a.ins("FLDPQ.P 32(R%d), (F0, F1)", gP)
	a.ins("FLDPQ.P 32(R%d), (F2, F3)", gP)
	a.ins("FLDPQ.P 32(R%d), (F4, F5)", gP)
	a.ins("FMOVQ.P 16(R%d), F6", gActs)
	a.ins("FLDPQ.P 32(R%d), (F7, F8)", gActs)
	a.ins("SUBS $1, R%d, R%d", gCount, gCount)
	var streams []*asm
	for h := range 2 {
		for tok := range 4 {
			s := &asm{}
			x := 9 + (4*h+tok)%3*2
			s.op("MULI4S", tok, 7, 2+h, x)
			s.op("MLAI4S", tok, 8, 4+h, x)
			s.op("FMULI4S", tok, 6, h, x+1)
			s.op("SCVTF4S", x, x)
			s.op("FMLA4S", x+1, x, 24+4*h+tok)
			streams = append(streams, s)
		}
	}
	a.weaveN(3, streams[:3])
	a.weaveN(3, streams[3:6])
	a.weaveN(3, streams[6:])
	a.ins("BNE min")
	for i := range 8 {
		a.op("FADD4S", 24+i, vSum+i, vSum+i)
	}
}
