package main

import "fmt"

// Rows whose numbers index a grid of points: the unpacking to the blocks of
// expand_amd64.go (a float32 scale, of types with sub-scales three, and 32 int8
// weights), and the product of eight rows with a token. What counts is the
// number of table look-ups, which are scalar, so rows are taken one at a time,
// superblock by superblock.
//
// Indices and signs of a superblock of 256 are first brought apart by vector
// operations. Signs are left on the stack, indices in vector registers.
//
// A product first leaves, for each row, two floats a block in the work area: the
// dot (of types with sub-scales: their sum) and the scale times that of the
// activations. Then the eight rows' chains are added side by side.

// expander emits one function. Registers: SI the file's superblock, DX
// superblocks left in the row, R8 the grid, AX BX CX R10 indices, DI the
// unpacked blocks or the dots, Y15 the superblock's scale. In products R9
// scales, R11 activations, R12 their scales, R13 -128 times their sums.
type expander struct {
	*asm
	mul bool
	gridFormat
	mask    string            // of what is loaded as an index; "": all
	correct func(e *expander) // what is to be added to the dots, in Y8
}

// gridFormat describes a type to the emitter.
type gridFormat struct {
	name  string
	bytes int  // of a superblock
	sub   bool // two sub-scales a block
	body  func(e *expander)
}

var gridFormats = []gridFormat{
	{"IQ2_XXS", 66, false, expandIQ2_XXS},
	{"IQ2_XS", 74, true, expandIQ2_XS},
	{"IQ2_S", 82, true, expandIQ2_S},
	{"IQ3_XXS", 98, false, expandIQ3_XXS},
	{"IQ3_S", 110, false, expandIQ3_S},
	{"IQ1_S", 50, false, expandIQ1_S},
	{"IQ1_M", 56, true, expandIQ1_M},
}

// Places on the stack.
const (
	onSigns = 0  // 32 bytes
	onSubs  = 32 // 16 floats
	onRows  = 96 // rows left
	onFrame = 104
)

// ahead is how far products prefetch: rows follow each other, a stream.
const ahead = 2048

func (e *expander) out() int { return map[bool]int{false: 36, true: 44}[e.sub] }

// at is an address in unpacked block g.
func (e *expander) at(g, off int) string { return mem(g*e.out()+off, "DI") }

// weights is where block g's weights go.
func (e *expander) weights(g int) string { return e.at(g, e.out()-32) }

func expandFuncs(a *asm) {
	for _, f := range gridFormats {
		if !a.wide { // serves AVX-512 too
			a.expander(f)
		}
	}
	for _, f := range gridFormats {
		a.gridProduct(f)
	}
}

func (e *expander) begin(name, args string) {
	name += e.name + e.tierName()
	declared = append(declared, [2]string{name, args})
	fmt.Fprintf(e, "\n// func %s(p *%s)\nTEXT ·%s(SB), NOSPLIT, $%d-8\n\tMOVQ p+0(FP), DI\n", name, args, name, onFrame)
}

func (e *expander) step(n int, r string) { e.op("ADDQ", fmt.Sprintf("$%d", n), r) }

// expander emits the unpacking of a row.
func (a *asm) expander(f gridFormat) {
	e := &expander{asm: a, gridFormat: f}
	e.begin("expand", "expandArgs")
	for i, r := range []string{"SI", "DX", "R8", "DI"} {
		a.op("MOVQ", mem(8*((i+1)%4), "DI"), r)
	}
	a.label("loop")
	f.body(e)
	e.step(f.bytes, "SI")
	e.step(8*e.out(), "DI")
	a.op("DECQ", "DX")
	a.op("JNZ", "loop")
	a.end()
}

