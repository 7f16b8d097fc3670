//go:build !purego

package kernels

import (
	"happyphonellm/internal/quant"
)

// vecKernels are the generated vector kernels of one tier. Lengths are
// multiples of 16 and not 0.
type vecKernels struct {
	add, mul        func(dst, x, y *float32, n int)
	scale           func(dst, x *float32, n int, s float32)
	scaleMul        func(dst, x, y *float32, n int, s float32)
	axpy            func(y, x *float32, n int, s float32)
	dot             func(x, y *float32, n int) float32
	sum, max        func(x *float32, n int) float32
	centeredSquares func(x *float32, n int, mean float32) float32
	normalize       func(dst, x, w, b *float32, n int, mean, s float32)
	scaleMax        func(x *float32, n int, s float32) float32
	expSum          func(x *float32, n int, max float32) float32
	swiGLU, geGLU   func(dst, gate, up *float32, n int)
	ropeNeox        func(x0, x1, cos, sin *float32, n int)
	ropeNorm        func(x, cos, sin *float32, n int)
	f16             func(dst *byte, x *float32, n int)
	roundF16        func(dst, x *float32, n int, s float32)
	splitBF16       func(dst, x *float32, n int) // n is a multiple of 32
	widenF16        func(dst *float32, x *byte, n int)
	widenQ8         func(dst *float32, x *byte, blocks int)
	softcap         func(x *float32, n int, scale, limit float32)
	quantize        func(x *float32, q *int8, d *float32, s *int16, ds *float32, c, c16 *int32, blocks int)
	storeQ8         func(dst *byte, x *float32, blocks int)

	weighted4 func(out *[4]*float32, p *float32, pStride int, w *byte, stride, rows, n int)

	floats floatKernels

	// By type: 16 scores, a weighted sum of rows.
	scores16 [typeCount]func(dst, x *float32, w *byte, stride, n int)
	weighted [typeCount]func(out, p *float32, w *byte, stride, rows, n int)
}

var avx2Vec = vecKernels{
	add: addVecAVX2, mul: mulVecAVX2, scale: scaleVecAVX2, scaleMul: scaleMulVecAVX2, axpy: axpyVecAVX2,
	dot: dotVecAVX2, sum: sumVecAVX2, max: maxVecAVX2, centeredSquares: centeredSquaresVecAVX2,
	normalize: normalizeVecAVX2, scaleMax: scaleMaxVecAVX2, expSum: expSumVecAVX2, swiGLU: swiGLUVecAVX2,
	geGLU: geGLUVecAVX2, ropeNeox: ropeNeoxVecAVX2, ropeNorm: ropeNormVecAVX2, f16: f16VecAVX2,
	roundF16: roundF16VecAVX2, splitBF16: splitBF16VecAVX2,
	widenF16: widenF16VecAVX2, widenQ8: widenQ8VecAVX2, softcap: softcapVecAVX2, quantize: quantizeVecAVX2, storeQ8: storeQ8VecAVX2,
	weighted4: weighted4AVX2,
	floats:    floatsAVX2,
	scores16: [typeCount]func(dst, x *float32, w *byte, stride, n int){
		quant.F32: scores16F32AVX2, quant.F16: scores16F16AVX2},
	weighted: [typeCount]func(out, p *float32, w *byte, stride, rows, n int){
		quant.F32: weightedF32AVX2, quant.F16: weightedF16AVX2},
}

var vnniVec = vecKernels{
	add: addVecVNNI, mul: mulVecVNNI, scale: scaleVecVNNI, scaleMul: scaleMulVecVNNI, axpy: axpyVecVNNI,
	dot: dotVecVNNI, sum: sumVecVNNI, max: maxVecVNNI, centeredSquares: centeredSquaresVecVNNI,
	normalize: normalizeVecVNNI, scaleMax: scaleMaxVecVNNI, expSum: expSumVecVNNI, swiGLU: swiGLUVecVNNI,
	geGLU: geGLUVecVNNI, ropeNeox: ropeNeoxVecVNNI, ropeNorm: ropeNormVecVNNI, f16: f16VecVNNI,
	roundF16: roundF16VecVNNI, splitBF16: splitBF16VecVNNI,
	widenF16: widenF16VecVNNI, widenQ8: widenQ8VecVNNI, softcap: softcapVecVNNI, quantize: quantizeVecVNNI, storeQ8: storeQ8VecVNNI,
	weighted4: weighted4VNNI,
	floats:    floatsVNNI,
	scores16: [typeCount]func(dst, x *float32, w *byte, stride, n int){
		quant.F32: scores16F32VNNI, quant.F16: scores16F16VNNI},
	weighted: [typeCount]func(out, p *float32, w *byte, stride, rows, n int){
		quant.F32: weightedF32VNNI, quant.F16: weightedF16VNNI},
}

