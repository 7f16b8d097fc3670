package convert

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/gguf"
)

// ascending is a tensor with the numbers 0, 1, 2, ...
func ascending(shape ...int) *view {
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	cols := shape[len(shape)-1]
	return &view{shape: shape, name: "ascending", typ: "F32", read: func(dst []float32, row, rows int) error {
		copy(dst[:rows*cols], x[row*cols:])
		return nil
	}}
}

// configured is a maker with this configuration, without a file's name.
func configured(config string) *maker {
	return &maker{config: new(checkpoint.Object).WithDefaults(config), w: gguf.NewWriter(), arch: "test", layer: -1}
}

// readBy gives all numbers of a view, read in pieces of so many rows.
func readBy(t *testing.T, v *view, piece int) []float32 {
	t.Helper()
	cols := v.cols()
	x := make([]float32, v.rows()*cols)
	for r := 0; r < v.rows(); r += piece {
		n := min(piece, v.rows()-r)
		if err := v.read(x[r*cols:(r+n)*cols], r, n); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func TestPartsOfFused(t *testing.T) {
	// Two groups of three rows: two of the first part, one of the second.
	parts := ascending(6, 2).parts(2, 2, 1)
	for piece := 1; piece <= 4; piece++ {
		if diff := cmp.Diff([]float32{0, 1, 2, 3, 6, 7, 8, 9}, readBy(t, parts[0], piece)); diff != "" {
			t.Errorf("first part, %d rows at once (-want +got):\n%s", piece, diff)
		}
		if diff := cmp.Diff([]float32{4, 5, 10, 11}, readBy(t, parts[1], piece)); diff != "" {
			t.Errorf("second part, %d rows at once (-want +got):\n%s", piece, diff)
		}
	}
	biases := ascending(6).parts(2, 2, 1)
	if diff := cmp.Diff([]float32{0, 1, 3, 4}, readBy(t, biases[0], 1)); diff != "" {
		t.Errorf("of a bias (-want +got):\n%s", diff)
	}
	for _, wrong := range []*view{ascending(7, 2).parts(2, 2, 1)[0], ascending(6, 2).parts(0, 2, 1)[1]} {
		if wrong.err == nil {
			t.Errorf("a matrix of another height was taken apart: %v", wrong.shape)
		}
	}
}

func TestPadded(t *testing.T) {
	v := ascending(2, 2).padded(4)
	for piece := 1; piece <= 4; piece++ {
		if diff := cmp.Diff([]float32{0, 1, 2, 3, 0, 0, 0, 0}, readBy(t, v, piece)); diff != "" {
			t.Errorf("%d rows at once (-want +got):\n%s", piece, diff)
		}
	}
	if v := ascending(3, 2).padded(2); v.rows() != 3 {
		t.Errorf("padding to fewer rows gives %d", v.rows())
	}
}

// TestLlama3Factors: fast angles stay, slow ones are divided, those between go over.
func TestLlama3Factors(t *testing.T) {
	m := configured(`{"hidden_size": 64, "num_attention_heads": 1, "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0,
		"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}}`)
	m.llama3Factors()
	if m.err != nil {
		t.Fatal(m.err)
	}
	x := readBy(t, m.outputs[0].view, 1)
	if len(x) != 32 || x[0] != 1 || x[31] != 8 {
		t.Errorf("%d factors, from %g to %g; want 32, from 1 to 8", len(x), x[0], x[31])
	}
	for i := 1; i < len(x); i++ {
		if x[i] < x[i-1] {
			t.Errorf("factor %d is %g, the one before %g", i, x[i], x[i-1])
		}
	}
}

// TestWrongRotations are errors that say what is wrong.
func TestWrongRotations(t *testing.T) {
	for _, c := range []struct{ name, config, want string }{
		{"llama3", `{"hidden_size": 64, "num_attention_heads": 1, "rope_scaling": {"type": "llama3", "low_freq_factor": 2, "high_freq_factor": 2}}`,
			": rotation of type llama3: factor 8 from 2 to 2 for heads of 64"},
		{"long", `{"rope_scaling": {"type": "longrope", "long_factor": [1], "short_factor": [1, 2]}}`,
			": 1 factors for long contexts and 2 for short ones, want 4"},
		{"dynamic", `{"rope_scaling": {"type": "dynamic", "alpha": -1}}`, ": rotation of type dynamic: base 10000, alpha -1 for heads of 8"},
		{"proportional", `{"rope_parameters": {"rope_type": "default"}}`,
			`: "rope_parameters": layers with full attention turn in the way "default", want "proportional"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := configured(c.config)
			switch c.name {
			case "llama3":
				m.llama3Factors()
			case "long":
				m.longFactors(8)
			case "dynamic":
				m.ntkAlpha(50, 8)
			case "proportional":
				m.proportionalFactors(8)
			}
			if m.err == nil || m.err.Error() != c.want {
				t.Errorf("error %v, want %s", m.err, c.want)
			}
		})
	}
}

func TestSparsity(t *testing.T) {
	m := configured(`{"activation_sparsity_pattern": [0.95, 0.5, 0.0]}`)
	m.layers = 3
	x := m.sparsity()
	if len(x) != 3 || math.Abs(float64(x[0])-1.6448536) > 1e-6 || x[1] != 0 || !math.IsInf(float64(x[2]), -1) {
		t.Errorf("deviations %v, want 1.6448536, 0, -Inf", x)
	}
	m = configured(`{"activation_sparsity_pattern": [0.95]}`)
	m.layers = 3
	if m.sparsity(); m.err == nil {
		t.Error("one number for three layers was taken")
	}
}
