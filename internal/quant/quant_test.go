package quant

import (
	"encoding/binary"
	"math"
	"testing"
)

func TestFormatTable(t *testing.T) {
	names := map[string]bool{}
	for i, f := range formats {
		if int(f.Type) != i {
			t.Errorf("row %d of the table is of %v", i, f.Type)
		}
		if f.BlockElems <= 0 || f.BlockBytes <= 0 || f.Name == "" || names[f.Name] {
			t.Errorf("row %d: bad or repeated: %+v", i, f)
		}
		names[f.Name] = true
		if f.Quantize != nil && f.Dequantize == nil {
			t.Errorf("%s can be written but not read", f.Name)
		}
	}
}

// Bits per weight as ggml publishes them: a wrong block size would show here.
func TestBitsPerWeight(t *testing.T) {
	for name, want := range map[string]float64{
		"F32": 32, "F16": 16, "BF16": 16, "Q4_0": 4.5, "Q4_1": 5, "Q5_0": 5.5, "Q5_1": 6, "Q8_0": 8.5, "Q8_1": 9,
		"Q2_K": 2.625, "Q3_K": 3.4375, "Q4_K": 4.5, "Q5_K": 5.5, "Q6_K": 6.5625, "Q8_K": 9.125,
		"IQ1_S": 1.5625, "IQ1_M": 1.75, "IQ2_XXS": 2.0625, "IQ2_XS": 2.3125, "IQ2_S": 2.5625,
		"IQ3_XXS": 3.0625, "IQ3_S": 3.4375, "IQ4_NL": 4.5, "IQ4_XS": 4.25, "TQ1_0": 1.6875, "TQ2_0": 2.0625,
		"MXFP4": 4.25, "NVFP4": 4.5, "Q1_0": 1.125, "Q2_0": 2.25,
		"I8": 8, "I16": 16, "I32": 32, "I64": 64, "F64": 64,
	} {
		typ, err := ParseType(name)
		if err != nil {
			t.Error(err)
			continue
		}
		f, _ := typ.Format()
		if got := 8 * float64(f.BlockBytes) / float64(f.BlockElems); got != want {
			t.Errorf("%s: %v bits per weight, want %v", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	if got := Q4_K.String(); got != "Q4_K" {
		t.Errorf("Q4_K is called %q", got)
	}
	if got := Type(123).String(); got != "type 123" {
		t.Errorf("Type(123) is called %q", got)
	}
	if _, ok := Type(math.MaxUint32).Format(); ok {
		t.Error("the largest number has a format")
	}
	for _, name := range []string{"q4_k", "Q4_K", "iq4_xs", "Iq4_Nl", "bf16"} {
		if _, err := ParseType(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "Q4", "Q4_K_M", "type 123"} {
		if typ, err := ParseType(name); err == nil {
			t.Errorf("ParseType(%q) = %v", name, typ)
		}
	}
}

func TestRowBytes(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		cols int
		want int
		ok   bool
	}{
		{F32, 0, 0, true}, {F32, 3, 12, true}, {Q4_0, 64, 36, true}, {Q4_0, 33, 0, false}, {Q4_K, 32, 0, false},
		{Q6_K, 512, 420, true}, {F32, -4, 0, false}, {F32, math.MaxInt, 0, false}, {F64, math.MaxInt / 4, 0, false},
		{Q8_0, math.MaxInt - 31, 0, false}, {Q4_0, math.MaxInt - 31, math.MaxInt / 32 * 18, true},
	} {
		f, _ := c.typ.Format()
		got, ok := f.RowBytes(c.cols)
		if got != c.want || ok != c.ok {
			t.Errorf("%v.RowBytes(%d) = %d, %v, want %d, %v", c.typ, c.cols, got, ok, c.want, c.ok)
		}
	}
}

func TestWrongLengthsPanic(t *testing.T) {
	for _, f := range formats {
		if f.Dequantize == nil {
			continue
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: too few bytes did not panic", f.Name)
				}
			}()
			f.Dequantize(make([]float32, 2*f.BlockElems), make([]byte, f.BlockBytes))
		}()
	}
}

// halfValue is the value of a half by its definition in IEEE 754.
func halfValue(h uint16) float64 {
	exp, mant := int(h>>10&31), float64(h&0x3ff)
	v := math.Ldexp(1024+mant, exp-25)
	switch {
	case exp == 0:
		v = math.Ldexp(mant, -24)
	case exp == 31 && mant == 0:
		v = math.Inf(1)
	case exp == 31:
		return math.NaN()
	}
	if h&0x8000 != 0 {
		return math.Copysign(v, -1)
	}
	return v
}

func TestF16Exhaustive(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		got, want := F16ToF32(h), halfValue(h)
		if math.IsNaN(want) {
			if got == got || F32ToF16(got) != h|0x200 || math.Float32bits(got)&0x400000 == 0 {
				t.Fatalf("NaN %#04x became %#08x", h, math.Float32bits(got))
			}
			continue
		}
		if float64(got) != want || math.Signbit(float64(got)) != math.Signbit(want) {
			t.Fatalf("F16ToF32(%#04x) = %v, want %v", h, got, want)
		}
		if back := F32ToF16(got); back != h {
			t.Fatalf("%#04x came back as %#04x", h, back)
		}
	}
}

