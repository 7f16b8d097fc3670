package parallel

import (
	"sync/atomic"
	"time"
)

// signal is a number that only grows, and that workers can wait for.
type signal struct {
	n atomic.Uint32
	_ [60]byte
}

// spinRounds bounds the time that a waiting worker keeps its core before it
// parks: about 50 µs. Barriers inside a token are usually shorter, the time between two
// answers is always longer. (A wait without a bound would hang against a
// stop-the-world of the garbage collector.)
const (
	spinRounds = 1000
	spinPauses = 12
)

func (s *signal) current() uint32 { return s.n.Load() }

// advance grows the signal and wakes those of the first n workers that are parked,
// whatever they wait for: they look again.
func (s *signal) advance(t *Team, n int) {
	s.n.Add(1)
	t.wake(n)
}

// wait returns the signal's value as soon as it is no longer old, or earlier
// when the flag also, which may be nil, is raised; and for how long w was parked.
func (s *signal) wait(w *Worker, old uint32, also *atomic.Bool) (uint32, time.Duration) {
	ready := func() bool { return s.n.Load() != old || also != nil && also.Load() }
	for range spinRounds {
		if ready() {
			return s.n.Load(), 0
		}
		pause(spinPauses)
	}
	begin := time.Now()
	for !ready() {
		w.parked.Store(true)
		// The signal may have grown between the look and the mark: look again,
		// and take the mark back unless a waker was faster.
		if ready() && w.parked.CompareAndSwap(true, false) {
			break
		}
		<-w.wake
	}
	return s.n.Load(), time.Since(begin)
}
