package model

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// The references here are the formulas in float64, written for reading.

func randoms(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// randomMatrix is out rows of in float32, about unit gain.
func randomMatrix(t *testing.T, r *rand.Rand, in, out int) kernels.Matrix {
	t.Helper()
	data := make([]byte, 4*in*out)
	for i := range in * out {
		v := float32(r.NormFloat64() / math.Sqrt(float64(in)))
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	m, err := kernels.NewMatrix(quant.F32, out, in, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func times(m *kernels.Matrix, x []float64) []float64 {
	y := make([]float64, m.Rows)
	row := make([]float32, m.Cols)
	for r := range y {
		m.Row(row, r)
		for i, w := range row {
			y[r] += float64(w) * x[i]
		}
	}
	return y
}

func rms(x []float64, w []float32, eps float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(sum/float64(len(x))+eps) * float64(w[i])
	}
	return y
}

// normReference is what a norm makes of x.
func normReference(n *norm, x []float64) []float64 {
	switch {
	case n == nil:
		return x
	case !n.mean:
		return rms(x, n.w, float64(n.eps))
	}
	mean, v := 0.0, 0.0
	for _, a := range x {
		mean += a / float64(len(x))
	}
	for _, a := range x {
		v += (a - mean) * (a - mean) / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, a := range x {
		y[i] = (a - mean) / math.Sqrt(v+float64(n.eps))
		if n.w != nil {
			y[i] *= float64(n.w[i])
		}
		if n.b != nil {
			y[i] += float64(n.b[i])
		}
	}
	return y
}

// headNormReference is normReference of head h, which may have weights of its own.
func headNormReference(n *norm, x []float64, h int) []float64 {
	if n == nil || len(n.w) <= len(x) {
		return normReference(n, x)
	}
	return normReference(&norm{w: n.w[h*len(x) : (h+1)*len(x)], mean: n.mean, eps: n.eps}, x)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func silu(x float64) float64 { return x / (1 + math.Exp(-x)) }

func gelu(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// nmse is the squared error relative to the square of want.
func nmse(got []float32, want []float64) float64 {
	var e, n float64
	for i, w := range want {
		d := float64(got[i]) - w
		e += d * d
		n += w * w
	}
	return e / n
}

// runBlock puts x through one block of a model made for the test, on a team of
// workers, with the tokens in passes of chunk, and returns what becomes of it.
func runBlock(t *testing.T, m *Model, b block, x []float32, workers, chunk int) []float32 {
	t.Helper()
	m.sizes = sizes{}
	b.size(&m.sizes)
	n := len(x) / m.Embd
	cache, err := kvcache.New(quant.F32, n, m.cache)
	if err != nil {
		t.Fatal(err)
	}
	team := parallel.New(workers)
	defer team.Close()
	s := m.NewState(chunk, workers)
	s.fit(cache)
	var out []float32
	for from := 0; from < n; from += chunk {
		k := min(chunk, n-from)
		copy(s.x, x[from*m.Embd:(from+k)*m.Embd])
		s.ids, s.pos, s.cache = make([]int32, k), cache.Len(), cache
		err := team.Run(nil, func(w *parallel.Worker) {
			p := s.begin(w)
			if w.ID() == 0 {
				for i := range k {
					for _, r := range m.ropes {
						r.table(s.rope[r.id][i*r.dim:(i+1)*r.dim], s.pos+i)
					}
				}
			}
			p.Barrier()
			b.run(p)
		})
		if err != nil {
			t.Fatal(err)
		}
		cache.Advance(k)
		out = append(out, s.x[:k*m.Embd]...)
	}
	return out
}

// sameBits runs a block in several ways that must not matter, checks that, and
// returns the result.
func sameBits(t *testing.T, m *Model, b block, x []float32) []float32 {
	t.Helper()
	n := len(x) / m.Embd
	first := runBlock(t, m, b, x, 1, n)
	for _, way := range []struct{ workers, chunk int }{{2, n}, {3, n}, {1, 1}, {2, 1}, {2, 2}, {3, 5}} {
		for i, v := range runBlock(t, m, b, x, way.workers, way.chunk) {
			if math.Float32bits(v) != math.Float32bits(first[i]) {
				t.Fatalf("%d workers, chunks of %d: element %d is %v, was %v", way.workers, way.chunk, i, v, first[i])
			}
		}
	}
	return first
}

func testLayerNorm(r *rand.Rand, n int) *norm {
	return &norm{w: randoms(r, n), b: randoms(r, n), mean: true, eps: 1e-5}
}

func testNorm(r *rand.Rand, n int) *norm { return &norm{w: randoms(r, n), eps: 1e-5} }
