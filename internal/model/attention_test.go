package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
)

// attentionReference is the attention block over n tokens in float64: what
// it adds, without the residual stream.
func attentionReference(a *attention, embd int, x []float32) []float64 {
	n := len(x) / embd
	clamped := func(y []float64) []float64 {
		if c := float64(a.clamp); c > 0 {
			for i, v := range y {
				y[i] = min(c, max(-c, v))
			}
		}
		return y
	}
	head := func(y []float64, h, dim int, nm *norm, pos int) []float64 {
		v := append([]float64(nil), y[h*dim:(h+1)*dim]...)
		if !a.normLast {
			v = headNormReference(nm, v, h)
		}
		if a.rope != nil {
			rotateReference(a.rope, v, pos)
		}
		if a.normLast {
			v = headNormReference(nm, v, h)
		}
		return v
	}
	keys, values := make([][][]float64, n), make([][][]float64, n)
	var out []float64
	for pos := range n {
		in := normReference(a.norm, widen(x[pos*embd:(pos+1)*embd]))
		q, k, v := clamped(scaledReference(times(&a.q.w, in), &a.q)), clamped(scaledReference(times(&a.k.w, in), &a.k)), clamped(scaledReference(times(&a.v.w, in), &a.v))
		q, k = normReference(a.qWhole, q), normReference(a.kWhole, k)
		for h := range a.kvHeads {
			keys[pos] = append(keys[pos], head(k, h, a.keyDim, a.kNorm, pos))
			values[pos] = append(values[pos], normReference(a.vNorm, v[h*a.valueDim:(h+1)*a.valueDim]))
		}
		from := 0
		switch {
		case a.chunked:
			from = pos - pos%a.window
		case a.window > 0:
			from = max(0, pos-a.window+1)
		}
		var all []float64
		for h := range a.heads {
			qh, g := head(q, h, a.keyDim, a.qNorm, pos), h*a.kvHeads/a.heads
			weights, sum := make([]float64, n), 0.0
			for j := from; j <= pos; j++ {
				dot := 0.0
				for i, v := range qh {
					dot += v * keys[j][g][i]
				}
				dot *= float64(a.params.Scale)
				if a.temper != nil {
					dot *= 1 + a.temper.scale*math.Log(1+math.Floor((float64(pos)+a.temper.offset)/a.temper.floor))
				}
				if c := float64(a.params.Softcap); c != 0 {
					dot = c * math.Tanh(dot/c)
				}
				if a.slopes != nil {
					dot -= float64(a.slopes[h]) * float64(pos-j)
				}
				weights[j] = math.Exp(dot)
				sum += weights[j]
			}
			if a.sinks != nil {
				sum += math.Exp(float64(a.sinks[h]))
			}
			o := make([]float64, a.valueDim)
			for j := from; j <= pos; j++ {
				for i := range o {
					o[i] += weights[j] / sum * values[j][g][i]
				}
			}
			all = append(all, o...)
		}
		if a.gate != nil {
			gates := scaledReference(times(&a.gate.w, in), a.gate)
			for i := range all {
				all[i] *= sigmoid(gates[i*len(gates)/len(all)])
			}
		}
		all = normReference(a.sub, all)
		out = append(out, normReference(a.post, scaledReference(times(&a.o.w, all), &a.o))...)
	}
	return out
}

// added is x plus what blocks add to it.
func added(x []float32, parts ...[]float64) []float64 {
	sum := widen(x)
	for _, p := range parts {
		for i, v := range p {
			sum[i] += v
		}
	}
	return sum
}

func rotateReference(r *rope, x []float64, pos int) {
	half := r.dim / 2
	table := make([]float32, r.dim)
	r.table(table, pos)
	for i := range half {
		j, k := 2*i, 2*i+1
		if r.style == ropeHalves {
			j, k = i, i+half
		}
		c, s := float64(table[i]), float64(table[half+i])
		x[j], x[k] = x[j]*c-x[k]*s, x[j]*s+x[k]*c
	}
}

