package main

import (
	"fmt"
	"math/bits"
)

// The float products: rows of F32, F16 or BF16 against float vectors. Every
// product keeps its 16 lanes; 16 products (AVX2: 4) are reduced together, the
// tree's additions in the fixed order and the shuffles between them shared.
//
// A word of two BF16 weights is its odd one as it stands, and its even one shifted
// up; the vector has the odd ones of 32 elements before the even ones.

// floatKind is a type of row elements: its size and that of the vector's elements,
// and how many a round of the loops takes, 16 lanes or pairs.
type floatKind struct {
	name          string
	bytes, xBytes int
	per           int
}

var floatKinds = []floatKind{{"F32", 4, 4, 16}, {"F16", 2, 4, 16}, {"BF16", 2, 4, 32}}

// lead is how many bytes ahead dots16 asks for its rows; behind that the processor's
// own prefetcher goes on. Measured: weights that are used as they lie there are read
// faster with little, those that are widened with more.
func (k floatKind) lead() int {
	if k.bytes == k.xBytes {
		return 1 << 10
	}
	return 6 << 10
}

// parts is how many registers of the vector a round takes.
func (k floatKind) parts() int { return k.per * k.xBytes / 64 }

// widen loads a register of floats from memory: F32 and F16.
func (a *asm) widen(k floatKind, at string, r int) {
	if k.name == "F16" {
		a.op("VCVTPH2PS", at, a.v(r))
		return
	}
	a.mov(at, a.v(r))
}

// upper loads the mask of the odd weights of BF16.
func (a *asm) upper(k floatKind, mask int) {
	if k.parts() == 2 {
		a.mov(cst("Upper16"), a.v(mask))
	}
}

// weights loads a register of each part of a round's weights: BF16 has two, odd
// ones in r and even ones in r+1, the others one. It returns their number.
func (a *asm) weights(k floatKind, at string, r, mask int) int {
	if k.parts() == 1 {
		a.widen(k, at, r)
		return 1
	}
	a.mov(at, a.v(r+1))
	a.op(pick(a, "VPANDD", "VPAND"), a.v(r+1), a.v(mask), a.v(r))
	a.op("VPSLLD", "$16", a.v(r+1), a.v(r+1))
	return 2
}

// times adds the products of registers of weights and of the vector to acc.
func (a *asm) times(k floatKind, w, x, acc int) {
	if k.xBytes == 2 {
		a.evex(fmt.Sprintf("VDPBF16PS Z%d, Z%d, Z%d", w, x, acc), 0x52, acc, x, w)
		return
	}
	a.fma231(a.v(w), a.v(x), acc)
}

// tree16 reduces the registers of p (Z, one product each) to out, product i in
// element i. It overwrites p and needs t.
func (a *asm) tree16(p [16]int, t, out int) {
	v := a.v
	half := func(op string, lo, hi string, x, y int) { // x = lo(x,y) + hi(x,y)
		a.op(op, lo, v(y), v(x), v(t))
		a.op(op, hi, v(y), v(x), v(x))
		a.op("VADDPS", v(x), v(t), v(x))
	}
	for e := range 4 { // products e, 4+e, 8+e, 12+e end in 128-bit lane 0 to 3
		half("VSHUFF64X2", "$0x44", "$0xee", p[e], p[4+e])
		half("VSHUFF64X2", "$0x44", "$0xee", p[8+e], p[12+e])
		half("VSHUFF64X2", "$0x88", "$0xdd", p[e], p[8+e])
	}
	half("VSHUFPS", "$0x44", "$0xee", p[0], p[1])
	half("VSHUFPS", "$0x44", "$0xee", p[2], p[3])
	half("VSHUFPS", "$0x88", "$0xdd", p[0], p[2])
	if p[0] != out {
		a.op("VMOVAPS", v(p[0]), v(out))
	}
}

// tree4 reduces four products in pairs of Y registers (p, p+1), ... to X out.
// It needs t and t+1.
func (a *asm) tree4(p, t, out int) {
	for i := range 4 {
		a.op("VADDPS", y(p+2*i+1), y(p+2*i), y(p+2*i))
	}
	for i := range 2 { // lanes i+4 onto i: product 2i low, 2i+1 high
		lo, hi := p+4*i, p+4*i+2
		a.op("VPERM2F128", "$0x20", y(hi), y(lo), y(t))
		a.op("VPERM2F128", "$0x31", y(hi), y(lo), y(lo))
		a.op("VADDPS", y(lo), y(t), y(lo))
	}
	a.op("VSHUFPS", "$0x44", y(p+4), y(p), y(t))
	a.op("VSHUFPS", "$0xee", y(p+4), y(p), y(t+1))
	a.op("VADDPS", y(t+1), y(t), y(t))
	a.op("VSHUFPS", "$0x88", y(t), y(t), y(p))
	a.op("VSHUFPS", "$0xdd", y(t), y(t), y(p+1))
	a.op("VADDPS", y(p+1), y(p), y(p))
	a.op("VEXTRACTF128", "$1", y(p), x(t))
	a.op("VUNPCKLPS", x(t), x(p), x(out))
}

