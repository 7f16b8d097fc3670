package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// vectorOps are the functions on float vectors, each with up to four inputs
// and a result in dst.
var vectorOps = []struct {
	name string
	f    func(dst, x, y, z []float32)
}{
	{"Dot", func(dst, x, y, z []float32) { clear(dst); dst[0] = Dot(x, y) }},
	{"Axpy", func(dst, x, y, z []float32) { copy(dst, y); Axpy(dst, 0.37, x) }},
	{"Add", func(dst, x, y, z []float32) { Add(dst, x, y) }},
	{"Mul", func(dst, x, y, z []float32) { Mul(dst, x, y) }},
	{"Scale", func(dst, x, y, z []float32) { Scale(dst, x, 1.7) }},
	{"RMSNorm", func(dst, x, y, z []float32) { RMSNorm(dst, x, y, 1e-5) }},
	{"RMSNorm bare", func(dst, x, y, z []float32) { RMSNorm(dst, x, nil, 1e-5) }},
	{"LayerNorm", func(dst, x, y, z []float32) { LayerNorm(dst, x, y, z, 1e-5) }},
	{"LayerNorm bare", func(dst, x, y, z []float32) { LayerNorm(dst, x, nil, nil, 1e-5) }},
	{"LayerNorm no bias", func(dst, x, y, z []float32) { LayerNorm(dst, x, y, nil, 1e-5) }},
	{"Softmax", func(dst, x, y, z []float32) { copy(dst, x); Softmax(dst) }},
	{"SwiGLU", func(dst, x, y, z []float32) { SwiGLU(dst, x, y) }},
	{"GeGLU", func(dst, x, y, z []float32) { GeGLU(dst, x, y) }},
	{"Softcap", func(dst, x, y, z []float32) { copy(dst, x); Softcap(dst, 0.7, 5) }},
	{"Tanh", func(dst, x, y, z []float32) { copy(dst, x); Softcap(dst, 1, 1) }},
	{"RopeNorm", func(dst, x, y, z []float32) { copy(dst, x); n := len(x) / 2; RopeNorm(dst, y[:n], z[:n]) }},
	{"RopeNeox", func(dst, x, y, z []float32) { copy(dst, x); n := len(x) / 2; RopeNeox(dst, y[:n], z[:n]) }},
	{"RopeNeox part", func(dst, x, y, z []float32) { copy(dst, x); n := len(x) / 4; RopeNeox(dst, y[:n], z[:n]) }},
	{"StoreKV f16", func(dst, x, y, z []float32) { storeAndWiden(dst, x, quant.F16) }},
	{"StoreKV f32", func(dst, x, y, z []float32) { storeAndWiden(dst, x, quant.F32) }},
	{"StoreKV q8_0", func(dst, x, y, z []float32) {
		if n := len(x) &^ 31; n > 0 {
			storeAndWiden(dst[:n], x[:n], quant.Q8_0)
		}
	}},
}

func storeAndWiden(dst, x []float32, typ quant.Type) {
	b := make([]byte, 4*len(x))
	StoreKV(typ, b, x)
	widenKV(typ, dst, b)
}

// TestVectorTiers compares every vector function with plain Go: odd lengths,
// unaligned starts, wide and extreme values, canaries behind the result.
func TestVectorTiers(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 9))
		for _, scale := range []float64{1, 30, 1e-3, 1e30, 1e-40} {
			for _, n := range []int{1, 2, 7, 15, 16, 17, 32, 48, 63, 64, 80, 96, 100, 256, 576, 1031} {
				for shift := range 3 {
					in := make([][]float32, 3)
					for i := range in {
						in[i] = make([]float32, n+shift)[shift:]
						for j := range in[i] {
							in[i][j] = float32(rng.NormFloat64() * scale)
							if rng.IntN(50) == 0 {
								in[i][j] = 0
							}
						}
					}
					for _, op := range vectorOps {
						want, got := make([]float32, n+shift+16)[shift:], make([]float32, n+shift+16)[shift:]
						for i := range want {
							want[i], got[i] = 77, 77
						}
						inGo(t, func() { op.f(want[:n], in[0], in[1], in[2]) })
						op.f(got[:n], in[0], in[1], in[2])
						sameBits(t, fmt.Sprintf("%s of %d values of size %g", op.name, n, scale), got, want)
					}
				}
			}
		}
	})
}

// TestExpTiers: SwiGLU, GeGLU, Softcap, Tanh and Softmax over the whole range of exp.
func TestExpTiers(t *testing.T) {
	var x, one []float32
	for v := -130.0; v < 130; v += 0.0137 {
		x = append(x, float32(v))
	}
	x = append(x, 0, -87.33654, -87.33655, 88.37626, 88.37627, 1e38, -1e38, float32(math.Inf(1)), float32(math.Inf(-1)))
	for len(x)%16 != 0 {
		x = append(x, -3)
	}
	for range x {
		one = append(one, 1)
	}
	eachTier(t, func(t *testing.T) {
		for _, op := range vectorOps {
			switch op.name {
			case "SwiGLU", "GeGLU", "Softcap", "Tanh":
				want, got := make([]float32, len(x)), make([]float32, len(x))
				inGo(t, func() { op.f(want, x, one, one) })
				op.f(got, x, one, one)
				for i := range want {
					if want[i] != want[i] && got[i] != got[i] {
						want[i], got[i] = 0, 0 // NaN has many forms
					}
				}
				sameBits(t, op.name, got, want)
			case "Softmax":
				for i := 0; i+32 < len(x)-16; i += 16 {
					want, got := make([]float32, 32), make([]float32, 32)
					inGo(t, func() { op.f(want, x[i:i+32], one, one) })
					op.f(got, x[i:i+32], one, one)
					sameBits(t, op.name, got, want)
				}
			}
		}
	})
}

