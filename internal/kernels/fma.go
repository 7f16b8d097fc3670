package kernels

import "math"

// FMA returns x*y + z rounded once to float32, on every platform.
//
// The product of two float32 is exact in float64. Rounding the float64 sum to
// float32 rounds twice; that differs from one rounding only when the first one
// lands on a midpoint of float32, or when the result is subnormal (its last
// bit is then elsewhere), so only those cases take the slow path.
func FMA(x, y, z float32) float32 {
	p := float64(x) * float64(y)
	s := p + float64(z)
	b := math.Float64bits(s)
	if b&0x1fffffff == 0x10000000 || b<<1 < 0x381<<53 {
		return fmaSlow(p, float64(z), s)
	}
	return float32(s)
}

// fmaSlow rounds p+z, of which s is the float64 rounding, once to float32. It
// turns s into the sum rounded to odd: then a second rounding is harmless,
// because float64 has more than two bits to spare.
func fmaSlow(p, z, s float64) float32 {
	if s-s != 0 { // infinite or NaN
		return float32(s)
	}
	// TwoSum: the rounding error of s, exact.
	t := s - p
	e := (p - (s - t)) + (z - t)
	if b := math.Float64bits(s); e != 0 && b&1 == 0 {
		if (e > 0) == (s > 0) {
			b++
		} else {
			b--
		}
		s = math.Float64frombits(b)
	}
	return float32(s)
}
