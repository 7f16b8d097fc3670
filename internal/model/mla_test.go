package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
)

// latentReference is latent attention over n tokens in float64, with the keys and
// values of every head unpacked.
func latentReference(a *latentAttention, embd int, x []float32) []float64 {
	c := a.core
	n := len(x) / embd
	d := a.own + a.rotated
	normed := func(v []float64, m *norm) []float64 { return rms(v, m.w, float64(m.eps)) }
	turned := func(v []float64, pos int) []float64 {
		v = append([]float64(nil), v...)
		if a.rope != nil {
			rotateReference(a.rope, v, pos)
		}
		return v
	}
	keys, values := make([][][]float64, n), make([][][]float64, n)
	var out []float64
	for pos := range n {
		xt := widen(x[pos*embd : (pos+1)*embd])
		in := normed(xt, a.norm)
		query := in
		if a.qa != nil {
			query = normed(times(&a.qa.w, in), a.qaNorm)
		}
		q := times(&a.q.w, query)
		kva := times(&a.kva.w, in)
		latent, shared := normed(kva[:a.latent], a.kvNorm), kva[a.latent:]
		if a.sharedKey != nil {
			shared = normed(shared, a.sharedKey)
		}
		shared = turned(shared, pos)
		for h := range c.heads {
			var key, value []float64
			if a.absorbed() {
				// The file's matrix is that of the key, transposed.
				row := make([]float32, a.own)
				key = make([]float64, a.own)
				for j := range a.latent {
					a.keyOf[h].w.Row(row, j)
					for i, w := range row {
						key[i] += float64(w) * latent[j]
					}
				}
				value = times(&a.valueOf[h].w, latent)
			} else {
				kv := times(&a.kvb.w, latent)[h*(a.own+a.valueDim):]
				key, value = append([]float64(nil), kv[:a.own]...), kv[a.own:a.own+a.valueDim]
			}
			keys[pos] = append(keys[pos], append(key, shared...))
			values[pos] = append(values[pos], value)
		}
		from := 0
		if c.window > 0 {
			from = max(0, pos-c.window+1)
		}
		var all []float64
		for h := range c.heads {
			qh := append(append([]float64(nil), q[h*d:h*d+a.own]...), turned(q[h*d+a.own:(h+1)*d], pos)...)
			o, sum := make([]float64, a.valueDim), 0.0
			if c.sinks != nil {
				sum = math.Exp(float64(c.sinks[h]))
			}
			for j := from; j <= pos; j++ {
				dot := 0.0
				for i, v := range qh {
					dot += v * keys[j][h][i]
				}
				if c.temper != nil {
					dot *= float64(c.temper.at(pos))
				}
				w := math.Exp(dot * float64(c.params.Scale))
				sum += w
				for i := range o {
					o[i] += w * values[j][h][i]
				}
			}
			for i := range o {
				o[i] /= sum
			}
			all = append(all, o...)
		}
		if c.gate != nil {
			g := times(&c.gate.w, in)
			for i := range all {
				all[i] /= 1 + math.Exp(-g[i*len(g)/len(all)])
			}
		}
		for i, v := range times(&c.o.w, all) {
			out = append(out, xt[i]+v)
		}
	}
	return out
}

func TestLatentAttention(t *testing.T) {
	const embd, tokens = 64, 11
	for _, c := range []struct {
		name                          string
		heads, own, rotated           int
		latent, valueDim              int
		queries                       int // width of the queries' latent; 0: none
		unpacked, gate, sinks, shared bool
		window                        int
	}{
		{name: "absorbed", heads: 3, own: 32, rotated: 16, latent: 64, valueDim: 32, queries: 32},
		{name: "absorbed, many heads, queries without a latent", heads: 20, own: 16, rotated: 8, latent: 32, valueDim: 32},
		{name: "absorbed, odd widths", heads: 2, own: 12, rotated: 6, latent: 40, valueDim: 20, queries: 24},
		{name: "absorbed, window, gate, sinks, norm of the shared key", heads: 4, own: 32, rotated: 16, latent: 64, valueDim: 32, queries: 32,
			gate: true, sinks: true, shared: true, window: 3},
		{name: "unpacked", heads: 3, own: 32, rotated: 16, latent: 64, valueDim: 32, queries: 32, unpacked: true},
		{name: "unpacked, gate, without rotation", heads: 2, own: 24, latent: 40, valueDim: 20, unpacked: true, gate: true},
		{name: "absorbed, without rotation", heads: 2, own: 32, latent: 64, valueDim: 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, 8))
			lin := func(in, out int) linear { return linear{w: randomMatrix(t, r, in, out)} }
			d := c.own + c.rotated
			a := &latentAttention{
				norm: testNorm(r, embd), kva: lin(embd, c.latent+c.rotated), kvNorm: testNorm(r, c.latent),
				own: c.own, rotated: c.rotated, latent: c.latent, valueDim: c.valueDim,
				core: &attention{
					heads: c.heads, kvHeads: 1, keyDim: c.latent + c.rotated, valueDim: c.valueDim, window: c.window,
					o: lin(c.heads*c.valueDim, embd), params: kernels.AttendParams{Scale: 1 / sqrt(d)},
					temper: &temper{floor: 4, scale: 0.1},
				},
			}
			m := &Model{Embd: embd, cache: []kvcache.Shape{{Heads: 1, KeyDim: c.latent + c.rotated}}}
			in := embd
			if c.queries > 0 {
				qa := lin(embd, c.queries)
				a.qa, a.qaNorm, in = &qa, testNorm(r, c.queries), c.queries
			}
			a.q = lin(in, c.heads*d)
			if c.rotated > 0 {
				a.rope = &rope{dim: c.rotated, step: 0.5, scale: 1, mag: 1}
				m.ropes = []*rope{a.rope}
			}
			if c.unpacked {
				a.kvb = lin(c.latent, c.heads*(c.own+c.valueDim))
				a.core.kvHeads, a.core.keyDim = c.heads, d
				m.cache[0] = kvcache.Shape{Heads: c.heads, KeyDim: d, ValueDim: c.valueDim}
			} else {
				for range c.heads {
					a.keyOf, a.valueOf = append(a.keyOf, lin(c.own, c.latent)), append(a.valueOf, lin(c.latent, c.valueDim))
				}
			}
			if c.gate {
				g := lin(embd, c.heads)
				a.core.gate = &g
			}
			if c.sinks {
				a.core.sinks = randoms(r, c.heads)
			}
			if c.shared {
				a.sharedKey = testNorm(r, c.rotated)
			}
			x := randoms(r, tokens*embd)
			if e := nmse(sameBits(t, m, a, x), latentReference(a, embd, x)); e > 1e-12 {
				t.Errorf("NMSE %g against the reference", e)
			}
		})
	}
}
