package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
)

// turnLast is turn for the last numbers of x; sign -1 turns back.
func turnLast(x []float64, r *rope, pos, sign int) []float64 {
	turn(x[len(x)-r.dim:], r, sign*pos)
	return x
}

// compressorReference are the rows of the blocks that n tokens complete.
func compressorReference(c *compressor, in [][]float64) [][]float64 {
	w := c.width()
	var rows [][]float64
	for block := range len(in) / c.ratio {
		sum, total := make([]float64, c.dim), make([]float64, c.dim)
		for j := -(c.halves() - 1) * c.ratio; j < c.ratio; j++ {
			pos := block*c.ratio + j
			if pos < 0 {
				continue
			}
			values, gates, at := times(&c.kv.w, in[pos]), times(&c.gate.w, in[pos]), 0
			if c.overlap && j >= 0 {
				at = c.dim
			}
			for i := range c.dim {
				e := math.Exp(gates[at+i] + float64(c.ape[pos%c.ratio*w+at+i]))
				sum[i] += e * values[at+i]
				total[i] += e
			}
		}
		for i := range sum {
			sum[i] /= total[i]
		}
		rows = append(rows, turnLast(rms(sum, c.norm.w, float64(c.norm.eps)), c.rope, block*c.ratio, 1))
	}
	return rows
}

// compressedReference is the block's result in float64, all rows seen.
func compressedReference(c *compressedAttention, embd int, x []float32) []float64 {
	n := len(x) / embd
	var in, keys [][]float64
	for t := range n {
		in = append(in, rms(widen(x[t*embd:(t+1)*embd]), c.norm.w, float64(c.norm.eps)))
		keys = append(keys, turnLast(rms(times(&c.kv.w, in[t]), c.kvNorm.w, float64(c.kvNorm.eps)), c.rope, t, 1))
	}
	var rows [][]float64
	if c.rows != nil {
		rows = compressorReference(c.rows, in)
	}
	ones := make([]float32, c.dim)
	for i := range ones {
		ones[i] = 1
	}
	var out []float64
	for t := range n {
		q := times(&c.q.w, rms(times(&c.qa.w, in[t]), c.qaNorm.w, float64(c.qaNorm.eps)))
		seen := append([][]float64{}, keys[max(0, t+1-c.window):t+1]...)
		if c.rows != nil {
			seen = append(seen, rows[:(t+1)/c.rows.ratio]...)
		}
		var low []float64
		per := c.heads / len(c.a)
		for g := range c.a {
			var group []float64
			for h := g * per; h < (g+1)*per; h++ {
				head := turnLast(rms(q[h*c.dim:(h+1)*c.dim], ones, float64(c.headNorm.eps)), c.rope, t, 1)
				y, total := make([]float64, c.dim), math.Exp(float64(c.sinks[h]))
				for _, key := range seen {
					score := 0.0
					for i, v := range key {
						score += v * head[i] * float64(c.params.Scale)
					}
					total += math.Exp(score)
					for i, v := range key {
						y[i] += math.Exp(score) * v
					}
				}
				for i := range y {
					y[i] /= total
				}
				group = append(group, turnLast(y, c.rope, t, -1)...)
			}
			low = append(low, times(&c.a[g].w, group)...)
		}
		for i, v := range times(&c.b.w, low) {
			out = append(out, float64(x[t*embd+i])+v)
		}
	}
	return out
}

func TestCompressedAttention(t *testing.T) {
	const embd, tokens, heads, dim, groups, rank = 64, 23, 6, 40, 3, 12
	for _, ratio := range []int{0, 4, 5} {
		r := rand.New(rand.NewPCG(11, uint64(ratio)))
		lin := func(in, out int) linear { return linear{w: randomMatrix(t, r, in, out)} }
		rope := &rope{dim: 8, step: 0.5, scale: 1, mag: 1}
		c := &compressedAttention{
			norm: testNorm(r, embd), qa: lin(embd, 32), qaNorm: testNorm(r, 32), q: lin(32, heads*dim), headNorm: &norm{eps: 1e-5},
			kv: lin(embd, dim), kvNorm: testNorm(r, dim), heads: heads, dim: dim, rope: rope, window: 7,
			params: kernels.AttendParams{Scale: 1 / sqrt(dim)}, sinks: randoms(r, heads), b: lin(groups*rank, embd),
		}
		for range groups {
			c.a = append(c.a, lin(heads/groups*dim, rank))
		}
		m := &Model{Embd: embd, Layers: 1, cache: []kvcache.Shape{{Heads: 1, KeyDim: dim}}}
		m.ropes = append(m.ropes, rope)
		if ratio > 0 {
			rows := &compressor{ratio: ratio, dim: dim, overlap: ratio == 4, rope: rope, norm: testNorm(r, dim)}
			rows.kv, rows.gate, rows.ape = lin(embd, rows.width()), lin(embd, rows.width()), randoms(r, ratio*rows.width())
			c.rows = rows
			m.cache[0].State = rows.state()
			m.cache[0].Sides[0] = kvcache.Side{Dim: dim, Every: ratio}
		}
		x := randoms(r, tokens*embd)
		if e := nmse(sameBits(t, m, c, x), compressedReference(c, embd, x)); e > 1e-12 {
			t.Errorf("a row for %d positions: NMSE %g against the reference", ratio, e)
		}
	}
}
