package main

import (
	"fmt"
	"math/bits"
)

// From partial sums of a row's products to the chain of its blocks.

// shifted is f.shifted where it counts.
func (k *rows) shifted(b int) int {
	if k.wide && !k.unpack && k.f.shifted != nil {
		return k.f.shifted(b)
	}
	return 0
}

func (k *rows) shiftBack(b, sum int) {
	if n := k.shifted(b); n > 0 {
		k.sar(sum, sum, n)
	}
}

// sums is where what corrects an offset is kept: -whole times the sum of a block's
// activations, of types with sub-scales a chunk's.
func (k *rows) sums(b, c int) (at string, whole int) {
	if k.f.sub {
		return mem(8*b+4*c, "SI"), 32
	}
	return mem(4*b, "SI"), 128
}

// start gives four registers of sums their first value (AVX-512). They count four times for
// a row, so what corrects the offset is in one of its lanes alone.
func (k *rows) start(sum, b, c int) {
	off := k.f.offset << k.shifted(b)
	if k.f.signed {
		off = 128
	}
	if off == 0 {
		for i := range 4 {
			k.zero(sum + i)
		}
		return
	}
	at, whole := k.sums(b, c)
	switch n := bits.Len(uint(off)) - bits.Len(uint(whole)); {
	case n < 0:
		k.op("VPSRAD.BCST.Z", fmt.Sprintf("$%d", -n), at, "K2", k.v(sum))
	case n > 0:
		k.op("VPSLLD.BCST.Z", fmt.Sprintf("$%d", n), at, "K2", k.v(sum))
	default:
		k.op("VPBROADCASTD.Z", at, "K2", k.v(sum))
	}
	for i := 1; i < 4; i++ {
		k.op("VMOVDQA32", k.v(sum), k.v(sum+i))
	}
}

// reduce adds the partial sums of each row: register sum has a row per lane.
func (k *rows) reduce(sum int) {
	v, t := k.v, regVal
	k.op("VPUNPCKLDQ", v(sum+1), v(sum), v(t))
	k.op("VPUNPCKHDQ", v(sum+1), v(sum), v(t+1))
	k.op("VPUNPCKLDQ", v(sum+3), v(sum+2), v(t+2))
	k.op("VPUNPCKHDQ", v(sum+3), v(sum+2), v(t+3))
	k.add(t, t, t+1)
	k.add(t+2, t+2, t+3)
	k.op("VPUNPCKLQDQ", v(t+2), v(t), v(t+1))
	k.op("VPUNPCKHQDQ", v(t+2), v(t), v(t+3))
	k.add(sum, t+1, t+3)
}

// correct adds what corrects an offset; AVX-512 began with it.
func (k *rows) correct(sum, b, c int) {
	if k.f.offset == 0 || k.wide {
		return
	}
	t := regVal
	at, whole := k.sums(b, c)
	k.op("VPBROADCASTD", at, k.v(t))
	switch n := bits.Len(uint(k.f.offset)) - bits.Len(uint(whole)); {
	case n < 0:
		k.sar(t, t, -n)
	case n > 0:
		k.shl(t, t, n)
	}
	k.add(sum, sum, t)
}

// finish adds a block to the chain: acc = fma(float(dot), scale*da, acc).
func (k *rows) finish(b, sum int) {
	k.reduce(sum)
	k.shiftBack(b, sum)
	k.correct(sum, b, 0)
	k.op("VCVTDQ2PS", k.v(sum), k.v(sum))
	t := regVal
	k.op("VBROADCASTSS", mem(4*b, "CX"), k.v(t))
	k.op("VMULPS", k.operand(k.scaleAt(b), k.regD()), k.v(t), k.v(t))
	k.op("VFMADD231PS", k.v(t), k.v(sum), k.v(k.regAcc()))
	if k.f.min {
		k.op("VBROADCASTSS", mem(4*b, "R14"), k.v(t))
		k.op("VFMADD231PS", k.operand(k.minAt(b), k.regM()), k.v(t), k.v(k.regAcc2()))
	}
}

func (k *rows) operand(at string, reg int) string {
	if k.keepsScales() {
		return at
	}
	return k.v(reg)
}

// subDot multiplies a chunk's sums with its sub-scale; both are integers and
// so is their sum, below 2^24, so that float32 is exact.
func (k *rows) subDot(b, c, part int) {
	k.reduce(regInt)
	k.shiftBack(b, regInt)
	k.correct(regInt, b, c)
	k.op("VCVTDQ2PS", k.v(regInt), k.v(regInt))
	if c == 0 {
		k.op("VMULPS", k.subAt(2*b), k.v(regInt), k.v(part))
	} else {
		k.op("VFMADD231PS", k.subAt(2*b+1), k.v(regInt), k.v(part))
	}
}

func (k *rows) finishSub(b, part int) {
	t := regVal
	k.op("VBROADCASTSS", mem(4*b, "CX"), k.v(t))
	k.op("VMULPS", k.scaleAt(b), k.v(t), k.v(t+1))
	k.op("VFMADD231PS", k.v(t+1), k.v(part), k.v(k.regAcc()))
	if k.f.min {
		k.op("VMULPS", k.minAt(b), k.v(t), k.v(t))
		k.op("VPBROADCASTD", mem(4*b, "R14"), k.v(t+1))
		k.op("VPMADDWD", k.pairAt(b), k.v(t+1), k.v(t+1))
		k.op("VCVTDQ2PS", k.v(t+1), k.v(t+1))
		k.op("VFMADD231PS", k.v(t), k.v(t+1), k.v(k.regAcc2()))
	}
}
