package kvcache

import "fmt"

// states are the recurrent layers' states, all in one vector, and copies of it
// from earlier positions: a state cannot be run backwards.
type states struct {
	at        []int // first number of each layer's state, and the end of the last
	now, next []float32
	saved     []checkpoint // in the order of their positions
	spare     [][]float32  // room for more
}

// checkpoint is the state after the first n tokens.
type checkpoint struct {
	n     int
	state []float32
}

// A session has as many checkpoints as fit in checkpointBytes, within limits.
// One is made at least every checkpointEvery tokens; those that would leave the
// smallest gap go first, so that they stay spread over the context.
const (
	checkpointBytes = 64 << 20
	minCheckpoints  = 2
	maxCheckpoints  = 8
	checkpointEvery = 256
)

func checkpoints(size int) int {
	if size == 0 {
		return 0
	}
	return max(minCheckpoints, min(maxCheckpoints, checkpointBytes/4/size))
}

// stateSize is the number of float32 in all layers' states.
func stateSize(shapes []Shape) int {
	n := 0
	for _, s := range shapes {
		n += s.State
	}
	return n
}

// StateBytes is the memory of the states of layers of these shapes: two of each,
// and the checkpoints. It does not depend on the number of tokens.
func StateBytes(shapes []Shape) int64 {
	n := stateSize(shapes)
	return 4 * int64(n) * int64(2+checkpoints(n))
}

func (s *states) init(shapes []Shape) error {
	size := 0
	for i, l := range shapes {
		s.at = append(s.at, size)
		if l.State < 0 || l.State > 1<<31 || size > 1<<34 {
			return fmt.Errorf("kvcache: layer %d: a state of %d numbers", i, l.State)
		}
		size += l.State
	}
	s.at = append(s.at, size)
	s.now, s.next = make([]float32, size), make([]float32, size)
	n := checkpoints(size)
	s.saved = make([]checkpoint, 0, n)
	for range n {
		s.spare = append(s.spare, make([]float32, size))
	}
	return nil
}

// advance makes what a pass has written the state after n tokens.
func (s *states) advance(n int) {
	if len(s.now) == 0 {
		return
	}
	s.now, s.next = s.next, s.now
	last := 0
	if k := len(s.saved); k > 0 {
		last = s.saved[k-1].n
	}
	if n-last >= checkpointEvery {
		s.save(n)
	}
}

// save makes a checkpoint of the state after n tokens.
func (s *states) save(n int) {
	k := len(s.saved)
	if len(s.now) == 0 || k > 0 && s.saved[k-1].n == n {
		return
	}
	if len(s.spare) == 0 {
		s.thin(n)
	}
	room := s.spare[len(s.spare)-1]
	s.spare = s.spare[:len(s.spare)-1]
	copy(room, s.now)
	s.saved = append(s.saved, checkpoint{n, room})
}

// thin drops the checkpoint whose neighbours are nearest to each other, where n
// is about to follow the last one.
func (s *states) thin(n int) {
	drop, least := 0, 0
	for i := range s.saved {
		from, to := 0, n
		if i > 0 {
			from = s.saved[i-1].n
		}
		if i+1 < len(s.saved) {
			to = s.saved[i+1].n
		}
		if i == 0 || to-from < least {
			drop, least = i, to-from
		}
	}
	s.spare = append(s.spare, s.saved[drop].state)
	s.saved = append(s.saved[:drop], s.saved[drop+1:]...)
}

// back goes back to the last checkpoint of at most n tokens and returns how many
// those are. Later checkpoints are void.
func (s *states) back(n int) int {
	if len(s.now) == 0 {
		return n
	}
	k := len(s.saved)
	for k > 0 && s.saved[k-1].n > n {
		k--
		s.spare = append(s.spare, s.saved[k].state)
	}
	s.saved = s.saved[:k]
	if k == 0 {
		clear(s.now)
		return 0
	}
	copy(s.now, s.saved[k-1].state)
	return s.saved[k-1].n
}

// Recurrent tells whether any layer has a state, so that Truncate may have to go
// back further than it is asked to.
func (c *Cache) Recurrent() bool { return len(c.states.now) > 0 }

// Checkpoint keeps the present state for a later Truncate to this length or more.
// Caches without states need none.
func (c *Cache) Checkpoint() {
	if c.n > 0 {
		c.states.save(c.n)
	}
}

// State gives a layer's state: before holds what the tokens up to Len left, and
// after, which has the same size, is to be filled by the pass with what its
// tokens leave. Nothing is lost when a pass does not get that far.
func (c *Cache) State(layer int) (before, after []float32) {
	from, to := c.states.at[layer], c.states.at[layer+1]
	return c.states.now[from:to], c.states.next[from:to]
}
