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
	F64  Type = "F64"
	F32  Type = "F32"
	F16  Type = "F16"
	BF16 Type = "BF16"
	I64  Type = "I64"
	I32  Type = "I32"
	I16  Type = "I16"
	I8   Type = "I8"
	U8   Type = "U8"
	Bool Type = "BOOL"
)

// types has the size of an element and how bytes become numbers.
var types = map[Type]struct {
	size   int
	decode func(dst []float32, src []byte)
}{
	F64: {8, each(8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) })},
	F32: {4, each(4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })},
	F16: {2, each(2, func(b []byte) float32 { return quant.F16ToF32(binary.LittleEndian.Uint16(b)) })},
	BF16: {2, each(2, func(b []byte) float32 {
		return quant.BF16ToF32(binary.LittleEndian.Uint16(b))
	})},
	I64:  {8, each(8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) })},
	I32:  {4, each(4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) })},
	I16:  {2, each(2, func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) })},
	I8:   {1, each(1, func(b []byte) float32 { return float32(int8(b[0])) })},
	U8:   {1, each(1, func(b []byte) float32 { return float32(b[0]) })},
	Bool: {1, each(1, func(b []byte) float32 { return float32(b[0]) })},
}

func each(size int, number func([]byte) float32) func([]float32, []byte) {
	return func(dst []float32, src []byte) {
		for i := range dst {
			dst[i] = number(src[i*size:][:size])
		}
	}
}

// Size is the size of an element in bytes; 0 for a type that is not known.
func (t Type) Size() int { return types[t].size }

func (t Type) decode(dst []float32, src []byte) { types[t].decode(dst, src) }
