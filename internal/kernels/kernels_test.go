package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/quant"
)

// allTypesTested are the tensor types that matrices can have.
var allTypesTested = []quant.Type{quant.F32, quant.F16, quant.BF16, quant.Q4_0, quant.Q4_1, quant.Q5_0, quant.Q5_1,
	quant.Q8_0, quant.Q2_K, quant.Q3_K, quant.Q4_K, quant.Q5_K, quant.Q6_K, quant.IQ4_NL, quant.IQ4_XS,
	quant.IQ1_S, quant.IQ1_M, quant.IQ2_XXS, quant.IQ2_XS, quant.IQ2_S, quant.IQ3_XXS, quant.IQ3_S,
	quant.TQ1_0, quant.TQ2_0, quant.MXFP4, quant.NVFP4, quant.Q1_0, quant.Q2_0}

// halfScales are the offsets of f16 values in a block, which random tests must
// keep finite.
var halfScales = map[quant.Type][]int{
	quant.Q4_0: {0}, quant.Q4_1: {0, 2}, quant.Q5_0: {0}, quant.Q5_1: {0, 2}, quant.Q8_0: {0}, quant.Q2_K: {80, 82},
	quant.Q3_K: {108}, quant.Q4_K: {0, 2}, quant.Q5_K: {0, 2}, quant.Q6_K: {208}, quant.IQ4_NL: {0}, quant.IQ4_XS: {0},
	quant.IQ1_S: {0}, quant.IQ2_XXS: {0}, quant.IQ2_XS: {0}, quant.IQ2_S: {0}, quant.IQ3_XXS: {0}, quant.IQ3_S: {0},
	quant.TQ1_0: {52}, quant.TQ2_0: {64}, quant.Q1_0: {0}, quant.Q2_0: {0}}

// tame keeps the scales of a random block that are no plain half finite, and of
// a size that products can bear.
func tame(typ quant.Type, blk []byte) {
	switch typ {
	case quant.IQ1_M: // the half's exponent is in the top bits of the last word
		blk[55] = blk[55]&0x8f | 0x20
	case quant.MXFP4:
		blk[0] = 112 + blk[0]%16
	}
}

