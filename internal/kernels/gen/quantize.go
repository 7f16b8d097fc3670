package main

import "fmt"

// quantizeFunc emits the quantization of activations: blocks of 32 floats to
// int8, their scale, and the sums that the products need. Y registers in both
// tiers: a block is four of them.
func quantizeFunc(a *asm) {
	f := a.vfunc("quantizeVec", "", param{"x", "*float32"}, param{"q", "*int8"}, param{"d", "*float32"},
		param{"s", "*int16"}, param{"ds", "*float32"}, param{"c", "*int32"}, param{"c16", "*int32"}, param{"blocks", "int"})
	f.ptr("x", "AX", "q", "DI", "d", "BX", "s", "SI", "ds", "DX", "c", "R8", "c16", "R9", "blocks", "CX")
	f.op("VMOVUPS", cst("Abs"), y(15))
	f.op("VMOVDQU", cst("PackOrder"), y(14))
	f.op("VMOVDQU", cst("Ones8"), y(13))
	f.op("VMOVDQU", cst("Ones16"), y(12))
	f.label("loop")
	blockScale(f)
	f.op("VMOVSS", x(5), "(BX)")
	f.op("VMOVDQU", y(0), "(DI)")
	f.note("sums of 16: the dwords of a 128-bit lane")
	f.op("VPMADDUBSW", y(0), y(13), y(1))
	f.op("VPMADDWD", y(12), y(1), y(1))
	f.op("VPHADDD", y(1), y(1), y(1))
	f.op("VPHADDD", y(1), y(1), y(1))
	f.op("VEXTRACTI128", "$1", y(1), x(2))
	f.op("VPUNPCKLDQ", x(2), x(1), x(1)) // sum0 sum1 sum0 sum1
	f.op("VPACKSSDW", x(1), x(1), x(3))
	f.op("VMOVD", x(3), "(SI)")
	f.op("VPSLLD", "$5", x(1), x(3))
	f.op("VPXOR", x(4), x(4), x(4))
	f.op("VPSUBD", x(3), x(4), x(3))
	f.op("VMOVQ", x(3), "(R9)")
	f.op("VPHADDD", x(1), x(1), x(1))
	f.op("VPSLLD", "$7", x(1), x(3))
	f.op("VPSUBD", x(3), x(4), x(3))
	f.op("VMOVD", x(3), "(R8)")
	f.op("VCVTDQ2PS", x(1), x(1))
	f.op("VMULSS", x(5), x(1), x(1))
	f.op("VMOVSS", x(1), "(DX)")
	for _, s := range []struct {
		n int
		r string
	}{{128, "AX"}, {32, "DI"}, {4, "BX"}, {4, "SI"}, {4, "DX"}, {4, "R8"}, {8, "R9"}} {
		f.op("ADDQ", fmt.Sprintf("$%d", s.n), s.r)
	}
	f.op("DECQ", "CX")
	f.op("JNZ", "loop")
	f.end()

	f = a.vfunc("storeQ8Vec", "", param{"dst", "*byte"}, param{"x", "*float32"}, param{"blocks", "int"})
	f.ptr("dst", "DI", "x", "AX", "blocks", "CX")
	f.op("VMOVUPS", cst("Abs"), y(15))
	f.op("VMOVDQU", cst("PackOrder"), y(14))
	f.label("loop")
	blockScale(f)
	f.op("VCVTPS2PH", "$0", x(5), x(5))
	f.op("VPEXTRW", "$0", x(5), "(DI)")
	f.op("VMOVDQU", y(0), "2(DI)")
	f.op("ADDQ", "$128", "AX")
	f.op("ADDQ", "$34", "DI")
	f.op("DECQ", "CX")
	f.op("JNZ", "loop")
	f.end()
}

// blockScale reads 32 floats at AX, and leaves their scale in element 0 of X5
// and the int8 values in Y0. Y15 clears signs, Y14 orders packed dwords.
func blockScale(f *fn) {
	for i := range 4 {
		f.op("VMOVUPS", mem(32*i, "AX"), y(i))
	}
	f.op("VANDPS", y(15), y(0), y(4))
	for i := 1; i < 4; i++ {
		f.op("VANDPS", y(15), y(i), y(5))
		f.op("VMAXPS", y(5), y(4), y(4))
	}
	f.op("VEXTRACTF128", "$1", y(4), x(5))
	f.op("VMAXPS", x(5), x(4), x(4))
	f.op("VMOVHLPS", x(4), x(5), x(5))
	f.op("VMAXPS", x(5), x(4), x(4))
	f.op("VMOVSHDUP", x(4), x(5))
	f.op("VMAXSS", x(5), x(4), x(4))
	f.note("d = amax/127, id = 127/amax, or zeros when amax is tiny")
	f.op("VMOVSS", cst("F127"), x(7))
	f.op("VCMPSS", "$0x1d", cst("QuantMin"), x(4), x(6)) // amax >= quantMin
	f.op("VDIVSS", x(7), x(4), x(5))
	f.op("VDIVSS", x(4), x(7), x(4))
	f.op("VANDPS", x(6), x(5), x(5))
	f.op("VANDPS", x(6), x(4), x(4))
	f.op("VBROADCASTSS", x(4), y(4))
	for i := range 4 {
		f.op("VMULPS", y(4), y(i), y(i))
		f.op("VCVTPS2DQ", y(i), y(i))
	}
	f.op("VPACKSSDW", y(1), y(0), y(0))
	f.op("VPACKSSDW", y(3), y(2), y(2))
	f.op("VPACKSSWB", y(2), y(0), y(0))
	f.op("VPERMD", y(0), y(14), y(0))
}
