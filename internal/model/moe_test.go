package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/kernels"
)

// mixtureReference is what a mixture makes of one token, in float64: the sum that
// is added to the stream. in is what the experts read, routed what the router
// reads, act the activation.
func mixtureReference(m *mixture, act func(g, u float64) float64, in, routed []float64) []float64 {
	plus := func(y []float64, l *linear) []float64 {
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
	expert := func(gate, up, down *linear, in []float64) []float64 {
		u := plus(times64(up, in), up)
		g := u
		if gate.w.Rows > 0 {
			g = plus(times64(gate, in), gate)
		}
		h := make([]float64, len(u))
		for i := range u {
			h[i] = act(g[i], u[i])
		}
		return plus(times64(down, h), down)
	}
	probs := plus(times64(&m.router, routed), &m.router)
	softmax := func(x []float64) {
		sum := 0.0
		for i, v := range x {
			x[i] = math.Exp(v)
			sum += x[i]
		}
		for i := range x {
			x[i] /= sum
		}
	}
	switch m.gating {
	case gateSoftmax:
		softmax(probs)
	case gateSigmoid:
		for i, v := range probs {
			probs[i] = 1 / (1 + math.Exp(-v))
		}
	case gateSqrtSoftplus:
		for i, v := range probs {
			probs[i] = math.Sqrt(math.Log1p(math.Exp(v)))
		}
	}
	choice := slices.Clone(probs)
	for i, b := range m.choiceBias {
		choice[i] += float64(b)
	}
	if m.groups > 1 {
		per := len(choice) / m.groups
		score := make([]float64, m.groups)
		for g := range score {
			group := slices.Sorted(slices.Values(choice[g*per : (g+1)*per]))
			score[g] = group[per-1] + group[per-2]
		}
		order := slices.Sorted(slices.Values(score))
		for i := range choice {
			if score[i/per] < order[m.groups-m.groupsUsed] {
				choice[i] = math.Inf(-1)
			}
		}
	}
	var picked []int
	var weights []float64
	for range m.used {
		best := 0
		for i, v := range choice {
			if v > choice[best] {
				best = i
			}
		}
		choice[best] = math.Inf(-1)
		if m.share > 1 {
			best /= m.share
		}
		picked, weights = append(picked, best), append(weights, probs[best])
	}
	if m.gating == gateSoftmaxPicked {
		softmax(weights)
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	out := make([]float64, len(in))
	for i, e := range picked {
		w := weights[i]
		if m.normed {
			w /= sum
		}
		w *= float64(m.scale)
		x, y := slices.Clone(in), w
		if m.weightFirst {
			for j := range x {
				x[j] *= w
			}
			y = 1
		}
		for j, v := range expert(&m.gate[e], &m.up[e], &m.down[e], x) {
			out[j] += y * v
		}
	}
	if s := m.shared; s != nil {
		w := 1.0
		if s.weight != nil {
			dot := 0.0
			for i, v := range in {
				dot += v * float64(s.weight[i])
			}
			w = 1 / (1 + math.Exp(-dot))
		}
		for i, v := range expert(&s.gate, &s.up, &s.down, in) {
			out[i] += w * v
		}
	}
	if m.post != nil {
		out = rms(out, m.post.w, float64(m.post.eps))
	}
	return out
}

func times64(l *linear, x []float64) []float64 { return times(&l.w, x) }

func TestMixtures(t *testing.T) {
	const embd, ffn, experts, tokens = 64, 96, 8, 9
	swiGLU64 := func(g, u float64) float64 { return silu(g) * u }
	for _, c := range []struct {
		name  string
		set   func(m *mixture, r *rand.Rand, lin func(in, out int) linear)
		act   activation
		act64 func(g, u float64) float64
	}{
		{name: "softmax, weights as they are", set: func(m *mixture, _ *rand.Rand, _ func(int, int) linear) { m.normed = false }},
		{name: "softmax over the picked", set: func(m *mixture, _ *rand.Rand, _ func(int, int) linear) {
			m.gating, m.normed = gateSoftmaxPicked, false
		}},
		{name: "sigmoid, bias of the choice", set: func(m *mixture, r *rand.Rand, _ func(int, int) linear) {
			m.gating, m.choiceBias = gateSigmoid, randoms(r, experts)
		}},
		{name: "root of softplus", set: func(m *mixture, _ *rand.Rand, _ func(int, int) linear) { m.gating = gateSqrtSoftplus }},
		{name: "groups", set: func(m *mixture, r *rand.Rand, _ func(int, int) linear) {
			m.gating, m.groups, m.groupsUsed, m.choiceBias = gateSigmoid, 4, 2, randoms(r, experts)
		}},
		{name: "groups by probability", set: func(m *mixture, _ *rand.Rand, _ func(int, int) linear) { m.groups, m.groupsUsed = 2, 1 }},
		{name: "shared expert", set: func(m *mixture, _ *rand.Rand, lin func(int, int) linear) {
			m.shared = &sharedExpert{gate: lin(embd, 160), up: lin(embd, 160), down: lin(160, embd), act: kernels.SwiGLU}
			m.scaled(0.7)
		}},
		{name: "weighted shared expert, norm of the output", set: func(m *mixture, r *rand.Rand, lin func(int, int) linear) {
			m.shared = &sharedExpert{gate: lin(embd, 32), up: lin(embd, 32), down: lin(32, embd), act: kernels.SwiGLU, weight: randoms(r, embd)}
			m.post = testNorm(r, embd)
		}},
		{name: "weights before the experts", set: func(m *mixture, r *rand.Rand, _ func(int, int) linear) {
			m.gating, m.normed, m.weightFirst, m.post = gateSigmoid, false, true, testNorm(r, embd)
		}},
		{name: "biases", act: swiGLUClamped, act64: func(g, u float64) float64 {
			g, u = min(g, 7), min(max(u, -7), 7)
			return g / (1 + math.Exp(-1.702*g)) * (u + 1)
		}, set: func(m *mixture, r *rand.Rand, _ func(int, int) linear) {
			m.router.bias = randoms(r, experts)
			for e := range experts {
				m.gate[e].bias, m.up[e].bias, m.down[e].bias = randoms(r, ffn), randoms(r, ffn), randoms(r, embd)
				m.gate[e].scale = []float32{4} // some reach the limits
			}
		}},
		{name: "no gate", act: reGLU, act64: func(g, u float64) float64 { return max(g, 0) * u }, set: func(m *mixture, _ *rand.Rand, _ func(int, int) linear) {
			m.gate = make([]linear, experts)
		}},
		{name: "limits before the activation", act: swiGLULimit(0.5), act64: func(g, u float64) float64 {
			return silu(min(g, 0.5)) * min(max(u, -0.5), 0.5)
		}, set: func(*mixture, *rand.Rand, func(int, int) linear) {}},
		{name: "limits after it", act: swiGLUCut(0.3), act64: func(g, u float64) float64 {
			return min(silu(g), 0.3) * min(max(u, -0.3), 0.3)
		}, set: func(*mixture, *rand.Rand, func(int, int) linear) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(9, 10))
			lin := func(in, out int) linear { return linear{w: randomMatrix(t, r, in, out)} }
			if c.act == nil {
				c.act, c.act64 = kernels.SwiGLU, swiGLU64
			}
			m := &mixture{norm: testNorm(r, embd), router: lin(embd, experts), gating: gateSoftmax, used: 3, normed: true, scale: 1.5, act: c.act}
			for range experts {
				m.gate, m.up, m.down = append(m.gate, lin(embd, ffn)), append(m.up, lin(embd, ffn)), append(m.down, lin(ffn, embd))
			}
			c.set(m, r, lin)
			x := randoms(r, tokens*embd)
			got := sameBits(t, &Model{Embd: embd}, m, x)
			var want []float64
			for i := 0; i < len(x); i += embd {
				xt := widen(x[i : i+embd])
				in := rms(xt, m.norm.w, float64(m.norm.eps))
				for j, v := range mixtureReference(m, c.act64, in, in) {
					want = append(want, xt[j]+v)
				}
			}
			if e := nmse(got, want); e > 1e-12 {
				t.Errorf("NMSE %g against the reference", e)
			}
		})
	}
}

