package convert

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/quant"
)

// made is a view of numbers in memory that BF16 holds, which can give their bytes;
// element i is i+first.
func made(first int, shape ...int) *view {
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i + first)
	}
	v := &view{shape: shape, name: "made", typ: "BF16", bytes: int64(2 * n), native: quant.BF16}
	cols := v.cols()
	f, _ := quant.BF16.Format()
	raw := make([]byte, 2*n)
	f.Quantize(raw, x)
	v.read = func(dst []float32, row, rows int) error {
		copy(dst[:rows*cols], x[row*cols:])
		return nil
	}
	v.raw = func(dst []byte, row, rows int) error {
		copy(dst[:2*rows*cols], raw[2*row*cols:])
		return nil
	}
	return v
}

// inPieces reads a view in pieces of up to n rows: its numbers, and, if it has them, its bytes as numbers.
func inPieces(t *testing.T, v *view, n int) (numbers, bytes []float32) {
	t.Helper()
	f, _ := quant.BF16.Format()
	for row := 0; row < v.rows(); row += n {
		rows := min(n, v.rows()-row)
		x := make([]float32, rows*v.cols())
		if err := v.read(x, row, rows); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, slices.Clone(x)...)
		if v.raw == nil {
			continue
		}
		b := make([]byte, rows*v.rowBytes())
		if err := v.raw(b, row, rows); err != nil {
			t.Fatal(err)
		}
		f.Dequantize(x, b)
		bytes = append(bytes, x...)
	}
	return numbers, bytes
}

// TestViews: what moves rows gives the right ones in pieces of any size, and the
// same as bytes.
func TestViews(t *testing.T) {
	for _, c := range []struct {
		name  string
		v     *view
		shape []int
		want  []float32
	}{
		{"whole", made(0, 2, 3), []int{2, 3}, []float32{0, 1, 2, 3, 4, 5}},
		{"reshaped", made(0, 2, 3).reshape(3, 2), []int{3, 2}, []float32{0, 1, 2, 3, 4, 5}},
		{"slice of rows", made(0, 4, 2).slice(1, 3), []int{2, 2}, []float32{2, 3, 4, 5}},
		{"slice of a vector", made(0, 6).slice(2, 5), []int{3}, []float32{2, 3, 4}},
		{"turned", made(0, 4, 1).turned(1), []int{4, 1}, []float32{0, 2, 1, 3}},
		{"turned, two heads", made(0, 8).turned(2), []int{8}, []float32{0, 2, 1, 3, 4, 6, 5, 7}},
		{"picked far apart", made(0, 9, 1).pick(3, func(r int) int { return 4 * (2 - r) }), []int{3, 1}, []float32{8, 4, 0}},
		{"joined", joined(made(0, 1, 2), made(10, 2, 2)), []int{3, 2}, []float32{0, 1, 10, 11, 12, 13}},
		{"joined vectors", joined(made(0, 2), made(10, 3)), []int{5}, []float32{0, 1, 10, 11, 12}},
		{"stacked", stacked([]*view{made(0, 2, 2), made(10, 2, 2)}), []int{2, 2, 2}, []float32{0, 1, 2, 3, 10, 11, 12, 13}},
		{"a slice of what is joined", joined(made(0, 2, 2), made(10, 2, 2)).slice(1, 3), []int{2, 2}, []float32{2, 3, 10, 11}},
		{"transposed", made(0, 2, 3).transposed(), []int{3, 2}, []float32{0, 3, 1, 4, 2, 5}},
		{"each", made(0, 3).each(func(x float32) float32 { return 2 * x }), []int{3}, []float32{0, 2, 4}},
	} {
		if c.v.err != nil {
			t.Errorf("%s: %v", c.name, c.v.err)
			continue
		}
		if !slices.Equal(c.v.shape, c.shape) {
			t.Errorf("%s: shape %v, want %v", c.name, c.v.shape, c.shape)
		}
		for n := 1; n <= 4; n++ {
			numbers, bytes := inPieces(t, c.v, n)
			if diff := cmp.Diff(c.want, numbers); diff != "" {
				t.Errorf("%s, %d rows at once: %s", c.name, n, diff)
			}
			if c.v.raw == nil {
				continue
			}
			if diff := cmp.Diff(c.want, bytes); diff != "" {
				t.Errorf("%s as bytes, %d rows at once: %s", c.name, n, diff)
			}
		}
		computed := c.name == "each" || c.name == "transposed"
		if (c.v.raw == nil) != computed {
			t.Errorf("%s: bytes can be read: %v", c.name, c.v.raw != nil)
		}
	}
}

func TestViewsRefuse(t *testing.T) {
	for _, c := range []struct {
		v    *view
		says string
	}{
		{made(0, 2, 3).reshape(4, 2), "shape"},
		{made(0, 2, 3).slice(1, 4), "2 rows"},
		{made(0, 3).slice(2, 1), "3 elements"},
		{made(0, 3, 2).turned(2), "heads"},
		{joined(made(0, 1, 2), made(0, 1, 3)), "rows of 3"},
		{stacked([]*view{made(0, 1, 2), made(0, 2, 2)}), "shape"},
		{made(0, 3).transposed(), "dimensions"},
		{made(0, 2, 3).reshape(4, 2).slice(0, 1).transposed(), "shape"},
	} {
		if c.v.err == nil || !strings.Contains(c.v.err.Error(), c.says) || !strings.Contains(c.v.err.Error(), "made") {
			t.Errorf("%v, want an error that says %q", c.v.err, c.says)
		}
	}
	if v := joined(made(0, 1, 2), made(0, 2, 3).reshape(9, 2)); v.err == nil {
		t.Error("a view of a wrong one is not wrong")
	}
}

// TestFinite: an infinity or NaN is found wherever it is, and nothing else is.
func TestFinite(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const cols = 7
	for typ, bad := range map[quant.Type][][]byte{
		quant.F32:  {{0, 0, 0x80, 0x7f}, {0, 0, 0x80, 0xff}, {1, 0, 0xc0, 0x7f}},
		quant.F16:  {{0, 0x7c}, {0, 0xfc}, {1, 0x7e}},
		quant.BF16: {{0x80, 0x7f}, {0x80, 0xff}, {0xc1, 0x7f}},
	} {
		f, _ := typ.Format()
		for range 50 {
			b := make([]byte, 3*cols*f.BlockBytes)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			for i := 0; i < len(b); i += f.BlockBytes {
				if high := &b[i+f.BlockBytes-1]; *high&0x7c == 0x7c {
					*high &^= 0x40 // the exponent is not all ones
				}
			}
			if err := finite(typ, b, 5, cols); err != nil {
				t.Fatalf("%s: %v of sound numbers", typ, err)
			}
			at := r.IntN(3 * cols)
			copy(b[at*f.BlockBytes:], bad[r.IntN(len(bad))])
			err := finite(typ, b, 5, cols)
			if err == nil || !strings.Contains(err.Error(), "row "+string(rune('5'+at/cols))+", column "+string(rune('0'+at%cols))+" ") {
				t.Fatalf("%s, element %d: %v", typ, at, err)
			}
		}
	}
}