func TestAttention(t *testing.T) {
	const embd, tokens = 64, 11
	for _, c := range []struct {
		name             string
		heads, kv        int
		keyDim, valueDim int
		window           int
		style            ropeStyle
		ropeDim          int
		softcap          float32
		bias             bool
		set              func(r *rand.Rand, a *attention)
	}{
		{name: "all heads their own", heads: 4, kv: 4, keyDim: 16, valueDim: 16, ropeDim: 16},
		{name: "grouped", heads: 6, kv: 2, keyDim: 32, valueDim: 32, ropeDim: 32},
		{name: "one KV head, window", heads: 4, kv: 1, keyDim: 32, valueDim: 32, window: 3, style: ropeHalves, ropeDim: 32},
		{name: "window of one", heads: 2, kv: 1, keyDim: 32, valueDim: 32, window: 1, style: ropeHalves, ropeDim: 32},
		{name: "chunks", heads: 2, kv: 1, keyDim: 32, valueDim: 32, window: 4, set: func(_ *rand.Rand, a *attention) { a.chunked = true }},
		{name: "partial rotation, odd value width", heads: 2, kv: 2, keyDim: 48, valueDim: 20, style: ropeHalves, ropeDim: 24},
		{name: "no rotation, softcap", heads: 2, kv: 1, keyDim: 32, valueDim: 64, softcap: 2},
		{name: "biases, scales, head norms, post norm", heads: 4, kv: 2, keyDim: 32, valueDim: 32, style: ropeHalves, ropeDim: 32, bias: true,
			set: func(r *rand.Rand, a *attention) {
				a.qNorm, a.kNorm, a.vNorm, a.post = testNorm(r, 32), testNorm(r, 32), testNorm(r, 32), testNorm(r, embd)
			}},
		{name: "norms after the rotation", heads: 2, kv: 1, keyDim: 32, valueDim: 32, ropeDim: 32,
			set: func(r *rand.Rand, a *attention) {
				a.qNorm, a.kNorm, a.normLast = testNorm(r, 32), testNorm(r, 32), true
			}},
		{name: "layer norms with weights for each head", heads: 4, kv: 2, keyDim: 16, valueDim: 16, ropeDim: 16,
			set: func(r *rand.Rand, a *attention) {
				a.norm = testLayerNorm(r, embd)
				a.qNorm, a.kNorm = &norm{w: randoms(r, 4*16), mean: true, eps: 1e-5}, &norm{w: randoms(r, 2*16), mean: true, eps: 1e-5}
			}},
		{name: "layer norms over all heads, clamped", heads: 4, kv: 2, keyDim: 16, valueDim: 16, ropeDim: 16,
			set: func(r *rand.Rand, a *attention) {
				a.qWhole, a.kWhole, a.clamp = testLayerNorm(r, 64), testLayerNorm(r, 32), 0.7
			}},
		{name: "no norm, clamped", heads: 2, kv: 2, keyDim: 32, valueDim: 32, set: func(_ *rand.Rand, a *attention) { a.norm, a.clamp = nil, 0.5 }},
		{name: "ALiBi", heads: 6, kv: 3, keyDim: 32, valueDim: 32, set: func(_ *rand.Rand, a *attention) { a.slopes = alibi(6, 8) }},
		{name: "norm before the last product", heads: 2, kv: 1, keyDim: 32, valueDim: 32, ropeDim: 32,
			set: func(r *rand.Rand, a *attention) { a.sub = testNorm(r, 64) }},
		{name: "sinks", heads: 4, kv: 2, keyDim: 32, valueDim: 32, set: func(r *rand.Rand, a *attention) { a.sinks = randoms(r, 4) }},
		{name: "a gate per head", heads: 4, kv: 2, keyDim: 32, valueDim: 32,
			set: func(r *rand.Rand, a *attention) {
				a.gate = &linear{w: randomMatrix(t, r, embd, 4), bias: randoms(r, 4)}
			}},
		{name: "a gate per output", heads: 4, kv: 2, keyDim: 32, valueDim: 32,
			set: func(r *rand.Rand, a *attention) { a.gate = &linear{w: randomMatrix(t, r, embd, 4*32)} }},
		{name: "tempered queries", heads: 2, kv: 1, keyDim: 32, valueDim: 32,
			set: func(_ *rand.Rand, a *attention) { a.temper = &temper{floor: 3, scale: 0.5, offset: 1} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			a := testAttention(t, r, embd, heads{n: c.heads, kv: c.kv, keyDim: c.keyDim, valueDim: c.valueDim}, c.bias)
			m := &Model{Embd: embd, cache: []kvcache.Shape{{Heads: c.kv, KeyDim: c.keyDim, ValueDim: c.valueDim}}}
			a.window, a.params.Softcap = c.window, c.softcap
			if c.ropeDim > 0 {
				a.rope = &rope{style: c.style, dim: c.ropeDim, step: 0.5, scale: 1, mag: 1}
				m.ropes = []*rope{a.rope}
			}
			if c.set != nil {
				c.set(r, a)
			}
			x := randoms(r, tokens*embd)
			if e := nmse(sameBits(t, m, a, x), added(x, attentionReference(a, embd, x))); e > 1e-12 {
				t.Errorf("NMSE %g against the reference", e)
			}
		})
	}
}

