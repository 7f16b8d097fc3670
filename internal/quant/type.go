// Package quant knows the tensor types of GGUF files: their numbers, names
// and block layouts, and how to turn their bytes into float32 and back, in
// plain Go. It is the reference that faster code is tested against; it owns
// no matrix products, no files and no goroutines.
//
// The numbers and layouts are those of ggml (ggml.h, ggml-common.h).
// Dequantization is bit-equal to the Python package "gguf": every product and
// every sum is rounded to float32 on its own, on every platform.
package quant

import (
	"fmt"
	"math/bits"
	"strings"
)

// Type is a tensor type, by ggml's number (the one stored in GGUF files).
type Type uint32

// The published types. Numbers that are missing were never used.
const (
	F32       Type = 0
	F16       Type = 1
	Q4_0      Type = 2
	Q4_1      Type = 3
	Q4_2      Type = 4 // withdrawn by ggml
	Q4_3      Type = 5 // withdrawn by ggml
	Q5_0      Type = 6
	Q5_1      Type = 7
	Q8_0      Type = 8
	Q8_1      Type = 9
	Q2_K      Type = 10
	Q3_K      Type = 11
	Q4_K      Type = 12
	Q5_K      Type = 13
	Q6_K      Type = 14
	Q8_K      Type = 15
	IQ2_XXS   Type = 16
	IQ2_XS    Type = 17
	IQ3_XXS   Type = 18
	IQ1_S     Type = 19
	IQ4_NL    Type = 20
	IQ3_S     Type = 21
	IQ2_S     Type = 22
	IQ4_XS    Type = 23
	I8        Type = 24
	I16       Type = 25
	I32       Type = 26
	I64       Type = 27
	F64       Type = 28
	IQ1_M     Type = 29
	BF16      Type = 30
	Q4_0_4_4  Type = 31 // withdrawn by ggml
	Q4_0_4_8  Type = 32 // withdrawn by ggml
	Q4_0_8_8  Type = 33 // withdrawn by ggml
	TQ1_0     Type = 34
	TQ2_0     Type = 35
	IQ4NL_4_4 Type = 36 // withdrawn by ggml
	IQ4NL_4_8 Type = 37 // withdrawn by ggml
	IQ4NL_8_8 Type = 38 // withdrawn by ggml
	MXFP4     Type = 39
	NVFP4     Type = 40
	Q1_0      Type = 41
	Q2_0      Type = 42
)

// Format describes how one type stores its elements: BlockElems consecutive
// elements of a row become BlockBytes bytes.
type Format struct {
	Type       Type
	Name       string
	BlockElems int
	BlockBytes int

	// Dequantize fills dst with the elements stored in src. len(dst) is a
	// multiple of BlockElems and src holds exactly as many blocks; anything
	// else is a programmer error and panics. nil: not supported.
	Dequantize func(dst []float32, src []byte)

	// Quantize is the inverse, with the same rules on lengths. It rounds as
	// ggml's reference code does. nil: not supported.
	Quantize func(dst []byte, src []float32)
}

