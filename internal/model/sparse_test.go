package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"happyphonellm/internal/kvcache"
)

// marked is a block that adds 1 to number j of a token's row in the residual
// stream for each row j of the cache that its indexer lets the token see.
type marked struct{ x *indexer }

func (b marked) size(z *sizes) { b.x.size(z) }

func (b marked) run(p *pass) {
	in := p.normed(nil)
	p.Barrier()
	b.x.run(p, in, in)
	dense := b.x.dense(p)
	for t := range p.Tiles(p.n) {
		y := p.row(t)
		clear(y)
		for l := range b.x.lists() {
			rows := b.x.rows(p.pos + t)
			if t < dense {
				for r := range rows {
					y[r]++
				}
				continue
			}
			list := p.picks.list(b.x.lists(), t, l)
			for _, r := range list[1 : 1+list[0]] {
				y[r]++
			}
		}
	}
	p.Barrier()
}

// indexReference is marked's result for one token after the other, in float64.
func indexReference(x *indexer, embd int, input []float32) []float64 {
	n := len(input) / embd
	per := x.per
	position := func(t int, head []float64) []float64 {
		if x.rope != nil {
			turn(head, x.rope, t)
		}
		return head
	}
	token := func(t int) []float64 { return widen(input[t*embd : (t+1)*embd]) }
	key := func(t int) []float64 { // of a position
		switch k := x.keys.(type) {
		case *positionKeys:
			return position(t, rms(times(&k.k.w, token(t)), k.norm.w, float64(k.norm.eps)))
		case *pooledKeys:
			return times(&k.k.w, token(t))
		}
		return nil
	}
	row := func(r int) []float64 {
		k, ok := x.keys.(*pooledKeys)
		if !ok {
			return key(r)
		}
		sum, total := make([]float64, x.dim), make([]float64, x.dim)
		for j := range per {
			weight := make([]float64, x.dim)
			if k.gate.w.Rows > 0 {
				weight = times(&k.gate.w, token(r*per+j))
				for i := range weight {
					weight[i] += float64(k.ape[j*x.dim+i])
				}
			}
			for i, v := range key(r*per + j) {
				e := math.Exp(weight[i])
				sum[i] += e * v
				total[i] += e
			}
		}
		for i := range sum {
			sum[i] /= total[i]
		}
		if k.after != nil {
			sum = position(r*per, rms(sum, k.after.w, float64(k.after.eps)))
		}
		return sum
	}
	dot := func(a, b []float64) float64 {
		s := 0.0
		for i := range a {
			s += a[i] * b[i]
		}
		return s
	}
	var out []float64
	for t := range n {
		y := make([]float64, embd)
		q := times(&x.q.w, token(t))
		head := func(h int) []float64 { return position(t, slices.Clone(q[h*x.dim:(h+1)*x.dim])) }
		mark := func(scores []float64) {
			order := make([]int, len(scores))
			for i := range order {
				order[i] = i
			}
			slices.SortFunc(order, func(a, b int) int {
				if scores[a] > scores[b] {
					return -1
				}
				return 1
			})
			for _, r := range order[:min(x.most, len(order))] {
				y[r]++
			}
		}
		if x.blocks {
			for h := range x.heads {
				scores := make([]float64, t/per+1)
				for b := range scores {
					scores[b] = math.Inf(-1)
					for j := b * per; j < min(b*per+per, t+1); j++ {
						scores[b] = max(scores[b], dot(head(h), key(j)))
					}
					if b > t/per-x.local {
						scores[b] += 1000
					}
				}
				mark(scores)
			}
		} else {
			scores := make([]float64, (t+1)/per)
			for r := range scores {
				for h := range x.heads {
					w := 1.0
					if x.weights.w.Rows > 0 {
						w = times(&x.weights.w, token(t))[h]
					}
					scores[r] += w * max(0, dot(head(h), row(r)))
				}
			}
			mark(scores)
		}
		out = append(out, y...)
	}
	return out
}

// turn is the reference of a rotation of the first numbers of x.
func turn(x []float64, r *rope, pos int) {
	for i := range r.dim / 2 {
		angle := float64(pos) * math.Pow(float64(r.step), float64(i))
		sin, cos := math.Sincos(angle)
		a, b := x[2*i], x[2*i+1]
		x[2*i], x[2*i+1] = a*cos-b*sin, a*sin+b*cos
	}
}

func TestIndexer(t *testing.T) {
	const embd, tokens, dim = 64, 47, 32
	for _, c := range []struct {
		name             string
		heads, per, most int
		pooled, gated    bool
		blocks           bool
		local            int
	}{
		{name: "positions", heads: 8, per: 1, most: 9},
		{name: "means of 4", heads: 8, per: 4, most: 3, pooled: true},
		{name: "weighted means of 3", heads: 8, per: 3, most: 5, pooled: true, gated: true},
		{name: "blocks by head", heads: 3, per: 4, most: 4, blocks: true, local: 2},
		{name: "everything", heads: 2, per: 1, most: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, 6))
			lin := func(out int) linear { return linear{w: randomMatrix(t, r, embd, out)} }
			x := &indexer{
				q: lin(c.heads * dim), heads: c.heads, dim: dim, per: c.per, most: c.most,
				scale: 1, blocks: c.blocks, local: c.local,
				rope: &rope{dim: 8, step: 0.5, scale: 1, mag: 1},
			}
			m := &Model{Embd: embd, ropes: []*rope{x.rope}, cache: []kvcache.Shape{{Sides: [2]kvcache.Side{{Dim: dim}}}}}
			if !c.blocks {
				x.weights = lin(c.heads)
			}
			if c.pooled {
				k := &pooledKeys{x: x, k: lin(dim)}
				x.keys, x.side = k, 1
				if c.gated {
					k.gate, k.ape, x.rope = lin(dim), randoms(r, c.per*dim), nil
					m.cache[0].Sides[0].Dim = 2 * dim
				} else {
					k.after = testNorm(r, dim)
				}
				m.cache[0].Sides[1] = kvcache.Side{Dim: dim, Every: c.per}
			} else {
				x.keys = &positionKeys{x: x, k: lin(dim), norm: testNorm(r, dim)}
			}
			input := randoms(r, tokens*embd)
			if e := nmse(sameBits(t, m, marked{x}, input), indexReference(x, embd, input)); e != 0 {
				t.Errorf("other rows than the reference: NMSE %g", e)
			}
			if n := allocations(t, m, marked{x}); n != 0 {
				t.Errorf("%v allocations per pass", n)
			}
		})
	}
}

func TestLargest(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		scores := randoms(r, 1+r.IntN(60))
		list := make([]int32, 1+r.IntN(len(scores)))
		largest(list, scores)
		slices.Sort(list)
		want := slices.Clone(scores)
		slices.Sort(want)
		least := want[len(want)-len(list)]
		for i, j := range list {
			if i > 0 && list[i-1] == j || scores[j] < least {
				t.Fatalf("%d of %v: %v", len(list), scores, list)
			}
		}
	}
	// What GNU's std::partial_sort leaves in the first places where scores are equal.
	scores := []float32{2, 1, 1, 2, 1, 1, 1, 3, 1, 2}
	for n, want := range map[int][]int32{3: {0, 3, 7}, 5: {0, 1, 3, 7, 9}, 7: {0, 1, 3, 4, 5, 7, 9}} {
		list := make([]int32, n)
		largest(list, scores)
		if slices.Sort(list); !slices.Equal(list, want) {
			t.Errorf("%d of %v: %v, want %v", n, scores, list, want)
		}
	}
}