// withVectors adds the vector kernels to a tier. Functions over independent
// elements take whole vectors by kernel and the rest in plain Go; sums whose
// length is no multiple of 16 are plain Go.
func withVectors(t *tier, k *vecKernels) *tier {
	t.add = func(dst, x, y []float32) {
		n := len(dst) &^ 15
		if n > 0 {
			k.add(&dst[0], &x[0], &y[0], n)
		}
		addGo(dst[n:], x[n:], y[n:])
	}
	t.mul = func(dst, x, y []float32) {
		n := len(dst) &^ 15
		if n > 0 {
			k.mul(&dst[0], &x[0], &y[0], n)
		}
		mulGo(dst[n:], x[n:], y[n:])
	}
	t.scale = func(dst, x []float32, s float32) { scaleVec(k, dst, x, s) }
	t.softcap = func(x []float32, scale, limit float32) { softcapVec(k, x, scale, limit) }
	t.axpy = func(y []float32, a float32, x []float32) {
		n := len(y) &^ 15
		if n > 0 {
			k.axpy(&y[0], &x[0], n, a)
		}
		axpyGo(y[n:], a, x[n:])
	}
	t.dot = func(x, y []float32) float32 {
		if whole(x) {
			return k.dot(&x[0], &y[0], len(x))
		}
		return dotGo(x, y)
	}
	t.rmsNorm = func(dst, x, w []float32, eps float32) {
		if !whole(x) {
			rmsNormGo(dst, x, w, eps)
			return
		}
		s := 1 / sqrt32(k.dot(&x[0], &x[0], len(x))/float32(len(x))+eps)
		if w == nil {
			k.scale(&dst[0], &x[0], len(x), s)
		} else {
			k.scaleMul(&dst[0], &x[0], &w[0], len(x), s)
		}
	}
	t.layerNorm = func(dst, x, w, b []float32, eps float32) {
		if !whole(x) {
			layerNormGo(dst, x, w, b, eps)
			return
		}
		n := float32(len(x))
		mean := k.sum(&x[0], len(x)) / n
		s := 1 / sqrt32(k.centeredSquares(&x[0], len(x), mean)/n+eps)
		if w != nil && b != nil {
			k.normalize(&dst[0], &x[0], &w[0], &b[0], len(x), mean, s)
		} else {
			normalizeGo(dst, x, w, b, mean, s)
		}
	}
	t.softmax = func(x []float32) {
		if !whole(x) {
			softmaxGo(x)
			return
		}
		sum := k.expSum(&x[0], len(x), k.max(&x[0], len(x)))
		k.scale(&x[0], &x[0], len(x), 1/sum)
	}
	t.swiGLU = func(dst, gate, up []float32) {
		n := len(dst) &^ 15
		if n > 0 {
			k.swiGLU(&dst[0], &gate[0], &up[0], n)
		}
		swiGLUGo(dst[n:], gate[n:], up[n:])
	}
	t.geGLU = func(dst, gate, up []float32) {
		n := len(dst) &^ 15
		if n > 0 {
			k.geGLU(&dst[0], &gate[0], &up[0], n)
		}
		geGLUGo(dst[n:], gate[n:], up[n:])
	}
	t.ropeNeox = func(x, cos, sin []float32) {
		half := len(cos)
		n := half &^ 15
		if n > 0 {
			k.ropeNeox(&x[0], &x[half], &cos[0], &sin[0], n)
		}
		for i := n; i < half; i++ {
			x[i], x[i+half] = rotate(x[i], x[i+half], cos[i], sin[i])
		}
	}
	t.ropeNorm = func(x, cos, sin []float32) {
		n := len(cos) &^ 3
		if n > 0 {
			k.ropeNorm(&x[0], &cos[0], &sin[0], n)
		}
		ropeNormGo(x[2*n:], cos[n:], sin[n:])
	}
	t.storeF16 = func(dst []byte, src []float32) {
		n := len(src) &^ 15
		if n > 0 {
			k.f16(&dst[0], &src[0], n)
		}
		storeF16Go(dst[2*n:], src[n:])
	}
	t.roundF16 = func(dst, x []float32, scale float32) {
		n := len(x) &^ 15
		if n > 0 {
			k.roundF16(&dst[0], &x[0], n, scale)
		}
		roundF16Go(dst[n:], x[n:], scale)
	}
	t.splitBF16 = func(dst, x []float32) {
		n := len(x) &^ 31
		if n > 0 {
			k.splitBF16(&dst[0], &x[0], n)
		}
		splitBF16Go(dst[n:], x[n:])
	}
	t.storeQ8 = func(dst []byte, src []float32) {
		if len(src) > 0 {
			k.storeQ8(&dst[0], &src[0], len(src)/32)
		}
	}
	t.quantize = func(a *Acts, b0, b1 int) {
		k.quantize(&a.X[32*b0], &a.Q[32*b0], &a.D[b0], &a.S[2*b0], &a.DS[b0], &a.C[b0], &a.C16[2*b0], b1-b0)
	}
	t.attend = func(out, q []float32, kv *HeadCache, from, to int, p *AttendParams, s *Scratch) {
		attendVec(k, out, q, kv, from, to, p, s)
	}
	t.attendMany = func(qs []Query, kv *HeadCache, s *Scratch) { attendManyVec(k, qs, kv, s) }
	few, many := k.floats.few, k.floats.many
	t.few[quant.F32], t.few[quant.F16], t.few[quant.BF16] = few, inHalves(few), inHalves(few)
	t.many[quant.F32], t.many[quant.F16], t.many[quant.BF16] = many, inHalves(many), inHalves(many)
	return t
}

func scaleVec(k *vecKernels, dst, x []float32, s float32) {
	n := len(dst) &^ 15
	if n > 0 {
		k.scale(&dst[0], &x[0], n, s)
	}
	scaleGo(dst[n:], x[n:], s)
}

func softcapVec(k *vecKernels, x []float32, scale, limit float32) {
	n := len(x) &^ 15
	if n > 0 {
		k.softcap(&x[0], n, scale, limit)
	}
	softcapGo(x[n:], scale, limit)
}

func whole(x []float32) bool { return len(x) > 0 && len(x)%16 == 0 }
