package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// eachTier runs f once per tier of this build that the CPU has, except plain Go.
func eachTier(t *testing.T, f func(t *testing.T)) {
	for _, tier := range Tiers() {
		if tier.Name == "go" {
			continue
		}
		t.Run(tier.Name, func(t *testing.T) {
			if !tier.Supported {
				t.Skipf("this CPU does not run tier %s", tier.Name)
			}
			restore, err := Use(tier.Name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}

// inGo runs f with plain Go.
func inGo(t *testing.T, f func()) {
	restore, err := Use("go")
	if err != nil {
		t.Fatal(err)
	}
	defer restore()
	f()
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %g (%08x), want %g (%08x)", what, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// TestMulRowsTiers: every type, every tier, odd rows and tokens; weights end
// at a page that must not be touched; nothing but the asked rows is written.
func TestMulRowsTiers(t *testing.T) {
	shapes := []struct{ rows, cols, r0, r1 int }{
		{64, 256, 0, 64}, {100, 512, 0, 100}, {48, 768, 0, 48}, {5, 256, 0, 5}, {21, 256, 3, 20}, {131, 256, 96, 131},
		{17, 96, 0, 17}, {80, 576, 16, 80}, {24, 48, 0, 24}, {20, 41, 0, 20},
	}
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for _, typ := range allTypesTested {
			f, _ := typ.Format()
			for _, s := range shapes {
				if s.cols%f.BlockElems != 0 {
					continue
				}
				m := randomMatrix(t, rng, typ, s.rows, s.cols, func(n int) []byte { return guarded(t, n) })
				for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 12, 17} {
					a := randomActs(rng, n, s.cols)
					stride := s.rows + 3
					want := make([]float32, n*stride)
					for i := range want {
						want[i] = 12345
					}
					got := append([]float32(nil), want...)
					inGo(t, func() { m.MulRows(want, stride, s.r0, s.r1, a, NewScratch()) })
					m.MulRows(got, stride, s.r0, s.r1, a, NewScratch())
					sameBits(t, fmt.Sprintf("%s rows %d:%d of %d, %d columns, %d tokens", typ, s.r0, s.r1, s.rows, s.cols, n), got, want)
				}
			}
		}
	})
}

// TestMulRowsExtremes: the largest weights and activations, where a narrow
// sum would overflow.
func TestMulRowsExtremes(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, typ := range allTypesTested {
			if rowUnpack[typ] == nil {
				continue
			}
			for _, fill := range []byte{0, 0x0f, 0x80, 0x7f, 0xff} {
				m := randomMatrix(t, rng, typ, 48, 512, heap)
				for i := range m.Data {
					m.Data[i] = fill
				}
				f, _ := typ.Format()
				for b := 0; b < len(m.Data); b += f.BlockBytes {
					for _, at := range halfScales[typ] {
						m.Data[b+at], m.Data[b+at+1] = 0, 0x3c // 1.0
					}
					tame(typ, m.Data[b:b+f.BlockBytes])
				}
				for _, sign := range []float32{1, -1} {
					for _, n := range []int{1, 4} {
						a := randomActs(rng, n, 512)
						for i := range a.X {
							a.X[i] = sign
							if i%64 >= 32 && i%2 == 1 {
								a.X[i] = -sign
							}
						}
						a.Quantize(0, n)
						want, got := make([]float32, n*48), make([]float32, n*48)
						inGo(t, func() { m.MulRows(want, 48, 0, 48, a, NewScratch()) })
						m.MulRows(got, 48, 0, 48, a, NewScratch())
						sameBits(t, fmt.Sprintf("%s filled with %#x, %d tokens of %g", typ, fill, n, sign), got, want)
					}
				}
			}
		}
	})
}

// TestMulRowsScales: every byte that is a scale of MXFP4 and NVFP4.
func TestMulRowsScales(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for typ, cols := range map[quant.Type]int{quant.MXFP4: 32, quant.NVFP4: 64} {
			f, _ := typ.Format()
			m := randomMatrix(t, rng, typ, 256, cols, heap)
			for r := range m.Rows {
				m.Data[r*f.BlockBytes] = byte(r)
			}
			for _, n := range []int{1, 4} {
				a := randomActs(rng, n, cols)
				want, got := make([]float32, n*m.Rows), make([]float32, n*m.Rows)
				inGo(t, func() { m.MulRows(want, m.Rows, 0, m.Rows, a, NewScratch()) })
				m.MulRows(got, m.Rows, 0, m.Rows, a, NewScratch())
				sameBits(t, fmt.Sprintf("%s, %d tokens", typ, n), got, want)
			}
		}
	})
}

func TestMulRowsAllocates(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, typ := range []quant.Type{quant.Q4_0, quant.Q6_K, quant.F16} {
		for _, n := range []int{1, 8} {
			m := randomMatrix(t, rng, typ, 96, 512, heap)
			a, s, dst := randomActs(rng, n, 512), NewScratch(), make([]float32, 96*n)
			m.MulRows(dst, 96, 0, 96, a, s)
			if got := testing.AllocsPerRun(10, func() { m.MulRows(dst, 96, 0, 96, a, s); a.Quantize(0, n) }); got != 0 {
				t.Errorf("%s, %d tokens: %g allocations", typ, n, got)
			}
		}
	}
}