func TestQuantizeTiers(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		for _, scale := range []float64{1, 1e-30, 1e-31, 1e-44, 1e35} {
			want, got := &Acts{}, &Acts{}
			want.Resize(5, 320)
			got.Resize(5, 320)
			for i := range want.X {
				v := float32(rng.NormFloat64() * scale)
				switch {
				case i/32%7 == 3:
					v = 0
				case i%32 == 9:
					v = float32(math.Round(float64(v))) + 0.5
				}
				want.X[i], got.X[i] = v, v
			}
			inGo(t, func() { want.Quantize(0, 5) })
			got.Quantize(0, 2)
			got.Quantize(2, 5)
			for i := range want.Q {
				if want.Q[i] != got.Q[i] {
					t.Fatalf("Q[%d] = %d, want %d (%g)", i, got.Q[i], want.Q[i], want.X[i])
				}
			}
			sameBits(t, "D", got.D, want.D)
			sameBits(t, "DS", got.DS, want.DS)
			for i := range want.S {
				if want.S[i] != got.S[i] || want.C16[i] != got.C16[i] || want.C[i/2] != got.C[i/2] {
					t.Fatalf("sums of half block %d: %d %d %d, want %d %d %d", i, got.S[i], got.C16[i], got.C[i/2], want.S[i], want.C16[i], want.C[i/2])
				}
			}
		}
	})
}

// TestAttendTiers: Attend and AttendMany against plain Go, with caches that end
// where the last position does and with room behind it.
func TestAttendTiers(t *testing.T) {
	params := []AttendParams{{Scale: 0.125}, {Scale: 0.2, Softcap: 3}, {Scale: 0.1, Slope: 0.01, Pos: 150},
		{Scale: 0.1, HasSink: true, Sink: 5}, {Scale: 0.1, HasSink: true, Sink: -5}, {Scale: -0.1}}
	ranges := [][2]int{{0, 1}, {0, 5}, {0, 16}, {0, 200}, {70, 151}, {63, 65}, {64, 192}, {3, 64}, {130, 200}, {9, 9}}
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, typ := range []quant.Type{quant.F32, quant.F16, quant.Q8_0} {
			for _, dim := range [][2]int{{64, 64}, {128, 128}, {256, 256}, {64, 32}, {96, 160}, {32, 16}, {40, 24}} {
				if typ == quant.Q8_0 && (dim[0]%32 != 0 || dim[1]%32 != 0) {
					continue
				}
				kv, _, _ := randomCache(rng, typ, 200, dim[0], dim[1])
				kv.K = append(guarded(t, len(kv.K))[:0], kv.K...)
				kv.V = append(guarded(t, len(kv.V))[:0], kv.V...)
				s := NewScratch()
				var qs []Query
				var wants [][]float32
				for _, p := range params {
					for _, r := range ranges {
						q := make([]float32, dim[0])
						for i := range q {
							q[i] = float32(rng.NormFloat64())
						}
						want, got := make([]float32, dim[1]), make([]float32, dim[1])
						inGo(t, func() { Attend(want, q, kv, r[0], r[1], p, s) })
						Attend(got, q, kv, r[0], r[1], p, s)
						sameBits(t, fmt.Sprintf("%s %v %+v %v", typ, dim, p, r), got, want)
						short := kv
						if r[1] > 0 {
							short.K, short.V = kv.K[:r[1]*len(kv.K)/200], kv.V[:r[1]*len(kv.V)/200]
							clear(got)
							Attend(got, q, short, r[0], r[1], p, s)
							sameBits(t, fmt.Sprintf("%s %v %+v %v, short cache", typ, dim, p, r), got, want)
						}
						qs = append(qs, Query{Out: make([]float32, dim[1]), Q: q, From: r[0], To: r[1], Params: p})
						wants = append(wants, want)
					}
				}
				AttendMany(qs, kv, s)
				for i := range qs {
					sameBits(t, fmt.Sprintf("%s %v: query %d of many", typ, dim, i), qs[i].Out, wants[i])
				}
				// In another order, neighbours see the same positions.
				var sorted []Query
				for i := range qs {
					from := i%len(params)*len(ranges) + i/len(params)
					sorted = append(sorted, qs[from])
					sorted[i].Out = make([]float32, dim[1])
					wants = append(wants, wants[from])
				}
				AttendMany(sorted, kv, s)
				for i := range sorted {
					sameBits(t, fmt.Sprintf("%s %v: query %d of many, sorted", typ, dim, i), sorted[i].Out, wants[len(qs)+i])
				}
			}
		}
	})
}
