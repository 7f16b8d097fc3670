//go:build !purego

package kernels

import (
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// TestRowUnpackNEON: rows unpacked by kernels have plain Go's integers and floats.
func TestRowUnpackNEON(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, typ := range allTypesTested {
		if rowUnpack[typ] == nil || typ == quant.Q2_K { // Q2_K's weights have their sub-scales in
			continue
		}
		m := randomMatrix(t, rng, typ, 16, 768, func(n int) []byte { return guarded(t, n) })
		var want, got rowForm
		want.resize(m.Cols)
		got.resize(m.Cols)
		for r := range m.Rows {
			rowUnpack[typ](&want, m.row(r))
			rowUnpackNEON[typ](&got, m.row(r))
			sameBits(t, typ.String()+" d", got.d, want.d)
			if i := firstDifference(got.q, want.q); i >= 0 {
				t.Fatalf("%s row %d: weight %d is %d, want %d", typ, r, i, got.q[i], want.q[i])
			}
			if i := firstDifference(got.sub, want.sub); i >= 0 {
				t.Fatalf("%s row %d: sub-scale %d is %d, want %d", typ, r, i, got.sub[i], want.sub[i])
			}
			sameBits(t, typ.String()+" m", got.m, want.m)
			sameBits(t, typ.String()+" fsub", got.fsub, want.fsub)
		}
	}
}

func firstDifference(a, b []int8) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return -1
}
