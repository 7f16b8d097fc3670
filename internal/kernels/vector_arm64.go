//go:build !purego

package kernels

import (
	"math"
	"unsafe"
)

// The assembly takes lengths that are multiples of 4 or 16, as its names say,
// and never 0; plain Go does what is left, with the same bits.

func dotVecNEON(x, y []float32) float32 {
	n := len(x) &^ 15
	if n == len(x) && n > 0 {
		return dotNEON16(&x[0], &y[0], n)
	}
	var l lanes
	dotLanesNEON(&l, unsafe.SliceData(x), unsafe.SliceData(y), n)
	for i, v := range x[n:] {
		l[i] = FMA(v, y[n+i], l[i])
	}
	return l.tree()
}

func axpyVecNEON(y []float32, a float32, x []float32) {
	n := len(x) &^ 3
	if n > 0 {
		axpyNEON4(&y[0], &x[0], n, a)
	}
	if n < len(x) {
		axpyGo(y[n:], a, x[n:])
	}
}

func addVecNEON(dst, x, y []float32) {
	n := len(dst) &^ 3
	if n > 0 {
		addNEON4(&dst[0], &x[0], &y[0], n)
	}
	if n < len(dst) {
		addGo(dst[n:], x[n:], y[n:])
	}
}

func mulVecNEON(dst, x, y []float32) {
	n := len(dst) &^ 3
	if n > 0 {
		mulNEON4(&dst[0], &x[0], &y[0], n)
	}
	if n < len(dst) {
		mulGo(dst[n:], x[n:], y[n:])
	}
}

func scaleVecNEON(dst, x []float32, s float32) {
	n := len(dst) &^ 3
	if n > 0 {
		scaleNEON4(&dst[0], &x[0], n, s)
	}
	if n < len(dst) {
		scaleGo(dst[n:], x[n:], s)
	}
}

func rmsNormVecNEON(dst, x, w []float32, eps float32) {
	scale := 1 / sqrt32(dotVecNEON(x, x)/float32(len(x))+eps)
	if w == nil {
		scaleVecNEON(dst, x, scale)
		return
	}
	n := len(x) &^ 3
	if n > 0 {
		scaleMulNEON4(&dst[0], &x[0], &w[0], n, scale)
	}
	for i := n; i < len(x); i++ {
		dst[i] = float32(x[i]*scale) * w[i]
	}
}

func swiGLUVecNEON(dst, gate, up []float32) {
	n := len(dst) &^ 3
	if n > 0 {
		swiGLUNEON4(&dst[0], &gate[0], &up[0], n)
	}
	if n < len(dst) {
		swiGLUGo(dst[n:], gate[n:], up[n:])
	}
}

func geGLUVecNEON(dst, gate, up []float32) {
	n := len(dst) &^ 3
	if n > 0 {
		geGLUNEON4(&dst[0], &gate[0], &up[0], n)
	}
	if n < len(dst) {
		geGLUGo(dst[n:], gate[n:], up[n:])
	}
}

// maxVecNEON is the largest element; NaNs are passed over.
func maxVecNEON(x []float32) float32 {
	n := len(x) &^ 15
	top := float32(math.Inf(-1))
	if n > 0 {
		top = maxNEON16(&x[0], n)
	}
	for _, v := range x[n:] {
		if v > top {
			top = v
		}
	}
	return top
}

// expSubVecNEON sets x = exp(x - top).
func expSubVecNEON(x []float32, top float32) {
	n := len(x) &^ 3
	if n > 0 {
		expSubNEON4(&x[0], &x[0], n, top)
	}
	for i, v := range x[n:] {
		x[n+i] = Exp(v - top)
	}
}

func sumVecNEON(x []float32) float32 {
	if len(x)%16 == 0 && len(x) > 0 {
		return sumNEON16(&x[0], len(x))
	}
	return sumGo(x)
}

func softmaxVecNEON(x []float32) {
	expSubVecNEON(x, maxVecNEON(x))
	scaleVecNEON(x, x, 1/sumVecNEON(x))
}

func softcapVecNEON(x []float32, scale, limit float32) {
	n := len(x) &^ 3
	if n > 0 {
		softcapNEON4(&x[0], n, scale, limit)
	}
	softcapGo(x[n:], scale, limit)
}

