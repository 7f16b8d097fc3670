package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
)

// doubled is a block that adds twice its input, so that what comes back to the
// streams is known.
type doubled struct{ from *kept }

func (doubled) size(*sizes) {}

func (b doubled) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		kernels.Axpy(p.row(t), 2, p.kept[b.from.id][t*d:(t+1)*d])
	}
	p.Barrier()
}

// hyperReference is two blocks within hyper-connections, and their end, in float64.
func hyperReference(h *hyper, ins []*hyperIn, end *hyperEnd, x []float64) []float64 {
	d := len(x)
	streams := make([][]float64, h.n)
	for i := range streams {
		streams[i] = append([]float64(nil), x...)
	}
	weights := func(fn *kernels.Matrix) []float64 {
		var flat []float64
		sum := 0.0
		for _, s := range streams {
			flat = append(flat, s...)
		}
		for _, v := range flat {
			sum += v * v
		}
		for i := range flat {
			flat[i] /= math.Sqrt(sum/float64(len(flat)) + float64(h.normEps))
		}
		return times(fn, flat)
	}
	sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	eps := float64(h.eps)
	for _, in := range ins {
		w := weights(&in.fn)
		for i := range w {
			w[i] = w[i]*float64(in.scale[min(i/h.n, 2)]) + float64(in.base[i])
		}
		y := make([]float64, d)
		for i, s := range streams {
			pre := sigmoid(w[i]) + eps
			for j, v := range s {
				y[j] += pre * v
			}
		}
		mix := make([][]float64, h.n) // [from][to]
		for from := range mix {
			mix[from] = make([]float64, h.n)
			mix[from][from] = 1
		}
		if h.mixes {
			for from := range mix {
				sum := 0.0
				for to := range mix {
					mix[from][to] = math.Exp(w[(2+from)*h.n+to])
					sum += mix[from][to]
				}
				for to := range mix {
					mix[from][to] = mix[from][to]/sum + eps
				}
			}
			for i := range h.iterations {
				if i > 0 {
					for from := range mix {
						sum := eps
						for _, v := range mix[from] {
							sum += v
						}
						for to := range mix {
							mix[from][to] /= sum
						}
					}
				}
				for to := range mix {
					sum := eps
					for from := range mix {
						sum += mix[from][to]
					}
					for from := range mix {
						mix[from][to] /= sum
					}
				}
			}
		}
		next := make([][]float64, h.n)
		for to := range next {
			back := sigmoid(w[h.n+to]) * float64(h.magnitude)
			if h.epsBack {
				back += eps
			}
			next[to] = make([]float64, d)
			for j := range next[to] {
				next[to][j] = back * 2 * y[j]
				for from := range mix {
					next[to][j] += mix[from][to] * streams[from][j]
				}
			}
		}
		streams = next
	}
	out := make([]float64, d)
	w := make([]float64, h.n)
	for i := range w {
		w[i] = 1 / float64(h.n)
	}
	if end.fn.Rows > 0 {
		for i, v := range weights(&end.fn) {
			w[i] = sigmoid(v*float64(end.scale[0])+float64(end.base[i])) + eps
		}
	}
	for i, s := range streams {
		for j, v := range s {
			out[j] += w[i] * v
		}
	}
	return out
}

func TestHyperConnections(t *testing.T) {
	const embd, tokens = 32, 7
	for _, c := range []struct {
		name string
		h    hyper
		mean bool
	}{
		{name: "weights alone", h: hyper{n: 3, eps: 1e-6, normEps: 1e-5, magnitude: 2, epsBack: true}},
		{name: "mixed streams", h: hyper{n: 4, eps: 1e-3, normEps: 1e-5, magnitude: 2, mixes: true, iterations: 3}},
		{name: "mixed streams, mean at the end", h: hyper{n: 2, eps: 1e-6, normEps: 1e-5, magnitude: 1.5, mixes: true, iterations: 1}, mean: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(13, 14))
			h := &c.h
			outputs, parts := 2*h.n, 2
			if h.mixes {
				outputs, parts = (2+h.n)*h.n, 3
			}
			all := blocksInTurn{hyperStart{h}}
			var ins []*hyperIn
			for i := range 2 {
				in := &hyperIn{hyper: h, fn: randomMatrix(t, r, h.n*embd, outputs), base: randoms(r, outputs), scale: randoms(r, parts), input: &kept{i}}
				ins = append(ins, in)
				all = append(all, in, doubled{in.input}, hyperOut{h})
			}
			end := &hyperEnd{hyper: h}
			if !c.mean {
				end.fn, end.base, end.scale = randomMatrix(t, r, h.n*embd, h.n), randoms(r, h.n), randoms(r, 1)
			}
			all = append(all, end)
			x := randoms(r, tokens*embd)
			got := sameBits(t, &Model{Embd: embd, keeps: 2}, all, x)
			var want []float64
			for i := 0; i < len(x); i += embd {
				want = append(want, hyperReference(h, ins, end, widen(x[i:i+embd]))...)
			}
			if e := nmse(got, want); e > 1e-11 {
				t.Errorf("NMSE %g against the reference", e)
			}
		})
	}
}

// TestPastMix: two mixes with a restart between, and one at the end.
func TestPastMix(t *testing.T) {
	const embd, tokens = 48, 5
	r := rand.New(rand.NewPCG(15, 16))
	first, second := &kept{0}, &kept{1}
	mix := func(past ...*kept) *pastMix {
		return &pastMix{past: past, score: randoms(r, embd), eps: 1e-5}
	}
	a, b, end := mix(), mix(first), mix(first, second)
	a.into, a.restart = &kept{2}, first
	b.into, b.restart = &kept{3}, second
	x := randoms(r, tokens*embd)
	got := sameBits(t, &Model{Embd: embd, keeps: 4}, blocksInTurn{a, doubled{a.into}, b, doubled{b.into}, end}, x)
	reference := func(m *pastMix, streams ...[]float64) []float64 {
		w, sum := make([]float64, len(streams)), 0.0
		for i, s := range streams {
			square := 0.0
			for j, v := range s {
				w[i] += v * float64(m.score[j])
				square += v * v
			}
			w[i] = math.Exp(w[i] / math.Sqrt(square/embd+float64(m.eps)))
			sum += w[i]
		}
		out := make([]float64, embd)
		for i, s := range streams {
			for j, v := range s {
				out[j] += w[i] / sum * v
			}
		}
		return out
	}
	twice := func(x []float64) []float64 {
		y := make([]float64, len(x))
		for i, v := range x {
			y[i] = 2 * v
		}
		return y
	}
	var want []float64
	for i := 0; i < len(x); i += embd {
		x0 := widen(x[i : i+embd])
		x1 := twice(reference(a, x0))
		x2 := twice(reference(b, x0, x1))
		want = append(want, reference(end, x0, x1, x2)...)
	}
	if e := nmse(got, want); e > 1e-11 {
		t.Errorf("NMSE %g against the reference", e)
	}
}
