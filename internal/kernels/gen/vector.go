package main

import "fmt"

// The vector kernels work on a multiple of 16 floats; their Go wrappers do the
// rest. Sums keep 16 lanes, element i in lane i%16: one Z or two Y registers.

// fn is a function under construction with named arguments in the ABI0 frame.
type fn struct {
	*asm
	off map[string]int
	ret int
}

// param is a Go parameter.
type param struct{ name, typ string }

func size(typ string) int {
	if typ == "float32" {
		return 4
	}
	return 8
}

// vfunc begins a function and declares it in Go.
func (a *asm) vfunc(name, result string, params ...param) *fn {
	f := &fn{asm: a, off: map[string]int{}}
	n, decl := 0, ""
	for i, p := range params {
		s := size(p.typ)
		n = (n + s - 1) / s * s
		f.off[p.name] = n
		n += s
		if i > 0 {
			decl += ", "
		}
		decl += p.name + " " + p.typ
	}
	if result != "" {
		n = (n + 7) / 8 * 8
		f.ret = n
	}
	sig := fmt.Sprintf("func %s%s(%s)", name, a.tierName(), decl)
	if result != "" {
		sig += " " + result
		n += size(result)
	}
	plain = append(plain, sig)
	fmt.Fprintf(a, "\n// %s\nTEXT ·%s%s(SB), NOSPLIT, $0-%d\n", sig, name, a.tierName(), n)
	return f
}

// plain are the signatures of functions with ordinary parameters.
var plain []string

func (f *fn) arg(name string) string { return fmt.Sprintf("%s+%d(FP)", name, f.off[name]) }

// ptr loads arguments into registers, name to register.
func (f *fn) ptr(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		f.op("MOVQ", f.arg(pairs[i]), pairs[i+1])
	}
}

func (f *fn) bcast(name string, r int) { f.op("VBROADCASTSS", f.arg(name), f.v(r)) }

// loop emits body for each vector of n floats (n in CX, a multiple of 16); the
// registers are stepped by their bytes per vector.
func (f *fn) loop(label string, per int, steps map[string]int, body func()) {
	f.label(label)
	body()
	for _, r := range []string{"AX", "BX", "DX", "SI", "DI", "R8"} {
		if n := steps[r]; n > 0 {
			f.op("ADDQ", fmt.Sprintf("$%d", n), r)
		}
	}
	f.op("SUBQ", fmt.Sprintf("$%d", per), "CX")
	f.op("JNZ", label)
}

func (a *asm) floats() int { return pick(a, 16, 8) }
func (a *asm) vb() int     { return 4 * a.floats() }

func (a *asm) mov(src, dst any)       { a.op("VMOVUPS", src, dst) }
func (a *asm) fma231(x, y any, z int) { a.op("VFMADD231PS", x, y, a.v(z)) }

func cst(name string) string { return "·cst" + name + "(SB)" }

// tree adds the 16 lanes of register r (AVX2: r and r+1) in the fixed order;
// the sum is in element 0. It needs r+2.
func (a *asm) tree(r int) {
	t := r + 2
	if a.wide {
		a.op("VEXTRACTF64X4", "$1", a.v(r), y(t))
		a.op("VADDPS", y(t), y(r), y(r))
	} else {
		a.op("VADDPS", y(r+1), y(r), y(r))
	}
	a.op("VEXTRACTF128", "$1", y(r), x(t))
	a.op("VADDPS", x(t), x(r), x(r))
	a.op("VMOVHLPS", x(r), x(t), x(t))
	a.op("VADDPS", x(t), x(r), x(r))
	a.op("VMOVSHDUP", x(r), x(t))
	a.op("VADDSS", x(t), x(r), x(r))
}

func (f *fn) retFloat(r int) {
	f.op("VMOVSS", x(r), fmt.Sprintf("ret+%d(FP)", f.ret))
	f.end()
}

// sums emits a reduction over x (and more): body adds vector h (0 or 1 in AVX2)
// at AX, BX to lane register 8+h.
func (f *fn) sums(steps map[string]int, body func(at, h int)) {
	halves := pick(f.asm, 1, 2)
	for h := range halves {
		f.zero(8 + h)
	}
	f.loop("loop", 16, steps, func() {
		for h := range halves {
			body(h*32, h)
		}
	})
	f.tree(8)
}