// gridProduct emits the product of eight rows with a token.
func (a *asm) gridProduct(f gridFormat) {
	e := &expander{asm: a, gridFormat: f, mul: true}
	e.begin("mul", "rowsArgs")
	a.op("MOVQ", mem(0, "DI"), "SI")
	a.op("MOVQ", mem(80, "DI"), "R8")
	a.op("MOVQ", mem(16, "DI"), "R9")
	a.op("SHLQ", "$8", "R9") // eight rows of eight floats a superblock
	a.op("MOVQ", mem(32, "DI"), "DI")
	a.op("ADDQ", "DI", "R9")
	a.op("MOVQ", "$8", mem(onRows, "SP"))
	a.label("row")
	a.op("MOVQ", "p+0(FP)", "AX")
	for i, r := range []string{"DX", "R11", "", "R12", "R13"} {
		if r != "" {
			a.op("MOVQ", mem(16+8*i, "AX"), r)
		}
	}
	a.label("loop")
	for at := 0; at < f.bytes; at += 64 {
		a.op("PREFETCHT0", mem(ahead+at, "SI"))
	}
	f.body(e)
	e.step(f.bytes, "SI")
	e.step(32, "DI")
	e.step(32, "R9")
	e.step(256, "R11")
	e.step(32, "R12")
	e.step(map[bool]int{false: 32, true: 64}[f.sub], "R13")
	a.op("DECQ", "DX")
	a.op("JNZ", "loop")
	a.op("DECQ", mem(onRows, "SP"))
	a.op("JNZ", "row")
	e.chains()
	a.end()
}

// chains adds up the eight rows: acc = fma(dot, scale, acc), block after block.
func (e *expander) chains() {
	e.note("the chains of the eight rows, side by side")
	e.op("MOVQ", "p+0(FP)", "AX")
	e.op("MOVQ", mem(16, "AX"), "DX")
	e.op("MOVQ", mem(32, "AX"), "DI")
	e.op("MOVQ", "DX", "BX")
	e.op("SHLQ", "$5", "BX") // bytes of a row's dots
	e.op("LEAQ", "(BX)(BX*2)", "CX")
	e.op("LEAQ", "(DI)(BX*4)", "SI")
	e.op("LEAQ", "(DI)(BX*8)", "R8")
	e.op("LEAQ", "(SI)(BX*8)", "R9")
	e.op("ADDQ", "DX", "DX")
	e.op("VPXOR", y(15), y(15), y(15))
	e.label("four")
	rows := []string{"", "(BX*1)", "(BX*2)", "(CX*1)"}
	for n, pair := range [][2]string{{"DI", "SI"}, {"R8", "R9"}} {
		for i, row := range rows {
			e.op("VMOVUPS", "("+pair[0]+")"+row, x(4*n+i))
			e.op("VINSERTF128", "$1", "("+pair[1]+")"+row, y(4*n+i), y(4*n+i))
		}
		r, t := 4*n, 8
		e.op("VUNPCKLPS", y(r+1), y(r), y(t))
		e.op("VUNPCKHPS", y(r+1), y(r), y(t+1))
		e.op("VUNPCKLPS", y(r+3), y(r+2), y(t+2))
		e.op("VUNPCKHPS", y(r+3), y(r+2), y(t+3))
		e.op("VUNPCKLPD", y(t+2), y(t), y(r))
		e.op("VUNPCKHPD", y(t+2), y(t), y(r+1))
		e.op("VUNPCKLPD", y(t+3), y(t+1), y(r+2))
		e.op("VUNPCKHPD", y(t+3), y(t+1), y(r+3))
	}
	for i := range 4 {
		e.op("VFMADD231PS", y(4+i), y(i), y(15))
	}
	for _, r := range []string{"DI", "SI", "R8", "R9"} {
		e.step(16, r)
	}
	e.op("DECQ", "DX")
	e.op("JNZ", "four")
	e.op("MOVQ", mem(72, "AX"), "DI")
	e.op("VMOVUPS", y(15), "(DI)")
}

func (e *expander) shift(op string, n, src, dst int) { e.op(op, fmt.Sprintf("$%d", n), y(src), y(dst)) }

// scale widens the f16 at off of the superblock to Y15, times a constant.
func (e *expander) scale(off int, factor string) {
	e.op("VPBROADCASTW", mem(off, "SI"), x(15))
	e.widen(factor)
}

// scaleAX does so with the f16 in AX.
func (e *expander) scaleAX(factor string) {
	e.op("VMOVD", "AX", x(15))
	e.op("VPBROADCASTW", x(15), x(15))
	e.widen(factor)
}

