// Package parallel runs one straight-line function on a fixed team of workers.
//
// The model is SPMD: every worker executes the same function; loops are split
// by tiles claimed from a shared counter, and a barrier stands where data
// crosses workers. There is no task graph and no queue.
//
// The package knows nothing about models or numbers, and it does not decide
// how many workers are good for a machine: its callers do.
package parallel

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// ErrStopped is returned by Run when its stop flag was raised before the work
// was done. What the function had written until then is left as it was.
var ErrStopped = errors.New("stopped")

// PanicError is returned by Run when the function panicked in a worker.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // the stack of the worker that panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a worker: %v", e.Value) }

// Unwrap gives the panic's value if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// maxLoops is how many Tiles loops may stand between two barriers.
const maxLoops = 8

// Team is a fixed number of workers. The goroutine that calls Run is worker 0;
// the others are goroutines that live, mostly parked, until Close.
// A Team may be used from several goroutines: runs wait for each other.
type Team struct {
	run     sync.Mutex // held for the length of a Run, and by Close
	closed  bool
	workers []Worker

	f    func(*Worker)
	stop *atomic.Bool

	epoch   signal // advances when a run begins
	phase   signal // advances when a barrier opens
	done    signal // advances when the last worker leaves a run
	aborted atomic.Bool

	arrived counter // workers that wait at the barrier
	running counter // workers that are inside f
	tiles   [maxLoops]counter

	failure atomic.Pointer[PanicError]
}

// counter has a cache line of its own, so that workers that count in one do
// not slow down those that count in another.
type counter struct {
	atomic.Int32
	_ [60]byte
}

// New starts a team of n workers; n below 1 counts as 1.
func New(n int) *Team {
	t := &Team{workers: make([]Worker, max(n, 1))}
	for i := range t.workers {
		t.workers[i] = Worker{id: i, team: t, wake: make(chan struct{}, 1)}
	}
	for i := 1; i < len(t.workers); i++ {
		go t.workers[i].serve()
	}
	return t
}

// Size is the number of workers.
func (t *Team) Size() int { return len(t.workers) }

// Close ends the team's goroutines, after a run in progress. Run must not be
// called afterwards; a second Close does nothing.
func (t *Team) Close() {
	t.run.Lock()
	defer t.run.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.f = nil
	t.epoch.advance(t)
}

// Run executes f once on every worker and returns when all have left it.
// When stop, which may be nil, becomes true, the workers leave f at their next
// Tiles step or Barrier and Run returns ErrStopped. A panic in f, a memory fault
// included, takes the same way out and comes back as a *PanicError.
//
// Run allocates nothing if f is a stored function value.
func (t *Team) Run(stop *atomic.Bool, f func(w *Worker)) error {
	t.run.Lock()
	defer t.run.Unlock()
	if t.closed {
		panic("parallel: Run after Close")
	}
	t.f, t.stop = f, stop
	t.aborted.Store(false)
	t.failure.Store(nil)
	t.arrived.Store(0)
	t.resetTiles()
	t.running.Store(int32(len(t.workers)))
	finished := t.done.current()
	t.epoch.advance(t)

	w := &t.workers[0]
	restore := debug.SetPanicOnFault(true)
	w.once()
	debug.SetPanicOnFault(restore)
	t.done.wait(w, finished, nil)

	if e := t.failure.Load(); e != nil {
		return e
	}
	if t.aborted.Load() {
		return ErrStopped
	}
	return nil
}

func (t *Team) resetTiles() {
	for i := range t.tiles {
		t.tiles[i].Store(0)
	}
}

// abort makes every worker leave the current run.
func (t *Team) abort() {
	if !t.aborted.Swap(true) {
		t.wakeAll()
	}
}

func (t *Team) wakeAll() {
	for i := range t.workers {
		t.workers[i].unpark()
	}
}
