package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"happyphonellm/internal/kernels"
)

func gatedReference(gate, up, down *linear, act func(float64) float64, in []float64) []float64 {
	g, u := scaledReference(times(&gate.w, in), gate), scaledReference(times(&up.w, in), up)
	for i := range g {
		g[i] = act(g[i]) * u[i]
	}
	return scaledReference(times(&down.w, g), down)
}

// feedForwardReference is what a feed-forward adds to the residual stream x.
func feedForwardReference(f *feedForward, embd int, act func(float64) float64, x []float32) []float64 {
	var out []float64
	for i := 0; i < len(x); i += embd {
		in := normReference(f.norm, widen(x[i:i+embd]))
		up := scaledReference(times(&f.up.w, in), &f.up)
		hidden := make([]float64, len(up))
		if f.gate.w.Rows > 0 {
			gate := scaledReference(times(&f.gate.w, in), &f.gate)
			for j := range hidden {
				hidden[j] = act(gate[j]) * up[j]
			}
		} else {
			for j := range hidden {
				hidden[j] = act(up[j])
			}
		}
		for j := range f.factor {
			hidden[j] *= float64(f.factor[j])
		}
		hidden = normReference(f.sub, hidden)
		out = append(out, normReference(f.post, scaledReference(times(&f.down.w, hidden), &f.down))...)
	}
	return out
}

func scaledReference(y []float64, l *linear) []float64 {
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

func squareAbove0(x float64) float64 { return max(x, 0) * max(x, 0) }

func TestFeedForward(t *testing.T) {
	const embd, ffn, tokens = 64, 416, 9
	for _, c := range []struct {
		name  string
		act   activation
		ref   func(float64) float64
		plain bool // no gate
		bias  bool
		set   func(r *rand.Rand, f *feedForward)
	}{
		{name: "SwiGLU", act: kernels.SwiGLU, ref: silu},
		{name: "GeGLU", act: kernels.GeGLU, ref: gelu},
		{name: "biases, scales, post norm", act: kernels.SwiGLU, ref: silu, bias: true,
			set: func(r *rand.Rand, f *feedForward) { f.post = testNorm(r, embd) }},
		{name: "layer norm, GELU", act: plainGELU, ref: gelu, plain: true, bias: true,
			set: func(r *rand.Rand, f *feedForward) { f.norm = testLayerNorm(r, embd) }},
		{name: "no norm, squared ReLU", act: reGLU, ref: squareAbove0, plain: true,
			set: func(_ *rand.Rand, f *feedForward) { f.norm = nil }},
		{name: "factors of the hidden layer", act: plainGELU, ref: gelu, plain: true,
			set: func(r *rand.Rand, f *feedForward) { f.factor = randoms(r, ffn) }},
		{name: "norm before the last product", act: kernels.SwiGLU, ref: silu,
			set: func(r *rand.Rand, f *feedForward) { f.sub = testNorm(r, ffn) }},
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
			if c.plain {
				f.gate = linear{}
			}
			if c.set != nil {
				c.set(r, f)
			}
			x := randoms(r, tokens*embd)
			got := sameBits(t, &Model{Embd: embd}, f, x)
			if e := nmse(got, added(x, feedForwardReference(f, embd, c.ref, x))); e > 1e-12 {
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
