package main

import "fmt"

// formats are the quantized tensor types, in ggml's block layouts, and two of
// our own: what types without a kernel are unpacked to (see expand_amd64.go).
var formats = []*format{
	{name: "S8", consts: []string{"B128"}, bytes: 36, blocks: 1, signed: true, local: true, scales: scaleFloat, value: int8At(4)},
	{name: "S8Sub", consts: []string{"B128"}, bytes: 44, blocks: 1, signed: true, sub: true, local: true, scales: scalesFloatSub, value: int8At(12)},
	{name: "Q4_0", consts: []string{"B15", "B120"}, bytes: 18, blocks: 1, offset: 8, scales: scaleFirst, value: nibbleAt(2)},
	{name: "Q4_1", consts: []string{"B15", "B128"}, bytes: 20, blocks: 1, min: true, scales: scaleMinFirst, value: nibbleAt(4)},
	{name: "Q5_0", consts: []string{"B15", "B16", "B112"}, bytes: 22, blocks: 1, offset: 16, scales: scaleFifth, value: fifthAt(2)},
	{name: "Q5_1", consts: []string{"B15", "B16", "B128"}, bytes: 24, blocks: 1, min: true, scales: scaleMinFifth, value: fifthAt(4)},
	{name: "Q8_0", consts: []string{"B128"}, bytes: 34, blocks: 1, signed: true, scales: scaleFirst, value: func(k *rows, b, c, i, dst int) {
		k.op(pick(k.asm, "VMOVDQA32", "VMOVDQA"), k.v(k.raw(0, 2+16*c, i)), k.v(dst))
	}},
	{name: "IQ4_NL", consts: []string{"B15", "IQ4Raised"}, bytes: 18, blocks: 1, signed: true, raised: true, scales: scaleFirst, value: codebook("IQ4", func(b int) int { return 2 })},
	// The codebook of 4-bit floats is raised by 16, so that its values need no sign.
	{name: "MXFP4", consts: []string{"B15", "FP4", "B112"}, bytes: 17, blocks: 1, offset: 16, scales: scaleE8M0, value: codebook("FP4", func(b int) int { return 1 })},
	{name: "NVFP4", consts: []string{"B15", "FP4", "B16"}, bytes: 36, blocks: 2, offset: 16, sub: true, scales: scalesNVFP4, value: nibblesBy8},
	{name: "TQ1_0", consts: []string{"Ones8", "Zero", "B192", "B127"}, bytes: 54, blocks: 8, offset: 1, shifted: always(6), scales: scaleTQ1, value: digitAt},
	{name: "TQ2_0", consts: twoBitMasks, bytes: 66, blocks: 8, offset: 1, bundles: pairs, shifted: inPlace2, scales: scaleTQ2, value: func(k *rows, b, c, i, dst int) {
		k.twoBits(b, dst, k.raw(0, b/4*32+16*c, i))
	}},
	{name: "Q1_0", consts: []string{"Bits", "B2", "B127"}, bytes: 18, blocks: 4, offset: 1, scales: scaleFirst, value: bitAt},
	{name: "Q2_0", consts: []string{"B127", "Fours2", "Pick2"}, bytes: 18, blocks: 2, offset: 1, scales: scaleFirst, value: pairAt},
	{name: "IQ4_XS", consts: []string{"B15", "IQ4Raised"}, bytes: 136, blocks: 8, signed: true, raised: true, scales: scalesIQ4XS,
		value: codebook("IQ4", func(b int) int { return 8 + 16*b })},
	{name: "Q4_K", consts: []string{"B15", "B240", "B128"}, bytes: 144, blocks: 8, min: true, bundles: pairs, shifted: inPlace4, scales: scalesK, value: func(k *rows, b, c, i, dst int) {
		r := k.raw(0, 16+b/2*32+16*c, i)
		if k.shifted(b) > 0 {
			k.and(dst, r, "B240")
			return
		}
		k.nibble(dst, r, b%2)
	}},
	{name: "Q5_K", consts: []string{"B15", "B16", "B128"}, bytes: 176, blocks: 8, min: true, bundles: pairs, scales: scalesK, value: func(k *rows, b, c, i, dst int) {
		k.join(dst, field{k.raw(0, 48+b/2*32+16*c, i), b % 2 * 4, 0, "B15"}, field{k.raw(1, 16+16*c, i), b, 4, "B16"})
	}},
	{name: "Q6_K", consts: []string{"B15", "B48"}, bytes: 210, blocks: 8, offset: 32, sub: true, bundles: [][]int{{0, 2, 1, 3}, {4, 6, 5, 7}},
		scales: scalesQ6K, value: func(k *rows, b, c, i, dst int) {
			h, j := b/4, b%4
			k.join(dst, field{k.raw(0, h*64+j%2*32+16*c, i), j / 2 * 4, 0, "B15"}, field{k.raw(1, 128+h*32+16*c, i), 2 * j, 4, "B48"})
		}},
	{name: "Q3_K", consts: []string{"B3", "B4", "B28"}, bytes: 110, blocks: 8, offset: 4, sub: true, bundles: fours, scales: scalesQ3K,
		value: func(k *rows, b, c, i, dst int) {
			k.join(dst, field{k.raw(0, 32+b/4*32+16*c, i), b % 4 * 2, 0, "B3"}, field{k.raw(1, 16*c, i), b, 2, "B4"})
		}},
	{name: "Q2_K", consts: twoBitMasks, bytes: 84, blocks: 8, sub: true, min: true, bundles: fours, shifted: inPlace2, scales: scalesQ2K,
		value: func(k *rows, b, c, i, dst int) {
			k.twoBits(b, dst, k.raw(0, 16+b/4*32+16*c, i))
		}},
}