// exp replaces register r by e**r, using t to t+2 and K2 (AVX2: t to t+3). The
// steps are those of Exp in elementary.go. Register 15 holds expMax.
func (a *asm) exp(r, t int) {
	v := a.v
	a.op("VMINPS", v(r), v(15), v(r))
	if a.wide {
		a.op("VCMPPS", "$0x15", cst("ExpMin"), v(r), "K2")
	} else {
		a.op("VCMPPS", "$0x15", cst("ExpMin"), v(r), v(t+2))
	}
	a.mov(cst("ExpMagic"), v(t))
	a.fma231(cst("ExpLog2E"), v(r), t)
	a.op("VSUBPS", cst("ExpMagic"), v(t), v(t+1))
	a.fma231(cst("ExpLn2Hi"), v(t+1), r)
	a.fma231(cst("ExpLn2Lo"), v(t+1), r)
	a.mov(cst("ExpC6"), v(t+1))
	for _, c := range []string{"ExpC5", "ExpC4", "ExpC3", "ExpC2"} {
		a.op("VFMADD213PS", cst(c), v(r), v(t+1))
	}
	a.op("VPSLLD", "$23", v(t), v(t))
	a.op("VPADDD", cst("One"), v(t), v(t))
	sq := pick(a, t+2, t+3)
	a.op("VMULPS", v(r), v(r), v(sq))
	a.op("VFMADD213PS", v(r), v(sq), v(t+1))
	a.op("VADDPS", cst("One"), v(t+1), v(t+1))
	if a.wide {
		a.op("VMULPS.Z", v(t), v(t+1), "K2", v(r))
		return
	}
	a.op("VMULPS", v(t), v(t+1), v(r))
	a.op("VANDPS", v(t+2), v(r), v(r))
}

