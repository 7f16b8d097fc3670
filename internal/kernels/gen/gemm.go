package main

import (
	"fmt"
	"math/bits"
)

// The panel kernels: a tile of rows times 4 tokens over the whole of K.
//
// A panel holds, for each block of 32 weights and each 4 of them, a register
// of 4 consecutive weights of every row; each token's 4 activations are
// broadcast against it. AVX-512: 1, 2 or 3 registers of 16 rows. AVX2: one of
// 8 rows; products are added as int16 as long as they cannot overflow.
//
// Weights are unsigned: offset by 128 or 32 (AVX-512) or as the type has them, and
// the sums begin at minus the offset times the activations' sum.

// variant is one kernel.
type variant struct {
	name     string
	vecs     int
	sub, min bool
	signed   bool // AVX2: int8 weights by the sign trick
	offset   int  // 0: none
	madd     int  // AVX2: products added as int16 before they are widened
}

func gemmFuncs(a *asm) {
	if a.wide {
		for vecs := 1; vecs <= 3; vecs++ {
			for _, min := range []bool{false, true} {
				name := fmt.Sprintf("gemm%s%dx4", map[bool]string{true: "Min"}[min], 16*vecs)
				gemm(a, variant{name: name, vecs: vecs, min: min, offset: 128})
				if vecs < 3 {
					name = fmt.Sprintf("gemmSub%s%dx4", map[bool]string{true: "Min"}[min], 16*vecs)
					gemm(a, variant{name: name, vecs: vecs, sub: true, min: min, offset: 32})
					if !min {
						gemm(a, variant{name: fmt.Sprintf("gemmSubS%dx4", 16*vecs), vecs: vecs, sub: true, offset: 128})
					}
				}
			}
		}
		return
	}
	for _, v := range []variant{
		{name: "gemmU2x1", offset: 1, madd: 8},
		{name: "gemmU4x8", offset: 8, madd: 8},
		{name: "gemmU4Min", min: true, madd: 8},
		{name: "gemmU5x16", offset: 16, madd: 4},
		{name: "gemmU5Min", min: true, madd: 4},
		{name: "gemmS8", signed: true, madd: 1},
		{name: "gemmSub", sub: true, offset: 32, madd: 2},
		{name: "gemmSubS8", sub: true, signed: true, madd: 1},
		{name: "gemmSubMin", sub: true, min: true, offset: 32, madd: 2},
	} {
		v.vecs = 1
		gemm(a, v)
	}
}

// tileRegs are the registers of a tile, by row vector and token.
type tile struct {
	*asm
	variant
	tokens int
}

func (t *tile) reg(base, v, tok int) int { return base + v*t.tokens + tok }

// Register bases. AVX-512: integer sums from 0, parts of sub types after
// them, float chains from 12 (16 with parts: 0-7, 8-15, 16-23).
func (t *tile) ints() int { return 0 }
func (t *tile) accs() int { return pick(t.asm, map[bool]int{false: 12, true: 16}[t.sub], 4) }
func (t *tile) part() int { return pick(t.asm, 8, 8) }
func (t *tile) w() int    { return pick(t.asm, 24, 12) } // 3 (AVX2: 1)
func (t *tile) act() int  { return pick(t.asm, 27, 13) } // 4 (AVX2: 1)
func (t *tile) tmp() int  { return pick(t.asm, 31, 14) } // 1 (AVX2: 2)

// Token pointers: activations at AX + {0,1,2,3}*R8 (R9 = 3*R8), floats and
// sums of the tokens at base + {0,1,2,3}*R10 (R11 = 3*R10).
func tokAddr(off int, base string, tok int, one, three string) string {
	return fmt.Sprintf("%d(%s)%s", off, base, []string{"", "(" + one + "*1)", "(" + one + "*2)", "(" + three + "*1)"}[tok])
}

func (t *tile) each(f func(v, tok int)) {
	for v := range t.vecs {
		for tok := range t.tokens {
			f(v, tok)
		}
	}
}

