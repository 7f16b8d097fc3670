package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// mixReference is a token shift in float64: it gives a token's input and the
// difference to the one before.
func mixReference(embd int) func(in []float64) (diff []float64) {
	last := make([]float64, embd)
	return func(in []float64) []float64 {
		diff := make([]float64, embd)
		for i, v := range in {
			diff[i] = last[i] - v
		}
		last = slices.Clone(in)
		return diff
	}
}

func lerp64(in, diff []float64, weight func(i int) float64) []float64 {
	y := make([]float64, len(in))
	for i, v := range in {
		y[i] = v + diff[i]*weight(i)
	}
	return y
}

func layerNorm64(x []float64, w, b []float32, eps float64) []float64 {
	mean, variance := 0.0, 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v-mean)/math.Sqrt(variance+eps)*float64(w[i]) + float64(b[i])
	}
	return y
}

func TestChannelMix(t *testing.T) {
	const embd, ffn = 64, 96
	for _, receptance := range []bool{true, false} {
		r := rand.New(rand.NewPCG(1, 2))
		c := &channelMix{norm: testNorm(r, embd), lerpK: randoms(r, embd), key: randomLinear(t, r, embd, ffn), value: randomLinear(t, r, ffn, embd)}
		if receptance {
			l := randomLinear(t, r, embd, embd)
			c.r, c.lerpR = &l, randoms(r, embd)
			at := areas(embd, embd)
			c.row, c.gates = at[0], at[1]
		}
		shift := mixReference(embd)
		rc := recurrentCase{block: c, state: embd, embd: embd, norm: c.norm, next: func(in []float64) []float64 {
			diff := shift(in)
			k := times(&c.key.w, lerp64(in, diff, func(i int) float64 { return float64(c.lerpK[i]) }))
			for i, v := range k {
				k[i] = max(v, 0) * max(v, 0)
			}
			y := times(&c.value.w, k)
			if receptance {
				for i, v := range times(&c.r.w, lerp64(in, diff, func(i int) float64 { return float64(c.lerpR[i]) })) {
					y[i] *= sigmoid64(v)
				}
			}
			return y
		}}
		rc.run(t, r)
	}
}

func TestTimeMix6(t *testing.T) {
	const embd, dim, heads, extra, few = 64, 16, 4, 6, 10
	for _, c := range []struct {
		name   string
		shared int
		first  bool
	}{{"RWKV", heads, true}, {"QRWKV", 2, false}} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			kv := c.shared * dim
			m := &timeMix6{
				norm: testNorm(r, embd), lerpX: randoms(r, embd), narrow: randomLinear(t, r, embd, 5*extra),
				r: randomLinear(t, r, embd, embd), k: randomLinear(t, r, embd, kv), v: randomLinear(t, r, embd, kv), g: randomLinear(t, r, embd, embd),
				decayIn: randomLinear(t, r, embd, few), decayOut: randomLinear(t, r, few, embd), decay: negative(r, embd),
				out: randomLinear(t, r, embd, embd), heads: heads, shared: c.shared, dim: dim,
			}
			for range 5 {
				m.lerps = append(m.lerps, randoms(r, embd))
				m.wide = append(m.wide, randomLinear(t, r, extra, embd))
			}
			if c.first {
				m.first = randoms(r, embd)
				m.headNorm = &norm{w: randoms(r, embd), b: randoms(r, embd), mean: true, eps: rwkvNormEps}
			}
			at := areas(5*extra, few, embd, embd, embd, embd, embd)
			m.low, m.mid, m.parts = at[0], at[1], [5]area(at[2:])
			shift, state := mixReference(embd), zeros(embd, dim)
			rc := recurrentCase{block: m, state: m.state(), embd: embd, norm: m.norm, next: func(in []float64) []float64 {
				diff := shift(in)
				low := times(&m.narrow.w, lerp64(in, diff, func(i int) float64 { return float64(m.lerpX[i]) }))
				for i, v := range low {
					low[i] = math.Tanh(v)
				}
				var mixed [5][]float64
				for i := range mixed {
					wide := times(&m.wide[i].w, low[i*extra:(i+1)*extra])
					mixed[i] = lerp64(in, diff, func(j int) float64 { return wide[j] + float64(m.lerps[i][j]) })
				}
				middle := times(&m.decayIn.w, mixed[0])
				for i, v := range middle {
					middle[i] = math.Tanh(v)
				}
				w := times(&m.decayOut.w, middle)
				k, v, rec, g := times(&m.k.w, mixed[1]), times(&m.v.w, mixed[2]), times(&m.r.w, mixed[3]), times(&m.g.w, mixed[4])
				y := make([]float64, embd)
				for h := range heads {
					from := h / (heads / c.shared) * dim
					for i := range dim {
						n := h*dim + i
						decay := math.Exp(-math.Exp(w[n] + float64(m.decay[n])))
						for j := range dim {
							if c.first {
								kv := k[from+i] * v[from+j]
								y[h*dim+j] += rec[n] * (float64(m.first[n])*kv + state[n][j])
								state[n][j] = state[n][j]*decay + kv
								continue
							}
							state[n][j] = state[n][j]*decay + (1-decay)*k[from+i]*v[from+j]
							y[h*dim+j] += rec[n] / math.Sqrt(dim) * state[n][j]
						}
					}
					if c.first {
						copy(y[h*dim:], layerNorm64(y[h*dim:(h+1)*dim], m.headNorm.w[h*dim:], m.headNorm.b[h*dim:], rwkvNormEps))
					}
				}
				for i := range y {
					if c.first {
						y[i] *= silu(g[i])
					} else {
						y[i] *= sigmoid64(g[i])
					}
				}
				return times(&m.out.w, y)
			}}
			rc.run(t, r)
		})
	}
}

