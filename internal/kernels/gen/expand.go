package main

import "fmt"

// The unpacking of rows whose numbers index a grid of points, or are digits in
// base 3, to the blocks of expand_amd64.go: a float32 scale (of types with
// sub-scales: three) and 32 int8 weights. One row at a time, in AVX2 for both
// tiers: what counts is the number of table look-ups, which are scalar.
//
// Indices and signs of a superblock of 256 are first brought apart by vector
// operations and left on the stack, so that a look-up is a load of the index and
// a load of the point.

// expander emits one function. Registers: SI the file's superblock, DI the
// unpacked blocks, DX superblocks left, R8 the grid, R9 signs as bytes of 1 and
// -1, AX BX CX R10 indices. Y15 is the superblock's scale.
type expander struct {
	*asm
	sub bool // blocks with sub-scales
}

// Places on the stack.
const (
	onIndices = 0   // 64 words at most
	onSigns   = 128 // 32 words or bytes at most
	onFrame   = 192
)

func (e *expander) out() int { return map[bool]int{false: 36, true: 44}[e.sub] }

// at is an address in unpacked block g.
func (e *expander) at(g, off int) string { return mem(g*e.out()+off, "DI") }

// weights is where block g's weights go.
func (e *expander) weights(g int) string { return e.at(g, e.out()-32) }

func expandFuncs(a *asm) {
	a.expander("IQ2_XXS", 66, false, expandIQ2_XXS)
	a.expander("IQ2_XS", 74, true, expandIQ2_XS)
	a.expander("IQ2_S", 82, true, expandIQ2_S)
	a.expander("IQ3_XXS", 98, false, expandIQ3_XXS)
	a.expander("IQ3_S", 110, false, expandIQ3_S)
	a.expander("IQ1_S", 50, false, expandIQ1_S)
	a.expander("IQ1_M", 56, true, expandIQ1_M)
	a.expander("TQ1_0", 54, false, expandTQ1_0)
}

// expander emits the loop over superblocks of bytes bytes.
func (a *asm) expander(name string, bytes int, sub bool, body func(e *expander)) {
	e := &expander{a, sub}
	name = "expand" + name + a.tierName()
	declared = append(declared, [2]string{name, "expandArgs"})
	fmt.Fprintf(a, "\n// func %s(p *expandArgs)\nTEXT ·%s(SB), NOSPLIT, $%d-8\n\tMOVQ p+0(FP), DI\n", name, name, onFrame)
	for i, r := range []string{"SI", "DX", "R8", "R9", "DI"} {
		a.op("MOVQ", mem(8*((i+1)%5), "DI"), r)
	}
	a.label("loop")
	body(e)
	a.op("ADDQ", fmt.Sprintf("$%d", bytes), "SI")
	a.op("ADDQ", fmt.Sprintf("$%d", 8*e.out()), "DI")
	a.op("DECQ", "DX")
	a.op("JNZ", "loop")
	a.end()
}

func (e *expander) shift(op string, n, src, dst int) { e.op(op, fmt.Sprintf("$%d", n), y(src), y(dst)) }

// scale widens the f16 at off of the superblock to Y15, times a constant.
func (e *expander) scale(off int, factor string) {
	e.op("MOVWLZX", mem(off, "SI"), "AX")
	e.scaleAX(factor)
}

// scaleAX does so with the f16 in AX.
func (e *expander) scaleAX(factor string) {
	e.op("VMOVD", "AX", x(15))
	e.op("VCVTPH2PS", x(15), x(15))
	e.op("VBROADCASTSS", x(15), y(15))
	if factor != "" {
		e.op("VMULPS", cst(factor), y(15), y(15))
	}
}

// oddFloats turns the dwords of r to float32 2*x + 1.
func (e *expander) oddFloats(r int) {
	e.op("VPADDD", y(r), y(r), y(r))
	e.op("VPADDD", cst("D1"), y(r), y(r))
	e.op("VCVTDQ2PS", y(r), y(r))
}

// putScales stores the eight floats of r as the blocks' scales.
func (e *expander) putScales(r int) {
	for g := range 8 {
		if g == 4 {
			e.op("VEXTRACTI128", "$1", y(r), x(r))
		}
		e.op("VPEXTRD", fmt.Sprintf("$%d", g%4), x(r), e.at(g, 0))
	}
}