// gemm emits one kernel. Registers: DI arguments, SI panel weights, BX panel
// scales, CX panel sub-scales, AX R8 R9 activations, DX their scales, R12
// their sums (with R10, R11), R13 blocks left; for minimums R14 the panel's,
// R15 the factors', BX (second pass) the pairs.
func gemm(a *asm, vr variant) {
	t := &tile{a, vr, 4}
	vb := pick(a, 64, 32)
	pitch := pick(a, 3, 1) * vb
	a.text(vr.name+a.tierName(), "gemmArgs")
	load := func(off int, r string) { a.op("MOVQ", mem(off, "DI"), r) }
	load(0, "SI")
	load(8, "BX")
	load(24, "CX")
	load(40, "AX")
	load(48, "R8")
	a.op("LEAQ", "(R8)(R8*2)", "R9")
	load(56, "DX")
	load(64, "R10")
	a.op("LEAQ", "(R10)(R10*2)", "R11")
	load(72, "R12")
	load(96, "R13")
	sumRow, sumRow3 := "R10", "R11"
	if vr.sub {
		// Sums per 16: their rows are twice as long.
		a.op("LEAQ", "(R10)(R10*1)", "R14")
		a.op("LEAQ", "(R14)(R14*2)", "R15")
		sumRow, sumRow3 = "R14", "R15"
	}
	t.each(func(v, tok int) { a.zero(t.reg(t.accs(), v, tok)) })
	a.label("blocks")
	init := func(at int) {
		for tok := range t.tokens {
			if vr.offset == 0 {
				for v := range t.vecs {
					a.zero(t.reg(t.ints(), v, tok))
				}
				continue
			}
			r := t.reg(t.ints(), 0, tok)
			a.op("VPBROADCASTD", tokAddr(at, "R12", tok, sumRow, sumRow3), a.v(r))
			whole := map[bool]int{false: 128, true: 32}[vr.sub]
			switch shift := bits.TrailingZeros(uint(vr.offset)) - bits.TrailingZeros(uint(whole)); {
			case shift < 0:
				a.op("VPSRAD", fmt.Sprintf("$%d", -shift), a.v(r), a.v(r))
			case shift > 0:
				a.op("VPSLLD", fmt.Sprintf("$%d", shift), a.v(r), a.v(r))
			}
			for v := 1; v < t.vecs; v++ {
				a.op(pick(a, "VMOVDQA32", "VMOVDQA"), a.v(r), a.v(t.reg(t.ints(), v, tok)))
			}
		}
	}
	if vr.sub {
		for half := range 2 {
			init(4 * half)
			t.products(4*half, 4*half+4, pitch, vb)
			for v := range t.vecs {
				for tok := range t.tokens {
					r := t.reg(t.ints(), v, tok)
					a.op("VCVTDQ2PS", a.v(r), a.v(r))
					at := mem(half*pitch+v*vb, "CX")
					if half == 0 {
						a.op("VMULPS", at, a.v(r), a.v(t.reg(t.part(), v, tok)))
					} else {
						a.op("VFMADD231PS", at, a.v(r), a.v(t.reg(t.part(), v, tok)))
					}
				}
			}
		}
	} else {
		init(0)
		t.products(0, 8, pitch, vb)
	}
	for v := range t.vecs {
		a.op("VMOVUPS", mem(v*vb, "BX"), a.v(t.w()))
		for tok := range t.tokens {
			sum := t.reg(t.ints(), v, tok)
			if vr.sub {
				sum = t.reg(t.part(), v, tok)
			} else {
				a.op("VCVTDQ2PS", a.v(sum), a.v(sum))
			}
			da := tokAddr(0, "DX", tok, "R10", "R11")
			if a.wide {
				a.op("VMULPS.BCST", da, a.v(t.w()), a.v(t.tmp()))
			} else {
				a.op("VBROADCASTSS", da, a.v(t.tmp()))
				a.op("VMULPS", a.v(t.w()), a.v(t.tmp()), a.v(t.tmp()))
			}
			a.op("VFMADD231PS", a.v(t.tmp()), a.v(sum), a.v(t.reg(t.accs(), v, tok)))
		}
	}
	step := func(n int, r string) { a.op("ADDQ", fmt.Sprintf("$%d", n), r) }
	step(8*pitch, "SI")
	step(pitch, "BX")
	step(32, "AX")
	step(4, "DX")
	if vr.sub {
		step(2*pitch, "CX")
		step(8, "R12")
	} else {
		step(4, "R12")
	}
	a.op("DECQ", "R13")
	a.op("JNZ", "blocks")
	if vr.min {
		t.minimums(pitch, vb, load, step)
	}
	a.note("results, a token at a time")
	load(104, "AX")
	load(112, "R8")
	for tok := range t.tokens {
		for v := range t.vecs {
			a.op("VMOVUPS", a.v(t.reg(t.accs(), v, tok)), mem(v*vb, "AX"))
		}
		if tok+1 < t.tokens {
			a.op("ADDQ", "R8", "AX")
		}
	}
	a.end()
}