// int8At: the 32 weights of a block as they are.
func int8At(off int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) {
		k.op(pick(k.asm, "VMOVDQA32", "VMOVDQA"), k.v(k.raw(0, off+16*c, i)), k.v(dst))
	}
}

var (
	pairs = [][]int{{0, 1}, {2, 3}, {4, 5}, {6, 7}}
	fours = [][]int{{0, 1, 2, 3}, {4, 5, 6, 7}}
)

var twoBitMasks = []string{"B3", "B12", "B48", "B192"}

// Bits that stay in place are multiples of a power of two.
func inPlace2(b int) int { return 2 * (b % 4) }
func inPlace4(b int) int { return 4 * (b % 2) }

func always(n int) func(int) int { return func(int) int { return n } }

// nibble takes the low (0) or high (1) halves of raw's bytes.
func (k *rows) nibble(dst, raw, half int) {
	if half == 0 {
		k.and(dst, raw, "B15")
		return
	}
	k.shrw(dst, raw, 4)
	k.and(dst, dst, "B15")
}

// twoBits takes block b's two bits of raw's bytes, in place where f.shifted says so.
func (k *rows) twoBits(b, dst, raw int) {
	if b%4 == 0 || k.shifted(b) > 0 {
		k.and(dst, raw, twoBitMasks[b%4])
		return
	}
	k.shrw(dst, raw, 2*(b%4))
	k.and(dst, dst, "B3")
}

// A field is the bits of a raw register's bytes, or dwords, that begin at bit from, moved
// to bit to; mask has them in their new place.
type field struct {
	raw, from, to int
	mask          string
}

// move shifts bits to their place, and returns where they are, with others.
func (k *rows) move(dst int, b field) int {
	switch {
	case b.from < b.to:
		k.shl(dst, b.raw, b.to-b.from)
	case b.from > b.to:
		k.shr(dst, b.raw, b.from-b.to)
	default:
		return b.raw
	}
	return dst
}

// join makes numbers of low and high bits.
func (k *rows) join(dst int, low, high field) {
	t := k.tmp(1)
	if k.wide {
		k.and(dst, k.move(dst, high), high.mask)
		k.op("VPTERNLOGD", orAnd, k.cst(low.mask), k.v(k.move(t, low)), k.v(dst))
		return
	}
	k.and(dst, k.move(dst, low), low.mask)
	k.and(t, k.move(t, high), high.mask)
	k.or(dst, dst, t)
}

// orAnd is VPTERNLOGD's truth table of dst | p&q.
const orAnd = "$0xf8"

// nibbleAt: 16 bytes at off; the low halves are weights 0 to 15.
func nibbleAt(off int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) { k.nibble(dst, k.raw(0, off+0, i), c) }
}

