//go:build !purego

package kernels

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// The benchmarks of this file are for build/arm64/count.sh, which counts their
// instructions exactly; "work" is the number of weights times tokens, or of
// values, that one iteration handles.

// BenchmarkCountMul multiplies a matrix of SmolLM2's widths in the best tier.
func BenchmarkCountMul(b *testing.B) {
	for _, typ := range allTypesTested {
		for _, n := range []int{1, 64} {
			f, _ := typ.Format()
			rows, cols := 64, 576
			if f.BlockElems > 64 {
				cols = 1536
			}
			b.Run(fmt.Sprintf("%s/tokens=%d/work=%d", typ, n, rows*cols*n), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				m := randomMatrix(b, rng, typ, rows, cols, heap)
				a := randomActs(rng, n, cols)
				dst := make([]float32, n*rows)
				s := NewScratch()
				b.ResetTimer()
				for range b.N {
					m.MulRows(dst, rows, 0, rows, a, s)
				}
			})
		}
	}
}

// BenchmarkCountVector runs the other kernels over vectors of 576 values.
func BenchmarkCountVector(b *testing.B) {
	const n = 576
	rng := rand.New(rand.NewPCG(2, 3))
	x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i], y[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
	}
	a := randomActs(rng, 1, n)
	half := make([]byte, 2*n)
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"quantize", func() { a.Quantize(0, 1) }},
		{"rmsnorm", func() { RMSNorm(z, x, y, 1e-5) }},
		{"swiglu", func() { SwiGLU(z, x, y) }},
		{"geglu", func() { GeGLU(z, x, y) }},
		{"softmax", func() { copy(z, x); Softmax(z) }},
		{"add", func() { Add(z, x, y) }},
		{"dot", func() { z[0] = Dot(x, y) }},
		{"axpy", func() { Axpy(z, 0, x) }},
		{"ropeneox", func() { RopeNeox(z, x[:n/2], y[:n/2]) }},
		{"ropenorm", func() { RopeNorm(z, x[:n/2], y[:n/2]) }},
		{"storef16", func() { StoreKV(quant.F16, half, x) }},
	} {
		b.Run(fmt.Sprintf("%s/work=%d", c.name, n), func(b *testing.B) {
			for range b.N {
				c.f()
			}
		})
	}
}

// BenchmarkCountAttend is one head of 64 over 128 positions.
func BenchmarkCountAttend(b *testing.B) {
	const dim, n = 64, 128
	for _, typ := range []quant.Type{quant.F16, quant.F32, quant.Q8_0} {
		b.Run(fmt.Sprintf("%s/work=%d", typ, dim*n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(4, 5))
			kv, _, _ := randomCache(rng, typ, n, dim, dim)
			q, out := make([]float32, dim), make([]float32, dim)
			for i := range q {
				q[i] = float32(rng.NormFloat64())
			}
			s := NewScratch()
			b.ResetTimer()
			for range b.N {
				Attend(out, q, kv, 0, n, AttendParams{Scale: 0.125}, s)
			}
		})
	}
}
