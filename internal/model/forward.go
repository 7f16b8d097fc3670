package model

import (
	"errors"
	"fmt"
	"sync/atomic"

	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
)

// Forward runs ids, at most Batch tokens, at the positions that follow what the
// cache holds, and appends their keys and values to it. If logits is not nil,
// the last token's go there, [vocab].
//
// On an error, parallel.ErrStopped included, the cache is as long as before, and
// the same call made again gives the same result.
func (s *State) Forward(team *parallel.Team, stop *atomic.Bool, cache *kvcache.Cache, ids []int32, logits []float32) error {
	if team.Size() > len(s.passes) {
		return errors.New("model: the team is larger than the state was made for")
	}
	if err := s.prepare(cache, ids, logits); err != nil {
		return err
	}
	parts := s.parts()
	for i := range parts {
		var err error
		switch work := s.part(i, parts); {
		case len(ids) == 1:
			err = team.Repeat(stop, decoding, 1, s.work)
		case len(ids) < partTokens:
			err = team.Run(stop, s.work)
		default:
			err = team.Repeat(stop, prefilling, work, s.work)
		}
		if err != nil {
			return err
		}
	}
	cache.Advance(len(ids))
	return nil
}

// prepare checks what Forward is given and keeps it for the runs of the pass.
func (s *State) prepare(cache *kvcache.Cache, ids []int32, logits []float32) error {
	m, n := s.m, len(ids)
	if n == 0 || n > s.batch {
		return fmt.Errorf("model: a pass of %d tokens, want 1 to %d", n, s.batch)
	}
	for i, id := range ids {
		if id < 0 || int(id) >= m.Vocab {
			return fmt.Errorf("token %d at index %d is outside of the vocabulary of %d", id, i, m.Vocab)
		}
	}
	if err := cache.Reserve(n); err != nil {
		return err
	}
	if end := cache.Len() + n; m.Positions > 0 && end > m.Positions {
		return fmt.Errorf("%w: the model has %d positions, %d are asked for", kvcache.ErrFull, m.Positions, end)
	}
	s.fit(cache)
	s.ids, s.pos, s.cache, s.again = ids, cache.Len(), cache, false
	s.logits, s.from, s.to = logits, n, n
	if logits != nil {
		s.from = n - 1
	}
	s.whole = s.watch != nil || logits != nil && n == 1
	return nil
}

// Kinds of repeated runs.
const (
	decoding   parallel.Kind = iota // a token's pass
	prefilling                      // part of a batch's pass
)

// A pass of as many tokens takes long enough to be cut into runs of a few blocks, so
// that the number of workers can change on the way.
const (
	partTokens = 64
	maxParts   = 32
)

// parts is the number of runs of the pass.
func (s *State) parts() int {
	if len(s.ids) < partTokens {
		return 1
	}
	return max(1, min(maxParts, s.end()))
}

// part makes the next run the i-th of so many, and tells how much it has to do.
func (s *State) part(i, parts int) (work int) {
	end := s.end()
	s.first, s.last, s.ends = end*i/parts, end*(i+1)/parts, i == parts-1
	return len(s.ids) * max(1, s.last-s.first)
}

// end is where the blocks end that all tokens of the pass go through.
func (s *State) end() int {
	if s.whole {
		return len(s.m.blocks)
	}
	return s.m.tail
}

// Logits computes those of the tokens from..to of the last Forward: [to-from][vocab].
func (s *State) Logits(team *parallel.Team, stop *atomic.Bool, from, to int, logits []float32) error {
	if from < 0 || to > len(s.ids) || from >= to || len(logits) < (to-from)*s.m.Vocab {
		return fmt.Errorf("model: logits of tokens %d to %d of %d, room for %d numbers", from, to, len(s.ids), len(logits))
	}
	s.logits, s.from, s.to, s.again = logits, from, to, true
	s.first, s.last, s.ends = s.end(), s.end(), true
	if n := (to - from) * s.m.Embd; n > len(s.tail) {
		s.tail = make([]float32, n)
	}
	return team.Run(stop, s.work)
}

// begin makes a worker's pass see all tokens.
func (s *State) begin(w *parallel.Worker) *pass {
	p := &s.passes[w.ID()]
	p.Worker, p.n, p.x = w, len(s.ids), s.x
	p.lora.step++
	return p
}

// run is one run of the forward pass, the same on every worker.
func (s *State) run(w *parallel.Worker) {
	p := s.begin(w)
	if s.first == 0 && !s.again {
		s.m.embed.run(p)
	}
	for _, b := range s.m.blocks[s.first:s.last] {
		b.run(p)
	}
	if !s.ends || s.from == s.to {
		return
	}
	d := s.m.Embd
	p.x, p.n = s.x[s.from*d:s.to*d], s.to-s.from
	if tail := s.m.blocks[s.last:]; len(tail) > 0 {
		for t := range p.Tiles(p.n) {
			copy(s.tail[t*d:(t+1)*d], p.row(t))
		}
		p.Barrier()
		p.x = s.tail[:p.n*d]
		for _, b := range tail {
			b.run(p)
		}
	}
	s.m.head.run(p)
}