func ropeNeoxVecNEON(x, cos, sin []float32) {
	h := len(cos)
	n := h &^ 3
	if n > 0 {
		ropeNeoxNEON4(&x[0], &x[h], &cos[0], &sin[0], n)
	}
	for i := n; i < h; i++ {
		x[i], x[i+h] = rotate(x[i], x[i+h], cos[i], sin[i])
	}
}

func ropeNormVecNEON(x, cos, sin []float32) {
	n := len(cos) &^ 3
	if n > 0 {
		ropeNormNEON4(&x[0], &cos[0], &sin[0], n)
	}
	if n < len(cos) {
		ropeNormGo(x[2*n:], cos[n:], sin[n:])
	}
}

func storeF16VecNEON(dst []byte, src []float32) {
	n := len(src) &^ 3
	if n > 0 {
		storeF16NEON4(&dst[0], &src[0], n)
	}
	if n < len(src) {
		storeF16Go(dst[2*n:], src[n:])
	}
}

func roundF16VecNEON(dst, x []float32, scale float32) {
	n := len(x) &^ 15
	if n > 0 {
		roundF16NEON16(&dst[0], &x[0], n, scale)
	}
	roundF16Go(dst[n:], x[n:], scale)
}

func splitBF16VecNEON(dst, x []float32) {
	n := len(x) &^ 31
	if n > 0 {
		splitBF16NEON32(&dst[0], &x[0], n)
	}
	splitBF16Go(dst[n:], x[n:])
}

func quantizeVecNEON(a *Acts, b0, b1 int) {
	quantizeNEON(&a.Q[b0*32], &a.D[b0], &a.S[2*b0], &a.DS[b0], &a.C[b0], &a.C16[2*b0], &a.X[b0*32], b1-b0)
}

//go:noescape
func dotLanesNEON(l *lanes, x, y *float32, n int)

//go:noescape
func dotNEON16(x, y *float32, n int) float32

//go:noescape
func sumNEON16(x *float32, n int) float32

//go:noescape
func maxNEON16(x *float32, n int) float32

//go:noescape
func axpyNEON4(y, x *float32, n int, a float32)

//go:noescape
func addNEON4(dst, x, y *float32, n int)

//go:noescape
func mulNEON4(dst, x, y *float32, n int)

//go:noescape
func scaleNEON4(dst, x *float32, n int, s float32)

//go:noescape
func scaleMulNEON4(dst, x, w *float32, n int, s float32)

//go:noescape
func expSubNEON4(dst, x *float32, n int, top float32)

//go:noescape
func swiGLUNEON4(dst, gate, up *float32, n int)

//go:noescape
func geGLUNEON4(dst, gate, up *float32, n int)

//go:noescape
func softcapNEON4(x *float32, n int, scale, limit float32)

//go:noescape
func ropeNeoxNEON4(x0, x1, cos, sin *float32, n int)

//go:noescape
func ropeNormNEON4(x, cos, sin *float32, n int)

//go:noescape
func storeF16NEON4(dst *byte, src *float32, n int)

//go:noescape
func roundF16NEON16(dst, x *float32, n int, s float32)

//go:noescape
func splitBF16NEON32(dst, x *float32, n int)

//go:noescape
func narrowF16NEON16(dst *uint16, x *float32, n int, s float32)

//go:noescape
func narrowBF16Pairs16(dst *uint16, x *float32, n int)

// fmaNEON returns x*y + z rounded once.
//
//go:noescape
func fmaNEON(x, y, z float32) float32

//go:noescape
func quantizeNEON(q *int8, d *float32, s *int16, ds *float32, c, c16 *int32, x *float32, blocks int)

// expConstants are the constants of EXP in exp_arm64.s, each in four lanes,
// and behind them geluC0 and geluC1.
var expConstants = fourTimes(expLog2E, expMagic, -expLn2Hi, -expLn2Lo, expC6, expC5, expC4, expC3, expC2, 1,
	expMin, expMax, geluC0, geluC1)

// tanhConstants are those of Tanh, each in four lanes.
var tanhConstants = fourTimes(tanhC5, tanhC4, tanhC3, tanhC2, tanhC1, tanhC0, tanhSmall)

func fourTimes(x ...float32) (c [14 * 4]float32) {
	for i := range 4 * len(x) {
		c[i] = x[i/4]
	}
	return c
}
