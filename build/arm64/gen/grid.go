package main

// The kernels that unpack one row of the types with grids of points, digits and
// bits:
//
//	func unpack(f *rowForm, src *byte, units int, grid unsafe.Pointer)
//
// A unit is the type's block in the file. They fill what plain Go fills of f but form.
type unitFormat struct {
	name   string
	bytes  int    // of a unit
	elems  int    // weights of a unit
	sub    string // field of rowForm with the scales per 16 weights, if any
	consts func(a *asm)
	unit   func(a *asm)
}

// General registers of unpackUnit; streams have two numbers, words of four numbers
// and what follows each.
const (
	uSrc, uQ, uD, uUnits, uSubs, uGrid = 0, 1, 2, 4, 5, 6

	uData   = 8  // behind the scale at the unit's start, for loads that must be aligned
	uNumber = 9  // 8 registers, 4 a stream
	uWord   = 19 // 4 registers, 2 a stream
)

// Vector registers: 0 to 15 are free for streams, 7 a block and 2 blocks at a time.
const (
	gByte  = 16 // 8 registers: TBL's numbers for bytes 2i and 2i+1, each eight times
	gBit   = 24 // bit i%8 in byte i
	gSign  = 25 // 2 registers: the unit's 32 bytes of signs, or what stands for them
	gIndex = 27 // 4 registers: 32 numbers of 16 bits
	gScale = 31 // the unit's scale in lane 0; before that free
)

func unpackUnit(f unitFormat) string {
	a := &asm{}
	a.ins("MOVD f+0(FP), R3")
	a.ins("MOVD src+8(FP), R%d", uSrc)
	a.ins("MOVD units+16(FP), R%d", uUnits)
	a.ins("MOVD grid+24(FP), R%d", uGrid)
	a.ins("MOVD rowForm_q(R3), R%d", uQ)
	a.ins("MOVD rowForm_d(R3), R%d", uD)
	if f.sub != "" {
		a.ins("MOVD rowForm_%s(R3), R%d", f.sub, uSubs)
	}
	f.consts(a)
	a.label("loop")
	f.unit(a)
	a.ins("ADD $%d, R%d, R%d", f.elems, uQ, uQ)
	a.ins("ADD $%d, R%d, R%d", f.bytes, uSrc, uSrc)
	a.ins("SUBS $1, R%d, R%d", uUnits, uUnits)
	a.ins("BNE loop")
	a.ins("RET")
	name := "unpack" + f.name + "NEON"
	return a.text(name+" unpacks a row of "+f.name+".", name, 0, 32)
}

// byteConsts sets gByte and gBit; it uses register 0.
func byteConsts(a *asm) {
	repeatBytes(a, 8, 2, []int{gByte, gByte + 1, gByte + 2, gByte + 3, gByte + 4, gByte + 5, gByte + 6, gByte + 7})
	constQ(a, gBit, bitOfByte, bitOfByte)
}

