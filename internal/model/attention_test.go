package model

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
)

// attentionReference is the attention block over n tokens in float64.
func attentionReference(a *attention, embd int, x []float32) []float64 {
	n := len(x) / embd
	head := func(y []float64, h, dim int, nm *norm, pos int) []float64 {
		v := append([]float64(nil), y[h*dim:(h+1)*dim]...)
		if nm != nil {
			v = rms(v, nm.w, float64(nm.eps))
		}
		if a.rope != nil {
			rotateReference(a.rope, v, pos)
		}
		return v
	}
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
	keys, values := make([][][]float64, n), make([][][]float64, n)
	var out []float64
	for pos := range n {
		xt := widen(x[pos*embd : (pos+1)*embd])
		in := rms(xt, a.norm.w, float64(a.norm.eps))
		q, k, v := plus(times(&a.q.w, in), &a.q), plus(times(&a.k.w, in), &a.k), plus(times(&a.v.w, in), &a.v)
		for h := range a.kvHeads {
			keys[pos] = append(keys[pos], head(k, h, a.keyDim, a.kNorm, pos))
			values[pos] = append(values[pos], v[h*a.valueDim:(h+1)*a.valueDim])
		}
		from := 0
		if a.window > 0 {
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
				if c := float64(a.params.Softcap); c != 0 {
					dot = c * math.Tanh(dot/c)
				}
				weights[j] = math.Exp(dot)
				sum += weights[j]
			}
			o := make([]float64, a.valueDim)
			for j := from; j <= pos; j++ {
				for i := range o {
					o[i] += weights[j] / sum * values[j][g][i]
				}
			}
			all = append(all, o...)
		}
		y := plus(times(&a.o.w, all), &a.o)
		if a.post != nil {
			y = rms(y, a.post.w, float64(a.post.eps))
		}
		for i, v := range y {
			out = append(out, xt[i]+v)
		}
	}
	return out
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
		bias, norms      bool
		post             bool
	}{
		{name: "all heads their own", heads: 4, kv: 4, keyDim: 16, valueDim: 16, ropeDim: 16},
		{name: "grouped", heads: 6, kv: 2, keyDim: 32, valueDim: 32, ropeDim: 32},
		{name: "one KV head, window", heads: 4, kv: 1, keyDim: 32, valueDim: 32, window: 3, style: ropeHalves, ropeDim: 32},
		{name: "window of one", heads: 2, kv: 1, keyDim: 32, valueDim: 32, window: 1, style: ropeHalves, ropeDim: 32},
		{name: "partial rotation, odd value width", heads: 2, kv: 2, keyDim: 48, valueDim: 20, style: ropeHalves, ropeDim: 24},
		{name: "no rotation, softcap", heads: 2, kv: 1, keyDim: 32, valueDim: 64, softcap: 2},
		{name: "biases, scales, head norms, post norm", heads: 4, kv: 2, keyDim: 32, valueDim: 32, style: ropeHalves, ropeDim: 32, bias: true, norms: true, post: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			m := &Model{Embd: embd, cache: []kvcache.Shape{{Heads: c.kv, KeyDim: c.keyDim, ValueDim: c.valueDim}}}
			lin := func(in, out int) linear {
				l := linear{w: randomMatrix(t, r, in, out)}
				if c.bias {
					l.bias, l.scale = randoms(r, out), randoms(r, 1)
				}
				return l
			}
			a := &attention{
				norm: testNorm(r, embd), heads: c.heads, kvHeads: c.kv, keyDim: c.keyDim, valueDim: c.valueDim, window: c.window,
				q: lin(embd, c.heads*c.keyDim), k: lin(embd, c.kv*c.keyDim), v: lin(embd, c.kv*c.valueDim), o: lin(c.heads*c.valueDim, embd),
				params: kernels.AttendParams{Scale: 1 / sqrt(c.keyDim), Softcap: c.softcap},
			}
			if c.ropeDim > 0 {
				a.rope = &rope{style: c.style, dim: c.ropeDim, step: 0.5, scale: 1, mag: 1}
				m.ropes = []*rope{a.rope}
			}
			if c.norms {
				a.qNorm, a.kNorm = testNorm(r, c.keyDim), testNorm(r, c.keyDim)
			}
			if c.post {
				a.post = testNorm(r, embd)
			}
			x := randoms(r, tokens*embd)
			if e := nmse(sameBits(t, m, a, x), attentionReference(a, embd, x)); e > 1e-12 {
				t.Errorf("NMSE %g against the reference", e)
			}
		})
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
	for _, c := range []struct {
		name  string
		rope  rope
		angle func(i int) float64
		mag   float64
	}{
		{"plain", rope{scale: 1, mag: 1}, plain, 1},
		{"linear scaling", rope{scale: 0.25, mag: 1}, func(i int) float64 { return plain(i) / 4 }, 1},
		{"frequency factors", rope{scale: 1, mag: 1, factors: factors}, func(i int) float64 { return plain(i) / float64(factors[i]) }, 1},
		{"YaRN", rope{scale: 0.25, mag: 1.1, yarn: 1, low: 5, high: 20}, func(i int) float64 {
			keep := 1 - min(1, max(0, (float64(i)-5)/15)) // 1: high frequency, not scaled
			return plain(i) * (keep + (1-keep)/4)
		}, 1.1},
	} {
		r := c.rope
		r.dim = dim
		r.step = float32(math.Pow(base, -2.0/dim))
		table := make([]float32, dim)
		r.table(table, pos)
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
