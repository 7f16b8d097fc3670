package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"happyphonellm/internal/kernels"
)

func gatedReference(gate, up, down *linear, act func(float64) float64, in []float64) []float64 {
	scaled := func(y []float64, l *linear) []float64 {
		for i := range y {
			if l.scale != nil {
				y[i] *= float64(l.scale[0])
			}
			if l.bias != nil {
				y[i] += float64(l.bias[i])
			}
		}
		return y
	}
	g, u := scaled(times(&gate.w, in), gate), scaled(times(&up.w, in), up)
	for i := range g {
		g[i] = act(g[i]) * u[i]
	}
	return scaled(times(&down.w, g), down)
}

func TestFeedForward(t *testing.T) {
	const embd, ffn, tokens = 64, 416, 9
	for _, c := range []struct {
		name       string
		act        activation
		ref        func(float64) float64
		bias, post bool
		tolerance  float64
	}{
		{"SwiGLU", kernels.SwiGLU, silu, false, false, 1e-12},
		{"GeGLU", kernels.GeGLU, gelu, false, false, 1e-12},
		{"biases, scales, post norm", kernels.SwiGLU, silu, true, true, 1e-12},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			lin := func(in, out int) linear {
				l := linear{w: randomMatrix(t, r, in, out)}
				if c.bias {
					l.bias, l.scale = randoms(r, out), randoms(r, 1)
				}
				return l
			}
			f := &feedForward{norm: testNorm(r, embd), gate: lin(embd, ffn), up: lin(embd, ffn), down: lin(ffn, embd), act: c.act}
			if c.post {
				f.post = testNorm(r, embd)
			}
			x := randoms(r, tokens*embd)
			got := sameBits(t, &Model{Embd: embd}, f, x)
			var want []float64
			for i := 0; i < len(x); i += embd {
				xt := widen(x[i : i+embd])
				y := gatedReference(&f.gate, &f.up, &f.down, c.ref, rms(xt, f.norm.w, float64(f.norm.eps)))
				if c.post {
					y = rms(y, f.post.w, float64(f.post.eps))
				}
				for j, v := range y {
					want = append(want, xt[j]+v)
				}
			}
			if e := nmse(got, want); e > c.tolerance {
				t.Errorf("NMSE %g against the reference", e)
			}
		})
	}
}

func TestBiasBeforeScale(t *testing.T) {
	l := linear{bias: []float32{1, -2}, scale: []float32{0.5}}.biasBeforeScale()
	// 0.5 * (w + 1) is 0.5 * w + 0.5.
	if !slices.Equal(l.bias, []float32{0.5, -1}) {
		t.Errorf("bias %v, want [0.5 -1]", l.bias)
	}
}

func TestMixture(t *testing.T) {
	const embd, ffn, experts, tokens = 64, 96, 5, 9
	for _, used := range []int{1, 2, 5} {
		r := rand.New(rand.NewPCG(5, 6))
		m := &mixture{
			norm: testNorm(r, embd), router: linear{w: randomMatrix(t, r, embd, experts)},
			gating: gateSoftmax, used: used, normed: true, scale: 1.5, act: kernels.SwiGLU,
		}
		for range experts {
			m.gate = append(m.gate, linear{w: randomMatrix(t, r, embd, ffn), scale: randoms(r, 1)})
			m.up = append(m.up, linear{w: randomMatrix(t, r, embd, ffn)})
			m.down = append(m.down, linear{w: randomMatrix(t, r, ffn, embd)})
		}
		x := randoms(r, tokens*embd)
		got := sameBits(t, &Model{Embd: embd}, m, x)
		var want []float64
		for i := 0; i < len(x); i += embd {
			xt := widen(x[i : i+embd])
			in := rms(xt, m.norm.w, float64(m.norm.eps))
			score := times(&m.router.w, in)
			order := []int{0, 1, 2, 3, 4}
			slices.SortFunc(order, func(a, b int) int { return int(math.Copysign(1, score[b]-score[a])) })
			sum := 0.0
			for _, e := range order[:used] {
				sum += math.Exp(score[e])
			}
			for _, e := range order[:used] {
				y := gatedReference(&m.gate[e], &m.up[e], &m.down[e], silu, in)
				for j, v := range y {
					xt[j] += 1.5 * math.Exp(score[e]) / sum * v
				}
			}
			want = append(want, xt...)
		}
		if e := nmse(got, want); e > 1e-12 {
			t.Errorf("%d of %d experts: NMSE %g against the reference", used, experts, e)
		}
	}
}