// putScale stores Y15 as the scale of every block.
func (e *expander) putScale() {
	e.op("VMOVD", x(15), "AX")
	for g := range 8 {
		e.op("MOVL", "AX", e.at(g, 0))
	}
}

// putSubs stores the sub-scales: the eight floats of lo are the blocks' first,
// those of hi their second.
func (e *expander) putSubs(lo, hi, t int) {
	e.op("VUNPCKLPS", y(hi), y(lo), y(t))
	e.op("VUNPCKHPS", y(hi), y(lo), y(t+1))
	for g := range 8 {
		if g == 4 {
			e.op("VEXTRACTF128", "$1", y(t), x(t))
			e.op("VEXTRACTF128", "$1", y(t+1), x(t+1))
		}
		e.op([]string{"VMOVLPS", "VMOVHPS"}[g%2], x(t+g%4/2), e.at(g, 4))
	}
}

// nibbleSubs takes the sub-scales from 8 bytes at off: 2*x + 1, low nibbles first.
func (e *expander) nibbleSubs(off int) {
	e.op("VPMOVZXBD", mem(off, "SI"), y(2))
	e.shift("VPSRLD", 4, 2, 3)
	e.op("VPAND", cst("D15"), y(2), y(2))
	e.oddFloats(2)
	e.oddFloats(3)
	e.putSubs(2, 3, 4)
}

// lookUp fills register dst with four entries of 8 bytes of the table at base;
// load is the instruction that loads index i, at its address.
func (e *expander) lookUp(dst int, base, load string, index func(i int) string) {
	regs := []string{"AX", "BX", "CX", "R10"}
	for i, r := range regs {
		e.op(load, index(i), r)
	}
	entry := func(i int) string { return fmt.Sprintf("(%s)(%s*8)", base, regs[i]) }
	e.op("VMOVQ", entry(0), x(dst))
	e.op("VMOVQ", entry(2), x(dst+1))
	e.op("VPINSRQ", "$1", entry(1), x(dst), x(dst))
	e.op("VPINSRQ", "$1", entry(3), x(dst+1), x(dst+1))
	e.op("VINSERTI128", "$1", x(dst+1), y(dst), y(dst))
}

// lookUp4 does so with eight entries of 4 bytes.
func (e *expander) lookUp4(dst int, load string, index func(i int) string) {
	regs := []string{"AX", "BX", "CX", "R10"}
	for half := range 2 {
		for i, r := range regs {
			e.op(load, index(4*half+i), r)
		}
		for i, r := range regs {
			entry := fmt.Sprintf("(R8)(%s*4)", r)
			if i == 0 {
				e.op("VMOVD", entry, x(dst+half))
				continue
			}
			e.op("VPINSRD", fmt.Sprintf("$%d", i), entry, x(dst+half), x(dst+half))
		}
	}
	e.op("VINSERTI128", "$1", x(dst+1), y(dst), y(dst))
}

// sign gives block g's weights in Y0 their signs and stores them.
func (e *expander) sign(g int, load string, index func(i int) string) {
	e.lookUp(2, "R9", load, index)
	e.op("VPSIGNB", y(2), y(0), y(0))
	e.op("VMOVDQU", y(0), e.weights(g))
}

// bytesAt and wordsAt are addresses of n indices per block.
func bytesAt(off int, base string, n, g int) func(i int) string {
	return func(i int) string { return mem(off+n*g+i, base) }
}
func wordsAt(off, n, g int) func(i int) string {
	return func(i int) string { return mem(off+2*(n*g+i), "SP") }
}

// sevens takes the words of r apart: four times seven bits to bytes on the
// stack, and the top four bits to the scales 2*x + 1 of the blocks.
func (e *expander) sevens(r int) {
	e.op("VPAND", cst("D7f"), y(r), y(r+1))
	for i := 1; i < 4; i++ {
		e.shift("VPSLLD", i, r, r+2)
		e.op("VPAND", cst(fmt.Sprintf("D7f%d", i)), y(r+2), y(r+2))
		e.op("VPOR", y(r+2), y(r+1), y(r+1))
	}
	e.op("VMOVDQU", y(r+1), mem(onSigns, "SP"))
	e.shift("VPSRLD", 28, r, r)
	e.oddFloats(r)
	e.op("VMULPS", y(15), y(r), y(r))
	e.putScales(r)
}