// randomMatrix fills data (or a new buffer if nil) with random finite weights.
func randomMatrix(t testing.TB, rng *rand.Rand, typ quant.Type, rows, cols int, alloc func(n int) []byte) Matrix {
	t.Helper()
	f, _ := typ.Format()
	rb, ok := f.RowBytes(cols)
	if !ok {
		t.Fatalf("%s: %d columns", typ, cols)
	}
	data := alloc(rows * rb)
	half := func(b []byte) { binary.LittleEndian.PutUint16(b, quant.F32ToF16(float32(rng.NormFloat64()*0.05))) }
	switch typ {
	case quant.F32:
		for i := 0; i < len(data); i += 4 {
			binary.LittleEndian.PutUint32(data[i:], math.Float32bits(float32(rng.NormFloat64())))
		}
	case quant.F16:
		for i := 0; i < len(data); i += 2 {
			half(data[i:])
		}
	case quant.BF16:
		for i := 0; i < len(data); i += 2 {
			binary.LittleEndian.PutUint16(data[i:], quant.F32ToBF16(float32(rng.NormFloat64())))
		}
	default:
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		for b := 0; b < len(data); b += f.BlockBytes {
			for _, at := range halfScales[typ] {
				half(data[b+at:])
			}
			tame(typ, data[b:b+f.BlockBytes])
		}
	}
	m, err := NewMatrix(typ, rows, cols, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func heap(n int) []byte { return make([]byte, n) }

func randomActs(rng *rand.Rand, n, k int) *Acts {
	a := &Acts{}
	a.Resize(n, k)
	for i := range a.X {
		a.X[i] = float32(rng.NormFloat64())
	}
	a.Quantize(0, n)
	return a
}

// TestRowsMeanWhatQuantSays: unpacked rows times scales must be the values of
// the reference dequantization.
func TestRowsMeanWhatQuantSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, typ := range allTypesTested {
		if rowUnpack[typ] == nil {
			continue
		}
		m := randomMatrix(t, rng, typ, 3, 512, heap)
		var f rowForm
		f.resize(m.Cols)
		want := make([]float32, m.Cols)
		for r := range m.Rows {
			rowUnpack[typ](&f, m.row(r))
			m.Row(want, r)
			for i, w := range want {
				got := float64(f.d[i/32]) * float64(f.q[i])
				switch f.form {
				case formSub, formSubMin:
					got *= float64(f.sub[i/16])
				case formFloatSub:
					got *= float64(f.fsub[i/16])
				}
				if f.form == formMin {
					got += float64(f.m[i/32])
				}
				if f.form == formSubMin {
					got += float64(f.m[i/32]) * float64(f.min[i/16])
				}
				if math.Abs(got-float64(w)) > 1e-6*math.Abs(float64(w))+1e-6 {
					t.Fatalf("%s row %d weight %d: %g, want %g", typ, r, i, got, w)
				}
			}
		}
	}
}

// TestMulRowsNear compares products with float64 arithmetic on the dequantized
// weights and the quantized or rounded activations.
func TestMulRowsNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, typ := range allTypesTested {
		for _, n := range []int{1, 5} {
			m := randomMatrix(t, rng, typ, 19, 512, heap)
			a := randomActs(rng, n, m.Cols)
			dst := make([]float32, n*m.Rows)
			m.MulRows(dst, m.Rows, 0, m.Rows, a, NewScratch())
			w := make([]float32, m.Cols)
			for r := range m.Rows {
				m.Row(w, r)
				for tok := range n {
					var want, size float64
					for i, v := range w {
						x := float64(a.X[tok*a.K+i])
						switch {
						case m.NeedsQuantized():
							x = float64(a.Q[tok*a.K+i]) * float64(a.D[(tok*a.K+i)/32])
						case typ == quant.F16: // all are of F16's range
							x = float64(quant.F16ToF32(quant.F32ToF16(a.X[tok*a.K+i])))
						case typ == quant.BF16:
							x = float64(quant.BF16ToF32(quant.F32ToBF16(a.X[tok*a.K+i])))
						}
						want += float64(v) * x
						size += math.Abs(float64(v) * x)
					}
					if got := dst[tok*m.Rows+r]; math.Abs(float64(got)-want) > 1e-5*size {
						t.Fatalf("%s row %d token %d of %d: %g, want %g", typ, r, tok, n, got, want)
					}
				}
			}
		}
	}
}

func TestNewMatrixRefuses(t *testing.T) {
	for _, c := range []struct {
		t          quant.Type
		rows, cols int
		bytes      int
	}{
		{quant.Type(123), 1, 32, 18}, {quant.Q8_1, 1, 32, 36}, {quant.Q4_0, 1, 31, 18}, {quant.Q4_0, 2, 32, 35},
		{quant.Q4_0, -1, 32, 18}, {quant.F32, 1, 0, 0}, {quant.Q4_K, 1 << 40, 1 << 40, 144},
	} {
		if _, err := NewMatrix(c.t, c.rows, c.cols, make([]byte, c.bytes)); err == nil {
			t.Errorf("%v was accepted", c)
		}
	}
}

func TestActsQuantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	a := randomActs(rng, 3, 96)
	clear(a.X[96:128])
	a.X[200] = 1e-36 // a block of tiny values next to it counts as zeros
	a.Quantize(0, 3)
	for b, d := range a.D {
		var sum [2]int
		for i, q := range a.Q[b*32:][:32] {
			sum[i/16] += int(q)
			if x := a.X[b*32+i]; math.Abs(float64(x)-float64(d)*float64(q)) > float64(d)*0.51 {
				t.Fatalf("block %d: %g became %g * %d", b, x, d, q)
			}
		}
		if int(a.S[2*b]) != sum[0] || int(a.S[2*b+1]) != sum[1] || int(a.C[b]) != -128*(sum[0]+sum[1]) ||
			a.DS[b] != d*float32(sum[0]+sum[1]) || int(a.C16[2*b]) != -32*sum[0] || int(a.C16[2*b+1]) != -32*sum[1] {
			t.Fatalf("block %d: sums %d %d %d %g, want %v", b, a.S[2*b], a.S[2*b+1], a.C[b], a.DS[b], sum)
		}
	}
}

