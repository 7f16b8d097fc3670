package parallel

import (
	"iter"
	"runtime/debug"
	"sync/atomic"
)

// Worker is one member of a Team, as seen by the function that Run executes.
// Its methods may be called by that function only.
type Worker struct {
	id     int
	team   *Team
	loop   int // Tiles loops begun since the last barrier
	parked atomic.Bool
	wake   chan struct{}
	_      [64]byte
}

// unwind is the panic that takes a worker out of an aborted run.
type unwind struct{}

// ID is the worker's number, 0 to Size()-1. Worker 0 is the caller of Run.
func (w *Worker) ID() int { return w.id }

// Size is the number of workers that execute the function.
func (w *Worker) Size() int { return w.team.active }

// Tiles yields those of the numbers 0 to n-1 that this worker gets: each number
// goes to exactly one worker. A worker has a share of neighbours, which it goes
// through in order, so that what it reads ahead is its own; then it helps others,
// from the ends of their shares. All workers must come to the same Tiles loops in
// the same order and run them to their end, at most eight between two barriers.
func (w *Worker) Tiles(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		t := w.team
		shares := t.shares[w.loop*len(t.workers):][:t.active]
		w.loop++
		for i := range shares {
			owner := w.id + i
			if owner >= len(shares) {
				owner -= len(shares)
			}
			from, to := n*owner/len(shares), n*(owner+1)/len(shares)
			for {
				w.leaveIfAborted()
				at, ok := shares[owner].take(to-from, i == 0)
				if !ok {
					break
				}
				if !yield(from + at) {
					return
				}
			}
		}
	}
}

// Barrier returns when every worker of the team has come to it: all that they
// wrote before is visible to all after.
func (w *Worker) Barrier() {
	t := w.team
	w.leaveIfAborted()
	loops := w.loop
	w.loop = 0
	if t.active == 1 {
		t.resetShares(loops)
		return
	}
	here := t.phase.current()
	if int(t.arrived.Add(1)) == t.active {
		t.arrived.Store(0)
		t.resetShares(loops)
		t.phase.advance(t, t.active)
		return
	}
	_, parked := t.phase.wait(w, here, &t.aborted)
	if parked > 0 {
		t.waited.Add(int64(parked))
	}
	w.leaveIfAborted()
}

func (w *Worker) leaveIfAborted() {
	t := w.team
	if t.stop != nil && t.stop.Load() {
		t.abort()
	}
	if t.aborted.Load() {
		panic(unwind{})
	}
}

// serve is the life of a worker other than 0.
func (w *Worker) serve() {
	debug.SetPanicOnFault(true)
	t := w.team
	for epoch := uint32(0); ; {
		epoch, _ = t.epoch.wait(w, epoch, nil)
		if w.id >= int(epoch%maxWorkers) {
			continue // a run of fewer workers
		}
		if t.f == nil {
			return
		}
		w.once()
	}
}

// once executes the team's function and reports that this worker has left it.
func (w *Worker) once() {
	t := w.team
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(unwind); !ok {
				t.failure.CompareAndSwap(nil, &PanicError{Value: v, Stack: debug.Stack()})
				t.abort()
			}
		}
		if t.running.Add(-1) == 0 {
			t.done.advance(t, 1) // worker 0 waits for it; the next run may begin now
		}
	}()
	w.loop = 0
	t.f(w)
}

func (w *Worker) unpark() {
	if w.parked.CompareAndSwap(true, false) {
		w.wake <- struct{}{}
	}
}
