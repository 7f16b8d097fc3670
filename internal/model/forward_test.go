package model

import (
	"math"
	"testing"

	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// TestPartsOnOtherTeams: the runs of a pass may have as many workers as they like.
func TestPartsOnOtherTeams(t *testing.T) {
	m, err := Load(tinyLlama().write(t))
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int32, partTokens)
	for i := range ids {
		ids[i] = int32(i * 11 % m.Vocab)
	}
	all := logitsOf(t, m, ids, 1, 1)
	want := all[len(all)-m.Vocab:]
	teams := []*parallel.Team{parallel.New(3), parallel.New(1), parallel.New(2)}
	s := m.NewState(len(ids), 3)
	for first := range teams {
		defer teams[first].Close()
		cache, err := kvcache.New(quant.F16, len(ids), m.CacheShape())
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]float32, m.Vocab)
		if err := s.prepare(cache, ids, logits); err != nil {
			t.Fatal(err)
		}
		parts := s.parts()
		if parts != m.tail {
			t.Fatalf("%d parts of %d blocks, want one a block", parts, m.tail)
		}
		for i := range parts {
			s.part(i, parts)
			if err := teams[(first+i)%len(teams)].Run(nil, s.work); err != nil {
				t.Fatal(err)
			}
		}
		for i, v := range logits {
			if math.Float32bits(v) != math.Float32bits(want[i]) {
				t.Fatalf("teams from %d on: logit %d is %v, want %v", first, i, v, want[i])
			}
		}
	}
}