// TestMixtureWithoutItsNorm: a file that lacks it is refused by name.
func TestMixtureWithoutItsNorm(t *testing.T) {
	b := testBuilder(t, nil)
	b.layer = 0
	b.add(&mixture{norm: &norm{}})
	if b.err != nil {
		t.Fatal(b.err)
	}
	f := tinyLlama()
	delete(f.shapes, "blk.0.ffn_norm.weight")
	b = &builder{file: f.write(t), m: &Model{Arch: "llama"}}
	b.common()
	b.layer = 0
	b.add(&mixture{})
	if b.err == nil || !strings.Contains(b.err.Error(), `"blk.0.ffn_norm.weight" is missing`) {
		t.Errorf("error %v, want one about blk.0.ffn_norm.weight", b.err)
	}
}

// TestNarrowMixture: experts on fewer numbers than the residual stream has.
func TestNarrowMixture(t *testing.T) {
	const embd, narrow, ffn, experts, tokens = 64, 32, 96, 6, 9
	for _, c := range []struct{ normed, post, shared bool }{{}, {normed: true, shared: true}, {post: true}} {
		r := rand.New(rand.NewPCG(17, 18))
		lin := func(in, out int) linear { return linear{w: randomMatrix(t, r, in, out)} }
		before, after := lin(embd, narrow), lin(narrow, embd)
		m := &mixture{norm: testNorm(r, embd), router: lin(embd, experts), gating: gateSigmoid, used: 2, normed: true, scale: 1, act: kernels.SwiGLU,
			narrow: &before, wide: &after}
		for range experts {
			m.gate, m.up, m.down = append(m.gate, lin(narrow, ffn)), append(m.up, lin(narrow, ffn)), append(m.down, lin(ffn, narrow))
		}
		if c.normed {
			m.wideNorm = testNorm(r, narrow)
		}
		if c.post {
			m.post = testNorm(r, embd)
		}
		if c.shared {
			m.shared = &sharedExpert{gate: lin(embd, 32), up: lin(embd, 32), down: lin(32, embd), act: kernels.SwiGLU}
		}
		x := randoms(r, tokens*embd)
		got := sameBits(t, &Model{Embd: embd}, m, x)
		act := func(g, u float64) float64 { return silu(g) * u }
		routed := *m
		routed.post, routed.shared = nil, nil
		var want []float64
		for i := 0; i < len(x); i += embd {
			xt := widen(x[i : i+embd])
			in := rms(xt, m.norm.w, float64(m.norm.eps))
			y := mixtureReference(&routed, act, times(&before.w, in), in)
			if c.normed {
				y = rms(y, m.wideNorm.w, float64(m.wideNorm.eps))
			}
			y = times(&after.w, y)
			if c.post {
				y = rms(y, m.post.w, float64(m.post.eps))
			}
			if c.shared {
				s := m.shared
				for j, v := range gatedReference(&s.gate, &s.up, &s.down, silu, in) {
					y[j] += v
				}
			}
			for j, v := range y {
				want = append(want, xt[j]+v)
			}
		}
		if e := nmse(got, want); e > 1e-12 {
			t.Errorf("%+v: NMSE %g against the reference", c, e)
		}
	}
}

