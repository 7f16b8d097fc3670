package kernels

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// fmaBig is x*y + z rounded once.
func fmaBig(x, y, z float32) float32 {
	const prec = 2000
	b := func(v float32) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(float64(v)) }
	s := new(big.Float).SetPrec(prec).Mul(b(x), b(y))
	s.Add(s, b(z))
	f, _ := s.Float32()
	return f
}

func TestFMA(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	slow := 0
	for i := range 400000 {
		var x, y, z float32
		switch i % 4 {
		case 0: // any bits
			x, y, z = math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32())
		case 1: // subnormal results
			x = math.Float32frombits(rng.Uint32()&0x807fffff | uint32(50+rng.IntN(40))<<23)
			y = math.Float32frombits(rng.Uint32()&0x807fffff | uint32(30+rng.IntN(20))<<23)
			z = math.Float32frombits(rng.Uint32() & 0x80ffffff)
		case 2: // a half-way sum with a small third part: few mantissa bits
			x = float32(rng.IntN(1<<12)*2+1) / 4096
			y = float32(rng.IntN(1<<12)*2+1) / 4096
			z = float32(math.Ldexp(float64(rng.IntN(1<<24)), rng.IntN(60)-30))
		case 3: // midpoint plus a far tiny bit
			z = math.Float32frombits(rng.Uint32()&0x7fffff | 0x3f800000)
			x = math.Float32frombits(0x33800000) * (1 + float32(rng.IntN(3)-1)/(1<<23)) // 2^-24
			y = 1 + float32(rng.IntN(3)-1)/(1<<23)
			if i%8 == 3 {
				z = -z
			}
		}
		if x-x != 0 || y-y != 0 || z-z != 0 {
			continue
		}
		s := float64(x)*float64(y) + float64(z)
		if b := math.Float64bits(s); b&0x1fffffff == 0x10000000 || math.Abs(s) < 1.2e-38 {
			slow++
		}
		got, want := FMA(x, y, z), fmaBig(x, y, z)
		if want == 0 && got == 0 {
			continue // the sign of an exact zero is not what big.Float has
		}
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("FMA(%x, %x, %x) = %x, want %x", math.Float32bits(x), math.Float32bits(y), math.Float32bits(z),
				math.Float32bits(got), math.Float32bits(want))
		}
	}
	if slow < 10000 {
		t.Fatalf("only %d cases took the slow path", slow)
	}
	inf := float32(math.Inf(1))
	if FMA(inf, 1, 2) != inf || !math.IsNaN(float64(FMA(inf, 0, 1))) || FMA(3e38, 10, -inf) != -inf {
		t.Fatal("infinities")
	}
}

func TestElementary32(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for range 200000 {
		x := float32(rng.NormFloat64() * 8)
		check := func(name string, got float32, want, tol float64) {
			if math.Abs(float64(got)-want) > tol {
				t.Fatalf("%s(%g) = %g, want %g", name, x, got, want)
			}
		}
		v := float64(x)
		check("Exp", Exp(x), math.Exp(v), 1.3e-7*math.Exp(v))
		check("Tanh", Tanh(x), math.Tanh(v), 2e-7*math.Abs(math.Tanh(v)))
		check("Erf", Erf(x), math.Erf(v), 2.5e-7)
		check("Sin", Sin(x), math.Sin(v), 6e-8)
		check("Cos", Cos(x), math.Cos(v), 6e-8)
		check("SiLU", SiLU(x), v/(1+math.Exp(-v)), 4e-7*(1+math.Abs(v)))
		check("GELU", GELU(x), 0.5*v*(1+math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))), 4e-7*(1+math.Abs(v)))
		check("GELUErf", GELUErf(x), 0.5*v*(1+math.Erf(v/math.Sqrt2)), 4e-7*(1+math.Abs(v)))
	}
	for _, x := range []float32{-100, -87.34, float32(math.Inf(-1))} {
		if Exp(x) != 0 {
			t.Errorf("Exp(%g) = %g", x, Exp(x))
		}
	}
	if e := Exp(1000); e != Exp(expMax) || e-e != 0 {
		t.Errorf("Exp(1000) = %g", e)
	}
	if nan := float32(math.NaN()); Exp(nan) == Exp(nan) || Tanh(nan) == Tanh(nan) {
		t.Error("NaN is lost")
	}
}

func TestElementary64(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	near := func(name string, x, got, want, tol float64) {
		t.Helper()
		if math.Abs(got-want) > tol {
			t.Fatalf("%s(%v) = %v, want %v", name, x, got, want)
		}
	}
	for range 100000 {
		x := rng.NormFloat64() * 100
		near("Exp64", x, Exp64(x), math.Exp(x), 4e-16*math.Exp(x))
		y := math.Exp(rng.NormFloat64() * 20)
		near("Log64", y, Log64(y), math.Log(y), 4e-16*math.Max(1e-3, math.Abs(math.Log(y))))
		z := 1 + rng.Float64()*1e-3
		near("Log64", z, Log64(z), math.Log(z), 1e-15*math.Log(z))
		p := rng.Float64()
		near("Pow64", p, Pow64(1e6, -p), math.Pow(1e6, -p), 4e-15*math.Pow(1e6, -p))
		a := rng.Float64() * 1e6
		s, c := Sincos64(a)
		near("sin", a, s, math.Sin(a), 4e-16)
		near("cos", a, c, math.Cos(a), 4e-16)
		s, c = Sincos64(-a)
		near("sin", -a, s, math.Sin(-a), 4e-16)
		near("cos", -a, c, math.Cos(a), 4e-16)
	}
	if Exp64(-1000) != 0 || !math.IsInf(Exp64(1000), 1) || !math.IsInf(Log64(0), -1) || !math.IsNaN(Log64(-1)) {
		t.Error("ends of the range")
	}
	if Pow64(0, 2) != 0 || Pow64(7, 0) != 1 || Pow64(7, 1) != 7 {
		t.Error("special powers")
	}
}
