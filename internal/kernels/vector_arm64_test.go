//go:build !purego

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// guardedFloats is a slice that ends before a page that must not be touched.
func guardedFloats(t *testing.T, x []float32) []float32 {
	b := guarded(t, 4*len(x))
	if len(x) == 0 {
		return nil
	}
	g := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(x))
	copy(g, x)
	return g
}

// TestVectorsEqualGo runs every vector function on lengths around its steps,
// on ordinary values and on ones where exp saturates and blocks vanish.
func TestVectorsEqualGo(t *testing.T) {
	odd := []float32{0, float32(math.Copysign(0, -1)), 1e-38, -1e-38, 1e-45, 88.5, -88.5, 200, -200, 87.3, -87.336, 1e30, -1e30, 1e-20, 70000, -70000, 65519, 1e-7}
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		for _, n := range []int{1, 3, 4, 7, 12, 15, 16, 17, 20, 32, 36, 63, 64, 96, 130, 576} {
			for _, special := range []bool{false, true} {
				x, y, z := make([]float32, n), make([]float32, n), make([]float32, n)
				for i := range x {
					x[i], y[i], z[i] = float32(rng.NormFloat64())*4, float32(rng.NormFloat64()), float32(rng.NormFloat64())
					if special && rng.IntN(3) == 0 {
						x[i] = odd[rng.IntN(len(odd))]
					}
				}
				for name, f := range vectorCases(n) {
					want, got := make([]float32, n), guardedFloats(t, z)
					copy(want, z)
					inGo(t, func() { f(want, x, y) })
					f(got, guardedFloats(t, x), guardedFloats(t, y))
					sameBits(t, fmt.Sprintf("%s of %d (special %v)", name, n, special), got, want)
				}
			}
		}
	})
}

// vectorCases are functions of x and y that change z, all of length n.
func vectorCases(n int) map[string]func(z, x, y []float32) {
	c := map[string]func(z, x, y []float32){
		"dot":     func(z, x, y []float32) { z[0] = Dot(x, y) },
		"axpy":    func(z, x, y []float32) { Axpy(z, y[0], x) },
		"add":     func(z, x, y []float32) { Add(z, x, y) },
		"mul":     func(z, x, y []float32) { Mul(z, x, y) },
		"scale":   func(z, x, y []float32) { Scale(z, x, y[0]) },
		"rmsnorm": func(z, x, y []float32) { RMSNorm(z, x, y, 1e-5) },
		"rms":     func(z, x, y []float32) { RMSNorm(z, x, nil, 1e-5) },
		"softmax": func(z, x, y []float32) { copy(z, x); Softmax(z) },
		"swiglu":  func(z, x, y []float32) { SwiGLU(z, x, y) },
		"geglu":   func(z, x, y []float32) { GeGLU(z, x, y) },
		"storef16": func(z, x, y []float32) {
			StoreKV(1, unsafe.Slice((*byte)(unsafe.Pointer(&z[0])), 4*n)[:2*n], x)
		},
		"ropeneox": func(z, x, y []float32) { RopeNeox(z, x[:n/2], y[:n/2]) },
		"ropenorm": func(z, x, y []float32) { RopeNorm(z, x[:n/2], y[:n/2]) },
	}
	if n%32 == 0 {
		c["quantize"] = func(z, x, y []float32) {
			a := &Acts{}
			a.Resize(1, n)
			copy(a.X, x)
			a.Quantize(0, 1)
			for i := range z {
				z[i] = float32(a.Q[i])
			}
			for b, d := range a.D {
				z[8*b], z[8*b+1], z[8*b+2] = d, a.DS[b], float32(a.C[b])+float32(a.C16[2*b])/3+float32(a.C16[2*b+1])/7
				z[8*b+3], z[8*b+4] = float32(a.S[2*b]), float32(a.S[2*b+1])
				for i := range 27 {
					z[8*b+5] += float32(i+1) * float32(a.Q[32*b+i])
				}
			}
		}
	}
	return c
}
