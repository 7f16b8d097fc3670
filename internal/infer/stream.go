package infer

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// ErrNoAnswer is returned where an answer is needed and none has been begun, or
// it has ended.
var ErrNoAnswer = errors.New("no answer has been begun")

// streamAhead is how many events a stream computes before they are taken.
const streamAhead = 16

// StreamEvent is an event with the usage at that moment.
type StreamEvent struct {
	Event
	PromptTokens, CachedTokens, GeneratedTokens int
}

// Stream answers on goroutines of its own, and hands out events to callers who
// must not wait long. It takes the session over: nothing else may use it. Its
// methods may be called from any goroutine.
type Stream struct {
	session *Session
	maxText int           // bytes of text in one event
	gone    chan struct{} // closed by Close
	pulling atomic.Bool   // a Next is waiting

	mu    sync.Mutex // held for moments only
	run   *run       // the current answer; nil: none
	stats Stats      // as of the last event
}

// run is one answer, which a stop may divide into several goroutines.
type run struct {
	stream  *Stream
	request func() (Request, error)
	events  chan StreamEvent // computed, not taken yet
	quit    chan struct{}    // closed: events will not be taken any more
	done    chan struct{}    // closed when the present goroutine has ended
	stop    atomic.Bool      // Stop was called

	started bool  // Session.Start was done; owned by the goroutine
	failure error // why the answer failed; set before the last event is sent
	resume  bool  // go on at the stopped event; guarded by Stream.mu
	paused  bool  // the stopped event was taken; guarded by Stream.mu
}

// NewStream makes a stream of a session, which Stream.Close closes. A text of
// more than maxText bytes (at least utf8.UTFMax) is cut into several events at
// code points, of which only the first has the token, the reasoning and the calls, and
// only the last the finish.
func NewStream(s *Session, maxText int) *Stream {
	return &Stream{session: s, maxText: max(maxText, utf8.UTFMax), gone: make(chan struct{})}
}

// Begin starts an answer and returns at once; request is called on the stream's
// goroutine. An answer that has ended or was stopped is dropped, one that is
// running is ErrBusy.
func (t *Stream) Begin(request func() (Request, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed() {
		return ErrClosed
	}
	var before <-chan struct{}
	if r := t.run; r != nil {
		if !r.stop.Load() && !r.ended() {
			return ErrBusy
		}
		before = t.drop()
	}
	r := &run{
		stream: t, request: request,
		events: make(chan StreamEvent, streamAhead), quit: make(chan struct{}), done: make(chan struct{}),
	}
	t.run = r
	t.stats = Stats{}
	go r.work(before, r.done)
	return nil
}

// ended says that the present goroutine has; Stream.mu is held.
func (r *run) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// drop forgets the current answer, whose goroutine has ended when the channel
// closes; t.mu is held.
func (t *Stream) drop() <-chan struct{} {
	r := t.run
	t.run = nil
	close(r.quit)
	return r.done
}

// Resume goes on with an answer that was stopped. What has been computed before
// the stop comes first.
func (t *Stream) Resume() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.run
	switch {
	case t.closed():
		return ErrClosed
	case r == nil:
		return ErrNoAnswer
	case r.paused:
		t.goOn(r)
	case r.stop.Load():
		r.resume = true
	default:
		return ErrBusy
	}
	return nil
}

// goOn starts the next goroutine of a stopped answer. t.mu is held.
func (t *Stream) goOn(r *run) {
	r.paused, r.resume = false, false
	r.stop.Store(false)
	before := r.done
	r.done = make(chan struct{})
	go r.work(before, r.done)
}

// Stop ends the answer in progress: after at most streamAhead events that are
// computed already comes one with FinishStopped. It does not wait.
func (t *Stream) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopRun()
}

func (t *Stream) stopRun() {
	if r := t.run; r != nil && !r.paused {
		r.stop.Store(true)
		r.resume = false
		t.session.Stop()
	}
}

func (t *Stream) closed() bool {
	select {
	case <-t.gone:
		return true
	default:
		return false
	}
}

// Next waits for the next event for at most the timeout; then it is ErrPending.
// A failed answer's last event, FinishFailed, comes with the error.
func (t *Stream) Next(timeout time.Duration) (StreamEvent, error) {
	none := StreamEvent{Event: Event{ID: -1}}
	if !t.pulling.CompareAndSwap(false, true) {
		return none, ErrBusy
	}
	defer t.pulling.Store(false)
	var timer *time.Timer
	if timeout > 0 {
		timer = time.NewTimer(timeout)
		defer timer.Stop()
	}
	for {
		t.mu.Lock()
		r := t.run
		t.mu.Unlock()
		switch {
		case t.closed():
			return none, ErrClosed
		case r == nil || r.isPaused():
			return none, ErrNoAnswer
		}
		ev, err := r.take(timeout, timer)
		if err == errReplaced {
			continue
		}
		if err != nil {
			return none, err
		}
		again, err := t.taken(r, ev)
		if !again {
			return ev, err
		}
	}
}