// gridFormats are IQ1, IQ2 and IQ3: superblocks of 256.
var gridFormats = []unitFormat{
	{name: "IQ2_XXS", bytes: 66, elems: 256, consts: byteConsts, unit: func(a *asm) {
		unitScale(a, 0)
		a.ins("ADD $2, R%d, R%d", uSrc, uData)
		a.ins("FLDPQ (R%d), (F0, F1)", uData)
		a.ins("FLDPQ 32(R%d), (F2, F3)", uData)
		a.op("UZP2_4S", 1, 0, gSign)
		a.op("UZP2_4S", 3, 2, gSign+1)
		signWords(a, 3)
		gridBlocks(a, 0, 8, points8, bytesAt(8, 4), signed)
	}},
	{name: "IQ2_XS", bytes: 74, elems: 256, sub: "sub", consts: byteConsts, unit: func(a *asm) {
		a.ins("ADD $2, R%d, R%d", uSrc, uData)
		a.ins("FLDPQ (R%d), (F0, F1)", uData)
		a.ins("FLDPQ 32(R%d), (F2, F3)", uData)
		eighthScale(a)
		for i := range 2 {
			a.note("Seven signs are the upper bits of a number's word.")
			a.op("UZP2_16B", 2*i+1, 2*i, gSign+i)
			a.op("USHR16B", 1, gSign+i, gSign+i)
		}
		evenSigns(a)
		nibbleSubs(a, 66)
		gridBlocks(a, 0, 8, points8, wordsAt(9), signed)
	}},
	{name: "IQ2_S", bytes: 82, elems: 256, sub: "sub", consts: byteConsts, unit: func(a *asm) {
		a.ins("ADD $2, R%d, R%d", uSrc, uData)
		a.ins("FLDPQ 32(R%d), (F%d, F%d)", uData, gSign, gSign+1)
		a.ins("FMOVD 64(R%d), F2", uData)
		eighthScale(a)
		nibbleSubs(a, 74)
		a.note("Two high bits of the numbers: byte i/4, shifted by i%%4*2.")
		repeatBytes(a, 4, 4, []int{3, 4})
		constQ(a, 5, pairOfByte, pairOfByte)
		a.op("MOVI16B", 3, 6)
		a.ins("FLDPQ (R%d), (F0, F1)", uData)
		for i := range 2 {
			a.op("TBL16B", 3+i, 2, 3+i)
			a.op("USHL16B", 5, 3+i, 3+i)
			a.op("AND16B", 6, 3+i, 3+i)
			index16(a, i, 3+i, 2*i)
		}
		gridBlocks(a, 0, 8, points8, lanes, signed)
	}},
	{name: "IQ3_XXS", bytes: 98, elems: 256, consts: byteConsts, unit: func(a *asm) {
		unitScale(a, 0)
		a.ins("ADD $2, R%d, R%d", uSrc, uData)
		a.ins("FLDPQ 64(R%d), (F%d, F%d)", uData, gSign, gSign+1)
		signWords(a, 2)
		gridBlocks(a, 0, 8, points4, bytesAt(8, 8), signed)
	}},
	{name: "IQ3_S", bytes: 110, elems: 256, consts: byteConsts, unit: func(a *asm) {
		unitScale(a, 0)
		a.ins("ADD $2, R%d, R%d", uSrc, uData)
		a.ins("FMOVS 104(R%d), F0", uData)
		nibbles8(a, 0)
		a.note("Twice the scale and one.")
		a.op("MOVI16B", 1, 1)
		a.op("SLI16B", 1, 0, 1)
		blockScales(a, 1, 0)
		a.op("LDURQ", 72, uData, gSign)
		a.op("LDURQ", 88, uData, gSign+1)
		for half := range 2 {
			a.ins("FLDPQ %d(R%d), (F0, F1)", 32*half, uData)
			a.ins("FMOVD 64(R%d), F2", uData)
			a.op("MOVI16B", 1, 3)
			for i := range 2 {
				a.op("TBL16B", gByte+2*half+i, 2, 4+i)
				a.op("CMTST16B", gBit, 4+i, 4+i)
				a.op("AND16B", 3, 4+i, 4+i)
				index16(a, i, 4+i, 2*i)
			}
			gridBlocks(a, 4*half, 4*half+4, points4, lanes, signed)
		}
	}},
	{name: "IQ1_S", bytes: 50, elems: 256, consts: func(*asm) {}, unit: func(a *asm) {
		unitScale(a, 0)
		a.ins("ADD $2, R%d, R%d", uSrc, uData)
		a.ins("FLDPQ (R%d), (F0, F1)", uData)
		a.ins("FMOVQ 32(R%d), F2", uData)
		a.op("UZP2_16B", 2, 2, 3)
		a.note("What a weight is too large by: 7, or 9 where the word's top bit is set.")
		lessOf(a, 6, 3, gSign)
		a.note("Twice the scale of three bits and one.")
		a.op("USHR16B", 3, 3, 3)
		a.op("MOVI16B", 14, 4)
		a.op("AND16B", 4, 3, 3)
		a.op("MOVI16B", 1, 4)
		a.op("ORR16B", 4, 3, 3)
		fields3(a, 2, 4)
		a.op("ZIP1_16B", 2, 0, gIndex)
		a.op("ZIP2_16B", 2, 0, gIndex+1)
		a.op("ZIP1_16B", 4, 1, gIndex+2)
		a.op("ZIP2_16B", 4, 1, gIndex+3)
		blockScales(a, 3, 3)
		gridBlocks(a, 0, 8, points8, lanes, func(s *asm, b, _, x, m int) {
			s.op("DUP16B", b, gSign, m)
			s.op("SUB16B", m, x, x)
		})
	}},
	{name: "IQ1_M", bytes: 56, elems: 256, sub: "sub", consts: byteConsts, unit: func(a *asm) {
		a.ins("FLDPQ (R%d), (F0, F1)", uSrc)
		a.ins("FMOVQ 32(R%d), F2", uSrc)
		a.ins("FMOVD 48(R%d), F3", uSrc)
		a.ins("MOVD 48(R%d), R9", uSrc)
		a.note("The half is in the top bits of the four words.")
		a.ins("LSR $12, R9, R9")
		a.ins("AND $0x000f000f000f000f, R9, R9")
		a.ins("ORR R9>>12, R9, R9")
		a.ins("ORR R9>>24, R9, R9")
		a.ins("FMOVS R9, F%d", gScale)
		a.op("FCVTL4S", gScale, gScale)
		storeEighth(a)
		fields3(a, 3, 4)
		a.op("MOVI16B", 1, 4)
		a.op("SLI16B", 1, 3, 4)
		a.ins("FMOVQ.P F4, 16(R%d)", uSubs)
		a.op("MOVI16B", 15, 4)
		a.op("AND16B", 4, 2, 4)
		a.op("USHR16B", 4, 2, 2)
		a.op("ZIP1_16B", 2, 4, 3)
		a.op("ZIP2_16B", 2, 4, 4)
		a.op("MOVI16B", 7, 5)
		for i := range 2 {
			lessOf(a, 2, 3+i, gSign+i)
			a.op("AND16B", 5, 3+i, 3+i)
			index16(a, i, 3+i, 2*i)
		}
		gridBlocks(a, 0, 8, points8, lanes, func(s *asm, b, g, x, m int) {
			s.op("TBL16B", gByte+(2*b+g)%8, gSign+b/4, m)
			s.op("SUB16B", m, x, x)
		})
	}},
}