// testAttention is an attention with random weights and a norm.
func testAttention(t *testing.T, r *rand.Rand, embd int, h heads, bias bool) *attention {
	lin := func(in, out int) linear {
		l := linear{w: randomMatrix(t, r, in, out)}
		if bias {
			l.bias, l.scale = randoms(r, out), randoms(r, 1)
		}
		return l
	}
	return &attention{
		norm: testNorm(r, embd), heads: h.n, kvHeads: h.kv, keyDim: h.keyDim, valueDim: h.valueDim,
		q: lin(embd, h.n*h.keyDim), k: lin(embd, h.kv*h.keyDim), v: lin(embd, h.kv*h.valueDim), o: lin(h.n*h.valueDim, embd),
		params: kernels.AttendParams{Scale: 1 / sqrt(h.keyDim)},
	}
}

// chain runs blocks one after the other.
type chain []block

func (c chain) size(z *sizes) {
	for _, b := range c {
		b.size(z)
	}
}

func (c chain) run(p *pass) {
	for _, b := range c {
		b.run(p)
	}
}

// TestParallel: attention and feed-forward read the same stream.
func TestParallel(t *testing.T) {
	const embd, ffn, tokens = 64, 96, 9
	r := rand.New(rand.NewPCG(8, 9))
	a := testAttention(t, r, embd, heads{n: 4, kv: 2, keyDim: 16, valueDim: 16}, true)
	f := &feedForward{
		norm: testLayerNorm(r, embd), act: kernels.SwiGLU,
		gate: linear{w: randomMatrix(t, r, embd, ffn)}, up: linear{w: randomMatrix(t, r, embd, ffn)}, down: linear{w: randomMatrix(t, r, ffn, embd)},
	}
	b := &builder{m: &Model{Embd: embd, cache: []kvcache.Shape{{Heads: 2, KeyDim: 16, ValueDim: 16}}}}
	b.parallel(a, f)
	x := randoms(r, tokens*embd)
	want := added(x, attentionReference(a, embd, x), feedForwardReference(f, embd, silu, x))
	if e := nmse(sameBits(t, b.m, chain(b.m.blocks), x), want); e > 1e-12 {
		t.Errorf("NMSE %g against the reference", e)
	}
}

// TestSmallBlocks: the blocks of one line.
func TestSmallBlocks(t *testing.T) {
	const embd, tokens = 64, 9
	r := rand.New(rand.NewPCG(10, 11))
	n, w := testNorm(r, embd), linear{w: randomMatrix(t, r, embd, embd)}
	for _, c := range []struct {
		name  string
		block block
		want  func(x []float64) []float64
	}{
		{"silu of a norm", &siluOfNorm{norm: n}, func(x []float64) []float64 {
			y := normReference(n, x)
			for i := range y {
				y[i] = x[i] + silu(y[i])
			}
			return y
		}},
		{"product", &product{norm: n, w: w}, func(x []float64) []float64 {
			y := times(&w.w, normReference(n, x))
			for i := range y {
				y[i] += x[i]
			}
			return y
		}},
		{"norm", &normed{n}, func(x []float64) []float64 { return normReference(n, x) }},
	} {
		x := randoms(r, tokens*embd)
		var want []float64
		for i := 0; i < len(x); i += embd {
			want = append(want, c.want(widen(x[i:i+embd]))...)
		}
		if e := nmse(sameBits(t, &Model{Embd: embd}, c.block, x), want); e > 1e-12 {
			t.Errorf("%s: NMSE %g against the reference", c.name, e)
		}
	}
}