func dotsFuncs(a *asm) {
	for _, k := range floatKinds {
		dots16(a, k)
		dots4x4(a, k)
	}
	for _, k := range floatKinds[:2] {
		scores16(a, k)
		weightedFunc(a, k)
	}
	weighted4(a)
}

// dots16: dst[i] = row i . x for 16 rows stride bytes apart, n a multiple of 16. Row
// after row, as they lie in memory: the sums of the next rows need not wait for
// those of this one, and rows a power of two apart do not drive each other out of
// the first-level cache.
func dots16(a *asm, k floatKind) {
	f := a.vfunc("dots16"+k.name, "", param{"dst", "*float32"}, param{"x", "*float32"}, param{"w", "*byte"},
		param{"stride", "int"}, param{"n", "int"})
	f.ptr("dst", "DI", "x", "DX", "w", "R8", "stride", "R12", "n", "R13")
	f.op("MOVQ", "R13", "AX")
	f.op("SHLQ", fmt.Sprintf("$%d", bits.TrailingZeros(uint(k.bytes))), "AX")
	f.op("SUBQ", "AX", "R12") // from the end of a row to the next
	f.upper(k, pick(a, 31, 15))
	if a.wide {
		var p [16]int
		for i := range 16 {
			p[i] = i
			f.zero(i)
			f.dotRow(k, fmt.Sprintf("row%d", i), i)
		}
		f.tree16(p, 17, 16)
		f.mov(a.v(16), "(DI)")
		f.end()
		return
	}
	f.op("MOVQ", "$4", "R11")
	f.label("rows")
	for i := range 4 {
		f.zero(2 * i)
		f.zero(2*i + 1)
		f.dotRow(k, fmt.Sprintf("row%d", i), 2*i)
	}
	f.tree4(0, 8, 0)
	f.op("VMOVUPS", x(0), "(DI)")
	f.op("ADDQ", "$16", "DI")
	f.op("DECQ", "R11")
	f.op("JNZ", "rows")
	f.end()
}

// dotRow adds the product of the row at R8 and the vector at DX to acc (AVX2: and
// the next register), a cache line at a time, and leaves R8 at the next row.
func (f *fn) dotRow(k floatKind, label string, acc int) {
	line := 64 / k.bytes // elements
	f.op("MOVQ", "R13", "CX")
	f.op("MOVQ", "DX", "R10")
	half := k.per < line // half a line may be left at the end
	if half {
		f.op("SUBQ", fmt.Sprintf("$%d", line), "CX")
		f.op("JLT", label+"Half")
	}
	f.label(label)
	f.op("PREFETCHT1", mem(k.lead(), "R8"))
	for at := 0; at < line; at += k.per {
		f.dotRound(k, at, acc)
	}
	f.op("ADDQ", fmt.Sprintf("$%d", line*k.xBytes), "R10")
	f.op("ADDQ", "$64", "R8")
	f.op("SUBQ", fmt.Sprintf("$%d", line), "CX")
	if !half {
		f.op("JNZ", label)
	} else {
		f.op("JGE", label)
		f.label(label + "Half")
		f.op("ADDQ", fmt.Sprintf("$%d", line), "CX")
		f.op("JZ", label+"End")
		f.dotRound(k, 0, acc)
		f.op("ADDQ", "$32", "R8")
		f.label(label + "End")
	}
	f.op("ADDQ", "R12", "R8")
}

// dotRound adds a round's products of the row at R8 and the vector at R10, from
// element at on, to acc.
func (f *fn) dotRound(k floatKind, at, acc int) {
	w, x := at*k.bytes, at*k.xBytes
	if f.wide {
		for part := range f.weights(k, mem(w, "R8"), 17, 31) {
			f.mov(mem(x+64*part, "R10"), f.v(16))
			f.times(k, 17+part, 16, acc)
		}
		return
	}
	for h := range 2 {
		for part := range f.weights(k, mem(w+h*k.per*k.bytes/2, "R8"), 12, 15) {
			f.fma231(mem(x+64*part+32*h, "R10"), y(12+part), acc+h)
		}
	}
}

