package model

import (
	"math"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// The last feed-forward runs only for tokens whose logits are asked for, as often as
// they are, and gives them the same bits in every way of asking.
func TestTail(t *testing.T) {
	m, err := Load(tinyLlama().write(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(m.blocks) - 1; m.tail != want {
		t.Fatalf("the tail begins at block %d, want %d", m.tail, want)
	}
	ids := []int32{5, 9, 1, 40, 7, 7, 2, 63}
	want := logitsOf(t, m, ids, 1, 1)
	team := parallel.New(2)
	defer team.Close()
	s := m.NewState(len(ids), 2)
	cache, err := kvcache.New(quant.F16, 3*len(ids), m.CacheShape())
	if err != nil {
		t.Fatal(err)
	}
	check := func(from int, got []float32) {
		t.Helper()
		for i, v := range got {
			if math.Float32bits(v) != math.Float32bits(want[from*m.Vocab+i]) {
				t.Fatalf("logit %d from token %d on is %v, want %v", i, from, v, want[from*m.Vocab+i])
			}
		}
	}
	rows := func(from, to int) {
		t.Helper()
		out := make([]float32, (to-from)*m.Vocab)
		if err := s.Logits(team, nil, from, to, out); err != nil {
			t.Fatal(err)
		}
		check(from, out)
	}
	forward := func(logits []float32) {
		t.Helper()
		cache.Truncate(0)
		if err := s.Forward(team, nil, cache, ids, logits); err != nil {
			t.Fatal(err)
		}
	}
	last := make([]float32, m.Vocab)
	forward(last)
	check(len(ids)-1, last)
	rows(0, len(ids))
	rows(len(ids)-1, len(ids))
	rows(2, 5)
	rows(2, 5)
	forward(nil)
	rows(3, len(ids))

	// Who watches sees every token at every matrix.
	seen := make([]int, 2)
	s.Watch(func(first *byte, x *kernels.Acts) {
		for i, w := range []*linear{&m.blocks[0].(*attention).q, &m.blocks[m.tail].(*feedForward).down} {
			if first == &w.w.Data[0] {
				seen[i] += x.N
			}
		}
	})
	forward(last)
	check(len(ids)-1, last)
	if seen[0] != len(ids) || seen[1] != len(ids) {
		t.Errorf("%d tokens seen at the first matrix, %d at the last, want %d", seen[0], seen[1], len(ids))
	}
}
