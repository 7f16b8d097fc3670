package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
)

// sequence runs blocks one after the other, as a model does.
type sequence []block

func (s sequence) size(z *sizes) {
	for _, b := range s {
		b.size(z)
	}
}

func (s sequence) run(p *pass) {
	for _, b := range s {
		b.run(p)
	}
}

// checkBlocks compares what becomes of random tokens with a float64 reference of
// one token.
func checkBlocks(t *testing.T, m *Model, r *rand.Rand, b block, reference func(x []float64) []float64) {
	t.Helper()
	x := randoms(r, 9*m.Embd)
	got := sameBits(t, m, b, x)
	var want []float64
	for i := 0; i < len(x); i += m.Embd {
		want = append(want, reference(widen(x[i:i+m.Embd]))...)
	}
	if e := nmse(got, want); !(e <= 1e-12) {
		t.Errorf("NMSE %g against the reference", e)
	}
}

func sum(x, y []float64) []float64 {
	z := make([]float64, len(x))
	for i := range z {
		z[i] = x[i] + y[i]
	}
	return z
}

func scaled(x []float64, f float64) []float64 {
	y := make([]float64, len(x))
	for i := range y {
		y[i] = x[i] * f
	}
	return y
}

func TestStreams(t *testing.T) {
	const embd = 64
	r := rand.New(rand.NewPCG(11, 1))
	n, v := testNorm(r, embd), randoms(r, embd)
	k := &kept{0}
	blocks := sequence{k, renorm{n}, &plus{from: k, scale: 0.5}, &plus{vector: v, scale: 2}, multiply(3)}
	checkBlocks(t, &Model{Embd: embd, keeps: 1}, r, blocks, func(x []float64) []float64 {
		y := sum(normReference(n, x), scaled(x, 0.5))
		return scaled(sum(y, scaled(widen(v), 2)), 3)
	})
}

func TestLayerInputs(t *testing.T) {
	const embd, width, layers = 64, 32, 3
	r := rand.New(rand.NewPCG(11, 2))
	inputs := &layerInputs{
		table: randomMatrix(t, r, layers*width, 1), proj: linear{w: randomMatrix(t, r, embd, layers*width)}.times(1 / sqrt(embd)),
		norm: testNorm(r, width), layers: layers, width: width,
	}
	gate := func() *layerGate {
		return &layerGate{
			gate: linear{w: randomMatrix(t, r, embd, width)}, proj: linear{w: randomMatrix(t, r, width, embd)},
			post: testNorm(r, embd), layer: 2,
		}
	}
	row := make([]float32, layers*width)
	inputs.table.Row(row, 0)
	input := func(x []float64) []float64 {
		part := scaled(times(&inputs.proj.w, x), 1/math.Sqrt(embd))[2*width:]
		return scaled(sum(normReference(inputs.norm, part), scaled(widen(row[2*width:]), math.Sqrt(width))), math.Sqrt(0.5))
	}
	through := func(g *layerGate, x, in []float64) []float64 {
		h := times(&g.gate.w, x)
		for i := range h {
			h[i] = gelu(h[i]) * in[i]
		}
		return normReference(g.post, times(&g.proj.w, h))
	}
	plain := gate()
	checkBlocks(t, &Model{Embd: embd}, r, sequence{inputs, multiply(2), plain}, func(x []float64) []float64 {
		y := scaled(x, 2)
		return sum(y, through(plain, y, input(x)))
	})
	streams := gate()
	streams.to = []*kept{{0}, {1}}
	blocks := sequence{inputs, streams.to[0], multiply(2), streams.to[1], streams, &plus{from: streams.to[0], scale: 1}, &plus{from: streams.to[1], scale: 1}}
	checkBlocks(t, &Model{Embd: embd, keeps: 2}, r, blocks, func(x []float64) []float64 {
		y := scaled(x, 2)
		return sum(sum(scaled(x, 3), y), scaled(through(streams, y, input(x)), 2))
	})
}