// products multiplies groups g0..g1 of 4 weights.
func (t *tile) products(g0, g1, pitch, vb int) {
	a := t.asm
	if a.wide {
		for g := g0; g < g1; g++ {
			for v := range t.vecs {
				a.op("VMOVDQU32", mem(g*pitch+v*vb, "SI"), a.v(t.w()+v))
			}
			for tok := range t.tokens {
				a.op("VPBROADCASTD", tokAddr(4*g, "AX", tok, "R8", "R9"), a.v(t.act()+tok))
				for v := range t.vecs {
					a.op("VPDPBUSD", a.v(t.act()+tok), a.v(t.w()+v), a.v(t.reg(t.ints(), v, tok)))
				}
			}
		}
		return
	}
	// AVX2: as many tokens at once as there are registers for int16 sums.
	sums := []int{8, 9, 10, 11}
	if t.sub {
		sums = []int{14, 15}
	}
	if t.sub && t.signed { // 14 holds magnitudes
		sums = []int{15}
	}
	w, act, abs := t.w(), t.act(), 14
	for g := g0; g < g1; g += t.madd {
		for t0 := 0; t0 < t.tokens; t0 += len(sums) {
			for n := range t.madd {
				a.op("VMOVDQU", mem((g+n)*pitch, "SI"), a.v(w))
				if t.signed {
					a.op("VPABSB", a.v(w), a.v(abs))
				}
				for i, sum := range sums {
					a.op("VPBROADCASTD", tokAddr(4*(g+n), "AX", t0+i, "R8", "R9"), a.v(act))
					dst := act
					if n == 0 {
						dst = sum
					}
					if t.signed {
						a.op("VPSIGNB", a.v(w), a.v(act), a.v(act))
						a.op("VPMADDUBSW", a.v(act), a.v(abs), a.v(dst))
					} else {
						a.op("VPMADDUBSW", a.v(act), a.v(w), a.v(dst))
					}
					if n > 0 {
						a.op("VPADDW", a.v(dst), a.v(sum), a.v(sum))
					}
				}
			}
			for i, sum := range sums {
				a.op("VPMADDWD", cst("Ones16"), a.v(sum), a.v(sum))
				r := t.reg(t.ints(), 0, t0+i)
				a.op("VPADDD", a.v(sum), a.v(r), a.v(r))
			}
		}
	}
}

// minimums runs the second chain over all blocks and adds it to the first.
func (t *tile) minimums(pitch, vb int, load func(int, string), step func(int, string)) {
	a := t.asm
	load(16, "R14")
	load(80, "R15")
	load(96, "R13")
	if t.sub {
		load(32, "BX")
		load(56, "DX")
	}
	t.each(func(v, tok int) { a.zero(t.reg(t.ints(), v, tok)) })
	a.label("mins")
	for v := range t.vecs {
		a.op("VMOVUPS", mem(v*vb, "R14"), a.v(t.w()))
		if t.sub {
			a.op(pick(a, "VMOVDQU32", "VMOVDQU"), mem(v*vb, "BX"), a.v(t.w()+1))
		}
		for tok := range t.tokens {
			acc := a.v(t.reg(t.ints(), v, tok))
			if !t.sub {
				a.op("VBROADCASTSS", tokAddr(0, "R15", tok, "R10", "R11"), a.v(t.tmp()))
				a.op("VFMADD231PS", a.v(t.w()), a.v(t.tmp()), acc)
				continue
			}
			// Pairs of minimums times pairs of sums, both int16.
			s, f := a.v(t.tmp()), a.v(pick(a, t.act(), t.tmp()+1))
			a.op("VPBROADCASTD", tokAddr(0, "R15", tok, "R10", "R11"), s)
			a.op("VPMADDWD", a.v(t.w()+1), s, s)
			a.op("VCVTDQ2PS", s, s)
			a.op("VBROADCASTSS", tokAddr(0, "DX", tok, "R10", "R11"), f)
			a.op("VMULPS", a.v(t.w()), f, f)
			a.op("VFMADD231PS", f, s, acc)
		}
	}
	step(pitch, "R14")
	step(4, "R15")
	if t.sub {
		step(pitch, "BX")
		step(4, "DX")
	}
	a.op("DECQ", "R13")
	a.op("JNZ", "mins")
	t.each(func(v, tok int) {
		r := t.reg(t.accs(), v, tok)
		a.op("VADDPS", a.v(t.reg(t.ints(), v, tok)), a.v(r), a.v(r))
	})
}