func expandIQ2_XXS(e *expander) {
	e.scale(0, "Eighth")
	// Four indices, a word, four indices, a word, ...
	e.op("VMOVDQU", mem(2, "SI"), y(2))
	e.op("VSHUFPS", "$0xdd", mem(34, "SI"), y(2), y(2))
	e.op("VPERMQ", "$0xd8", y(2), y(2))
	e.sevens(2)
	for g := range 8 {
		e.lookUp(0, "R8", "MOVBLZX", bytesAt(2, "SI", 8, g))
		e.sign(g, "MOVBLZX", bytesAt(onSigns, "SP", 4, g))
	}
}

func expandIQ2_XS(e *expander) {
	e.scale(0, "Eighth")
	e.putScale()
	e.nibbleSubs(66)
	for h := range 2 {
		e.op("VMOVDQU", mem(2+32*h, "SI"), y(2))
		e.shift("VPSRLW", 9, 2, 3)
		e.op("VPAND", cst("W511"), y(2), y(2))
		e.op("VMOVDQU", y(2), mem(onIndices+32*h, "SP"))
		e.op("VPACKUSWB", y(3), y(3), y(3)) // a lane's eight twice
		e.op("VPERMQ", "$8", y(3), y(3))
		e.op("VMOVDQU", x(3), mem(onSigns+16*h, "SP"))
	}
	for g := range 8 {
		e.lookUp(0, "R8", "MOVWLZX", wordsAt(onIndices, 4, g))
		e.sign(g, "MOVBLZX", bytesAt(onSigns, "SP", 4, g))
	}
}

// wideIndices joins the low eight bits of indices, bytes at low of the
// superblock, with the higher ones of Y2: of these each 16 indices spread the
// bytes, multiply them to their place and mask them.
func (e *expander) wideIndices(low, sixteens int, spread, factors, mask string) {
	for h := range sixteens {
		e.op("VPSHUFB", cst(fmt.Sprintf("%s%d", spread, h)), y(2), y(3))
		e.op("VPMULLW", cst(factors), y(3), y(3))
		e.op("VPAND", cst(mask), y(3), y(3))
		e.op("VPMOVZXBW", mem(low+16*h, "SI"), y(4))
		e.op("VPOR", y(4), y(3), y(3))
		e.op("VMOVDQU", y(3), mem(onIndices+32*h, "SP"))
	}
}

func expandIQ2_S(e *expander) {
	e.scale(0, "Eighth")
	e.putScale()
	e.nibbleSubs(74)
	e.op("VPBROADCASTQ", mem(66, "SI"), y(2))
	e.wideIndices(2, 2, "Fours", "Up2", "W300")
	for g := range 8 {
		e.lookUp(0, "R8", "MOVWLZX", wordsAt(onIndices, 4, g))
		e.sign(g, "MOVBLZX", bytesAt(34, "SI", 4, g))
	}
}

func expandIQ3_XXS(e *expander) {
	e.scale(0, "Quarter")
	e.op("VMOVDQU", mem(66, "SI"), y(2))
	e.sevens(2)
	for g := range 8 {
		e.lookUp4(0, "MOVBLZX", bytesAt(2, "SI", 8, g))
		e.sign(g, "MOVBLZX", bytesAt(onSigns, "SP", 4, g))
	}
}

func expandIQ3_S(e *expander) {
	e.scale(0, "")
	e.op("VPBROADCASTD", mem(106, "SI"), y(2))
	e.op("VPSRLVD", cst("Nibbles"), y(2), y(2))
	e.op("VPAND", cst("D15"), y(2), y(2))
	e.oddFloats(2)
	e.op("VMULPS", y(15), y(2), y(2))
	e.putScales(2)
	e.op("VPBROADCASTQ", mem(66, "SI"), y(2))
	e.wideIndices(2, 4, "Eights", "Up1", "W100")
	for g := range 8 {
		e.lookUp4(0, "MOVWLZX", wordsAt(onIndices, 8, g))
		e.sign(g, "MOVBLZX", bytesAt(74, "SI", 4, g))
	}
}