// unitScale leaves the unit's scale in lane 0 of gScale.
func unitScale(a *asm, at int) {
	a.op("LDRH", at, uSrc, gScale)
	a.op("FCVTL4S", gScale, gScale)
}

// eighthScale stores an eighth of the unit's scale, at its start, for eight blocks.
func eighthScale(a *asm) {
	unitScale(a, 0)
	storeEighth(a)
}

// storeEighth does so of gScale. It uses registers 14 and 15.
func storeEighth(a *asm) {
	a.op("MOVI4S", 1, 14)
	a.op("SCVTFI4S", 3, 14, 14)
	a.op("FMULI4S", 0, gScale, 14, 14)
	a.ins("FSTPQ.P (F14, F14), 32(R%d)", uD)
}

// blockScales stores what the bytes 0 to 7 of x are in units of 2^-bits, times
// the unit's scale, for eight blocks. It uses registers 14 and 15.
func blockScales(a *asm, x, bits int) {
	a.op("SXTL8H", x, x)
	a.op("SXTL4S", x, 14)
	a.op("SXTL2_4S", x, 15)
	for i := range 2 {
		scaleWords(a, 14+i, bits)
	}
	a.ins("FSTPQ.P (F14, F15), 32(R%d)", uD)
}

func scaleWords(a *asm, x, bits int) {
	if bits == 0 {
		a.op("SCVTF4S", x, x)
	} else {
		a.op("SCVTFI4S", bits, x, x)
	}
	a.op("FMULI4S", 0, gScale, x, x)
}