// fifthAt: four bytes of fifth bits at off, then nibbles. For AVX-512 they are a mask,
// for AVX2 the byte with a weight's bit is copied to the weight's place and tested there.
func fifthAt(off int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) {
		k.nibble(dst, k.raw(0, off+4, i), c)
		if k.wide {
			k.collect("MOVW", 4, func(l int) string { return k.addr(off+2*c, l, i) })
			k.op("KMOVQ", "DI", "K1")
			k.op("VPADDB", k.cst("B16"), k.v(dst), "K1", k.v(dst))
			return
		}
		h, t := k.raw(1, 0, i), k.tmp(1)
		k.op("VPSHUFB", k.cst(fmt.Sprintf("Spread%d", off+2*c)), k.v(h), k.v(t))
		k.op("VPAND", k.cst("Bits"), k.v(t), k.v(t))
		k.op("VPCMPEQB", k.cst("Bits"), k.v(t), k.v(t))
		k.and(t, t, "B16")
		k.or(dst, dst, t)
	}
}

// bitAt: 16 bytes of bits from 2 on. A set bit is 2 and the offset 1.
func bitAt(k *rows, b, c, i, dst int) {
	raw := k.raw(0, 2, i)
	k.op("VPSHUFB", k.cst(fmt.Sprintf("Spread%d", 4*b+2*c)), k.v(raw), k.v(dst))
	if k.wide {
		k.op("VPTESTMB", k.cst("Bits"), k.v(dst), "K1")
		k.op("VMOVDQU8.Z", k.cst("B2"), "K1", k.v(dst))
		return
	}
	k.and(dst, dst, "Bits")
	k.op("VPCMPEQB", k.cst("Bits"), k.v(dst), k.v(dst))
	k.and(dst, dst, "B2")
}

// pairAt: 16 bytes of pairs of bits from 2 on. Bytes go to their four weights, of
// the last two halved by a shift; each keeps its pair, in place or 2 up, and a table
// brings that down.
func pairAt(k *rows, b, c, i, dst int) {
	raw, t := k.raw(0, 2, i), k.tmp(1)
	at := 8*b + 4*c
	k.shrw(t, raw, 4)
	k.op("VPSHUFB", k.cst(fmt.Sprintf("PairsHigh%d", at)), k.v(t), k.v(t))
	k.op("VPSHUFB", k.cst(fmt.Sprintf("PairsLow%d", at)), k.v(raw), k.v(dst))
	k.or(dst, dst, t)
	k.and(dst, dst, "Fours2")
	if k.wide {
		k.op("VPSHUFB", k.v(dst), k.cst("Pick2"), k.v(dst))
		return
	}
	k.op("VMOVDQU", k.cst("Pick2"), k.v(t))
	k.op("VPSHUFB", k.v(dst), k.v(t), k.v(dst))
}

// nibblesBy8: 8 bytes of nibbles for each 16 weights, from 4 on.
func nibblesBy8(k *rows, b, c, i, dst int) {
	raw, t := k.raw(0, 4+16*b, i), k.tmp(1)
	k.nibble(t, raw, 1)
	k.nibble(dst, raw, 0)
	k.op([]string{"VPUNPCKLQDQ", "VPUNPCKHQDQ"}[c], k.v(t), k.v(dst), k.v(dst))
	if k.wide {
		k.op("VPSHUFB", k.v(dst), k.cst("FP4"), k.v(dst))
		return
	}
	k.op("VMOVDQU", k.cst("FP4"), k.v(t))
	k.op("VPSHUFB", k.v(dst), k.v(t), k.v(dst))
}

// codebook: 16 bytes of nibbles that index a table of int8 values.
func codebook(table string, off func(b int) int) func(k *rows, b, c, i, dst int) {
	return func(k *rows, b, c, i, dst int) {
		k.nibble(dst, k.raw(0, off(b), i), c)
		if k.wide {
			table := table
			if k.f.raised {
				table += "Raised"
			}
			k.op("VPSHUFB", k.v(dst), k.cst(table), k.v(dst))
			return
		}
		t := k.tmp(1)
		k.op("VMOVDQU", k.cst(table), k.v(t))
		k.op("VPSHUFB", k.v(dst), k.v(t), k.v(dst))
	}
}
