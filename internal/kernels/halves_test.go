package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// TestHalvesRange: activations of any size, alike or not, keep F16's 11 bits in
// products with F16 weights; what is far from F16's range neither overflows nor vanishes.
func TestHalvesRange(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	m := randomMatrix(t, rng, quant.F16, 24, 96, heap)
	w := make([]float32, m.Cols)
	for _, size := range []float32{0, 1e-25, 1e-17, 1e-6, 1, 65504, 1e6, 1e17} {
		for _, spike := range []float32{1, 1000} {
			for _, n := range []int{1, 50} {
				a := randomActs(rng, n, m.Cols)
				for i := range a.X {
					a.X[i] *= size
				}
				a.X[5] *= spike
				dst := make([]float32, n*m.Rows)
				m.MulRows(dst, m.Rows, 0, m.Rows, a, NewScratch())
				for r := range m.Rows {
					m.Row(w, r)
					for tok := range n {
						var want, most float64
						for i, v := range w {
							p := float64(v) * float64(a.X[tok*a.K+i])
							want += p
							most += math.Abs(p)
						}
						if got := float64(dst[tok*m.Rows+r]); !(math.Abs(got-want) <= most/2048) {
							t.Fatalf("activations of size %g, row %d, token %d of %d: %g, want %g", size, r, tok, n, got, want)
						}
					}
				}
			}
		}
	}
}

func TestF16Range(t *testing.T) {
	for _, norm := range []float64{0x1p-60, 1e-9, 0.9, 1, 1.5, 2, 3, 65504, 0x1p63} {
		scale, back := f16Range(float32(norm * norm))
		if got := norm * float64(scale); got < 0x1p14 || got >= 0x1p15 {
			t.Errorf("a norm of %g becomes %g", norm, got)
		}
		if scale*back != 1 {
			t.Errorf("norm %g: %g there, %g back", norm, scale, back)
		}
	}
	for _, squares := range []float32{0, 0x1p-149, math.MaxFloat32, float32(math.Inf(1))} {
		if scale, back := f16Range(squares); scale*back != 1 {
			t.Errorf("squares of %g: %g there, %g back", squares, scale, back)
		}
	}
}
