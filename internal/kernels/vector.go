package kernels

import "math"

// Dot returns x . y over len(x) elements: 16 lanes, element i in lane i%16 by
// fma, then a fixed tree.
func Dot(x, y []float32) float32 { return active.dot(x, y[:len(x)]) }

// Axpy adds a*x to y by fma.
func Axpy(y []float32, a float32, x []float32) { active.axpy(y[:len(x)], a, x) }

// Add sets dst = x + y over len(dst) elements; dst may be x or y.
func Add(dst, x, y []float32) { active.add(dst, x[:len(dst)], y[:len(dst)]) }

// Mul sets dst = x * y over len(dst) elements; dst may be x or y.
func Mul(dst, x, y []float32) { active.mul(dst, x[:len(dst)], y[:len(dst)]) }

// Scale sets dst = x * s over len(dst) elements; dst may be x.
func Scale(dst, x []float32, s float32) { active.scale(dst, x[:len(dst)], s) }

// RMSNorm sets dst = x / sqrt(mean(x^2) + eps) * w over len(x) elements; w may
// be nil; dst may be x.
func RMSNorm(dst, x, w []float32, eps float32) {
	active.rmsNorm(dst[:len(x)], x, trim(w, len(x)), eps)
}

// LayerNorm sets dst = (x - mean(x)) / sqrt(var(x) + eps) * w + b; w and b may
// be nil; dst may be x.
func LayerNorm(dst, x, w, b []float32, eps float32) {
	active.layerNorm(dst[:len(x)], x, trim(w, len(x)), trim(b, len(x)), eps)
}

// Softmax replaces x by exp(x - max(x)), divided by its sum. An empty x stays.
func Softmax(x []float32) {
	if len(x) > 0 {
		active.softmax(x)
	}
}

// SwiGLU sets dst = silu(gate) * up over len(dst) elements; dst may be either.
func SwiGLU(dst, gate, up []float32) { active.swiGLU(dst, gate[:len(dst)], up[:len(dst)]) }

// GeGLU sets dst = gelu(gate) * up, gelu in its tanh form; dst may be either.
func GeGLU(dst, gate, up []float32) { active.geGLU(dst, gate[:len(dst)], up[:len(dst)]) }

// Softcap replaces x by limit * tanh(x*scale/limit).
func Softcap(x []float32, scale, limit float32) { active.softcap(x, scale, limit) }

func softcapGo(x []float32, scale, limit float32) {
	for i, v := range x {
		v *= scale
		x[i] = limit * Tanh(v/limit)
	}
}

func trim(w []float32, n int) []float32 {
	if w == nil {
		return nil
	}
	return w[:n]
}

// lanes are the 16 partial sums of a float reduction.
type lanes [16]float32

// tree adds the lanes in the fixed order.
func (l *lanes) tree() float32 {
	for n := 8; n > 0; n /= 2 {
		for i := range n {
			l[i] += l[i+n]
		}
	}
	return l[0]
}

func dotGo(x, y []float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&15] = FMA(v, y[i], l[i&15])
	}
	return l.tree()
}

// sumGo adds x in 16 lanes.
func sumGo(x []float32) float32 {
	var l lanes
	for i, v := range x {
		l[i&15] += v
	}
	return l.tree()
}

func axpyGo(y []float32, a float32, x []float32) {
	for i, v := range x {
		y[i] = FMA(a, v, y[i])
	}
}

func addGo(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] + y[i]
	}
}

func mulGo(dst, x, y []float32) {
	for i := range dst {
		dst[i] = x[i] * y[i]
	}
}

func scaleGo(dst, x []float32, s float32) {
	for i := range dst {
		dst[i] = x[i] * s
	}
}

func rmsNormGo(dst, x, w []float32, eps float32) {
	scale := 1 / sqrt32(dotGo(x, x)/float32(len(x))+eps)
	for i, v := range x {
		v *= scale
		if w != nil {
			v *= w[i]
		}
		dst[i] = v
	}
}

func layerNormGo(dst, x, w, b []float32, eps float32) {
	n := float32(len(x))
	mean := sumGo(x) / n
	var l lanes
	for i, v := range x {
		v -= mean
		l[i&15] = FMA(v, v, l[i&15])
	}
	normalizeGo(dst, x, w, b, mean, 1/sqrt32(l.tree()/n+eps))
}

// normalizeGo sets dst = (x - mean) * scale * w + b.
func normalizeGo(dst, x, w, b []float32, mean, scale float32) {
	for i, v := range x {
		v = float32((v - mean) * scale)
		switch {
		case w != nil && b != nil:
			v = FMA(v, w[i], b[i])
		case w != nil:
			v *= w[i]
		case b != nil:
			v += b[i]
		}
		dst[i] = v
	}
}

func softmaxGo(x []float32) {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	for i, v := range x {
		x[i] = Exp(v - top)
	}
	scaleGo(x, x, 1/sumGo(x))
}

func swiGLUGo(dst, gate, up []float32) {
	for i, g := range gate {
		dst[i] = float32(SiLU(g)) * up[i]
	}
}

func geGLUGo(dst, gate, up []float32) {
	for i, g := range gate {
		dst[i] = float32(GELU(g)) * up[i]
	}
}

// SiLU returns x * sigmoid(x).
func SiLU(x float32) float32 { return x / (1 + Exp(-x)) }

// Sigmoid returns 1 / (1 + exp(-x)).
func Sigmoid(x float32) float32 { return 1 / (1 + Exp(-x)) }

const (
	geluC0 = -1.5957691216057308 // -2*sqrt(2/pi)
	geluC1 = geluC0 * 0.044715
)

// GELU returns the Gaussian error linear unit in its tanh form,
// 0.5*x*(1 + tanh(u)) = x / (1 + exp(-2u)), u = sqrt(2/pi)*(x + 0.044715*x^3).
func GELU(x float32) float32 {
	u := x * FMA(float32(x*x), geluC1, geluC0)
	return x / (1 + Exp(u))
}

// GELUErf returns 0.5*x*(1 + erf(x/sqrt(2))).
func GELUErf(x float32) float32 {
	return float32(0.5*x) * (1 + Erf(x*(1/math.Sqrt2)))
}

// GELUQuick returns x * sigmoid(1.702*x).
func GELUQuick(x float32) float32 { return x / (1 + Exp(-1.702*x)) }
