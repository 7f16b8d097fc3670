package quant

import (
	"encoding/binary"
	"math"
	"os"
	"testing"
)

// golden reads a file of testdata (see make_golden.py) for type typ.
func golden(t *testing.T, typ Type, suffix string) (f Format, blocks []byte, elems []float32) {
	t.Helper()
	f, ok := typ.Format()
	if !ok {
		t.Fatalf("%v has no format", typ)
	}
	data, err := os.ReadFile("testdata/" + f.Name + suffix)
	if err != nil {
		t.Fatal(err)
	}
	n := int(binary.LittleEndian.Uint32(data))
	if n == 0 || len(data) != 4+n*(f.BlockBytes+4*f.BlockElems) {
		t.Fatalf("%s%s: %d blocks in %d bytes", f.Name, suffix, n, len(data))
	}
	blocks, raw := data[4:4+n*f.BlockBytes], data[4+n*f.BlockBytes:]
	if suffix == ".quantize" {
		raw, blocks = data[4:4+4*n*f.BlockElems], data[4+4*n*f.BlockElems:]
	}
	elems = make([]float32, n*f.BlockElems)
	for i := range elems {
		elems[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return f, blocks, elems
}

func TestDequantizeGolden(t *testing.T) {
	for _, typ := range []Type{F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS,
		IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S, TQ1_0, TQ2_0, MXFP4, NVFP4, Q1_0, Q2_0} {
		t.Run(typ.String(), func(t *testing.T) {
			f, blocks, want := golden(t, typ, ".dequantize")
			got := make([]float32, len(want))
			f.Dequantize(got, blocks)
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Fatalf("element %d: %v (%#x), want %v (%#x)", i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
				}
			}
		})
	}
}

func TestQuantizeGolden(t *testing.T) {
	for _, typ := range []Type{F32, F16, BF16, Q8_0} {
		t.Run(typ.String(), func(t *testing.T) {
			f, want, elems := golden(t, typ, ".quantize")
			got := make([]byte, len(want))
			f.Quantize(got, elems)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("byte %d (block %d): %d, want %d", i, i/f.BlockBytes, got[i], want[i])
				}
			}
		})
	}
}

// What a type can dequantize, dequantizes the same at any position in the row.
func TestDequantizeBlockByBlock(t *testing.T) {
	for _, f := range formats {
		if f.Dequantize == nil || f.Type == F32 {
			continue
		}
		_, blocks, want := golden(t, f.Type, ".dequantize")
		got := make([]float32, f.BlockElems)
		for b := range len(blocks) / f.BlockBytes {
			f.Dequantize(got, blocks[b*f.BlockBytes:][:f.BlockBytes])
			for i, v := range got {
				if w := want[b*f.BlockElems+i]; math.Float32bits(v) != math.Float32bits(w) {
					t.Fatalf("%s: block %d element %d: %v, want %v", f.Name, b, i, v, w)
				}
			}
		}
	}
}