func TestTimeMix7(t *testing.T) {
	const embd, dim, heads, few = 64, 16, 4, 10
	for _, whole := range []bool{true, false} {
		r := rand.New(rand.NewPCG(5, 6))
		product := func(act func([]float32)) narrowed {
			return narrowed{in: randomLinear(t, r, embd, few), out: randomLinear(t, r, few, embd), bias: randoms(r, embd), act: act}
		}
		m := &timeMix7{
			norm: testNorm(r, embd), r: randomLinear(t, r, embd, embd), k: randomLinear(t, r, embd, embd), v: randomLinear(t, r, embd, embd),
			w: product(tanhs), a: product(nil), kk: randoms(r, embd), ka: randoms(r, embd), rk: randoms(r, embd),
			out: randomLinear(t, r, embd, embd), heads: heads, dim: dim, values: &kept{},
		}
		for range 5 {
			m.lerps = append(m.lerps, randoms(r, embd))
		}
		if whole {
			m.lerps = append(m.lerps, randoms(r, embd))
			m.g = product(sigmoids)
			m.headNorm = &norm{w: randoms(r, embd), b: randoms(r, embd), mean: true, eps: rwkvNormEps}
		}
		at := areas(embd, embd, embd, embd, embd, embd, embd, few, few, 0, m.g.in.w.Rows)
		m.rs, m.ks, m.vs, m.decays, m.rates, m.mixes, m.gates = at[0], at[1], at[2], at[3], at[4], at[5], at[6]
		m.w.mid, m.a.mid, m.mix.mid, m.g.mid = at[7], at[8], at[9], at[10]
		narrow := func(l *narrowed, x []float64, act func(float64) float64) []float64 {
			mid := times(&l.in.w, x)
			for i, v := range mid {
				mid[i] = act(v)
			}
			return times(&l.out.w, mid)
		}
		same := func(x float64) float64 { return x }
		shift, state := mixReference(embd), zeros(embd, dim)
		next := func(in []float64) []float64 {
			diff := shift(in)
			mixed := make([][]float64, len(m.lerps))
			for i := range mixed {
				mixed[i] = lerp64(in, diff, func(j int) float64 { return float64(m.lerps[i][j]) })
			}
			rec, k, v := times(&m.r.w, mixed[0]), times(&m.k.w, mixed[2]), times(&m.v.w, mixed[3])
			w, a := narrow(&m.w, mixed[1], math.Tanh), narrow(&m.a, mixed[4], same)
			var y []float64
			for h := range heads {
				kappa, decay, rate := make([]float64, dim), make([]float64, dim), make([]float64, dim)
				for i := range dim {
					n := h*dim + i
					kappa[i] = k[n] * float64(m.kk[n])
					decay[i] = math.Exp(-0.606531 * sigmoid64(w[n]+float64(m.w.bias[n])))
					rate[i] = sigmoid64(a[n] + float64(m.a.bias[n]))
					k[n] *= 1 + (rate[i]-1)*float64(m.ka[n])
				}
				length := math.Sqrt(dot64(kappa, kappa))
				head, bonus := make([]float64, dim), 0.0
				for i := range dim {
					kappa[i] /= length
					bonus += k[h*dim+i] * rec[h*dim+i] * float64(m.rk[h*dim+i])
				}
				for i := range dim {
					s := state[h*dim+i]
					overlap := dot64(s, kappa)
					for j := range s {
						s[j] = s[j]*decay[j] - overlap*kappa[j]*rate[j] + v[h*dim+i]*k[h*dim+j]
					}
					head[i] = dot64(s, rec[h*dim:(h+1)*dim])
				}
				if whole {
					head = layerNorm64(head, m.headNorm.w[h*dim:], m.headNorm.b[h*dim:], rwkvNormEps)
				}
				for i := range head {
					head[i] += bonus * v[h*dim+i]
				}
				y = append(y, head...)
			}
			if whole {
				for i, g := range narrow(&m.g, mixed[5], sigmoid64) {
					y[i] *= g
				}
			}
			return times(&m.out.w, y)
		}
		rc := recurrentCase{block: m, state: m.state(), embd: embd, keeps: 1, norm: m.norm, next: next}
		rc.run(t, r)
	}
}
