//go:build !purego

package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// guarded returns n bytes that end right before a page that cannot be read.
func guarded(t testing.TB, n int) []byte {
	t.Helper()
	page := unix.Getpagesize()
	size := (n + page - 1) / page * page
	b, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	for _, at := range []int{0, page + size} {
		if err := unix.Mprotect(b[at:at+page], unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return b[page+size-n : page+size : page+size]
}

// eachTier runs f in every assembly tier that this CPU has.
func eachTier(t *testing.T, f func(t *testing.T)) {
	for _, tier := range Tiers()[1:] {
		t.Run(tier.Name, func(t *testing.T) {
			restore, err := Use(tier.Name)
			if err != nil {
				t.Skip(err)
			}
			defer restore()
			f(t)
		})
	}
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: [%d] = %g (%08x), plain Go has %g (%08x)", what, i,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// TestMulEqualsGo: products of every type, with weights between guard pages,
// ranges that begin and end anywhere, and few and many tokens.
func TestMulEqualsGo(t *testing.T) {
	eachTier(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 10))
		for _, typ := range allTypesTested {
			f, _ := typ.Format()
			for _, blocks := range []int{1, 2, 3, 6, 9} {
				k := f.BlockElems * blocks
				switch {
				case f.BlockElems == 1:
					k = []int{1, 15, 16, 40, 576}[blocks%5]
				case f.BlockElems == 256 && blocks > 3:
					continue
				}
				m := randomMatrix(t, rng, typ, 43, k, func(n int) []byte { return guarded(t, n) })
				for _, n := range []int{1, 3, 4, 5, 9, 37} {
					a := randomActs(rng, n, k)
					got, want := make([]float32, n*m.Rows), make([]float32, n*m.Rows)
					s := NewScratch()
					for _, r := range [][2]int{{0, 43}, {8, 24}, {3, 20}, {41, 43}} {
						clear(got)
						clear(want)
						m.MulRows(got, m.Rows, r[0], r[1], a, s)
						goTier.many[typ](want, m.Rows, &m, r[0], r[1], a, s)
						sameBits(t, fmt.Sprintf("%s, %d columns, %d tokens, rows %d to %d", typ, k, n, r[0], r[1]), got, want)
					}
				}
			}
		}
	})
}
