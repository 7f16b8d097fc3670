package kernels

import "math"

// The float64 functions serve tables and settings (rotary frequencies, ALiBi
// slopes), not inner loops. They exist because the standard library has
// assembly for some on some platforms. math.FMA, math.Sqrt, math.RoundToEven,
// math.Frexp and math.Ldexp are exact everywhere, so these are too: every
// other product is kept from fusing by an explicit conversion.

const (
	ln2Hi64 = 6.93147180369123816490e-01 // ln 2 to 33 bits
	ln2Lo64 = 1.90821492927058770002e-10
)

// Exp64 returns e**x.
func Exp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.2:
		return 0
	}
	n := math.RoundToEven(float64(x * math.Log2E))
	r := math.FMA(n, -ln2Hi64, x)
	r = math.FMA(n, -ln2Lo64, r)
	// Taylor's series to r^14: |r| < 0.35.
	p := 1.0 / 87178291200
	f := 6227020800.0
	for k := 13; k >= 0; k-- {
		p = math.FMA(p, r, 1/f)
		if k > 0 {
			f /= float64(k)
		}
	}
	return math.Ldexp(p, int(n))
}

// Log64 returns the natural logarithm of x.
func Log64(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	// ln m = 2 atanh(s), s = (m-1)/(m+1).
	s := (m - 1) / (m + 1)
	z := float64(s * s)
	p := 1.0 / 25
	for k := 23; k >= 3; k -= 2 {
		p = math.FMA(p, z, 1/float64(k))
	}
	// 2s is kept out of the series: it carries most of the value.
	r := math.FMA(float64(2*s*z), p, float64(float64(e)*ln2Lo64))
	r += 2 * s
	return math.FMA(float64(e), ln2Hi64, r)
}

// Pow64 returns x**y for x >= 0 as exp(y*ln x): its relative error grows with
// |y*ln x| times 1e-16.
func Pow64(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case y == 1:
		return x
	}
	return Exp64(float64(y * Log64(x)))
}

// pi/2 in three parts.
const (
	pio2Hi  = 1.57079632679489655800e+00
	pio2Mid = 6.12323399573676603587e-17
	pio2Lo  = -1.49738490485916983294e-33
)

// Sincos64 returns the sine and cosine of x in radians; accurate to about
// 1e-16 for |x| < 2^30, which covers every position of every context.
func Sincos64(x float64) (sin, cos float64) {
	n := math.RoundToEven(float64(x * (2 / math.Pi)))
	r := math.FMA(-n, pio2Hi, x)
	r = math.FMA(-n, pio2Mid, r)
	r = math.FMA(-n, pio2Lo, r)
	z := float64(r * r)
	// Taylor's series to r^19 and r^20: |r| < 0.79.
	s, c := 0.0, 0.0
	fs, fc := 121645100408832000.0, 2432902008176640000.0 // 19!, 20!
	for k := 19; k >= 3; k -= 2 {
		sign := 1.0
		if k%4 == 3 {
			sign = -1
		}
		s = math.FMA(s, z, sign/fs)
		c = math.FMA(c, z, -sign/fc)
		fs /= float64(k * (k - 1))
		fc /= float64((k + 1) * k)
	}
	s = math.FMA(float64(s*z), r, r)
	c = math.FMA(c, z, -0.5)
	c = math.FMA(c, z, 1)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}
