package kernels

import (
	"encoding/binary"
	"math"

	"happyphonellm/internal/quant"
)

// rowForm is one row of a quantized matrix unpacked for plain Go. For a block
// of 32 weights: integer weights q, a scale d, and by the type's form
//
//	formScale   w = d*q                                 y += d*da * dot
//	formMin     w = d*q + m                             y += ..., y2 += m * (da*suma)
//	formSub     w = d*sub*q, sub per 16                 y += d*da * (sub0*dot0 + sub1*dot1)
//	formSubMin  w = d*sub*q + m*min, min per 16         y += ..., y2 += m*da * (min0*suma0 + min1*suma1)
//	formFloatSub  w = d*fsub*q, fsub per 16             y += d*da * fma(fsub1, dot1, fsub0*dot0)
type rowForm struct {
	form     int
	q        []int8    // [K]
	d, m     []float32 // [K/32]
	sub, min []int8    // [K/16]
	fsub     []float32 // [K/16]
}

const (
	formScale = iota
	formMin
	formSub
	formSubMin
	formFloatSub
)

func (f *rowForm) resize(k int) {
	f.q = grow(f.q, k)
	f.d = grow(f.d, k/32)
	f.m = grow(f.m, k/32)
	f.sub = grow(f.sub, k/16)
	f.min = grow(f.min, k/16)
	f.fsub = grow(f.fsub, k/16)
}

// rowUnpack unpacks a row of each quantized type. One row a type.
var rowUnpack = [typeCount]func(f *rowForm, src []byte){
	quant.Q4_0:   unpackQ4_0,
	quant.Q4_1:   unpackQ4_1,
	quant.Q5_0:   unpackQ5_0,
	quant.Q5_1:   unpackQ5_1,
	quant.Q8_0:   unpackQ8_0,
	quant.Q2_K:   unpackQ2_K,
	quant.Q3_K:   unpackQ3_K,
	quant.Q4_K:   unpackQ4_K,
	quant.Q5_K:   unpackQ5_K,
	quant.Q6_K:   unpackQ6_K,
	quant.IQ4_NL: unpackIQ4_NL,
	quant.IQ4_XS: unpackIQ4_XS,

	quant.IQ1_S:   unpackIQ1_S,
	quant.IQ1_M:   unpackIQ1_M,
	quant.IQ2_XXS: unpackIQ2_XXS,
	quant.IQ2_XS:  unpackIQ2_XS,
	quant.IQ2_S:   unpackIQ2_S,
	quant.IQ3_XXS: unpackIQ3_XXS,
	quant.IQ3_S:   unpackIQ3_S,
	quant.TQ1_0:   unpackTQ1_0,
	quant.TQ2_0:   unpackTQ2_0,
	quant.MXFP4:   unpackMXFP4,
	quant.NVFP4:   unpackNVFP4,
	quant.Q1_0:    unpackQ1_0,
	quant.Q2_0:    unpackQ2_0,
}

// rowFloats widens a row of each float type; BF16's weights change places, as their
// activations do (see splitBF16Go).
var rowFloats = [typeCount]func(dst []float32, src []byte){
	quant.F32:  widenF32,
	quant.F16:  widenF16,
	quant.BF16: widenBF16,
}

func mulQuantGo(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	f := &s.row
	f.resize(m.Cols)
	kb := m.Cols / 32
	for r := r0; r < r1; r++ {
		rowUnpack[m.Type](f, m.row(r))
		for t := 0; t < a.N; t++ {
			dst[t*stride+r] = f.dot(a.Q[t*a.K:][:a.K], a.D[t*kb:][:kb], a.DS[t*kb:][:kb], a.S[t*2*kb:][:2*kb])
		}
	}
}

// dot multiplies the row with one token. The order of its float steps is the
// promise of docs/numerics.md.
func (f *rowForm) dot(q []int8, d, ds []float32, sums []int16) float32 {
	var acc, acc2 float32
	for b, da := range d {
		w := f.q[b*32:][:32]
		x := q[b*32:][:32]
		var dot0, dot1 int32
		for i := range 16 {
			dot0 += int32(w[i]) * int32(x[i])
			dot1 += int32(w[i+16]) * int32(x[i+16])
		}
		scale := f.d[b] * da
		switch f.form {
		case formScale:
			acc = FMA(float32(dot0+dot1), scale, acc)
		case formMin:
			acc = FMA(float32(dot0+dot1), scale, acc)
			acc2 = FMA(f.m[b], ds[b], acc2)
		case formSub, formSubMin:
			dot0 = dot0*int32(f.sub[2*b]) + dot1*int32(f.sub[2*b+1])
			acc = FMA(float32(dot0), scale, acc)
			if f.form == formSubMin {
				sum := int32(f.min[2*b])*int32(sums[2*b]) + int32(f.min[2*b+1])*int32(sums[2*b+1])
				acc2 = FMA(float32(sum), float32(f.m[b]*da), acc2)
			}
		case formFloatSub:
			// The first product is exact: 16 bits times 4.
			acc = FMA(FMA(float32(dot1), f.fsub[2*b+1], float32(float32(dot0)*f.fsub[2*b])), scale, acc)
		}
	}
	if f.form == formMin || f.form == formSubMin {
		acc += acc2
	}
	return acc
}

func mulFloatGo(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	s.f = grow(s.f, m.Cols)
	for r := r0; r < r1; r++ {
		rowFloats[m.Type](s.f, m.row(r))
		for t := 0; t < a.N; t++ {
			dst[t*stride+r] = dotGo(s.f, a.X[t*a.K:][:a.K])
		}
	}
}

func widenF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func widenF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = quant.F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

func widenBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[splitPlace(i, len(dst))] = quant.BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
	}
}
