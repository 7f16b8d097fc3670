// Package parallel runs one straight-line function on a fixed team of workers.
//
// The model is SPMD: every worker executes the same function; loops are split
// by tiles of which every worker has a share, and a barrier stands where data
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
	"time"
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
	active  int  // workers of the present run: the first ones of the team
	pace    pace // of Repeat

	f    func(*Worker)
	stop *atomic.Bool

	epoch   signal // grows when a run begins: its number and, below it, its workers
	phase   signal // advances when a barrier opens
	done    signal // advances when the last worker leaves a run
	aborted atomic.Bool

	arrived counter // workers that wait at the barrier
	running counter // workers that are inside f
	shares  []share // [maxLoops][workers] what is taken of each loop's tiles

	waited  atomic.Int64 // nanoseconds that workers were parked at barriers
	failure atomic.Pointer[PanicError]
}

// An epoch is the number of a run times maxWorkers, plus the number of its workers:
// a worker learns with one look whether it takes part.
const maxWorkers = 512

// counter has a cache line of its own, so that workers that count in one do
// not slow down those that count in another.
type counter struct {
	atomic.Int32
	_ [60]byte
}

// New starts a team of n workers, at least 1 and at most 511.
func New(n int) *Team {
	n = min(max(n, 1), maxWorkers-1)
	t := &Team{workers: make([]Worker, n), shares: make([]share, maxLoops*n), pace: newPace(n)}
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
	t.begin(len(t.workers))
}

// Run executes f once on every worker, or on fewer while those are faster (see
// Repeat), and returns when all have left it.
// When stop, which may be nil, becomes true, the workers leave f at their next
// Tiles step or Barrier and Run returns ErrStopped. A panic in f, a memory fault
// included, takes the same way out and comes back as a *PanicError.
//
// Run allocates nothing if f is a stored function value.
func (t *Team) Run(stop *atomic.Bool, f func(w *Worker)) error {
	t.run.Lock()
	defer t.run.Unlock()
	return t.runOn(t.pace.now, stop, f)
}

// Repeat is Run for something that comes again and again, as the tokens of an answer
// or the layers of a prompt: it takes fewer workers while that is faster, because
// other programs have some of the cores. work is how much the run has to do, in a
// unit of its kind.
func (t *Team) Repeat(stop *atomic.Bool, k Kind, work int, f func(w *Worker)) error {
	t.run.Lock()
	defer t.run.Unlock()
	waited, begin := t.waited.Load(), time.Now()
	err := t.runOn(t.pace.workers(k), stop, f)
	if err == nil {
		t.pace.took(k, time.Since(begin), time.Duration(t.waited.Load()-waited), work)
	}
	return err
}

// runOn is Run on the first n workers.
func (t *Team) runOn(n int, stop *atomic.Bool, f func(w *Worker)) error {
	if t.closed {
		panic("parallel: Run after Close")
	}
	t.f, t.stop, t.active = f, stop, n
	t.aborted.Store(false)
	t.failure.Store(nil)
	t.arrived.Store(0)
	t.resetShares(maxLoops)
	t.running.Store(int32(n))
	finished := t.done.current()
	t.begin(n)

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

// begin tells the first n workers to run. The others stay as they are.
func (t *Team) begin(n int) {
	run := t.epoch.current()/maxWorkers + 1
	t.epoch.n.Store(run*maxWorkers + uint32(n))
	t.wake(n)
}

// abort makes every worker leave the current run.
func (t *Team) abort() {
	if !t.aborted.Swap(true) {
		t.wake(t.active)
	}
}

// wake unparks those of the first n workers that are parked.
func (t *Team) wake(n int) {
	for i := range n {
		t.workers[i].unpark()
	}
}