func TestLaurel(t *testing.T) {
	const embd, rank = 96, 40
	r := rand.New(rand.NewPCG(11, 3))
	l := &laurel{
		u: &altUp{predicted: []*kept{{0}}}, norm: testNorm(r, embd), post: testNorm(r, embd),
		left: linear{w: randomMatrix(t, r, embd, rank)}, right: linear{w: randomMatrix(t, r, rank, embd)},
	}
	checkBlocks(t, &Model{Embd: embd, keeps: 1}, r, sequence{l.u.predicted[0], multiply(2), l}, func(x []float64) []float64 {
		y := normReference(l.norm, x)
		low := normReference(l.post, times(&l.right.w, times(&l.left.w, y)))
		return scaled(sum(scaled(x, 2), sum(y, low)), math.Sqrt(0.5))
	})
}

func TestSparseFeedForward(t *testing.T) {
	const embd, ffn, above = 64, 320, 1.25
	r := rand.New(rand.NewPCG(11, 4))
	f := &feedForward{
		norm: testNorm(r, embd), post: testNorm(r, embd), act: kernels.GeGLU,
		gate: linear{w: randomMatrix(t, r, embd, ffn)}, up: linear{w: randomMatrix(t, r, embd, ffn)}, down: linear{w: randomMatrix(t, r, ffn, embd)},
	}
	for _, sample := range []bool{false, true} {
		divisor := float64(ffn)
		if sample {
			divisor--
		}
		checkBlocks(t, &Model{Embd: embd}, r, &sparseFeedForward{f, above, sample}, func(x []float64) []float64 {
			in := normReference(f.norm, x)
			gate, up := times(&f.gate.w, in), times(&f.up.w, in)
			var mean, variance float64
			for _, v := range gate {
				mean += v / ffn
			}
			for _, v := range gate {
				variance += (v - mean) * (v - mean) / divisor
			}
			for i, v := range gate {
				up[i] *= gelu(max(0, v-mean-above*math.Sqrt(variance)))
			}
			return sum(x, normReference(f.post, times(&f.down.w, up)))
		})
	}
}

func TestDenseBeside(t *testing.T) {
	const embd, ffn = 64, 96
	r := rand.New(rand.NewPCG(11, 5))
	f := &feedForward{
		norm: testNorm(r, embd), post: testNorm(r, embd), act: kernels.GeGLU,
		gate: linear{w: randomMatrix(t, r, embd, ffn)}, up: linear{w: randomMatrix(t, r, embd, ffn)}, down: linear{w: randomMatrix(t, r, ffn, embd)},
	}
	b := &denseBeside{f: f, mixture: &kept{0}, post: testNorm(r, embd)}
	checkBlocks(t, &Model{Embd: embd, keeps: 1}, r, sequence{b.mixture, multiply(2), b}, func(x []float64) []float64 {
		y := scaled(x, 2)
		dense := gatedReference(&f.gate, &f.up, &f.down, gelu, normReference(f.norm, y))
		return sum(y, normReference(b.post, sum(x, normReference(f.post, dense))))
	})
}

func TestAltUp(t *testing.T) {
	const embd = 64
	r := rand.New(rand.NewPCG(11, 6))
	u := &altUp{}
	for i := range altUpStreams {
		u.stream, u.predicted = append(u.stream, &kept{i}), append(u.predicted, &kept{altUpStreams + i})
	}
	projections := func() []linear {
		list := make([]linear, altUpStreams-1)
		for i := range list {
			list[i].w = randomMatrix(t, r, embd, embd)
		}
		return list
	}
	rows := func(n, k int) [][]float32 {
		list := make([][]float32, n)
		for i := range list {
			list[i] = randoms(r, k)
		}
		return list
	}
	start, end := projections(), projections()
	router := &altUpRouter{
		norm: testNorm(r, embd), router: rows(altUpStreams, embd), scale: randoms(r, embd),
		predict: rows(altUpStreams*altUpStreams, altUpStreams), correct: rows(altUpStreams, altUpStreams),
	}
	layer := testNorm(r, embd)
	blocks := sequence{&altUpStart{u, start}, &altUpPredict{u, router}, renorm{layer}, &altUpCorrect{u, router}, &altUpEnd{u, end}}
	m := &Model{Embd: embd, keeps: 2 * altUpStreams}

	length := func(x []float64) float64 {
		s := 0.0
		for _, v := range x {
			s += v * v
		}
		return math.Sqrt(s)
	}
	dot := func(w []float32, x []float64) float64 {
		s := 0.0
		for i, v := range w {
			s += float64(v) * x[i]
		}
		return s
	}
	modes := func(x []float64) []float64 {
		y := scaled(normReference(router.norm, x), 1./embd)
		list := make([]float64, altUpStreams)
		for i, w := range router.router {
			list[i] = math.Tanh(dot(w, y))
		}
		return list
	}
	checkBlocks(t, m, r, blocks, func(x []float64) []float64 {
		streams := [][]float64{x}
		for i := range start {
			y := times(&start[i].w, x)
			streams = append(streams, scaled(y, length(x)/length(y)))
		}
		var predicted, corrected [][]float64
		mode := modes(streams[0])
		for to := range streams {
			y := streams[to]
			for from := range streams {
				y = sum(y, scaled(streams[from], dot(router.predict[to*altUpStreams+from], mode)))
			}
			predicted = append(predicted, y)
		}
		active := normReference(layer, predicted[0])
		mode = modes(active)
		change := sum(active, scaled(predicted[0], -1))
		for i := range streams {
			corrected = append(corrected, sum(predicted[i], scaled(change, 1+dot(router.correct[i], mode))))
		}
		y := corrected[0]
		for i := range end {
			z := times(&end[i].w, corrected[i+1])
			y = sum(y, scaled(z, length(corrected[0])/length(z)))
		}
		return scaled(y, 0.25)
	})
}

