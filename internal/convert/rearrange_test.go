package convert

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/quant"
)

// numbered is a tensor whose numbers are 0, 1, 2, ...
func numbered(shape ...int) *view {
	v := &view{shape: shape, name: "numbered"}
	cols := v.cols()
	v.read = func(dst []float32, row, rows int) error {
		for i := range rows * cols {
			dst[i] = float32(row*cols + i)
		}
		return nil
	}
	return v
}

// readThrough reads a view in pieces of so many rows.
func readThrough(t *testing.T, v *view, piece int) []float32 {
	t.Helper()
	if v.err != nil {
		t.Fatal(v.err)
	}
	rows, cols := v.rows(), v.cols()
	out := make([]float32, rows*cols)
	for r := 0; r < rows; r += piece {
		n := min(piece, rows-r)
		if err := v.read(out[r*cols:(r+n)*cols], r, n); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestRearranged(t *testing.T) {
	d := deltaSizes{keys: 2, values: 4, keyDim: 1, valueDim: 1}
	tests := []struct {
		name  string
		v     *view
		shape []int
		want  []float32
	}{
		{"columns", numbered(2, 4).columns(2, func(c int) int { return 2*c + 1 }), []int{2, 2}, []float32{1, 3, 5, 7}},
		{"within", numbered(2, 4, 2).within(1, 2, 2), []int{2, 2, 2}, []float32{2, 3, 6, 7, 10, 11, 14, 15}},
		{"flipped", numbered(2, 2, 3).flipped(), []int{2, 3, 2}, []float32{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11}},
		{"squeezed", numbered(3, 1, 2).squeezed(), []int{3, 2}, []float32{0, 1, 2, 3, 4, 5}},
		{"squeezed to one", numbered(1, 1).squeezed(), []int{1}, []float32{0}},
		{"scaled and more", numbered(3).scaled(2).plus(1), []int{3}, []float32{1, 3, 5}},
		{"negative exponentials", numbered(2).negativeExp(), []int{2}, []float32{-1, -float32(math.E)}},
		{"signs of one size", numbered(2, 2).plus(-1.5).ternary(), []int{2, 2}, []float32{-1, 0, 0, 1}},
		{"unit columns", numbered(2, 2).plus(1).unitColumns(), []int{2, 2}, []float32{
			1 / float32(math.Sqrt(10)), 2 / float32(math.Sqrt(20)), 3 / float32(math.Sqrt(10)), 4 / float32(math.Sqrt(20)),
		}},
		{"value heads in turn", numbered(d.values, 1).pick(d.values, func(r int) int {
			return r%d.keys*(d.values/d.keys) + r/d.keys
		}), []int{4, 1}, []float32{0, 2, 1, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.shape, test.v.shape); diff != "" {
				t.Fatalf("shape: -want +got:\n%s", diff)
			}
			for piece := 1; piece <= test.v.rows(); piece++ {
				got := readThrough(t, test.v, piece)
				for i, want := range test.want {
					if math.Abs(float64(got[i]-want)) > 1e-6 {
						t.Fatalf("pieces of %d: %v, want %v", piece, got, test.want)
					}
				}
			}
		})
	}
}

func TestRearrangedWrongly(t *testing.T) {
	for name, v := range map[string]*view{
		"columns beyond the row":  numbered(2, 4).columns(2, func(c int) int { return 3 * c }).columns(1, func(int) int { return 2 }),
		"rows beyond the matrix":  numbered(2, 4).within(1, 2, 1),
		"rows of a vector":        numbered(4).within(0, 1, 1),
		"a vector turned over":    numbered(4).flipped(),
		"a matrix cut unequally":  numbered(3, 2).reshape(2, 2),
		"half heads that turn":    numbered(6, 2).turned(2),
		"stacks of other shapes":  stacked([]*view{numbered(2, 2), numbered(2, 3)}),
		"columns before the row":  numbered(2, 4).columns(1, func(int) int { return -1 }),
		"no rows of so large one": numbered(2, 4).within(0, 0, 1),
	} {
		if v.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestMXFP4Block holds a block as checkpoints have it against the numbers that it stands for.
func TestMXFP4Block(t *testing.T) {
	values := []float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6}
	pairs := make([]byte, mxfp4Elems/2)
	want := make([]float32, mxfp4Elems)
	for i := range want {
		code := (5*i + 3) % 16
		pairs[i/2] |= byte(code << (4 * (i % 2)))
		want[i] = 4 * values[code] // 2^(129-127)
	}
	block := make([]byte, mxfp4Bytes)
	mxfp4Block(block, pairs, 129)
	f, _ := quant.MXFP4.Format()
	got := make([]float32, mxfp4Elems)
	f.Dequantize(got, block)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRWKV7Names(t *testing.T) {
	for from, want := range map[string]string{
		"model.layers.3.attn.w_lora.lora.0.weight": "model.layers.3.attention.w_lora.lora.0.weight",
		"model.layers.3.ffn_norm.bias":             "model.layers.3.ln2.bias",
		"model.blocks.3.self_attn.r_proj.weight":   "model.layers.3.attention.receptance.weight",
		"model.layers.3.attn.g_norm.weight":        "model.layers.3.attention.ln_x.weight",
		"model.layers.3.attn_norm.weight":          "model.layers.3.ln1.weight",
		"model.layers.3.ffn.key.weight":            "model.layers.3.feed_forward.key.weight",
	} {
		if got := rwkv7Name(from); got != want {
			t.Errorf("%s is %s, want %s", from, got, want)
		}
	}
}
