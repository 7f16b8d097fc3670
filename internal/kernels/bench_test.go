package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"happyphonellm/internal/quant"
)

// benchTiers runs f in every tier that the CPU has.
func benchTiers(b *testing.B, f func(b *testing.B)) {
	for _, tier := range Tiers() {
		if !tier.Supported {
			continue
		}
		b.Run(tier.Name, func(b *testing.B) {
			restore, err := Use(tier.Name)
			if err != nil {
				b.Fatal(err)
			}
			defer restore()
			f(b)
		})
	}
}

// quickest times each call of f and reports work per nanosecond of the quickest:
// a figure that a busy machine disturbs little.
func quickest(b *testing.B, unit string, work float64, f func()) {
	top := time.Duration(math.MaxInt64)
	for range b.N {
		start := time.Now()
		f()
		top = min(top, time.Since(start))
	}
	b.ReportMetric(work/float64(top), unit)
	b.ReportMetric(0, "ns/op")
}

// BenchmarkDecode multiplies with one token weights that no cache holds;
// GB/s are bytes of weights.
func BenchmarkDecode(b *testing.B) {
	for _, typ := range allTypesTested {
		for _, cols := range []int{2048, 8192} {
			b.Run(fmt.Sprintf("%s/K%d", typ, cols), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				f, _ := typ.Format()
				rb, _ := f.RowBytes(cols)
				m := bigMatrix(b, rng, typ, (128<<20)/rb&^63, cols)
				a := randomActs(rng, 1, cols)
				dst, s := make([]float32, m.Rows), NewScratch()
				benchTiers(b, func(b *testing.B) {
					if Current() == "go" {
						b.Skip("too slow to be of interest")
					}
					part := m.Rows / 64 &^ 63
					r := 0
					quickest(b, "GB/s", float64(part*rb), func() {
						if r+part > m.Rows {
							r = 0
						}
						step := m.TileRows(1, 2)
						for end := r + part; r < end; r += step {
							m.MulRows(dst, m.Rows, r, min(r+step, end), a, s)
						}
					})
				})
			})
		}
	}
}

// BenchmarkDecodeCached is BenchmarkDecode on weights that stay in the cache:
// the kernels' own limit.
func BenchmarkDecodeCached(b *testing.B) {
	for _, typ := range allTypesTested {
		b.Run(typ.String(), func(b *testing.B) {
			const rows, cols = 96, 2048
			rng := rand.New(rand.NewPCG(1, 2))
			m := bigMatrix(b, rng, typ, rows, cols)
			a := randomActs(rng, 1, cols)
			dst, s := make([]float32, m.Rows), NewScratch()
			benchTiers(b, func(b *testing.B) {
				if Current() == "go" {
					b.Skip("too slow to be of interest")
				}
				quickest(b, "GB/s", float64(len(m.Data)), func() { m.MulRows(dst, m.Rows, 0, m.Rows, a, s) })
			})
		})
	}
}

// BenchmarkPrefill multiplies with many tokens; a weight and an activation
// count as two operations.
func BenchmarkPrefill(b *testing.B) {
	for _, typ := range allTypesTested {
		for _, n := range []int{4, 6, 8, 32, 512} {
			b.Run(fmt.Sprintf("%s/N%d", typ, n), func(b *testing.B) {
				const rows, cols = 1536, 2048
				rng := rand.New(rand.NewPCG(1, 2))
				m := bigMatrix(b, rng, typ, rows, cols)
				a := randomActs(rng, n, cols)
				dst, s := make([]float32, m.Rows*n), NewScratch()
				benchTiers(b, func(b *testing.B) {
					if Current() == "go" {
						b.Skip("too slow to be of interest")
					}
					r, step := 0, m.TileRows(n, 2)
					quickest(b, "GOPS", 2*float64(step*cols)*float64(n), func() {
						if r+step > m.Rows {
							r = 0
						}
						m.MulRows(dst, m.Rows, r, r+step, a, s)
						r += step
					})
				})
			})
		}
	}
}

// bigMatrix repeats a few random rows.
func bigMatrix(b *testing.B, rng *rand.Rand, typ quant.Type, rows, cols int) Matrix {
	small := randomMatrix(b, rng, typ, 8, cols, heap)
	data := make([]byte, rows*small.RowBytes)
	for i := 0; i < len(data); i += len(small.Data) {
		copy(data[i:], small.Data)
	}
	m, err := NewMatrix(typ, rows, cols, data)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkAttend is one head of 64 over 1024 positions of f16 cache; a score
// and a weighted value of one element count as two operations each.
func BenchmarkAttend(b *testing.B) {
	for _, many := range []int{1, 16} {
		for _, dim := range []int{64, 128, 256} {
			b.Run(fmt.Sprintf("queries%d/dim%d", many, dim), func(b *testing.B) {
				const n = 1024
				rng := rand.New(rand.NewPCG(1, 2))
				kv, _, _ := randomCache(rng, quant.F16, n, dim, dim)
				s := NewScratch()
				qs := make([]Query, many)
				for i := range qs {
					qs[i] = Query{Out: make([]float32, dim), Q: make([]float32, dim), To: n, Params: AttendParams{Scale: 0.1}}
					for j := range qs[i].Q {
						qs[i].Q[j] = float32(rng.NormFloat64())
					}
				}
				benchTiers(b, func(b *testing.B) {
					quickest(b, "GFLOPS", float64(many*n*dim*4), func() { AttendMany(qs, kv, s) })
				})
			})
		}
	}
}

// BenchmarkVector is the vector functions on 2048 floats.
func BenchmarkVector(b *testing.B) {
	in := make([][]float32, 4)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range in {
		in[i] = make([]float32, 2048)
		for j := range in[i] {
			in[i][j] = float32(rng.NormFloat64())
		}
	}
	for _, op := range vectorOps {
		b.Run(op.name, func(b *testing.B) {
			benchTiers(b, func(b *testing.B) {
				quickest(b, "elem/ns", 2048, func() { op.f(in[0], in[1], in[2], in[3]) })
			})
		})
	}
	a := randomActs(rng, 1, 2048)
	b.Run("Quantize", func(b *testing.B) {
		benchTiers(b, func(b *testing.B) {
			quickest(b, "elem/ns", 2048, func() { a.Quantize(0, 1) })
		})
	})
}