func (e *expander) widen(factor string) {
	e.op("VCVTPH2PS", x(15), y(15))
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

// putScales stores the eight floats of r, times the superblock's scale, as the
// blocks' scales.
func (e *expander) putScales(r int) {
	e.op("VMULPS", y(15), y(r), y(r))
	if e.mul {
		e.op("VMULPS", mem(0, "R12"), y(r), y(r))
		e.op("VMOVUPS", y(r), mem(0, "R9"))
		return
	}
	for g := range 8 {
		if g == 4 {
			e.op("VEXTRACTI128", "$1", y(r), x(r))
		}
		e.op("VPEXTRD", fmt.Sprintf("$%d", g%4), x(r), e.at(g, 0))
	}
}

// putScale stores Y15 as the scale of every block.
func (e *expander) putScale() {
	if e.mul {
		e.op("VMULPS", mem(0, "R12"), y(15), y(15))
		e.op("VMOVUPS", y(15), mem(0, "R9"))
		return
	}
	e.op("VMOVD", x(15), "AX")
	for g := range 8 {
		e.op("MOVL", "AX", e.at(g, 0))
	}
}

// putSubs stores the sub-scales: the eight floats of lo are the blocks' first,
// those of hi their second.
func (e *expander) putSubs(lo, hi, t int) {
	if e.mul {
		e.op("VMOVUPS", y(lo), mem(onSubs, "SP"))
		e.op("VMOVUPS", y(hi), mem(onSubs+32, "SP"))
		return
	}
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

// points fills Y0 with block g's four points of 8 bytes, whose indices are loaded
// from the superblock by load, index i from its address.
func (e *expander) points(load string, index func(i int) string) {
	e.points8(e.loaded(load, index))
}

// pointsOf does so with indices that are words of vector registers, from base on.
func (e *expander) pointsOf(base, g int) { e.points8(e.words(base, g)) }

// points4 and points4Of do so with eight points of 4 bytes.
func (e *expander) points4(load string, index func(i int) string) {
	for half := range 2 {
		e.fourPoints(half, e.loaded(load, func(i int) string { return index(4*half + i) }))
	}
	e.op("VINSERTI128", "$1", x(1), y(0), y(0))
}

func (e *expander) points4Of(base, g int) {
	for half := range 2 {
		e.fourPoints(half, e.words(base, 2*g+half))
	}
	e.op("VINSERTI128", "$1", x(1), y(0), y(0))
}

// indices are the registers that four of them are in.
type indices [4]string

func (e *expander) loaded(load string, index func(i int) string) indices {
	regs := indices{"AX", "BX", "CX", "R10"}
	for i, r := range regs {
		e.op(load, index(i), r)
		if e.mask != "" {
			e.op("ANDL", e.mask, r)
		}
	}
	return regs
}

// words takes the four words of quadword n, counted from register base on. By way of
// the stack they would arrive later: loads wait for wide stores. Y14 is used: quadwords
// are asked for in order.
func (e *expander) words(base, n int) indices {
	r := base + n/4
	if n%4 == 2 {
		e.op("VEXTRACTI128", "$1", y(r), x(14))
	}
	if n%4 >= 2 {
		r = 14
	}
	if n%2 == 0 {
		e.op("VMOVQ", x(r), "AX")
	} else {
		e.op("VPEXTRQ", "$1", x(r), "AX")
	}
	for _, r := range []string{"BX", "CX", "R10"} {
		e.op("MOVWLZX", "AX", r)
		e.op("SHRQ", "$16", "AX")
	}
	return indices{"BX", "CX", "R10", "AX"}
}

func (e *expander) points8(regs indices) {
	point := func(i int) string { return fmt.Sprintf("(R8)(%s*8)", regs[i]) }
	e.op("VMOVQ", point(0), x(0))
	e.op("VMOVQ", point(2), x(1))
	e.op("VPINSRQ", "$1", point(1), x(0), x(0))
	e.op("VPINSRQ", "$1", point(3), x(1), x(1))
	e.op("VINSERTI128", "$1", x(1), y(0), y(0))
}

// fourPoints fills X0 or X1 (to) with four points of 4 bytes.
func (e *expander) fourPoints(to int, regs indices) {
	for i, r := range regs {
		point := fmt.Sprintf("(R8)(%s*4)", r)
		if i == 0 {
			e.op("VMOVD", point, x(to))
			continue
		}
		e.op("VPINSRD", fmt.Sprintf("$%d", i), point, x(to), x(to))
	}
}

// signed finishes block g, whose magnitudes are in Y0 and whose 32 signs at.
func (e *expander) signed(g int, signs string) {
	v := 0
	if e.mul {
		v = 1
		e.op("VMOVDQU", mem(32*g, "R11"), y(1))
	}
	if e.wide {
		e.op("KMOVD", signs, "K1")
		e.op("VPXOR", y(2), y(2), y(2))
		e.op("VPSUBB", y(v), y(2), "K1", y(v))
	} else {
		e.op("VPBROADCASTD", signs, y(2))
		e.op("VPSHUFB", cst("Each8"), y(2), y(2))
		e.op("VPAND", cst("Bits"), y(2), y(2))
		e.op("VPCMPEQB", cst("Bits"), y(2), y(2))
		e.op("VPXOR", y(2), y(v), y(v))
		e.op("VPSUBB", y(2), y(v), y(v))
	}
	if e.mul {
		e.dot(g, 0, y(1))
		return
	}
	e.op("VMOVDQU", y(0), e.weights(g))
}

// dot multiplies unsigned and signed bytes to eight sums of block g, and ends
// with the superblock's dots (see sums) after the last. Sums are kept in Y8 to Y11.
func (e *expander) dot(g, unsigned int, signed string) {
	sum := 8 + g%4
	if e.wide {
		e.op("VPXOR", y(sum), y(sum), y(sum))
		e.op("VPDPBUSD", signed, y(unsigned), y(sum))
	} else {
		e.op("VPMADDUBSW", signed, y(unsigned), y(sum))
		e.op("VPMADDWD", cst("Ones16"), y(sum), y(sum))
	}
	if g%4 < 3 {
		return
	}
	// Each lane's four sums of blocks g-3 to g, side by side.
	e.op("VPHADDD", y(9), y(8), y(8))
	e.op("VPHADDD", y(11), y(10), y(10))
	e.op("VPHADDD", y(10), y(8), y(12+g/4))
	if g < 7 {
		return
	}
	e.op("VPERM2I128", "$0x20", y(13), y(12), y(8)) // of the first 16 weights
	e.op("VPERM2I128", "$0x31", y(13), y(12), y(9))
	if e.sub {
		if e.correct != nil {
			e.correct(e)
		}
		e.op("VCVTDQ2PS", y(8), y(8))
		e.op("VCVTDQ2PS", y(9), y(9))
		e.op("VMULPS", mem(onSubs, "SP"), y(8), y(8))
		e.op("VFMADD231PS", mem(onSubs+32, "SP"), y(9), y(8))
		e.op("VMOVUPS", y(8), mem(0, "DI"))
		return
	}
	e.op("VPADDD", y(9), y(8), y(8))
	if e.correct != nil {
		e.correct(e)
	}
	e.op("VCVTDQ2PS", y(8), y(8))
	e.op("VMOVUPS", y(8), mem(0, "DI"))
}

// bytesAt are the addresses of n indices per block.
func bytesAt(off int, base string, n, g int) func(i int) string {
	return func(i int) string { return mem(off+n*g+i, base) }
}

// sevens takes the words of r apart: four times seven bits to sign bytes on the
// stack, and the top four bits to the scales 2*x + 1 of the blocks.
func (e *expander) sevens(r int) {
	e.op("VPAND", cst("D7f"), y(r), y(r+1))
	for i := 1; i < 4; i++ {
		e.shift("VPSLLD", i, r, r+2)
		e.op("VPAND", cst(fmt.Sprintf("D7f%d", i)), y(r+2), y(r+2))
		e.op("VPOR", y(r+2), y(r+1), y(r+1))
	}
	e.eighths(r+1, r+2)
	e.op("VMOVDQU", y(r+1), mem(onSigns, "SP"))
	e.shift("VPSRLD", 28, r, r)
	e.oddFloats(r)
	e.putScales(r)
}

// eighths gives bytes of seven bits an eighth that makes the number of ones even.
// What shifts bring from the byte below never reaches the top bit.
func (e *expander) eighths(r, t int) {
	from := r
	for _, n := range []int{4, 2, 1} {
		e.shift("VPSLLD", n, from, t+1)
		e.op("VPXOR", y(t+1), y(from), y(t))
		from = t
	}
	e.op("VPAND", cst("B128"), y(t), y(t))
	e.op("VPOR", y(t), y(r), y(r))
}
