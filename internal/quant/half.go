package quant

import (
	"encoding/binary"
	"math"
)

// F16ToF32 widens an IEEE half precision number; exact. A signalling NaN
// becomes quiet, as the conversion instructions of amd64 and arm64 do it.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	mant := uint32(h & 0x3ff)
	switch {
	case exp == 0:
		// A subnormal is mant * 2^-24, exact in float32; mant = 0 is a zero.
		return math.Float32frombits(sign | math.Float32bits(float32(mant)*0x1p-24))
	case exp < 31:
		return math.Float32frombits(sign | (exp+127-15)<<23 | mant<<13)
	case mant == 0:
		return math.Float32frombits(sign | 0x7f800000)
	default:
		return math.Float32frombits(sign | 0x7fc00000 | mant<<13)
	}
}

// F32ToF16 rounds to the nearest half precision number, ties to even. What is
// too large becomes an infinity; a NaN stays a NaN and becomes quiet.
func F32ToF16(f float32) uint16 {
	const infinity = 0x7f800000
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7fffffff
	switch {
	case b > infinity:
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= overflowF16:
		return sign | 0x7c00
	case b >= smallestF16:
		return sign | roundF16(b)
	default:
		// The last bit of numbers in [0.5, 1) is 2^-24, the unit of half's
		// subnormals: the addition rounds for us.
		return sign | uint16(math.Float32bits(math.Float32frombits(b)+0.5)-math.Float32bits(0.5))
	}
}

// Sizes as the bits of a float32: where half precision ends, 65520, halfway from its
// largest number to the next power of two, and its smallest normal number, 2^-14.
const (
	overflowF16 = 0x477ff000
	smallestF16 = 0x38800000
)

// roundF16 is F32ToF16 for the bits of a size between these.
func roundF16(b uint32) uint16 { return uint16((b + 0xfff + b>>13&1 - (127-15)<<23) >> 13) }

// BF16ToF32 widens a bfloat16 number; exact, NaN payloads included.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to the nearest bfloat16, ties to even; a NaN becomes quiet.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7fffffff > 0x7f800000 {
		return uint16(b>>16) | 0x40
	}
	// Wraps for no finite number: the largest one carries into infinity.
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// halfAt reads the half precision number at the start of b.
func halfAt(b []byte) float32 { return F16ToF32(binary.LittleEndian.Uint16(b)) }

func dequantizeF32(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 1, 4)
	for i := range n {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func quantizeF32(dst []byte, src []float32) {
	n := blocks(len(src), len(dst), 1, 4)
	for i := range n {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(src[i]))
	}
}

func dequantizeF16(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 1, 2)
	for i := range n {
		dst[i] = halfAt(src[2*i:])
	}
}

func quantizeF16(dst []byte, src []float32) {
	n := blocks(len(src), len(dst), 1, 2)
	for i, x := range src[:n] {
		// Nearly all numbers are of this kind; calls for each would take most of the time.
		b := math.Float32bits(x)
		size, h := b&0x7fffffff, uint16(0)
		if size-smallestF16 < overflowF16-smallestF16 {
			h = uint16(b>>16)&0x8000 | roundF16(size)
		} else {
			h = F32ToF16(x)
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
}

func dequantizeBF16(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 1, 2)
	for i := range n {
		dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func quantizeBF16(dst []byte, src []float32) {
	n := blocks(len(src), len(dst), 1, 2)
	for i := range n {
		binary.LittleEndian.PutUint16(dst[2*i:], F32ToBF16(src[i]))
	}
}