func vectorFuncs(a *asm) {
	pf := "*float32"
	dst, xp, yp, n := param{"dst", pf}, param{"x", pf}, param{"y", pf}, param{"n", "int"}
	vb, per := a.vb(), a.floats()
	v := a.v

	for _, o := range []string{"add", "mul"} {
		f := a.vfunc(o+"Vec", "", dst, xp, yp, n)
		f.ptr("dst", "DI", "x", "AX", "y", "BX", "n", "CX")
		f.loop("loop", per, map[string]int{"DI": vb, "AX": vb, "BX": vb}, func() {
			f.mov("(AX)", v(0))
			f.op(map[string]string{"add": "VADDPS", "mul": "VMULPS"}[o], "(BX)", v(0), v(0))
			f.mov(v(0), "(DI)")
		})
		f.end()
	}

	s := param{"s", "float32"}
	f := a.vfunc("scaleVec", "", dst, xp, n, s)
	f.ptr("dst", "DI", "x", "AX", "n", "CX")
	f.bcast("s", 1)
	f.loop("loop", per, map[string]int{"DI": vb, "AX": vb}, func() {
		f.op("VMULPS", "(AX)", v(1), v(0))
		f.mov(v(0), "(DI)")
	})
	f.end()

	f = a.vfunc("scaleMulVec", "", dst, xp, yp, n, s)
	f.ptr("dst", "DI", "x", "AX", "y", "BX", "n", "CX")
	f.bcast("s", 1)
	f.loop("loop", per, map[string]int{"DI": vb, "AX": vb, "BX": vb}, func() {
		f.op("VMULPS", "(AX)", v(1), v(0))
		f.op("VMULPS", "(BX)", v(0), v(0))
		f.mov(v(0), "(DI)")
	})
	f.end()

	f = a.vfunc("axpyVec", "", yp, xp, n, s)
	f.ptr("y", "DI", "x", "AX", "n", "CX")
	f.bcast("s", 1)
	f.loop("loop", per, map[string]int{"DI": vb, "AX": vb}, func() {
		f.mov("(DI)", v(0))
		f.fma231("(AX)", v(1), 0)
		f.mov(v(0), "(DI)")
	})
	f.end()

	f = a.vfunc("dotVec", "float32", xp, yp, n)
	f.ptr("x", "AX", "y", "BX", "n", "CX")
	f.sums(map[string]int{"AX": 64, "BX": 64}, func(at, h int) {
		f.mov(mem(at, "AX"), v(h))
		f.fma231(mem(at, "BX"), v(h), 8+h)
	})
	f.retFloat(8)

	f = a.vfunc("sumVec", "float32", xp, n)
	f.ptr("x", "AX", "n", "CX")
	f.sums(map[string]int{"AX": 64}, func(at, h int) {
		f.op("VADDPS", mem(at, "AX"), v(8+h), v(8+h))
	})
	f.retFloat(8)

	f = a.vfunc("centeredSquaresVec", "float32", xp, n, param{"mean", "float32"})
	f.ptr("x", "AX", "n", "CX")
	f.bcast("mean", 2)
	f.sums(map[string]int{"AX": 64}, func(at, h int) {
		f.mov(mem(at, "AX"), v(h))
		f.op("VSUBPS", v(2), v(h), v(h))
		f.fma231(v(h), v(h), 8+h)
	})
	f.retFloat(8)

	f = a.vfunc("normalizeVec", "", dst, xp, param{"w", pf}, param{"b", pf}, n, param{"mean", "float32"}, s)
	f.ptr("dst", "DI", "x", "AX", "w", "BX", "b", "DX", "n", "CX")
	f.bcast("mean", 2)
	f.bcast("s", 1)
	f.loop("loop", per, map[string]int{"DI": vb, "AX": vb, "BX": vb, "DX": vb}, func() {
		f.mov("(AX)", v(0))
		f.op("VSUBPS", v(2), v(0), v(0))
		f.op("VMULPS", v(1), v(0), v(0))
		f.mov("(BX)", v(3))
		f.op("VFMADD213PS", "(DX)", v(3), v(0))
		f.mov(v(0), "(DI)")
	})
	f.end()

	f = a.vfunc("maxVec", "float32", xp, n)
	f.ptr("x", "AX", "n", "CX")
	f.mov("(AX)", v(0))
	f.loop("loop", per, map[string]int{"AX": vb}, func() {
		f.op("VMAXPS", "(AX)", v(0), v(0))
	})
	f.maxTree(0)
	f.retFloat(0)

	f = a.vfunc("scaleMaxVec", "float32", xp, n, s)
	f.ptr("x", "AX", "n", "CX")
	f.bcast("s", 2)
	f.op("VMULPS", "(AX)", v(2), v(0))
	f.loop("loop", per, map[string]int{"AX": vb}, func() {
		f.op("VMULPS", "(AX)", v(2), v(1))
		f.op("VMAXPS", v(1), v(0), v(0))
		f.mov(v(1), "(AX)")
	})
	f.maxTree(0)
	f.retFloat(0)

	f = a.vfunc("expSumVec", "float32", xp, n, param{"max", "float32"})
	f.ptr("x", "AX", "n", "CX")
	f.bcast("max", 7)
	f.mov(cst("ExpMax"), v(15))
	f.sums(map[string]int{"AX": 64}, func(at, h int) {
		f.mov(mem(at, "AX"), v(0))
		f.op("VSUBPS", v(7), v(0), v(0))
		f.exp(0, 1)
		f.mov(v(0), mem(at, "AX"))
		f.op("VADDPS", v(0), v(8+h), v(8+h))
	})
	f.retFloat(8)

	for _, o := range []string{"swiGLU", "geGLU"} {
		f := a.vfunc(o+"Vec", "", dst, param{"gate", pf}, param{"up", pf}, n)
		f.ptr("dst", "DI", "gate", "AX", "up", "BX", "n", "CX")
		f.mov(cst("ExpMax"), v(15))
		f.loop("loop", per, map[string]int{"DI": vb, "AX": vb, "BX": vb}, func() {
			f.mov("(AX)", v(6))
			if o == "swiGLU" {
				f.op("VXORPS", cst("Sign"), v(6), v(0))
			} else {
				f.op("VMULPS", v(6), v(6), v(1))
				f.mov(cst("GeluC0"), v(0))
				f.fma231(cst("GeluC1"), v(1), 0)
				f.op("VMULPS", v(6), v(0), v(0))
			}
			f.exp(0, 1)
			f.op("VADDPS", cst("One"), v(0), v(0))
			f.op("VDIVPS", v(0), v(6), v(6))
			f.op("VMULPS", "(BX)", v(6), v(6))
			f.mov(v(6), "(DI)")
		})
		f.end()
	}

	softcapFunc(a)

	// Rotary embedding: y0 = fma(x0, c, -(x1*s)), y1 = fma(x0, s, x1*c).
	f = a.vfunc("ropeNeoxVec", "", param{"x0", pf}, param{"x1", pf}, param{"cos", pf}, param{"sin", pf}, n)
	f.ptr("x0", "AX", "x1", "BX", "cos", "SI", "sin", "DX", "n", "CX")
	f.loop("loop", per, map[string]int{"AX": vb, "BX": vb, "SI": vb, "DX": vb}, func() {
		f.mov("(AX)", v(0))
		f.mov("(BX)", v(1))
		f.mov("(SI)", v(2))
		f.mov("(DX)", v(3))
		f.op("VMULPS", v(3), v(1), v(4))
		f.op("VMULPS", v(2), v(1), v(5))
		f.op("VFMSUB231PS", v(2), v(0), v(4))
		f.fma231(v(3), v(0), 5)
		f.mov(v(4), "(AX)")
		f.mov(v(5), "(BX)")
	})
	f.end()

	f = a.vfunc("ropeNormVec", "", xp, param{"cos", pf}, param{"sin", pf}, n)
	f.ptr("x", "AX", "cos", "SI", "sin", "DX", "n", "CX")
	// Four pairs at a time in Y registers: c0 c0 c1 c1 ... by a permutation.
	f.op("VMOVDQU", cst("Twice"), y(7))
	f.loop("loop", 4, map[string]int{"AX": 32, "SI": 16, "DX": 16}, func() {
		f.op("VMOVUPS", "(SI)", x(2))
		f.op("VMOVUPS", "(DX)", x(3))
		f.op("VPERMPS", y(2), y(7), y(2))           // c c
		f.op("VPERMPS", y(3), y(7), y(3))           // s s
		f.op("VBLENDPS", "$0xaa", y(3), y(2), y(4)) // c s
		f.op("VBLENDPS", "$0xaa", y(2), y(3), y(5)) // s c
		f.op("VMOVUPS", "(AX)", y(0))
		f.op("VMOVSHDUP", y(0), y(1))
		f.op("VMOVSLDUP", y(0), y(0))
		f.op("VMULPS", y(5), y(1), y(1))
		// even: x0*c - x1*s, odd: x0*s + x1*c
		f.op("VFMADDSUB213PS", y(1), y(4), y(0))
		f.op("VMOVUPS", y(0), "(AX)")
	})
	f.end()

	f = a.vfunc("f16Vec", "", param{"dst", "*byte"}, xp, n)
	f.ptr("dst", "DI", "x", "AX", "n", "CX")
	f.loop("loop", 16, map[string]int{"DI": 32, "AX": 64}, func() {
		if f.wide {
			f.mov("(AX)", v(0))
			f.op("VCVTPS2PH", "$0", v(0), "(DI)")
			return
		}
		for h := range 2 {
			f.mov(mem(32*h, "AX"), v(h))
			f.op("VCVTPS2PH", "$0", v(h), mem(16*h, "DI"))
		}
	})
	f.end()

	f = a.vfunc("roundF16Vec", "", dst, xp, n, s)
	f.ptr("dst", "DI", "x", "AX", "n", "CX")
	f.bcast("s", 1)
	f.loop("loop", per, map[string]int{"DI": vb, "AX": vb}, func() {
		f.op("VMULPS", "(AX)", v(1), v(0))
		f.op("VCVTPS2PH", "$0", v(0), pick(a, y(0), x(0)))
		f.op("VCVTPH2PS", pick(a, y(0), x(0)), v(0))
		f.mov(v(0), "(DI)")
	})
	f.end()

	// Rounds to BF16, to nearest even, and puts the odd ones of 32 before the even ones.
	f = a.vfunc("splitBF16Vec", "", dst, xp, n)
	f.ptr("dst", "DI", "x", "AX", "n", "CX")
	f.mov(cst("D1"), y(5))
	f.mov(cst("D7fff"), y(6))
	f.mov(cst("Upper16"), y(7))
	f.loop("loop", 32, map[string]int{"DI": 128, "AX": 128}, func() {
		for h := range 2 {
			for i := range 2 {
				f.mov(mem(64*h+32*i, "AX"), y(i))
				f.op("VPSRLD", "$16", y(i), y(2))
				f.op("VPAND", y(5), y(2), y(2))
				f.op("VPADDD", y(6), y(i), y(i))
				f.op("VPADDD", y(2), y(i), y(i))
				f.op("VPAND", y(7), y(i), y(i))
			}
			f.op("VSHUFPS", "$0xdd", y(1), y(0), y(2))
			f.op("VSHUFPS", "$0x88", y(1), y(0), y(3))
			for i := range 2 { // odd, even
				f.op("VPERMQ", "$0xd8", y(2+i), y(2+i))
				f.mov(y(2+i), mem(64*i+32*h, "DI"))
			}
		}
	})
	f.end()

	f = a.vfunc("widenF16Vec", "", dst, param{"x", "*byte"}, n)
	f.ptr("dst", "DI", "x", "AX", "n", "CX")
	f.loop("loop", per, map[string]int{"DI": vb, "AX": vb / 2}, func() {
		f.op("VCVTPH2PS", "(AX)", v(0))
		f.mov(v(0), "(DI)")
	})
	f.end()

	f = a.vfunc("widenQ8Vec", "", dst, param{"x", "*byte"}, param{"blocks", "int"})
	f.ptr("dst", "DI", "x", "AX", "blocks", "CX")
	f.loop("loop", 1, map[string]int{"DI": 128, "AX": 34}, func() {
		f.op("VPBROADCASTW", "(AX)", pick(a, y(0), x(0)))
		f.op("VCVTPH2PS", pick(a, y(0), x(0)), v(0))
		for i := 0; i < 32; i += per {
			f.op("VPMOVSXBD", mem(2+i, "AX"), v(1))
			f.op("VCVTDQ2PS", v(1), v(1))
			f.op("VMULPS", v(0), v(1), v(1))
			f.mov(v(1), mem(4*i, "DI"))
		}
	})
	f.end()
}

