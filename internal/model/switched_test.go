package model

import (
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// adapted is a block of a switch and a matrix that it is for.
type adapted struct {
	s *adapterSwitch
	l *linear
}

func (b adapted) size(z *sizes) {
	b.s.size(z)
	z.need(&z.line, maxTileRows)
	z.need(&z.latent.head, blocks(b.s.rank))
	z.addLinear(b.l, nil)
}

func (b adapted) run(p *pass) {
	b.s.run(p)
	in := p.normed(nil)
	p.Barrier() // what is added to the stream must not meet who still reads it
	p.addLinear(b.l, in, nil)
}

func TestSwitchedLinear(t *testing.T) {
	const embd, tokens, rank = 96, 9, 8
	r := rand.New(rand.NewPCG(3, 4))
	s := &adapterSwitch{adapters: 2, rank: rank, slots: map[int32]int32{0: 2}, less: 1e-13, chosen: area{0, 1}}
	l := &linear{w: randomMatrix(t, r, embd, embd), switched: &switched{chosen: s.chosen}}
	for range s.adapters + 1 {
		l.switched.a = append(l.switched.a, randomMatrix(t, r, embd, rank))
		l.switched.b = append(l.switched.b, randomMatrix(t, r, rank, embd))
	}
	m := &Model{Embd: embd, cache: []kvcache.Shape{{State: 3}}}
	x := randoms(r, tokens*embd)
	var want []float64
	for i := 0; i < len(x); i += embd {
		xt := widen(x[i : i+embd])
		plain, more := times(&l.w, xt), times(&l.switched.b[2], times(&l.switched.a[2], xt))
		for j, v := range xt {
			want = append(want, v+plain[j]+more[j])
		}
	}
	if e := nmse(sameBits(t, m, adapted{s, l}, x), want); e > 1e-12 {
		t.Errorf("NMSE %g against the reference", e)
	}
	if n := allocations(t, m, adapted{s, l}); n != 0 {
		t.Errorf("%v allocations per pass", n)
	}
}

// TestAdapterSwitch: a token has the adapter that one before has switched on; where
// several have, what is between them, rounded.
func TestAdapterSwitch(t *testing.T) {
	s := &adapterSwitch{adapters: 4, slots: map[int32]int32{10: 1, 11: 4, 12: 2}, less: kernels.Exp64(-30), chosen: area{0, 1}}
	m := &Model{Embd: 1, cache: []kvcache.Shape{{State: 3}}}
	s.size(&m.sizes)
	team := parallel.New(1)
	defer team.Close()
	for _, c := range []struct {
		ids  []int32
		want []float32
	}{
		{[]int32{1, 2, 3}, []float32{0, 0, 0}},
		{[]int32{1, 11, 3, 4}, []float32{0, 4, 4, 4}},
		{[]int32{10, 1, 11, 1}, []float32{1, 1, 3, 3}}, // 2.5 is 3
		{[]int32{10, 10, 12, 5}, []float32{1, 1, 1, 1}},
	} {
		for _, chunk := range []int{1, 4} {
			cache, err := kvcache.New(quant.F32, 8, m.cache)
			if err != nil {
				t.Fatal(err)
			}
			state := m.NewState(4, 1)
			var got []float32
			for from := 0; from < len(c.ids); from += chunk {
				ids := c.ids[from:min(from+chunk, len(c.ids))]
				state.ids, state.cache = ids, cache
				err := team.Run(nil, func(w *parallel.Worker) {
					p := state.begin(w)
					s.run(p)
					for i := range ids {
						got = append(got, p.at(s.chosen, i)[0])
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				cache.Advance(len(ids))
			}
			for i, v := range c.want {
				if got[i] != v {
					t.Errorf("%v in chunks of %d: slots %v, want %v", c.ids, chunk, got, c.want)
					break
				}
			}
		}
	}
}