func expandIQ1_S(e *expander) {
	e.scale(0, "Eighth")
	e.op("VBROADCASTI128", mem(34, "SI"), y(2))
	e.op("VPMOVZXWD", x(2), y(3))
	e.shift("VPSRLD", 12, 3, 3)
	e.op("VPAND", cst("D7"), y(3), y(3))
	e.oddFloats(3)
	e.op("VMULPS", y(15), y(3), y(3))
	e.putScales(3)
	e.note("1 or -1 by the sign of each word")
	e.op("VPSRAW", "$15", x(2), x(3))
	e.op("VPACKSSWB", x(3), x(3), x(3))
	e.op("VPOR", cst("Ones8"), x(3), x(3))
	e.op("VMOVQ", x(3), mem(onSigns, "SP"))
	for h := range 2 {
		// Bits 0, 3 and 6 on go up to 8, those from 9 down.
		e.op("VPSHUFB", cst(fmt.Sprintf("Words%d", h)), y(2), y(3))
		e.op("VPMULLW", cst("Up3"), y(3), y(4))
		e.shift("VPSRLW", 1, 3, 3)
		e.op("VPBLENDW", "$0x88", y(3), y(4), y(4))
		e.op("VPAND", cst("W700"), y(4), y(4))
		e.op("VPMOVZXBW", mem(2+16*h, "SI"), y(3))
		e.op("VPOR", y(3), y(4), y(4))
		e.op("VMOVDQU", y(4), mem(onIndices+32*h, "SP"))
	}
	for g := range 8 {
		e.lookUp(0, "R8", "MOVWLZX", wordsAt(onIndices, 4, g))
		e.op("VPBROADCASTB", mem(onSigns+g, "SP"), y(2))
		e.op("VPADDB", y(2), y(0), y(0))
		e.op("VMOVDQU", y(0), e.weights(g))
	}
}

func expandIQ1_M(e *expander) {
	e.note("the scale: the top four bits of four words")
	e.op("MOVQ", mem(48, "SI"), "BX")
	for i := range 4 {
		r := "AX"
		if i > 0 {
			r = "CX"
		}
		e.op("MOVQ", "BX", r)
		e.op("SHRQ", fmt.Sprintf("$%d", 12+12*i), r)
		e.op("ANDQ", fmt.Sprintf("$%d", 15<<(4*i)), r)
		if i > 0 {
			e.op("ORQ", "CX", "AX")
		}
	}
	e.scaleAX("Eighth")
	e.putScale()
	e.op("VPBROADCASTQ", mem(48, "SI"), y(2))
	e.op("VPSHUFB", cst("Twins"), y(2), y(2))
	e.op("VPSRLVD", cst("Sixes"), y(2), y(2))
	e.shift("VPSRLD", 3, 2, 3)
	for r := 2; r < 4; r++ {
		e.op("VPAND", cst("D7"), y(r), y(r))
		e.oddFloats(r)
	}
	e.putSubs(2, 3, 4)
	e.op("VBROADCASTI128", mem(32, "SI"), y(2))
	for h := range 2 {
		e.op("VPSHUFB", cst(fmt.Sprintf("Pairs%d", h)), y(2), y(3))
		e.op("VPMULLW", cst("Up4"), y(3), y(3))
		e.shift("VPSLLW", 4, 3, 5+h)
		e.shift("VPSRAW", 15, 5+h, 5+h)
		e.op("VPAND", cst("W700"), y(3), y(3))
		e.op("VPMOVZXBW", mem(16*h, "SI"), y(4))
		e.op("VPOR", y(4), y(3), y(3))
		e.op("VMOVDQU", y(3), mem(onIndices+32*h, "SP"))
	}
	e.note("1 or -1 for each 8 weights")
	e.op("VPACKSSWB", y(6), y(5), y(5))
	e.op("VPERMQ", "$0xd8", y(5), y(5))
	e.op("VPOR", cst("Ones8"), y(5), y(5))
	e.op("VMOVDQU", y(5), mem(onSigns, "SP"))
	for g := range 8 {
		e.lookUp(0, "R8", "MOVWLZX", wordsAt(onIndices, 4, g))
		e.op("VPBROADCASTD", mem(onSigns+4*g, "SP"), y(2))
		e.op("VPSHUFB", cst("Each8"), y(2), y(2))
		e.op("VPADDB", y(2), y(0), y(0))
		e.op("VMOVDQU", y(0), e.weights(g))
	}
}