// softcapFunc emits x = limit * tanh(x*scale/limit), by the steps of Tanh in elementary.go.
func softcapFunc(a *asm) {
	vb, v := a.vb(), a.v
	f := a.vfunc("softcapVec", "", param{"x", "*float32"}, param{"n", "int"}, param{"scale", "float32"}, param{"limit", "float32"})
	f.ptr("x", "AX", "n", "CX")
	f.bcast("scale", 10)
	f.bcast("limit", 11)
	f.mov(cst("ExpMax"), v(15))
	f.loop("loop", a.floats(), map[string]int{"AX": vb}, func() {
		f.op("VMULPS", "(AX)", v(10), v(6))
		f.op("VDIVPS", v(11), v(6), v(6))
		f.op("VANDPS", cst("Abs"), v(6), v(7))
		f.note("Large: (1-e)/(1+e), e = exp(-2|x|), with the sign of x.")
		f.op("VADDPS", v(7), v(7), v(0))
		f.op("VXORPS", cst("Sign"), v(0), v(0))
		f.exp(0, 1)
		f.mov(cst("One"), v(8))
		f.op("VSUBPS", v(0), v(8), v(9))
		f.op("VADDPS", v(0), v(8), v(8))
		f.op("VDIVPS", v(8), v(9), v(9))
		f.op("VANDPS", cst("Sign"), v(6), v(8))
		f.op("VORPS", v(8), v(9), v(9))
		f.note("Small: a polynomial.")
		f.op("VMULPS", v(6), v(6), v(0))
		f.mov(cst("TanhC5"), v(1))
		for _, c := range []string{"TanhC4", "TanhC3", "TanhC2", "TanhC1", "TanhC0"} {
			f.op("VFMADD213PS", cst(c), v(0), v(1))
		}
		f.op("VMULPS", v(6), v(0), v(0))
		f.op("VFMADD213PS", v(6), v(0), v(1))
		if a.wide {
			f.op("VCMPPS", "$0x1d", cst("TanhSmall"), v(7), "K3")
			f.op("VMOVAPS", v(9), "K3", v(1))
		} else {
			f.op("VCMPPS", "$0x1d", cst("TanhSmall"), v(7), v(2))
			f.op("VBLENDVPS", v(2), v(9), v(1), v(1))
		}
		f.op("VMULPS", v(11), v(1), v(1))
		f.mov(v(1), "(AX)")
	})
	f.end()
}

// maxTree leaves the largest element of r in element 0; it needs r+1.
func (a *asm) maxTree(r int) {
	t := r + 1
	if a.wide {
		a.op("VEXTRACTF64X4", "$1", a.v(r), y(t))
		a.op("VMAXPS", y(t), y(r), y(r))
	}
	a.op("VEXTRACTF128", "$1", y(r), x(t))
	a.op("VMAXPS", x(t), x(r), x(r))
	a.op("VMOVHLPS", x(r), x(t), x(t))
	a.op("VMAXPS", x(t), x(r), x(r))
	a.op("VMOVSHDUP", x(r), x(t))
	a.op("VMAXSS", x(t), x(r), x(r))
}
