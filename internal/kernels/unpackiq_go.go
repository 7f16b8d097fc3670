package kernels

import (
	"encoding/binary"
	"unsafe"

	"happyphonellm/internal/quant"
)

// The types whose numbers index a grid of points (IQ1, IQ2, IQ3), in
// superblocks of 256. A point's values are weights of up to 62; IQ1's are
// eighths: 8*value + 1 or - 1.

// putPoint writes the 8 bytes of a point, negated where the mask has ones. No
// byte of a point is 0, so that none carries into the next.
func putPoint(q []int8, point, mask uint64) {
	put8(q, (point^mask)+mask&ones)
}

// ones has a 1 in every byte.
const ones = 0x0101010101010101

// put8 writes the bytes of x, the lowest first, in one store.
func put8(q []int8, x uint64) {
	binary.LittleEndian.PutUint64(unsafe.Slice((*byte)(unsafe.Pointer(&q[:8][0])), 8), x)
}

func unpackIQ2_XXS(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/8*66:][:66]
		index, word := blk[2+b%8*8:][:4], binary.LittleEndian.Uint32(blk[6+b%8*8:])
		f.d[b] = f16(blk) * 0.125 * float32(2*(word>>28)+1)
		for l := range 4 {
			putPoint(f.q[32*b+8*l:], quant.GridIQ2_XXS[index[l]], quant.SignMasks[quant.Signs7(word>>(7*l))])
		}
	}
}

// subScales4 unpacks two scales of 4 bits per block from a byte: 2*scale + 1.
func subScales4(f *rowForm, b int, scales byte) {
	f.sub[2*b], f.sub[2*b+1] = int8(2*(scales&15)+1), int8(2*(scales>>4)+1)
}

func unpackIQ2_XS(f *rowForm, src []byte) {
	f.form = formSub
	for b := range f.d {
		blk := src[b/8*74:][:74]
		f.d[b] = f16(blk) * 0.125
		subScales4(f, b, blk[66+b%8])
		for l := range 4 {
			word := binary.LittleEndian.Uint16(blk[2+b%8*8+2*l:])
			putPoint(f.q[32*b+8*l:], quant.GridIQ2_XS[word&511], quant.SignMasks[quant.Signs7(uint32(word>>9))])
		}
	}
}

func unpackIQ2_S(f *rowForm, src []byte) {
	f.form = formSub
	for b := range f.d {
		blk := src[b/8*82:][:82]
		f.d[b] = f16(blk) * 0.125
		g := b % 8
		subScales4(f, b, blk[74+g])
		low, signs, high := blk[2+4*g:][:4], blk[34+4*g:][:4], int(blk[66+g])
		for l := range 4 {
			index := int(low[l]) | high>>(2*l)&3<<8
			putPoint(f.q[32*b+8*l:], quant.GridIQ2_S[index], quant.SignMasks[signs[l]])
		}
	}
}

func unpackIQ3_XXS(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/8*98:][:98]
		index, word := blk[2+b%8*8:][:8], binary.LittleEndian.Uint32(blk[66+b%8*4:])
		f.d[b] = f16(blk) * 0.25 * float32(2*(word>>28)+1)
		for l := range 4 {
			point := uint64(quant.GridIQ3_XXS[index[2*l]]) | uint64(quant.GridIQ3_XXS[index[2*l+1]])<<32
			putPoint(f.q[32*b+8*l:], point, quant.SignMasks[quant.Signs7(word>>(7*l))])
		}
	}
}

func unpackIQ3_S(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/8*110:][:110]
		g := b % 8
		f.d[b] = f16(blk) * float32(2*(blk[106+g/2]>>(g%2*4)&15)+1)
		low, high, signs := blk[2+8*g:][:8], int(blk[66+g]), blk[74+4*g:][:4]
		for l := range 4 {
			first := int(low[2*l]) | high>>(2*l)&1<<8
			second := int(low[2*l+1]) | high>>(2*l+1)&1<<8
			point := uint64(quant.GridIQ3_S[first]) | uint64(quant.GridIQ3_S[second])<<32
			putPoint(f.q[32*b+8*l:], point, quant.SignMasks[signs[l]])
		}
	}
}

// putLess writes the bytes of x, each below 128, less n, up to 128: no byte borrows
// from the next, as each gets 128 more for as long.
func putLess(q []int8, x, n uint64) { put8(q, (x|128*ones)-n*ones^128*ones) }

// eighths writes 8*value + delta of an IQ1 point; delta is 1 or -1.
func eighths(q []int8, point uint64, delta int8) {
	raised := (point&(127*ones) + ones) ^ point&(128*ones)
	putLess(q, raised<<3, uint64(8-delta))
}

func unpackIQ1_S(f *rowForm, src []byte) {
	f.form = formScale
	for b := range f.d {
		blk := src[b/8*50:][:50]
		low, word := blk[2+b%8*4:][:4], int(binary.LittleEndian.Uint16(blk[34+b%8*2:]))
		f.d[b] = f16(blk) * 0.125 * float32(2*(word>>12&7)+1)
		delta := int8(1 - word>>15*2)
		for l := range 4 {
			eighths(f.q[32*b+8*l:], quant.GridIQ1_S[int(low[l])|word>>(3*l)&7<<8], delta)
		}
	}
}

func unpackIQ1_M(f *rowForm, src []byte) {
	f.form = formSub
	for b := range f.d {
		blk := src[b/8*56:][:56]
		g := b % 8
		f.d[b] = quant.ScaleIQ1_M(blk[48:]) * 0.125
		scales := binary.LittleEndian.Uint16(blk[48+g/2*2:]) >> (g % 2 * 6)
		f.sub[2*b], f.sub[2*b+1] = int8(2*(scales&7)+1), int8(2*(scales>>3&7)+1)
		low, high := blk[4*g:][:4], blk[32+2*g:][:2]
		for l := range 4 {
			h := int(high[l/2] >> (l % 2 * 4) & 15)
			eighths(f.q[32*b+8*l:], quant.GridIQ1_S[int(low[l])|h&7<<8], int8(1-h>>3*2))
		}
	}
}