func TestALiBi(t *testing.T) {
	for _, c := range []struct {
		heads int
		bias  float32
		want  []float32
	}{
		{4, 0, nil},
		{4, 8, []float32{1. / 4, 1. / 16, 1. / 64, 1. / 256}},
		{2, 4, []float32{1. / 4, 1. / 16}},
		// The third has the first step of the series between.
		{3, 8, []float32{1. / 16, 1. / 256, 1. / 4}},
	} {
		got := alibi(c.heads, c.bias)
		if len(got) != len(c.want) {
			t.Fatalf("%d heads: %v, want %v", c.heads, got, c.want)
		}
		for i, v := range got {
			if math.Abs(float64(v-c.want[i])) > 1e-7 {
				t.Errorf("%d heads, bias %v: slope %d is %v, want %v", c.heads, c.bias, i, v, c.want[i])
			}
		}
	}
}

func TestRopeTable(t *testing.T) {
	const dim, base, pos = 64, 10000, 37
	half := dim / 2
	factors := make([]float32, half)
	for i := range factors {
		factors[i] = 1 + float32(i)/8
	}
	plain := func(i int) float64 { return pos * math.Pow(base, -2*float64(i)/dim) }
	divided := func(i int) float64 { return plain(i) / float64(factors[i]) }
	still := make([]bool, half)
	still[7] = true
	const size = 100 // of the context
	for _, c := range []struct {
		name  string
		rope  rope
		angle func(i int) float64
		mag   float64
	}{
		{"plain", rope{scale: 1, mag: 1}, plain, 1},
		{"linear scaling", rope{scale: 0.25, mag: 1}, func(i int) float64 { return plain(i) / 4 }, 1},
		{"frequency factors", rope{scale: 1, mag: 1, factors: factors}, divided, 1},
		{"factors of a long context", rope{scale: 1, mag: 1, long: factors, original: size - 1}, divided, 1},
		{"factors of a short context", rope{scale: 1, mag: 1, factors: factors, long: make([]float32, half), original: size}, divided, 1},
		{"a pair that stands still", rope{scale: 1, mag: 1.2, still: still}, func(i int) float64 {
			if i == 7 {
				return 0
			}
			return plain(i)
		}, 1.2},
		{"YaRN", rope{scale: 0.25, mag: 1.1, yarn: 1, low: 5, high: 20}, func(i int) float64 {
			keep := 1 - min(1, max(0, (float64(i)-5)/15)) // 1: high frequency, not scaled
			return plain(i) * (keep + (1-keep)/4)
		}, 1.1},
	} {
		r := c.rope
		r.dim = dim
		r.step = float32(math.Pow(base, -2.0/dim))
		table := make([]float32, dim)
		r.tableIn(table, pos, size)
		for i := range half {
			cos, sin := c.mag*math.Cos(c.angle(i)), c.mag*math.Sin(c.angle(i))
			if d := math.Abs(cos-float64(table[i])) + math.Abs(sin-float64(table[half+i])); d > 3e-5 {
				t.Errorf("%s, pair %d: %v %v, want %v %v", c.name, i, table[i], table[half+i], cos, sin)
			}
		}
	}
}

func TestYarnFromFile(t *testing.T) {
	b := testBuilder(t, map[string]any{
		"llama.rope.scaling.type":                    "yarn",
		"llama.rope.scaling.factor":                  float32(4),
		"llama.rope.scaling.original_context_length": uint32(4096),
	})
	r := b.rope(ropeParams{dim: 128, base: 10000})
	if b.err != nil {
		t.Fatal(b.err)
	}
	// Of 4096 positions, pair i turns 4096 * base^(-2i/dim) / 2π times: the range
	// runs from 32 turns to one.
	pair := func(turns float64) float64 {
		return 128 * math.Log(4096/(turns*2*math.Pi)) / (2 * math.Log(10000))
	}
	got := fmt.Sprint(r.scale, r.yarn, r.low, r.high)
	want := fmt.Sprint(float32(0.25), float32(1), math.Floor(pair(32)), math.Ceil(pair(1)))
	if got != want {
		t.Errorf("scale, mix, range: %s, want %s", got, want)
	}
	if want := 0.1*math.Log(4) + 1; math.Abs(float64(r.mag)-want) > 1e-6 {
		t.Errorf("magnitude %v, want %v", r.mag, want)
	}
}
