package main

import "fmt"

// Attention over rows of keys and values that lie in the cache.

// scores16 is dots16 for short rows that lie in the cache: all 16 rows at once
// in AVX-512, and nothing is prefetched.
func scores16(a *asm, k floatKind) {
	f := a.vfunc("scores16"+k.name, "", param{"dst", "*float32"}, param{"x", "*float32"}, param{"w", "*byte"},
		param{"stride", "int"}, param{"n", "int"})
	f.ptr("dst", "DI", "x", "DX", "w", "R8", "stride", "R12", "n", "CX")
	f.op("LEAQ", "(R12)(R12*2)", "R13")
	if !a.wide {
		f.op("MOVQ", "$4", "R11")
		f.label("rows")
		fourRows(f, k, "DX", "R10", "DI")
		f.op("ADDQ", "$16", "DI")
		f.op("LEAQ", "(R8)(R12*4)", "R8")
		f.op("DECQ", "R11")
		f.op("JNZ", "rows")
		f.end()
		return
	}
	f.op("LEAQ", "(R8)(R12*4)", "R9")
	f.op("LEAQ", "(R8)(R12*8)", "R10")
	f.op("LEAQ", "(R9)(R12*8)", "R11")
	var p [16]int
	for i := range 16 {
		p[i] = i
		f.zero(i)
	}
	f.label("loop")
	f.mov("(DX)", a.v(16))
	for i := range 16 {
		at := "(" + rowBase[i/4] + ")" + []string{"", "(R12*1)", "(R12*2)", "(R13*1)"}[i%4]
		if k.name == "F32" {
			f.fma231(at, a.v(16), i)
			continue
		}
		t := 17 + i%8
		f.widen(k, at, t)
		f.fma231(a.v(t), a.v(16), i)
	}
	f.op("ADDQ", "$64", "DX")
	for _, r := range rowBase {
		f.op("ADDQ", fmt.Sprintf("$%d", 16*k.bytes), r)
	}
	f.op("SUBQ", "$16", "CX")
	f.op("JNZ", "loop")
	f.tree16(p, 17, 16)
	f.mov(a.v(16), "(DI)")
	f.end()
}

// weightedFunc: out[i] = fma(p[j], row j [i], out[i]) for rows j in order; n,
// the columns, a multiple of 16.
func weightedFunc(a *asm, k floatKind) {
	f := a.vfunc("weighted"+k.name, "", param{"out", "*float32"}, param{"p", "*float32"}, param{"w", "*byte"},
		param{"stride", "int"}, param{"rows", "int"}, param{"n", "int"})
	f.ptr("out", "DI", "p", "SI", "w", "R8", "stride", "R12", "rows", "DX", "n", "CX")
	block := func(label string, regs int) {
		next := label + "Done"
		cols := regs * a.floats()
		f.label(label)
		f.op("CMPQ", "CX", fmt.Sprintf("$%d", cols))
		f.op("JLT", next)
		for i := range regs {
			f.mov(mem(i*a.vb(), "DI"), a.v(i))
		}
		f.op("MOVQ", "R8", "R9")
		f.op("MOVQ", "SI", "R10")
		f.op("MOVQ", "DX", "R11")
		f.label(label + "Rows")
		f.op("VBROADCASTSS", "(R10)", a.v(8))
		for i := range regs {
			at := mem(i*a.floats()*k.bytes, "R9")
			if k.name == "F32" {
				f.fma231(at, a.v(8), i)
				continue
			}
			f.widen(k, at, 9+i%4)
			f.fma231(a.v(9+i%4), a.v(8), i)
		}
		f.op("ADDQ", "$4", "R10")
		f.op("ADDQ", "R12", "R9")
		f.op("DECQ", "R11")
		f.op("JNZ", label+"Rows")
		for i := range regs {
			f.mov(a.v(i), mem(i*a.vb(), "DI"))
		}
		f.op("ADDQ", fmt.Sprintf("$%d", 4*cols), "DI")
		f.op("ADDQ", fmt.Sprintf("$%d", cols*k.bytes), "R8")
		f.op("SUBQ", fmt.Sprintf("$%d", cols), "CX")
		f.op("JMP", label)
		f.label(next)
	}
	block("wide", 8)
	block("middle", 4)
	block("narrow", pick(a, 1, 2))
	f.end()
}

// weighted4 is weightedFunc over F32 rows for four outputs, to which out points; their weights
// lie pStride k.bytes apart.
func weighted4(a *asm) {
	f := a.vfunc("weighted4", "", param{"out", "*[4]*float32"}, param{"p", "*float32"}, param{"pStride", "int"},
		param{"w", "*byte"}, param{"stride", "int"}, param{"rows", "int"}, param{"n", "int"})
	f.ptr("out", "AX", "p", "SI", "pStride", "BX", "w", "R8", "stride", "R12", "n", "CX")
	outs := []string{"DI", "R9", "R10", "R11"}
	for i, r := range outs {
		f.op("MOVQ", mem(8*i, "AX"), r)
	}
	f.op("LEAQ", "(BX)(BX*2)", "R13")
	block := func(label string, regs int) {
		next := label + "Done"
		cols := regs * a.floats()
		f.label(label)
		f.op("CMPQ", "CX", fmt.Sprintf("$%d", cols))
		f.op("JLT", next)
		for t, r := range outs {
			for i := range regs {
				f.mov(mem(i*a.vb(), r), a.v(t*regs+i))
			}
		}
		f.op("MOVQ", "R8", "AX")
		f.op("MOVQ", "SI", "DX")
		f.op("MOVQ", f.arg("rows"), "R15")
		f.label(label + "Rows")
		v := 4 * regs
		for i := range regs {
			f.mov(mem(4*i*a.floats(), "AX"), a.v(v+i))
		}
		for t := range 4 {
			f.op("VBROADCASTSS", "(DX)"+[]string{"", "(BX*1)", "(BX*2)", "(R13*1)"}[t], a.v(v+regs+t))
			for i := range regs {
				f.fma231(a.v(v+i), a.v(v+regs+t), t*regs+i)
			}
		}
		f.op("ADDQ", "$4", "DX")
		f.op("ADDQ", "R12", "AX")
		f.op("DECQ", "R15")
		f.op("JNZ", label+"Rows")
		for t, r := range outs {
			for i := range regs {
				f.mov(a.v(t*regs+i), mem(i*a.vb(), r))
			}
			f.op("ADDQ", fmt.Sprintf("$%d", 4*cols), r)
		}
		f.op("ADDQ", fmt.Sprintf("$%d", 4*cols), "R8")
		f.op("SUBQ", fmt.Sprintf("$%d", cols), "CX")
		f.op("JMP", label)
		f.label(next)
	}
	if a.wide {
		block("wide", 4)
		block("narrow", 1)
	} else {
		block("narrow", 2)
	}
	f.end()
}