func (r *run) isPaused() bool {
	r.stream.mu.Lock()
	defer r.stream.mu.Unlock()
	return r.paused
}

var errReplaced = errors.New("another answer was begun")

// take gets an event of r.
func (r *run) take(timeout time.Duration, timer *time.Timer) (StreamEvent, error) {
	select { // what is there comes first
	case ev := <-r.events:
		return ev, nil
	default:
	}
	if timeout == 0 {
		return StreamEvent{}, ErrPending
	}
	var over <-chan time.Time
	if timer != nil {
		over = timer.C
	}
	select {
	case ev := <-r.events:
		return ev, nil
	case <-over:
		return StreamEvent{}, ErrPending
	case <-r.quit:
		return StreamEvent{}, errReplaced
	case <-r.stream.gone:
		return StreamEvent{}, ErrClosed
	}
}

// taken notes what the event means for the answer; again: it is not for the caller.
func (t *Stream) taken(r *run, ev StreamEvent) (again bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.run != r {
		return true, nil // replaced meanwhile
	}
	switch {
	case ev.Finish == FinishFailed:
		t.run = nil
		return false, r.failure
	case ev.Finish == FinishStopped && r.resume:
		t.goOn(r)
		return true, nil
	case ev.Finish == FinishStopped:
		r.paused = true
	case ev.Finish != Running:
		t.run = nil
	}
	return false, nil
}

// work computes events until the answer ends, is stopped, or nobody wants it.
func (r *run) work(before <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	if before != nil {
		<-before
	}
	s := r.stream.session
	// A stop of the answer before must not count; one of this answer must.
	s.stop.Store(false)
	if r.stop.Load() {
		s.stop.Store(true)
	}
	for {
		ev, err := r.step()
		if err != nil {
			r.failure = err
			ev = Event{ID: -1, Finish: FinishFailed}
		}
		if !r.send(ev) || ev.Finish != Running {
			return
		}
	}
}

// step computes one event.
func (r *run) step() (ev Event, err error) {
	defer func() {
		if v := recover(); v != nil {
			ev, err = Event{}, panicError(v)
		}
	}()
	s := r.stream.session
	if !r.started {
		request, err := r.request()
		if err == nil {
			err = s.startUnlessStopped(request)
		}
		if errors.Is(err, ErrStopped) {
			s.stop.Store(false)
			return Event{ID: -1, Finish: FinishStopped}, nil
		}
		if err != nil {
			return Event{}, err
		}
		r.started = true
	}
	return s.Next()
}

// send offers an event, in pieces if its text is long.
func (r *run) send(ev Event) bool {
	for len(ev.Text) > r.stream.maxText {
		n := r.stream.maxText
		for !utf8.RuneStart(ev.Text[n]) {
			n--
		}
		first := ev
		first.Text, first.Finish = ev.Text[:n], Running
		if !r.offer(first) {
			return false
		}
		ev = Event{ID: -1, Text: ev.Text[n:], Finish: ev.Finish}
	}
	return r.offer(ev)
}

// offer waits until the event is taken or not wanted any more.
func (r *run) offer(ev Event) bool {
	t, s := r.stream, r.stream.session
	t.mu.Lock()
	st := s.figures()
	if t.run == r {
		t.stats = st
	}
	t.mu.Unlock()
	se := StreamEvent{
		Event:        ev,
		PromptTokens: st.PromptTokens, CachedTokens: st.CachedTokens, GeneratedTokens: st.GeneratedTokens,
	}
	select {
	case r.events <- se:
		return true
	case <-r.quit:
	case <-t.gone:
	}
	return false
}

// Stats are the figures as of the last event.
func (t *Stream) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := t.stats
	if t.run == nil && !t.closed() {
		st = t.session.figures()
	}
	st.LoadMS = ms(t.session.engine.loadTime)
	st.sampleMemory()
	return st
}

// Context is the number of tokens that the session can hold.
func (t *Stream) Context() int { return t.session.Context() }

// Tokens is a copy of the tokens in the context; ErrBusy while an answer is running.
func (t *Stream) Tokens() (ids []int32, err error) {
	err = t.idle(func() error {
		ids = t.session.Tokens()
		return nil
	})
	return ids, err
}

// Truncate forgets the tokens from position n on, and an answer that was stopped;
// ErrBusy while one is running.
func (t *Stream) Truncate(n int) error {
	return t.idle(func() error {
		if t.run != nil {
			t.drop()
		}
		return t.session.Truncate(n)
	})
}

func (t *Stream) idle(f func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed() {
		return ErrClosed
	}
	if t.run != nil && !t.run.ended() {
		return ErrBusy
	}
	return f()
}

// Close stops what is running, makes waiting calls return ErrClosed, waits for
// the stream's goroutine and closes the session. Closing twice is harmless.
func (t *Stream) Close() {
	t.mu.Lock()
	if !t.closed() {
		t.stopRun()
		close(t.gone)
	}
	r := t.run
	t.mu.Unlock()
	if r != nil {
		<-r.done
	}
	t.session.Close()
}
