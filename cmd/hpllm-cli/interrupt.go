package main

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"happyphonellm/internal/infer"
)

// errInterrupted is what a command returns that Ctrl-C ended; exit code 130.
var errInterrupted = errors.New("interrupted")

// interrupt turns Ctrl-C (and SIGTERM) into a stop of what is running. A
// second one, or one while nothing can be stopped, ends the program at once.
type interrupt struct {
	mu   sync.Mutex
	stop func() // nil: nothing runs that can be stopped
	hit  bool
}

func newInterrupt() *interrupt {
	i := &interrupt{}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range signals {
			i.signal()
		}
	}()
	return i
}

func (i *interrupt) signal() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stop == nil || i.hit {
		os.Exit(130)
	}
	i.hit = true
	go i.insist()
}

// insist calls stop again and again while it is in force: one that comes
// between two computations of a session stops neither.
func (i *interrupt) insist() {
	again := func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		if !i.hit || i.stop == nil {
			return false
		}
		i.stop()
		return true
	}
	for again() {
		time.Sleep(5 * time.Millisecond)
	}
}

// during makes Ctrl-C call stop, from another goroutine, until done is called.
func (i *interrupt) during(stop func()) (done func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := i.stop
	i.stop = stop
	if i.hit {
		go i.insist()
	}
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.stop = old
	}
}

// interrupted reports whether Ctrl-C came, and forgets it.
func (i *interrupt) interrupted() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	hit := i.hit
	i.hit = false
	return hit
}

// pending reports whether Ctrl-C came.
func (i *interrupt) pending() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.hit
}

// eval runs f, which computes on a session, so that Ctrl-C stops it.
func (i *interrupt) eval(s *infer.Session, f func() error) error {
	defer i.during(s.Stop)()
	if i.pending() {
		return errInterrupted
	}
	err := f()
	if i.pending() || errors.Is(err, infer.ErrStopped) {
		return errInterrupted
	}
	return err
}