// blocksInTurn runs several blocks as one.
type blocksInTurn []block

func (b blocksInTurn) size(z *sizes) {
	for _, blk := range b {
		blk.size(z)
	}
}

func (b blocksInTurn) run(p *pass) {
	for _, blk := range b {
		blk.run(p)
	}
}

// halve is x /= 2.
type halve struct{}

func (halve) size(*sizes) {}

func (halve) run(p *pass) {
	for t := range p.Tiles(p.n) {
		kernels.Scale(p.row(t), p.row(t), 0.5)
	}
	p.Barrier()
}

// TestMixtureOfKept: a mixture that reads the stream as it was, with a router
// that reads it as it is, and one that leaves its output for the next.
func TestMixtureOfKept(t *testing.T) {
	const embd, ffn, experts, tokens = 64, 32, 6, 7
	r := rand.New(rand.NewPCG(11, 12))
	mix := func(outputs int) *mixture {
		m := &mixture{norm: testNorm(r, embd), router: linear{w: randomMatrix(t, r, embd, outputs)}, gating: gateSoftmax, used: 2, normed: true, scale: 1, act: kernels.SwiGLU}
		for range experts {
			m.gate = append(m.gate, linear{w: randomMatrix(t, r, embd, ffn)})
			m.up = append(m.up, linear{w: randomMatrix(t, r, embd, ffn)})
			m.down = append(m.down, linear{w: randomMatrix(t, r, ffn, embd)})
		}
		return m
	}
	before, left := &kept{0}, &kept{1}
	first, second := mix(experts), mix(2*experts)
	first.from, first.into = before, left
	first.routed = &routerInput{norm: testNorm(r, embd)}
	second.from, second.norm, second.share = left, nil, 2
	second.routed = &routerInput{from: before}
	x := randoms(r, tokens*embd)
	got := sameBits(t, &Model{Embd: embd, keeps: 2}, blocksInTurn{before, halve{}, first, second, &plus{from: left, scale: 1}}, x)
	act := func(g, u float64) float64 { return silu(g) * u }
	var want []float64
	for i := 0; i < len(x); i += embd {
		was := widen(x[i : i+embd])
		is := make([]float64, embd)
		for j, v := range was {
			is[j] = v / 2
		}
		a := mixtureReference(first, act, rms(was, first.norm.w, float64(first.norm.eps)), rms(is, first.routed.norm.w, float64(first.routed.norm.eps)))
		b := mixtureReference(second, act, a, was)
		for j := range is {
			want = append(want, is[j]+a[j]+b[j])
		}
	}
	if e := nmse(got, want); e > 1e-12 {
		t.Errorf("NMSE %g against the reference", e)
	}
}