// expandTQ1_0: digit n of a byte is what of 3^n times it (modulo 256) is left of
// the point after one more 3: 0 below 86, 1 below 171, else 2. Weights are one less.
func expandTQ1_0(e *expander) {
	e.scale(52, "")
	e.putScale()
	digits := func(reg func(n int) string, src int, to string) {
		for i, c := range []string{"B86", "B171"} {
			e.op("VPMAXUB", cst(c), reg(src), reg(6+i))
			e.op("VPCMPEQB", reg(6+i), reg(src), reg(6+i))
		}
		e.op("VPADDB", reg(6), reg(7), reg(6)) // minus the digit
		e.op("VPXOR", cst("B255"), reg(6), reg(6))
		e.op("VMOVDQU", reg(6), to)
	}
	triple := func(reg func(n int) string, r int) {
		e.op("VPADDB", reg(r), reg(r), reg(5))
		e.op("VPADDB", reg(5), reg(r), reg(r))
	}
	e.op("VMOVDQU", mem(0, "SI"), y(2))
	e.op("VMOVDQU", mem(32, "SI"), x(3))
	for n := range 5 {
		if n > 0 {
			triple(y, 2)
			triple(x, 3)
		}
		digits(y, 2, e.weights(n))
		digits(x, 3, mem(5*36+4+n/2*36+n%2*16, "DI"))
	}
	e.note("four bytes of four digits")
	e.op("VPBROADCASTD", mem(48, "SI"), x(2))
	e.op("VPMULLW", cst("Powers3"), x(2), x(3))
	e.op("VPAND", cst("W255"), x(3), x(3))
	e.op("VPSRLW", "$8", x(2), x(2))
	e.op("VPMULLW", cst("Powers3"), x(2), x(2))
	e.op("VPSLLW", "$8", x(2), x(2))
	e.op("VPOR", x(3), x(2), x(2))
	digits(x, 2, mem(7*36+4+16, "DI"))
}

// expandConstants are the patterns of the above.
func expandConstants(put func(name string, at func(i int) byte)) {
	words := func(name string, at func(j int) uint16) {
		put(name, func(i int) byte { return byte(at(i/2%16) >> (8 * (i % 2))) })
	}
	dwords := func(name string, at func(j int) uint32) {
		put(name, func(i int) byte { return byte(at(i/4%8) >> (8 * (i % 4))) })
	}
	for i := range 4 {
		name := "D7f"
		if i > 0 {
			name = fmt.Sprintf("D7f%d", i)
		}
		dwords(name, func(int) uint32 { return 0x7f << (8 * i) })
	}
	for _, v := range []uint16{0x100, 0x300, 0x700} {
		words(fmt.Sprintf("W%x", v), func(int) uint16 { return v })
	}
	words("W511", func(int) uint16 { return 511 })
	words("W255", func(int) uint16 { return 255 })
	// Byte n (and nothing above) to each of 4, 8 or 2 words.
	spread := func(name string, each, parts int) {
		for h := range parts {
			words(fmt.Sprintf("%s%d", name, h), func(j int) uint16 { return 0x8000 | uint16((16*h+j)/each) })
		}
	}
	spread("Fours", 4, 2)
	spread("Eights", 8, 4)
	spread("Pairs", 2, 2)
	// Factors that bring bits n*(j mod count) to bit 8.
	words("Up2", func(j int) uint16 { return 256 >> (2 * (j % 4)) })
	words("Up1", func(j int) uint16 { return 256 >> (j % 8) })
	words("Up3", func(j int) uint16 { return 256 >> (3 * (j % 4)) })
	words("Up4", func(j int) uint16 { return 256 >> (4 * (j % 2)) })
	for h := range 2 {
		words(fmt.Sprintf("Words%d", h), func(j int) uint16 {
			at := uint16(2 * (4*h + j/4))
			return at | (at+1)<<8
		})
	}
	dwords("Nibbles", func(j int) uint32 { return uint32(4 * j) })
	dwords("Sixes", func(j int) uint32 { return uint32(6 * (j % 2)) })
	dwords("Twins", func(j int) uint32 { at := uint32(2 * (j / 2)); return 0x80800000 | (at+1)<<8 | at })
	put("Each8", func(i int) byte { return byte(i % 32 / 8) })
	words("Powers3", func(j int) uint16 { return []uint16{1, 3, 9, 27}[j%8/2] })
}