// fourRows emits AVX2's products of the four rows at R8 with the vector at from,
// which xp goes along; they end in the four floats at dst.
func fourRows(f *fn, k floatKind, from, xp, dst string) {
	f.op("MOVQ", f.arg("n"), "CX")
	f.op("MOVQ", "R8", "R9")
	f.op("MOVQ", from, xp)
	for i := range 8 { // products in registers 2*row and 2*row+1
		f.zero(i)
	}
	f.label("loop")
	const xr, wr, mask = 8, 12, 15
	for i := range 2 * k.parts() { // odd elements of either half, then even ones
		f.mov(mem(32*i, xp), y(xr+i))
	}
	for i := range 4 {
		row := []string{"", "(R12*1)", "(R12*2)", "(R13*1)"}[i]
		for h := range 2 {
			for part := range f.weights(k, fmt.Sprintf("%d(R9)%s", h*k.per*k.bytes/2, row), wr, mask) {
				f.fma231(y(wr+part), y(xr+2*part+h), 2*i+h)
			}
		}
	}
	f.op("ADDQ", fmt.Sprintf("$%d", k.per*k.xBytes), xp)
	f.op("ADDQ", fmt.Sprintf("$%d", k.per*k.bytes), "R9")
	f.op("SUBQ", fmt.Sprintf("$%d", k.per), "CX")
	f.op("JNZ", "loop")
	f.tree4(0, 8, 0)
	f.op("VMOVUPS", x(0), "("+dst+")")
}

// dots4x4: dst[t*dstStride+i] = row i . vector t for rows, a multiple of 4, and 4
// vectors, strides in bytes.
func dots4x4(a *asm, k floatKind) {
	f := a.vfunc("dots4x4"+k.name, "", param{"dst", "*float32"}, param{"dstStride", "int"}, param{"x", "*float32"},
		param{"xStride", "int"}, param{"w", "*byte"}, param{"stride", "int"}, param{"rows", "int"}, param{"n", "int"})
	f.ptr("dst", "DI", "dstStride", "SI", "x", "DX", "xStride", "R10", "w", "R8", "stride", "R12", "rows", "BX")
	f.op("LEAQ", "(R12)(R12*2)", "R13")
	f.op("LEAQ", "(R10)(R10*2)", "R11")
	rowOff := []string{"", "(R12*1)", "(R12*2)", "(R13*1)"}
	xOff := []string{"", "(R10*1)", "(R10*2)", "(R11*1)"}
	f.upper(k, pick(a, 31, 15))
	f.label("rows")
	f.op("MOVQ", "DI", "R15")
	f.op("MOVQ", "DX", "AX")
	if a.wide {
		f.op("MOVQ", f.arg("n"), "CX")
		f.op("MOVQ", "R8", "R9")
		var p [16]int
		for i := range 16 {
			p[i] = i // product 4*token + row
			f.zero(i)
		}
		f.label("loop")
		const wr, xr, mask = 16, 24, 31
		for i := range 4 {
			f.weights(k, "(R9)"+rowOff[i], wr+2*i, mask)
		}
		for t := range 4 {
			for part := range k.parts() {
				f.mov(fmt.Sprintf("%d(AX)%s", 64*part, xOff[t]), a.v(xr+part))
				for i := range 4 {
					f.times(k, wr+2*i+part, xr+part, 4*t+i)
				}
			}
		}
		f.op("ADDQ", fmt.Sprintf("$%d", k.per*k.xBytes), "AX")
		f.op("ADDQ", fmt.Sprintf("$%d", k.per*k.bytes), "R9")
		f.op("SUBQ", fmt.Sprintf("$%d", k.per), "CX")
		f.op("JNZ", "loop")
		f.tree16(p, 17, 16)
		for t := range 4 {
			if t == 0 {
				f.op("VMOVUPS", x(16), "(R15)")
			} else {
				f.op("VEXTRACTF32X4", fmt.Sprintf("$%d", t), a.v(16), "(R15)")
			}
			f.op("ADDQ", "SI", "R15")
		}
	} else {
		// A token at a time: four rows fill eight registers.
		f.op("MOVQ", "$4", "R14")
		f.label("tokens")
		fourRows(f, k, "AX", "R11", "R15")
		f.op("ADDQ", "SI", "R15")
		f.op("ADDQ", "R10", "AX")
		f.op("DECQ", "R14")
		f.op("JNZ", "tokens")
	}
	f.op("ADDQ", "$16", "DI")
	f.op("LEAQ", "(R8)(R12*4)", "R8")
	f.op("SUBQ", "$4", "BX")
	f.op("JNZ", "rows")
	f.end()
}