func TestAttendNear(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const dk, dv, n = 64, 32, 200
	for _, typ := range []quant.Type{quant.F32, quant.F16, quant.Q8_0} {
		for _, p := range []AttendParams{{Scale: 0.125}, {Scale: 0.2, Softcap: 3}, {Scale: 0.1, Slope: 0.01, Pos: 150},
			{Scale: 0.1, HasSink: true, Sink: 5}, {Scale: 0.1, HasSink: true, Sink: -5}} {
			kv, k, v := randomCache(rng, typ, n, dk, dv)
			q := make([]float32, dk)
			for i := range q {
				q[i] = float32(rng.NormFloat64())
			}
			for _, r := range [][2]int{{0, 1}, {0, n}, {70, 151}, {63, 65}} {
				out := make([]float32, dv)
				Attend(out, q, kv, r[0], r[1], p, NewScratch())
				want := attendFloat64(q, k, v, dk, dv, r[0], r[1], p)
				for i := range out {
					if math.Abs(float64(out[i])-want[i]) > 2e-6 {
						t.Fatalf("%s %+v %v: out[%d] = %g, want %g", typ, p, r, i, out[i], want[i])
					}
				}
			}
		}
	}
}

// randomCache makes a cache of n positions and its values as floats.
func randomCache(rng *rand.Rand, typ quant.Type, n, dk, dv int) (kv HeadCache, k, v []float32) {
	kb, _ := KVRowBytes(typ, dk)
	vb, _ := KVRowBytes(typ, dv)
	kv = HeadCache{Type: typ, KDim: dk, VDim: dv, K: make([]byte, n*kb), V: make([]byte, n*vb)}
	k, v = make([]float32, n*dk), make([]float32, n*dv)
	fill := func(x []float32, b []byte) {
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		StoreKV(typ, b, x)
		widenKV(typ, x, b)
	}
	for j := range n {
		fill(k[j*dk:][:dk], kv.K[j*kb:][:kb])
		fill(v[j*dv:][:dv], kv.V[j*vb:][:vb])
	}
	return kv, k, v
}

func attendFloat64(q, k, v []float32, dk, dv, from, to int, p AttendParams) []float64 {
	w, sum := make([]float64, to), 0.0
	for j := from; j < to; j++ {
		x := 0.0
		for i, qi := range q {
			x += float64(qi) * float64(k[j*dk+i])
		}
		x *= float64(p.Scale)
		if p.Softcap != 0 {
			x = float64(p.Softcap) * math.Tanh(x/float64(p.Softcap))
		}
		x -= float64(p.Slope) * math.Abs(float64(j-p.Pos))
		w[j] = math.Exp(x)
		sum += w[j]
	}
	if p.HasSink {
		sum += math.Exp(float64(p.Sink))
	}
	out := make([]float64, dv)
	for j := from; j < to; j++ {
		for i := range out {
			out[i] += w[j] / sum * float64(v[j*dv+i])
		}
	}
	return out
}

func TestUseUnknownTier(t *testing.T) {
	if _, err := Use("no such tier"); err == nil {
		t.Fatal("accepted")
	}
	for _, tier := range Tiers() {
		if !tier.Supported {
			continue
		}
		restore, err := Use(tier.Name)
		if err != nil || Current() != tier.Name {
			t.Fatal(tier, Current(), err)
		}
		restore()
	}
	if fmt.Sprint(Tiers()[0].Name) != "go" {
		t.Fatal("plain Go is not the first tier")
	}
}
