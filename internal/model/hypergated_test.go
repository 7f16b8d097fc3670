package model

import (
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kvcache"
)

func randomGatedIn(t *testing.T, r *rand.Rand, h *hyper, embd, rank int, input *kept) *gatedIn {
	at := areas(rank, h.n)
	g := &gatedIn{
		hyper: h, norms: randoms(r, h.n*embd), input: input, low: at[0], back: at[1],
		down: linear{w: randomMatrix(t, r, h.n*embd, rank)}.times(1 / float32(h.n)),
		up:   linear{w: randomMatrix(t, r, rank, h.n*embd)},
	}
	if input != nil {
		g.inject = linear{w: randomMatrix(t, r, h.n*embd, h.n)}.times(1 / float32(h.n))
	}
	return g
}

// reference is the input for the streams, and the weights of the output.
func (g *gatedIn) reference(streams [][]float64) (input, back []float64) {
	d := len(streams[0])
	var all []float64
	for i, s := range streams {
		all = append(all, normReference(&norm{w: g.norms[i*d : (i+1)*d], eps: g.normEps}, s)...)
	}
	low := times(&g.down.w, all)
	for i, v := range low {
		low[i] = silu(v / float64(g.n))
	}
	input = make([]float64, d)
	for i, gate := range times(&g.up.w, low) {
		input[i%d] += all[i] * sigmoid(gate) / float64(g.n)
	}
	if g.input != nil {
		for _, v := range times(&g.inject.w, all) {
			back = append(back, 2*sigmoid(v/float64(g.n)))
		}
	}
	return input, back
}

func TestGatedHyperConnections(t *testing.T) {
	const embd, rank = 320, 24
	r := rand.New(rand.NewPCG(12, 1))
	h := &hyper{n: 3, normEps: 1e-5}
	in, end := randomGatedIn(t, r, h, embd, rank, &kept{0}), randomGatedIn(t, r, h, embd, rank, nil)
	n := testNorm(r, embd)
	blocks := sequence{hyperStart{h}, in, &plus{from: in.input, scale: 1}, renorm{n}, hyperOut{h}, end}
	checkBlocks(t, &Model{Embd: embd, keeps: 1}, r, blocks, func(x []float64) []float64 {
		streams := [][]float64{x, x, x}
		input, back := in.reference(streams)
		for i := range streams {
			streams[i] = sum(x, scaled(normReference(n, input), back[i]))
		}
		y, _ := end.reference(streams)
		return y
	})
}

// TestNgrams has tokens that are all 0, after none: what is read of the table
// changes for as long as n-grams reach before the first token.
func TestNgrams(t *testing.T) {
	const embd, most, per, rows, taps, tokens = 64, 3, 2, 7, 3, 11
	r := rand.New(rand.NewPCG(12, 2))
	h := &hyper{n: 2, normEps: 1e-5}
	const wide = 2 * embd
	at := areas(wide, embd, wide)
	g := &ngrams{
		hyper: h, most: most, width: embd / (per * (most - 1)), eos: 5, factors: []uint64{1, 3, 5},
		table: randomMatrix(t, r, embd/(per*(most-1)), 4*rows),
		key:   linear{w: randomMatrix(t, r, embd, wide)}, value: linear{w: randomMatrix(t, r, embd, embd)},
		keyNorm: randoms(r, wide), queryNorm: randoms(r, wide), pastNorm: randoms(r, wide),
		past: conv{taps: taps, channels: wide, w: randoms(r, taps*wide)},
		keys: at[0], values: at[1], normed: at[2],
	}
	for i := range per * (most - 1) {
		g.heads = append(g.heads, ngramHead{uint64(i * rows), rows})
	}
	end := randomGatedIn(t, r, h, embd, 8, nil)
	m := &Model{Embd: embd, cache: []kvcache.Shape{{State: g.reach()*wide + most - 1}}}
	x := randoms(r, tokens*embd)
	got := sameBits(t, m, sequence{hyperStart{h}, g, end}, x)

	part := func(w []float32, i int, v []float64) []float64 {
		return normReference(&norm{w: w[i*embd : (i+1)*embd], eps: h.normEps}, v)
	}
	// The hash of token 0 and of the tokens before it, which are 5 where there are none.
	hashes := [][2]uint64{{15, 15 ^ 25}, {0, 25}, {0, 0}}
	var want []float64
	var past [][]float64 // [token][wide]
	for tok := range tokens {
		xt := widen(x[tok*embd : (tok+1)*embd])
		var row []float64
		for i, head := range g.heads {
			dst := make([]float32, g.width)
			g.table.Row(dst, int(head.first+hashes[min(tok, 2)][i/per]%rows))
			row = append(row, widen(dst)...)
		}
		keys, value := times(&g.key.w, row), times(&g.value.w, row)
		var gated, normed []float64
		for i := range h.n {
			s := 0.0
			q := part(g.queryNorm, i, xt)
			for j, k := range part(g.keyNorm, i, keys[i*embd:(i+1)*embd]) {
				s += k * q[j] / math.Sqrt(embd)
			}
			s = math.Copysign(math.Sqrt(math.Max(math.Abs(s), 1e-6)), s)
			v := scaled(value, sigmoid(s))
			gated, normed = append(gated, v...), append(normed, part(g.pastNorm, i, v)...)
		}
		past = append(past, normed)
		var streams [][]float64
		for i := range h.n {
			s := sum(xt, gated[i*embd:(i+1)*embd])
			for j := range s {
				c := i*embd + j
				y := 0.0
				for k := range taps {
					if from := tok - (taps-1-k)*most; from >= 0 {
						y += float64(g.past.w[k*wide+c]) * past[from][c]
					}
				}
				s[j] += silu(y)
			}
			streams = append(streams, s)
		}
		y, _ := end.reference(streams)
		want = append(want, y...)
	}
	if e := nmse(got, want); !(e <= 1e-12) {
		t.Errorf("NMSE %g against the reference", e)
	}
}
