package checkpoint

import (
	"encoding/binary"
	"math"

	"happyphonellm/internal/quant"
)

// Type is the type of a tensor's elements, by safetensors' name.
type Type string

// The types that can be read.
const (
	F64    Type = "F64"
	F32    Type = "F32"
	F16    Type = "F16"
	BF16   Type = "BF16"
	F8E4M3 Type = "F8_E4M3" // OCP's, without infinities
	F8E5M2 Type = "F8_E5M2"
	F8E8M0 Type = "F8_E8M0" // a power of two, for scales
	I64    Type = "I64"
	I32    Type = "I32"
	I16    Type = "I16"
	I8     Type = "I8"
	U64    Type = "U64"
	U32    Type = "U32"
	U16    Type = "U16"
	U8     Type = "U8"
	Bool   Type = "BOOL"
)

// types has the size of an element and how little-endian bytes become numbers:
// decode fills dst from exactly as many elements of src. What float32 cannot
// hold is rounded to the nearest, ties to even.
var types = map[Type]struct {
	size   int
	decode func(dst []float32, src []byte)
}{
	F64:    {8, each(8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) })},
	F32:    {4, decodeF32},
	F16:    {2, decodeF16},
	BF16:   {2, decodeBF16},
	F8E4M3: {1, byTable(e4m3)},
	F8E5M2: {1, byTable(func(b byte) float32 { return quant.F16ToF32(uint16(b) << 8) })},
	F8E8M0: {1, byTable(e8m0)},
	I64:    {8, each(8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) })},
	I32:    {4, each(4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) })},
	I16:    {2, each(2, func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) })},
	I8:     {1, byTable(func(b byte) float32 { return float32(int8(b)) })},
	U64:    {8, each(8, func(b []byte) float32 { return float32(binary.LittleEndian.Uint64(b)) })},
	U32:    {4, each(4, func(b []byte) float32 { return float32(binary.LittleEndian.Uint32(b)) })},
	U16:    {2, each(2, func(b []byte) float32 { return float32(binary.LittleEndian.Uint16(b)) })},
	U8:     {1, byTable(func(b byte) float32 { return float32(b) })},
	Bool:   {1, byTable(func(b byte) float32 { return float32(min(b, 1)) })},
}

// Size is the size of an element in bytes; 0 for a type that is not known.
func (t Type) Size() int { return types[t].size }

func each(size int, number func([]byte) float32) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = number(src[i*size:][:size])
		}
	}
}

func byTable(number func(byte) float32) func([]float32, []byte) {
	var table [256]float32
	for i := range table {
		table[i] = number(byte(i))
	}
	return func(dst []float32, src []byte) {
		src = src[:len(dst)]
		for i, b := range src {
			dst[i] = table[b]
		}
	}
}

// The three types that most checkpoints have go eight bytes at a time.

func decodeF32(dst []float32, src []byte) {
	src = src[:4*len(dst)]
	for len(dst) >= 4 {
		a, b := binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(src[8:])
		dst[0], dst[1] = math.Float32frombits(uint32(a)), math.Float32frombits(uint32(a>>32))
		dst[2], dst[3] = math.Float32frombits(uint32(b)), math.Float32frombits(uint32(b>>32))
		dst, src = dst[4:], src[16:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func decodeBF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for len(dst) >= 4 {
		v := binary.LittleEndian.Uint64(src)
		dst[0] = math.Float32frombits(uint32(v) << 16)
		dst[1] = math.Float32frombits(uint32(v) &^ 0xffff)
		dst[2] = math.Float32frombits(uint32(v>>32) << 16)
		dst[3] = math.Float32frombits(uint32(v>>32) &^ 0xffff)
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = quant.BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func decodeF16(dst []float32, src []byte) {
	src = src[:2*len(dst)]
	for len(dst) >= 4 {
		v := binary.LittleEndian.Uint64(src)
		dst[0] = f16(uint32(v) & 0xffff)
		dst[1] = f16(uint32(v) >> 16)
		dst[2] = f16(uint32(v>>32) & 0xffff)
		dst[3] = f16(uint32(v >> 48))
		dst, src = dst[4:], src[8:]
	}
	for i := range dst {
		dst[i] = f16(uint32(binary.LittleEndian.Uint16(src[2*i:])))
	}
}

// f16 is quant.F16ToF32, small enough to be inlined where h is neither
// subnormal nor zero, infinite nor NaN (exponents 0 and 31).
func f16(h uint32) float32 {
	if (h+0x400)&0x7800 == 0 {
		return quant.F16ToF32(uint16(h))
	}
	return math.Float32frombits(h&0x8000<<16 | (h&0x7fff<<13 + 112<<23))
}

// e4m3 has a sign, 4 bits of exponent with bias 7 and 3 of mantissa; all ones
// are NaN, there is no infinity. Source: OCP 8-bit Floating Point Specification
// 1.0, table 1.
func e4m3(b byte) float32 {
	if b&0x7f == 0x7f {
		return float32(math.NaN())
	}
	v := float64(b&7) * 0x1p-9 // subnormal
	if exp := int(b >> 3 & 15); exp > 0 {
		v = math.Ldexp(float64(8|b&7), exp-10)
	}
	return float32(math.Copysign(v, float64(int8(b|1))))
}

// e8m0 is an exponent with bias 127; all ones are NaN. Source: OCP Microscaling
// Formats Specification 1.0, section 5.4.1.
func e8m0(b byte) float32 {
	if b == 0xff {
		return float32(math.NaN())
	}
	return float32(math.Ldexp(1, int(b)-127))
}
