package kernels

import "happyphonellm/internal/quant"

// Types of one to four bits without a grid: ternary numbers and 4-bit floats.

func unpackTQ1_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/8*54:][:54]
		f.d[b] = f16(blk[52:])
		for i := range 32 {
			f.q[32*b+i] = quant.DigitTQ1_0(blk, b%8*32+i)
		}
	}
}

func unpackTQ2_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/8*66:][:66]
		f.d[b] = f16(blk[64:])
		low, q := blk[b%8/4*32:][:32], f.q[32*b:][:32]
		for i := range q {
			q[i] = int8(low[i]>>(b%4*2)&3) - 1
		}
	}
}

func unpackQ1_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/4*18:][:18]
		f.d[b] = f16(blk)
		for i := range 32 {
			f.q[32*b+i] = int8(blk[2+b%4*4+i/8]>>(i%8)&1)*2 - 1
		}
	}
}

func unpackQ2_0(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/2*18:][:18]
		f.d[b] = f16(blk)
		for i := range 32 {
			f.q[32*b+i] = int8(blk[2+b%2*8+i/4]>>(i%4*2)&3) - 1
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