// signWords: gSign has eight words of four times seven signs and, on top, a scale
// of four bits: twice that and one, in units of 2^-bits, is stored; eight signs
// a byte remain.
func signWords(a *asm, bits int) {
	a.op("MOVI4S", 1, 0)
	for i := range 2 {
		a.op("USHR4S", 27, gSign+i, 14+i)
		a.op("ORR16B", 0, 14+i, 14+i)
		scaleWords(a, 14+i, bits)
	}
	a.ins("FSTPQ.P (F14, F15), 32(R%d)", uD)
	var words []*asm
	for i := range 2 {
		s, t := &asm{}, 1+3*i
		for k := range 3 {
			s.op("USHR4S", 7+7*k, gSign+i, t+k)
		}
		s.op("SLI4S", 8, t+2, t+1)
		s.op("SLI4S", 8, t+1, t)
		s.op("SLI4S", 8, t, gSign+i)
		words = append(words, s)
	}
	a.weave(words...)
	a.op("MOVI16B", 127, 0)
	for i := range 2 {
		a.op("AND16B", 0, gSign+i, gSign+i)
	}
	evenSigns(a)
}

// evenSigns adds the eighth of each seven signs, which makes their number even.
func evenSigns(a *asm) {
	for i := range 2 {
		a.op("CNT16B", gSign+i, 14+i)
		a.op("SLI16B", 7, 14+i, gSign+i)
	}
}

// nibbles8 brings the nibbles of the eight bytes of x into their order.
func nibbles8(a *asm, x int) {
	a.op("MOVI16B", 15, 14)
	a.op("AND16B", 14, x, 14)
	a.op("USHR16B", 4, x, x)
	a.op("ZIP1_16B", x, 14, x)
}

// nibbleSubs stores sub-scales from sixteen nibbles: twice the nibble and one.
func nibbleSubs(a *asm, at int) {
	a.ins("FMOVD %d(R%d), F15", at, uSrc)
	nibbles8(a, 15)
	a.op("MOVI16B", 1, 14)
	a.op("SLI16B", 1, 15, 14)
	a.ins("FMOVQ.P F14, 16(R%d)", uSubs)
}

// lessOf is 7 + (x >> shift & 2), byte by byte. It uses register 15.
func lessOf(a *asm, shift, x, y int) {
	a.op("USHR16B", shift, x, y)
	a.op("MOVI16B", 2, 15)
	a.op("AND16B", 15, y, y)
	a.op("MOVI16B", 7, 15)
	a.op("ADD16B", 15, y, y)
}

// fields3 turns the eight words of 16 bits in x, each four times three bits, into
// 32 bytes in x and y. It uses registers 14 and 15.
func fields3(a *asm, x, y int) {
	a.op("USHR8H", 6, x, 14)
	a.op("USHR8H", 9, x, 15)
	a.op("USHR8H", 3, x, y)
	a.op("SLI8H", 8, 15, 14)
	a.op("SLI8H", 8, y, x)
	a.op("ZIP2_8H", 14, x, y)
	a.op("ZIP1_8H", 14, x, x)
	a.op("MOVI16B", 7, 14)
	a.op("AND16B", 14, x, x)
	a.op("AND16B", 14, y, y)
}

// index16 makes sixteen numbers of their low and high bytes: registers i and i+1 of gIndex.
func index16(a *asm, low, high, i int) {
	a.op("ZIP1_16B", high, low, gIndex+i)
	a.op("ZIP2_16B", high, low, gIndex+i+1)
}

