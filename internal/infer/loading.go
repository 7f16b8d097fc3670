package infer

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// ErrPending is returned by what waits with a timeout, when that is over.
var ErrPending = errors.New("not yet")

// Forever as a timeout means none.
const Forever time.Duration = -1

// Loading is a Load on a goroutine of its own.
type Loading struct {
	done chan struct{} // closed when engine and err are set
	part atomic.Uint64 // bits of the part that is done

	mu     sync.Mutex
	ended  bool
	engine *Engine
	err    error
}

// BeginLoad starts a Load; o.Progress is not used.
func BeginLoad(path string, o Options) *Loading {
	l := &Loading{done: make(chan struct{})}
	o.Progress = func(part float64) bool {
		l.part.Store(math.Float64bits(part))
		return !l.over()
	}
	go func() {
		e, err := loadSafely(path, o)
		if !l.end(e, err) && e != nil {
			e.Close()
		}
	}()
	return l
}

func loadSafely(path string, o Options) (e *Engine, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, panicError(r)
		}
	}()
	return Load(path, o)
}

func (l *Loading) over() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// end sets the result, unless there is one.
func (l *Loading) end(e *Engine, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.ended, l.engine, l.err = true, e, err
	close(l.done)
	return true
}

// Cancel makes Poll return ErrStopped at once, if the load has not ended. What
// it has taken so far is freed at its next step.
func (l *Loading) Cancel() { l.end(nil, ErrStopped) }

// Poll waits for the end for at most the timeout. The engine, which is the same
// at every call, is the caller's to close.
func (l *Loading) Poll(timeout time.Duration) (*Engine, error) {
	if !wait(l.done, timeout) {
		return nil, ErrPending
	}
	return l.engine, l.err
}

// Done is the part of the load that is done, 0 to 1.
func (l *Loading) Done() float64 { return math.Float64frombits(l.part.Load()) }

// wait waits until c is closed, for at most the timeout.
func wait(c <-chan struct{}, timeout time.Duration) bool {
	if timeout < 0 {
		<-c
		return true
	}
	select {
	case <-c:
		return true
	default:
	}
	if timeout == 0 {
		return false
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}
