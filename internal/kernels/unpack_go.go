package kernels

import (
	"encoding/binary"

	"happyphonellm/internal/quant"
)

// The 32-wide types of ggml: a scale, sometimes a minimum, and 32 weights.
// Nibble i of a block's 16 bytes is weight i (low) and weight 16+i (high).

func f16(b []byte) float32 { return quant.F16ToF32(binary.LittleEndian.Uint16(b)) }

func nibbles(q []int8, src []byte, offset int8) {
	for i, b := range src[:16] {
		q[i] = int8(b&15) - offset
		q[i+16] = int8(b>>4) - offset
	}
}

func unpackQ4_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b*18:][:18]
		f.d[b] = f16(blk)
		nibbles(f.q[b*32:], blk[2:], 8)
	}
}

func unpackQ4_1(f *rowForm, src []byte) {
	f.form = formMin
	for b := range f.d {
		blk := src[b*20:][:20]
		f.d[b], f.m[b] = f16(blk), f16(blk[2:])
		nibbles(f.q[b*32:], blk[4:], 0)
	}
}

// fifthBits adds bit i of h as bit 4 of weight i.
func fifthBits(q []int8, h uint32) {
	for i := range q[:32] {
		q[i] += int8(h>>i&1) << 4
	}
}

func unpackQ5_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b*22:][:22]
		f.d[b] = f16(blk)
		q := f.q[b*32:]
		nibbles(q, blk[6:], 16)
		fifthBits(q, binary.LittleEndian.Uint32(blk[2:]))
	}
}

func unpackQ5_1(f *rowForm, src []byte) {
	f.form = formMin
	for b := range f.d {
		blk := src[b*24:][:24]
		f.d[b], f.m[b] = f16(blk), f16(blk[2:])
		q := f.q[b*32:]
		nibbles(q, blk[8:], 0)
		fifthBits(q, binary.LittleEndian.Uint32(blk[4:]))
	}
}

func unpackQ8_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b*34:][:34]
		f.d[b] = f16(blk)
		for i, v := range blk[2:] {
			f.q[b*32+i] = int8(v)
		}
	}
}

// codebookIQ4 holds the sixteen values of the non-linear 4-bit types, ggml's
// kvalues_iq4nl.
var codebookIQ4 = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func codebook(q []int8, src []byte) {
	for i, b := range src[:16] {
		q[i] = codebookIQ4[b&15]
		q[i+16] = codebookIQ4[b>>4]
	}
}

func unpackIQ4_NL(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b*18:][:18]
		f.d[b] = f16(blk)
		codebook(f.q[b*32:], blk[2:])
	}
}

// unpackIQ4_XS: superblocks of 256 = f16 d, two high bits of 8 scales, their
// low nibbles, 128 bytes of nibbles; scale = d * (ls - 32).
func unpackIQ4_XS(f *rowForm, src []byte) {
	f.form = formScale
	scalesIQ4_XS(f, src)
	for sb := range len(f.d) / 8 {
		for i := range 8 {
			codebook(f.q[sb*256+32*i:], src[sb*136+8+16*i:])
		}
	}
}

// scalesIQ4_XS fills d: f16 d, two high bits of eight scales, their low nibbles.
func scalesIQ4_XS(f *rowForm, src []byte) {
	for sb := range len(f.d) / 8 {
		blk := src[sb*136:][:8]
		d := f16(blk)
		high := binary.LittleEndian.Uint16(blk[2:])
		for i := range 8 {
			ls := int(blk[4+i/2]>>(4*(i%2))&15) | int(high>>(2*i)&3)<<4
			f.d[sb*8+i] = d * float32(ls-32)
		}
	}
}