// numbers says where a block's numbers come from: words(s, b, x) loads what number
// i of block b is then taken from, to general registers from x on.
type numbers struct {
	words  func(s *asm, b, n, x int)
	number func(s *asm, b, i, x, r int)
}

// bytesAt: numbers are the n bytes at the start of every step.
func bytesAt(step, n int) numbers {
	return numbers{func(*asm, int, int, int) {}, func(s *asm, b, i, _, r int) {
		s.ins("MOVBU %d(R%d), R%d", step*b+i, uData, r)
	}}
}

// wordsAt: numbers are the low bits of words of 16.
func wordsAt(bits int) numbers {
	return numbers{
		func(s *asm, b, _, x int) { s.ins("MOVD %d(R%d), R%d", 8*b, uData, x) },
		func(s *asm, _, i, x, r int) { s.ins("UBFX $%d, R%d, $%d, R%d", 16*i, x, bits, r) },
	}
}

// lanes: numbers are in gIndex.
var lanes = numbers{
	func(s *asm, b, n, x int) {
		for i := range n / 4 {
			at := (n/4*b + i) % 8
			s.ins("VMOV V%d.D[%d], R%d", gIndex+at/2, at%2, x+i)
		}
	},
	func(s *asm, _, i, x, r int) {
		s.ins("UBFX $%d, R%d, $16, R%d", 16*(i%4), x+i/4, r)
	},
}

// pointsOf is how many numbers a block has, and how those from i on become sixteen
// weights in register x of four; r and the three that follow are for numbers.
type pointsOf struct {
	n    int
	load func(s *asm, from numbers, b, i, word, r, x int)
}

var points8 = pointsOf{4, func(s *asm, from numbers, b, i, word, r, x int) {
	for k := range 2 {
		from.number(s, b, i+k, word, r+k)
	}
	for k := range 2 {
		s.ins("FMOVD (R%d)(R%d<<3), F%d", uGrid, r+k, x+k)
	}
	s.op("ZIP1_2D", x+1, x, x)
}}

var points4 = pointsOf{8, func(s *asm, from numbers, b, i, word, r, x int) {
	for k := 0; k < 4; k += 2 {
		for j := k; j < k+2; j++ {
			from.number(s, b, i+j, word, r+j%2)
		}
		for j := k; j < k+2; j++ {
			s.ins("FMOVS (R%d)(R%d<<2), F%d", uGrid, r+j%2, x+j)
		}
	}
	s.op("ZIP1_4S", x+1, x, x)
	s.op("ZIP1_4S", x+3, x+2, x+2)
	s.op("ZIP1_2D", x+2, x, x)
}}

// gridBlocks unpacks blocks b0 to b1: points, then what finish makes of weights
// 16g to 16g+15 of block b in x, with m free.
func gridBlocks(a *asm, b0, b1 int, p pointsOf, from numbers, finish func(s *asm, b, g, x, m int)) {
	var blocks []*asm
	for b := b0; b < b1; b++ {
		s, k := &asm{}, b%2
		word := uWord + 2*k
		from.words(s, b, p.n, word)
		var halves []*asm
		for g := range 2 {
			h := &asm{}
			x := 8*k + 4*g
			p.load(h, from, b, p.n/2*g, word, uNumber+4*k+2*g, x)
			finish(h, b, g, x, x+1)
			halves = append(halves, h)
		}
		s.weave(halves...)
		s.ins("FSTPQ (F%d, F%d), %d(R%d)", 8*k, 8*k+4, 32*b, uQ)
		blocks = append(blocks, s)
	}
	a.weaveN(2, blocks)
}

// signed negates the weights whose sign is set.
func signed(s *asm, b, g, x, m int) {
	s.op("TBL16B", gByte+(2*b+g)%8, gSign+b/4, m)
	s.op("CMTST16B", gBit, m, m)
	s.op("EOR16B", m, x, x)
	s.op("SUB16B", m, x, x)
}
