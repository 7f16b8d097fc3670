package main

import "fmt"

// Products of BF16 rows with vectors in BF16, both in order. VDPBF16PS adds to each of 16 sums the
// product of the odd elements of a pair, then that of the even ones, each step rounded
// once: the order of the kernels in dots.go. Go's assembler lacks these instructions.

// evex writes an instruction of three Z registers, F3 0F38, in bytes: Intel's manual,
// volume 2, "EVEX encoding". Registers are those of the manual's order.
func (a *asm) evex(name string, opcode byte, dst, src1, src2 int) {
	bit := func(n, b, to int) byte { return byte(^n>>b&1) << to }
	p0 := bit(dst, 3, 7) | bit(src2, 4, 6) | bit(src2, 3, 5) | bit(dst, 4, 4) | 2
	p1 := byte(^src1&15)<<3 | 1<<2 | 2
	p2 := byte(2<<5) | bit(src1, 4, 3)
	modrm := byte(3<<6 | dst&7<<3 | src2&7)
	for i, b := range []byte{0x62, p0, p1, p2, opcode, modrm} {
		end := "; "
		if i == 5 {
			end = fmt.Sprintf(" // %s\n", name)
		} else if i == 0 {
			a.WriteByte('\t')
		}
		fmt.Fprintf(a, "BYTE $0x%02x%s", b, end)
	}
}

func bf16Funcs(a *asm) {
	f := a.vfunc("narrowBF16", "", param{"dst", "*uint16"}, param{"x", "*float32"}, param{"n", "int"})
	f.ptr("dst", "DI", "x", "AX", "n", "CX")
	f.loop("loop", 16, map[string]int{"DI": 32, "AX": 64}, func() {
		f.mov("(AX)", "Z0")
		f.evex("VCVTNEPS2BF16 Z0, Y1", 0x72, 1, 0, 0)
		f.mov("Y1", "(DI)")
	})
	f.end()

	k := floatKind{"BF16", 2, 2, 32}
	dots16(a, k)
	dots4x4(a, k)
}