// Every midpoint between two halves, and the floats beside it, of both signs.
func TestF32ToF16Rounding(t *testing.T) {
	for h := uint16(0); h < 0x7c00; h++ {
		next := 65536.0
		if h < 0x7bff {
			next = halfValue(h + 1)
		}
		mid := float32((halfValue(h) + next) / 2) // exact
		even := h + h&1
		for sign := range uint16(2) {
			s := float32(1 - 2*int(sign))
			for _, c := range []struct {
				x    float32
				want uint16
			}{
				{mid, even},
				{math.Nextafter32(mid, 0), h},
				{math.Nextafter32(mid, 1e30), h + 1},
			} {
				var row [2]byte
				quantizeF16(row[:], []float32{s * c.x})
				if got := F32ToF16(s * c.x); got != c.want|sign<<15 || binary.LittleEndian.Uint16(row[:]) != got {
					t.Fatalf("F32ToF16(%v) = %#04x, in a row % x, want %#04x", s*c.x, got, row, c.want|sign<<15)
				}
			}
		}
	}
	if got := F32ToF16(float32(math.Inf(-1))); got != 0xfc00 {
		t.Errorf("-infinity became %#04x", got)
	}
	if got := F32ToF16(math.MaxFloat32); got != 0x7c00 {
		t.Errorf("the largest float became %#04x", got)
	}
	if got := F32ToF16(math.SmallestNonzeroFloat32); got != 0 {
		t.Errorf("the smallest float became %#04x", got)
	}
}

func TestBF16(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		x := BF16ToF32(h)
		if back := F32ToBF16(x); back != h && (x == x || back != h|0x40) {
			t.Fatalf("%#04x came back as %#04x", h, back)
		}
	}
	for _, c := range []struct{ bits, want uint32 }{
		{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x3f808001, 0x3f81}, {0x3f807fff, 0x3f80},
		{0x7f7fffff, 0x7f80}, {0xff7f8000, 0xff80}, {0x7f800000, 0x7f80}, {0x7f800001, 0x7fc0}, {0x00008000, 0},
	} {
		if got := F32ToBF16(math.Float32frombits(c.bits)); uint32(got) != c.want {
			t.Errorf("F32ToBF16(%#08x) = %#04x, want %#04x", c.bits, got, c.want)
		}
	}
}

// Numbers that no model has, but a broken checkpoint may: no panic, and one answer on every platform.
func TestQuantizeQ8_0Strange(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name        string
		first, rest float32
		want        [2]int8
	}{
		{"NaN", nan, 1, [2]int8{0, 127}},
		{"infinity", inf, 1, [2]int8{0, 0}},
		{"subnormal", math.SmallestNonzeroFloat32, 0, [2]int8{0, 0}},
		{"smallest normal", 0x1p-126, -0x1p-126, [2]int8{127, -127}},
		{"largest", math.MaxFloat32, -math.MaxFloat32, [2]int8{127, -127}},
	} {
		x := make([]float32, 32)
		for i := range x {
			x[i] = c.rest
		}
		x[0] = c.first
		out := make([]byte, 34)
		quantizeQ8_0(out, x)
		if got := [2]int8{int8(out[2]), int8(out[3])}; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	for _, f := range formats {
		if f.Dequantize == nil {
			continue
		}
		b.Run(f.Name, func(b *testing.B) {
			n := 4096
			src := make([]byte, n/f.BlockElems*f.BlockBytes)
			dst := make([]float32, n)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				f.Dequantize(dst, src)
			}
		})
	}
}