// formats holds one row per type, indexed by the type's number.
var formats = [...]Format{
	{F32, "F32", 1, 4, dequantizeF32, quantizeF32},
	{F16, "F16", 1, 2, dequantizeF16, quantizeF16},
	{Q4_0, "Q4_0", 32, 18, dequantizeQ4_0, plain(weightedQ4_0)},
	{Q4_1, "Q4_1", 32, 20, dequantizeQ4_1, plain(weightedQ4_1)},
	{Q4_2, "Q4_2", 16, 10, nil, nil},
	{Q4_3, "Q4_3", 16, 12, nil, nil},
	{Q5_0, "Q5_0", 32, 22, dequantizeQ5_0, plain(weightedQ5_0)},
	{Q5_1, "Q5_1", 32, 24, dequantizeQ5_1, plain(weightedQ5_1)},
	{Q8_0, "Q8_0", 32, 34, dequantizeQ8_0, quantizeQ8_0},
	{Q8_1, "Q8_1", 32, 36, nil, nil},
	{Q2_K, "Q2_K", 256, 84, dequantizeQ2_K, plain(weightedQ2_K)},
	{Q3_K, "Q3_K", 256, 110, dequantizeQ3_K, plain(weightedQ3_K)},
	{Q4_K, "Q4_K", 256, 144, dequantizeQ4_K, plain(weightedQ4_K)},
	{Q5_K, "Q5_K", 256, 176, dequantizeQ5_K, plain(weightedQ5_K)},
	{Q6_K, "Q6_K", 256, 210, dequantizeQ6_K, plain(weightedQ6_K)},
	{Q8_K, "Q8_K", 256, 292, nil, nil},
	{IQ2_XXS, "IQ2_XXS", 256, 66, dequantizeIQ2_XXS, nil},
	{IQ2_XS, "IQ2_XS", 256, 74, dequantizeIQ2_XS, nil},
	{IQ3_XXS, "IQ3_XXS", 256, 98, dequantizeIQ3_XXS, nil},
	{IQ1_S, "IQ1_S", 256, 50, dequantizeIQ1_S, nil},
	{IQ4_NL, "IQ4_NL", 32, 18, dequantizeIQ4_NL, plain(weightedIQ4_NL)},
	{IQ3_S, "IQ3_S", 256, 110, dequantizeIQ3_S, nil},
	{IQ2_S, "IQ2_S", 256, 82, dequantizeIQ2_S, nil},
	{IQ4_XS, "IQ4_XS", 256, 136, dequantizeIQ4_XS, plain(weightedIQ4_XS)},
	{I8, "I8", 1, 1, nil, nil},
	{I16, "I16", 1, 2, nil, nil},
	{I32, "I32", 1, 4, nil, nil},
	{I64, "I64", 1, 8, nil, nil},
	{F64, "F64", 1, 8, nil, nil},
	{IQ1_M, "IQ1_M", 256, 56, dequantizeIQ1_M, nil},
	{BF16, "BF16", 1, 2, dequantizeBF16, quantizeBF16},
	{Q4_0_4_4, "Q4_0_4_4", 32, 18, nil, nil},
	{Q4_0_4_8, "Q4_0_4_8", 32, 18, nil, nil},
	{Q4_0_8_8, "Q4_0_8_8", 32, 18, nil, nil},
	{TQ1_0, "TQ1_0", 256, 54, dequantizeTQ1_0, nil},
	{TQ2_0, "TQ2_0", 256, 66, dequantizeTQ2_0, nil},
	{IQ4NL_4_4, "IQ4_NL_4_4", 32, 18, nil, nil},
	{IQ4NL_4_8, "IQ4_NL_4_8", 32, 18, nil, nil},
	{IQ4NL_8_8, "IQ4_NL_8_8", 32, 18, nil, nil},
	{MXFP4, "MXFP4", 32, 17, dequantizeMXFP4, plain(weightedMXFP4)},
	{NVFP4, "NVFP4", 64, 36, dequantizeNVFP4, nil},
	{Q1_0, "Q1_0", 128, 18, dequantizeQ1_0, nil},
	{Q2_0, "Q2_0", 64, 18, dequantizeQ2_0, nil},
}

// Format returns the layout of t; false when the number is unknown.
func (t Type) Format() (Format, bool) {
	if uint64(t) >= uint64(len(formats)) {
		return Format{}, false
	}
	return formats[t], true
}

// String returns ggml's name, such as "Q4_K", or "type 123" when the number is unknown.
func (t Type) String() string {
	if f, ok := t.Format(); ok {
		return f.Name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// ParseType finds a type by its name, ignoring case.
func ParseType(name string) (Type, error) {
	for i := range formats {
		if strings.EqualFold(formats[i].Name, name) {
			return formats[i].Type, nil
		}
	}
	return 0, fmt.Errorf("quant: unknown tensor type %q", name)
}

// RowBytes returns the bytes of a row of cols elements; false when cols is
// negative or no multiple of the block, or when the result does not fit an int.
func (f Format) RowBytes(cols int) (int, bool) {
	if cols < 0 || f.BlockElems <= 0 || cols%f.BlockElems != 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(cols/f.BlockElems), uint64(f.BlockBytes))
	if hi != 0 || lo > uint64(^uint(0)>>1) {
		return 0, false
	}
	return int(lo), true
}

// blocks checks the lengths given to a conversion and returns the count of blocks.
func blocks(elems, bytes, blockElems, blockBytes int) int {
	n := elems / blockElems
	if n*blockElems != elems || n*blockBytes != bytes {
		panic(fmt.Sprintf("quant: %d elements and %d bytes are not the same number of blocks of %d elements in %d bytes",
			elems, bytes, blockElems, blockBytes))
	}
	return n
}
