package kernels

import (
	"encoding/binary"

	"happyphonellm/internal/quant"
)

// Types of one to four bits without a grid: ternary numbers and 4-bit floats.

func unpackTQ1_0(f *rowForm, src []byte) {
	f.form = formScale
	for sb := range len(f.d) / 8 {
		blk, q := src[54*sb:][:54], f.q[256*sb:][:256]
		f.sameScale(sb, f16(blk[52:]))
		for n, power := range powers3 {
			for i := 0; i < 32; i += 8 {
				digits8(q[32*n+i:], blk[i:], power)
			}
			digits8(q[160+16*n:], blk[32:], power)
			digits8(q[168+16*n:], blk[40:], power)
		}
		for i := 240; i < 256; i++ {
			q[i] = quant.DigitTQ1_0(blk, i)
		}
	}
}

var powers3 = [5]uint64{1, 3, 9, 27, 81}

// digits8 writes a digit, less one, of each of eight bytes: see quant.DigitTQ1_0. Every
// second byte is a number of 16 bits.
func digits8(q []int8, src []byte, power uint64) {
	const lanes = 0x00ff00ff00ff00ff
	x := binary.LittleEndian.Uint64(src)
	even := (x & lanes * power & lanes * 3 >> 8) & lanes
	odd := (x >> 8 & lanes * power & lanes * 3 >> 8) & lanes
	putLess(q, even|odd<<8, 1)
}

// sameScale is the scale of the eight blocks of superblock sb.
func (f *rowForm) sameScale(sb int, d float32) {
	for b := range 8 {
		f.d[8*sb+b] = d
	}
}

func unpackTQ2_0(f *rowForm, src []byte) {
	f.form = formScale
	for sb := range len(f.d) / 8 {
		blk, q := src[66*sb:][:66], f.q[256*sb:][:256]
		f.sameScale(sb, f16(blk[64:]))
		for i := 0; i < 64; i += 8 {
			x := binary.LittleEndian.Uint64(blk[i:])
			for to := i/32*128 + i%32; to < i/32*128+128; to += 32 {
				putLess(q[to:], x&(3*ones), 1)
				x >>= 2
			}
		}
	}
}

func unpackQ1_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/4*18:][:18]
		f.d[b] = f16(blk)
		for i, bits := range blk[2+b%4*4:][:4] {
			putLess(f.q[32*b+8*i:], quant.SignMasks[bits]&(2*ones), 1)
		}
	}
}

func unpackQ2_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/2*18:][:18]
		f.d[b] = f16(blk)
		for i := 0; i < 32; i += 8 {
			x := uint64(binary.LittleEndian.Uint16(blk[2+b%2*8+i/4:]))
			x = (x | x<<24) & 0x000000ff000000ff
			x = (x | x<<12) & 0x000f000f000f000f
			putLess(f.q[32*b+i:], (x|x<<6)&(3*ones), 1)
		}
	}
}

func unpackMXFP4(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b*17:][:17]
		f.d[b] = quant.E8M0Half(blk[0])
		q := f.q[32*b:][:32]
		for i, v := range blk[1:17] {
			q[i] = quant.CodebookFP4[v&15]
			q[i+16] = quant.CodebookFP4[v>>4]
		}
	}
}

// unpackNVFP4: the scales per 16 are floats, so that the block's own is 1.
func unpackNVFP4(f *rowForm, src []byte) {
	f.form = formFloatSub
	for b := range f.d {
		blk := src[b/2*36:][:36]
		f.d[b] = 1
		for h := range 2 {
			g := b%2*2 + h
			f.fsub[2*b+h] = quant.E4M3Half(blk[g])
			q := f.q[32*b+16*h:][:16]
			for i, v := range blk[4+8*g:][:8] {
				q[i] = quant.CodebookFP4[v&15]
				q[i+8] = quant.CodebookFP4[v>>4]
			}
		}
	}
}