// valuesOnly makes the stream the values that experts make of it.
type valuesOnly struct{ v *valueExperts }

func (b valuesOnly) size(z *sizes) { b.v.size(z, b.v.w[0].w.Rows) }

func (b valuesOnly) run(p *pass) {
	b.v.run(p, p.normed(nil))
	for range p.Tiles(1) {
		b.v.copy(p, p.x, 0, p.m.Embd)
	}
	p.Barrier()
}

func TestValueExperts(t *testing.T) {
	const embd, n = 64, 5
	for _, c := range []struct {
		name   string
		gating gating
		bias   bool
		used   int
	}{
		{"sigmoid, biased choice", gateSigmoid, true, 2},
		{"softmax", gateSoftmax, false, 3},
		{"all", gateSigmoid, false, n},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, 7))
			v := &valueExperts{router: linear{w: randomMatrix(t, r, embd, n)}, pick: mixture{gating: c.gating, used: c.used, normed: true, scale: 1.5}}
			if c.bias {
				v.pick.choiceBias = randoms(r, n)
			}
			for range n {
				v.w = append(v.w, linear{w: randomMatrix(t, r, embd, embd)})
			}
			checkBlocks(t, &Model{Embd: embd}, r, valuesOnly{v}, func(x []float64) []float64 {
				probs, total := times(&v.router.w, x), 0.0
				for i, p := range probs {
					if probs[i] = sigmoid(p); c.gating == gateSoftmax {
						probs[i] = math.Exp(p)
					}
				}
				picked := map[int]bool{}
				for range c.used {
					best := -1
					for i, p := range probs {
						if c.bias {
							p += float64(v.pick.choiceBias[i])
						}
						at := math.Inf(-1)
						if best >= 0 {
							if at = probs[best]; c.bias {
								at += float64(v.pick.choiceBias[best])
							}
						}
						if !picked[i] && p > at {
							best = i
						}
					}
					picked[best] = true
					total += probs[best]
				}
				y := make([]float64, embd)
				for i := range picked {
					for j, h := range times(&v.w[i].w, x) {
						y[j] += 1.5 * probs[i] / total * silu(h)
					}
				}
				return y
			})
		})
	}
}

func TestXIELU(t *testing.T) {
	const negative, positive, beta, eps = -0.4, 1.2, 0.5, -1e-6
	soft := func(x float64) float64 { return math.Log1p(math.Exp(x)) }
	x := []float32{-30, -2, -0.3, -1e-4, 0, 1e-4, 0.7, 25}
	got := make([]float32, len(x))
	xIELU(negative, positive, beta, eps)(got, x, nil)
	for i, v := range widen(x) {
		want := soft(positive)*v*v + beta*v
		if v <= 0 {
			want = (math.Expm1(min(v, eps))-v)*(beta+soft(negative)) + beta*v
		}
		if math.Abs(float64(got[i])-want) > 1e-6*(1+math.Abs(want)) {
			t.Errorf("xIELU(%v) = %v, want %v", v, got[i], want)
		}
	}
}
