package kernels

import (
	"math"
	"testing"
)

// ulps is how far got is from want, in units of the last place of float32.
func ulps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	return math.Abs(float64(got)-want) / math.Ldexp(1, max(e, -125)-24)
}

func TestExpAllAndSoftplus(t *testing.T) {
	var x []float32
	for v := float32(-87.3); v < 87.3; v += 0.00731 {
		x = append(x, v)
	}
	for e := -40; e < 3; e++ {
		x = append(x, float32(math.Ldexp(1.1, e)), float32(math.Ldexp(-1.3, e)))
	}
	x = append(x, 0, float32(math.Copysign(0, -1)))
	got := make([]float32, len(x))
	ExpAll(got, x)
	worst, worstLog := 0.0, 0.0
	for i, v := range x {
		worst = max(worst, ulps(got[i], math.Exp(float64(v))))
		want := math.Log1p(math.Exp(float64(v)))
		worstLog = max(worstLog, ulps(Softplus(v), want))
	}
	if worst > 0.52 || worstLog > 0.6 {
		t.Errorf("errors of %v and %v ulp", worst, worstLog)
	}
	edges := []float32{-1000, float32(math.Inf(-1)), 1000, float32(math.Inf(1)), float32(math.NaN())}
	ExpAll(edges, edges)
	if edges[0] != 0 || edges[1] != 0 || edges[2] != edges[3] || math.IsInf(float64(edges[2]), 0) || edges[4] == edges[4] {
		t.Errorf("exp of what is out of range: %v", edges)
	}
	for _, c := range []struct{ x, want float32 }{{1000, 1000}, {-1000, 0}, {float32(math.Inf(1)), float32(math.Inf(1))}, {float32(math.Inf(-1)), 0}} {
		if got := Softplus(c.x); got != c.want {
			t.Errorf("softplus of %v is %v, want %v", c.x, got, c.want)
		}
	}
	if v := Softplus(float32(math.NaN())); v == v {
		t.Errorf("softplus of NaN is %v", v)
	}
}
