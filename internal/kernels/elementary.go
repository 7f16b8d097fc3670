package kernels

import "math"

// The elementary functions of the forward pass. Each is a fixed sequence of
// float32 steps, so that plain Go and assembly agree bit for bit. The
// polynomials interpolate at Chebyshev nodes.
const (
	expLog2E = 1.44269504088896341
	expMagic = 12582912 // 1.5 * 2^23: adding it rounds to an integer, half to even
	expLn2Hi = 0.693145751953125
	expLn2Lo = 1.42860682030941723e-6
	expMin   = -87.33654 // below: 0
	expMax   = 88.37626  // above: as if equal

	// (exp(r) - 1 - r) / r^2 on |r| <= 0.3475.
	expC2 = 0.5
	expC3 = 0.16666576062275157
	expC4 = 0.041666553458654706
	expC5 = 0.0083633330821784
	expC6 = 0.0013926375995527188
)

// Exp returns e**x within 2 ulp; 0 below -87.33654 and exp(88.37626) above
// 88.37626, so that the result is never infinite nor subnormal.
func Exp(x float32) float32 {
	if x < expMin {
		return 0
	}
	if x > expMax {
		x = expMax
	}
	t := FMA(x, expLog2E, expMagic)
	n := t - expMagic
	r := FMA(n, -expLn2Hi, x)
	r = FMA(n, -expLn2Lo, r)
	p := FMA(expC6, r, expC5)
	p = FMA(p, r, expC4)
	p = FMA(p, r, expC3)
	p = FMA(p, r, expC2)
	q := FMA(float32(r*r), p, r)
	q = q + 1
	return q * math.Float32frombits(math.Float32bits(t)<<23+0x3f800000)
}

// tanh(x) = x + x^3 * P(x^2) on |x| < 0.625.
const (
	tanhSmall = 0.625
	tanhC0    = -0.33333333149381156
	tanhC1    = 0.13333300146408097
	tanhC2    = -0.05395846165183469
	tanhC3    = 0.021762503027710225
	tanhC4    = -0.008323187330212006
	tanhC5    = 0.0022695019138314516
)

// Tanh returns the hyperbolic tangent of x.
func Tanh(x float32) float32 {
	a := abs32(x)
	if !(a >= tanhSmall) {
		z := x * x
		p := FMA(tanhC5, z, tanhC4)
		p = FMA(p, z, tanhC3)
		p = FMA(p, z, tanhC2)
		p = FMA(p, z, tanhC1)
		p = FMA(p, z, tanhC0)
		return FMA(float32(z*x), p, x)
	}
	e := Exp(-2 * a)
	y := (1 - e) / (1 + e)
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&0x80000000)
}

// erf(x) = x * P(x^2) on |x| < 0.95, 1 - exp(Q(|x|)) up to 4, 1 beyond.
var (
	erfSmall = [...]float32{7.875875050430342e-05, -0.0008016864283299621, 0.0051890874229765785,
		-0.02685421201037881, 0.11283594715154313, -0.3761262666671985, 1.1283791658483509}
	erfLarge = [...]float32{1.6426789687745518e-06, -4.616478516855009e-05, 0.000597677274983527,
		-0.004763509663565274, 0.026431643283654972, -0.11009724250717948, -0.6318095501294378,
		-1.130241877484419, 0.0003218662577946113}
)

// Erf returns the error function of x with an absolute error of about 1e-7.
func Erf(x float32) float32 {
	a := abs32(x)
	if !(a >= 0.95) {
		z := x * x
		p := erfSmall[0]
		for _, c := range erfSmall[1:] {
			p = FMA(p, z, c)
		}
		return p * x
	}
	y := float32(1)
	if a < 4 {
		p := erfLarge[0]
		for _, c := range erfLarge[1:] {
			p = FMA(p, a, c)
		}
		y = 1 - Exp(p)
	}
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&0x80000000)
}

// Sin returns the sine of x, correctly rounded but for rare half-way cases.
func Sin(x float32) float32 { s, _ := Sincos64(float64(x)); return float32(s) }

// Cos returns the cosine of x, correctly rounded but for rare half-way cases.
func Cos(x float32) float32 { _, c := Sincos64(float64(x)); return float32(c) }

func abs32(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ 0x80000000)
}

func sqrt32(x float32) float32 {
	// Rounding the float64 root again is harmless: 53 >= 2*24 + 2.
	return float32(math.Sqrt(float64(x)))
}
