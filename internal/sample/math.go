package sample

import "math"

// The functions below use +, -, *, / and bit moves only, every product rounded
// before it is added (the conversions stop the compiler from fusing), so they
// give the same bits on every platform; math.Exp and math.Log do not.

const (
	log2e = 1.44269504088896340736
	// ln 2 in two parts: the high one has 33 bits, so that n*ln2High is exact.
	ln2High = 6.93147180369123816490e-01
	ln2Low  = 1.90821492927058770002e-10
)

// Taylor coefficients 1/n!, n = 13 down to 2: with |r| <= ln2/2 what is left
// out is below 2^-57.
var expTaylor = [...]float64{
	1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
	1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2,
}

// exp64 is e^x within 2 units in the last place; below -708 it is 0, above 709 +Inf.
func exp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709:
		return math.Inf(1)
	case x < -708:
		return 0
	}
	n := math.Floor(float64(x*log2e) + 0.5)
	r := x - float64(n*ln2High)
	r -= float64(n * ln2Low)
	p := expTaylor[0]
	for _, c := range expTaylor[1:] {
		p = float64(p*r) + c
	}
	p = 1 + (r + float64(float64(r*r)*p))
	return p * math.Float64frombits(uint64(int64(n)+1023)<<52)
}

// expWeight is e^x for -104 <= x <= 0, nearly always the nearest float32:
// exp64 with fewer terms, for whole vocabularies.
func expWeight(x float64) float32 {
	n := int64(float64(x*log2e) - 0.5)
	r := x - float64(float64(n)*math.Ln2)
	// Two half polynomials in r^2: they do not wait for each other.
	r2 := float64(r * r)
	even := float64(r2*(1.0/40320)) + 1.0/720
	even = float64(even*r2) + 1.0/24
	even = float64(even*r2) + 0.5
	even = float64(even*r2) + 1
	odd := float64(r2*(1.0/5040)) + 1.0/120
	odd = float64(odd*r2) + 1.0/6
	odd = float64(odd*r2) + 1
	p := even + float64(odd*r)
	return float32(p * math.Float64frombits(uint64(n+1023)<<52))
}

// log64 is the natural logarithm within 2 units in the last place; of 0 -Inf,
// of a negative number NaN.
func log64(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case x > math.MaxFloat64:
		return x
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	// log m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...), |s| <= 0.1716.
	s := (m - 1) / (m + 1)
	s2 := float64(s * s)
	p := 1.0 / 23
	for d := 21.0; d >= 3; d -= 2 {
		p = float64(p*s2) + 1/d
	}
	log := 2*s + float64(2*s*float64(s2*p))
	n := float64(e)
	return float64(n*ln2High) + (log + float64(n*ln2Low))
}

// log2of is the binary logarithm.
func log2of(x float64) float64 { return log64(x) * log2e }

// pow64 is x^y for x > 0, by logarithm: relative error about |y log x| 2^-52.
func pow64(x, y float64) float64 { return exp64(float64(y * log64(x))) }

// powInt is x^n for n >= 0, by multiplication.
func powInt(x float64, n int) float64 {
	p := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			p *= x
		}
		x *= x
	}
	return p
}
