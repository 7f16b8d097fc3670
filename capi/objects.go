package main

import "C"

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"happyphonellm/capi/handles"
	"happyphonellm/internal/infer"
)

const (
	kindModel   handles.Kind = 1
	kindSession handles.Kind = 2
)

// table holds every object that the host has a handle of.
var table handles.Table

// freeWait is how long hp_llm_free waits for what is still running.
const freeWait = time.Second

// model is what a model handle stands for.
type model struct {
	load *infer.Loading

	// use is held for reading while the engine is used by a call, and for
	// writing to close it. Never during a callback of the host.
	use    sync.RWMutex
	closed bool

	mu       sync.Mutex
	sessions map[uint64]*session
}

// session is what a session handle stands for.
type session struct {
	model  *model
	engine *infer.Engine
	stream *infer.Stream
	// taker says who takes events now. While it is hp_llm_generate, also when that
	// is in a callback, other calls that work on answers are refused.
	taker atomic.Int32
	// beginning is held while an answer begins, so that a start that has found nobody
	// does not take the place of the answer that a generate has begun since.
	beginning sync.Mutex
}

// Values of session.taker.
const (
	nobody int32 = iota
	nextTakes
	generateTakes
)

// withEngine runs f on a loaded model, which stays open meanwhile.
func withEngine(handle uint64, f func(*model, *infer.Engine) error) error {
	m, err := findModel(handle)
	if err != nil {
		return err
	}
	m.use.RLock()
	defer m.use.RUnlock()
	if m.closed {
		return unknown(handle, infer.ErrClosed)
	}
	e, err := m.load.Poll(0)
	switch {
	case err == infer.ErrPending:
		return fmt.Errorf("%w: the model is still loading", errState)
	case err != nil:
		// Not as an error of this call: the status is that of the state.
		return fmt.Errorf("%w: the model was not loaded: %s", errState, err)
	}
	return f(m, e)
}

func findModel(handle uint64) (*model, error) {
	m, err := handles.Get[*model](&table, handle, kindModel)
	if err != nil {
		return nil, unknown(handle, err)
	}
	return m, nil
}

func findSession(handle uint64) (*session, error) {
	s, err := handles.Get[*session](&table, handle, kindSession)
	if err != nil {
		return nil, unknown(handle, err)
	}
	return s, nil
}

func unknown(handle uint64, err error) error {
	return fmt.Errorf("handle %#x: %w", handle, err)
}

// add makes the session findable; its model lists it.
func (m *model) add(s *session) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, err := table.Add(kindSession, s)
	if err == nil {
		m.sessions[h] = s
	}
	return h, err
}

// takeSessions empties the list of sessions; their handles end.
func (m *model) takeSessions() []*session {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*session
	for h, s := range m.sessions {
		_, _ = table.Remove(h) // whoever removes, both may close
		all = append(all, s)
	}
	clear(m.sessions)
	return all
}

func (m *model) stop() {
	m.load.Cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		s.stream.Stop()
	}
}

// close frees the model and its sessions. The first round ends what is running, the
// second finds the sessions that were being made meanwhile.
func (m *model) close() {
	m.load.Cancel()
	m.closeSessions()
	m.use.Lock()
	defer m.use.Unlock()
	m.closed = true
	m.closeSessions()
	if e, _ := m.load.Poll(0); e != nil {
		e.Close()
	}
}

func (m *model) closeSessions() {
	all := m.takeSessions()
	for _, s := range all {
		s.stream.Stop()
	}
	for _, s := range all {
		s.stream.Close()
	}
}

func (s *session) close(handle uint64) {
	s.stream.Close()
	// Only now: the model must not be closed before.
	s.model.mu.Lock()
	delete(s.model.sessions, handle)
	s.model.mu.Unlock()
}

// release ends the handle at once, and its object as soon as it can be: then the
// channel closes.
func release(handle uint64) (<-chan struct{}, error) {
	object, err := table.Remove(handle)
	if err != nil {
		return nil, unknown(handle, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// What fails here has nobody left to hear of it.
		_ = caught(func() error {
			switch o := object.(type) {
			case *model:
				o.close()
			case *session:
				o.close(handle)
			}
			return nil
		})
		returnMemory()
	}()
	return done, nil
}

// free is release, and waits for a while.
func free(handle uint64) error {
	done, err := release(handle)
	if err != nil {
		return err
	}
	timer := time.NewTimer(freeWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	return nil
}

func freeAll(kind handles.Kind) {
	for _, h := range table.All(kind) {
		_ = free(h) // another thread may be faster
	}
}

// returns counts what asks for memory to be given back since the last time it was.
var returns atomic.Int32

// returnMemory gives the memory of what was freed back to the system, which the
// garbage collector would do minutes later. It does not wait for that. What is
// freed meanwhile is given back too: by another round, of the same goroutine.
func returnMemory() {
	if returns.Add(1) > 1 {
		return
	}
	go func() {
		_ = caught(func() error { // there is nobody to hear of it
			for asked := returns.Load(); ; asked = returns.Load() {
				debug.FreeOSMemory()
				if returns.CompareAndSwap(asked, 0) {
					return nil
				}
			}
		})
	}()
}

//export hpgo_stop
func hpgo_stop(handle uint64, e uintptr) int32 {
	return guard(e, func() error {
		object, _, err := table.Get(handle)
		if err != nil {
			return unknown(handle, err)
		}
		switch o := object.(type) {
		case *model:
			o.stop()
		case *session:
			o.stream.Stop()
		}
		return nil
	})
}

//export hpgo_free
func hpgo_free(handle uint64, e uintptr) int32 {
	return guard(e, func() error {
		if handle == 0 {
			return nil
		}
		return free(handle)
	})
}

//export hpgo_finalize
func hpgo_finalize(handle uintptr) {
	// Not by guard, which calls the host's log: a collector must not run that.
	_ = caught(func() error {
		_, err := release(uint64(handle))
		return err
	})
}
