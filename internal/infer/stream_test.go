package infer

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// stream makes a stream of a new session.
func stream(t testing.TB, e *Engine, maxText int) *Stream {
	t.Helper()
	s := NewStream(session(t, e, SessionOptions{Context: 1024, Batch: 32}), maxText)
	t.Cleanup(s.Close)
	return s
}

func asked(r Request) func() (Request, error) { return func() (Request, error) { return r, nil } }

// drain takes events until the last one.
func drain(t testing.TB, s *Stream) (ids []int32, text string, finish Finish) {
	t.Helper()
	for finish == Running {
		ev, err := s.Next(Forever)
		if err != nil {
			t.Fatal(err)
		}
		if ev.ID >= 0 {
			ids = append(ids, ev.ID)
		}
		text += ev.Text
		finish = ev.Finish
	}
	return ids, text, finish
}

func TestStreamIsGenerate(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	r := greedy(60, someIDs(50))
	want, wantText, _ := answerOf(t, session(t, e, SessionOptions{Context: 1024}), r)
	s := stream(t, e, 100)
	for range 2 {
		if err := s.Begin(asked(r)); err != nil {
			t.Fatal(err)
		}
		ids, text, finish := drain(t, s)
		if !slices.Equal(ids, want) || text != wantText || finish != FinishLength {
			t.Errorf("streamed %v %q (%s), generated %v %q", ids, text, finish, want, wantText)
		}
		if _, err := s.Next(0); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("Next after the end: %v", err)
		}
	}
	if st := s.Stats(); st.CachedTokens != 49 || st.GeneratedTokens != 60 || st.LoadMS <= 0 {
		t.Errorf("stats: %+v", st)
	}
}

// TestStreamStopsAndGoesOn stops at every event, in the prompt too, and takes
// what was computed before a stop either before or after going on.
func TestStreamStopsAndGoesOn(t *testing.T) {
	e := load(t, tinyModel(t, true), 2)
	r := greedy(40, someIDs(200))
	want, _, _ := answerOf(t, session(t, e, SessionOptions{Context: 1024}), r)
	s := stream(t, e, 100)
	if err := s.Begin(asked(r)); err != nil {
		t.Fatal(err)
	}
	var ids []int32
	finish := Running
	for i := 0; finish != FinishLength; i++ {
		s.Stop()
		if i%2 == 0 {
			// Before the stopped event is taken: it must not be seen.
			if err := s.Resume(); err != nil {
				t.Fatal(err)
			}
		}
		ev, err := s.Next(Forever)
		if err != nil {
			t.Fatal(err)
		}
		if ev.ID >= 0 {
			ids = append(ids, ev.ID)
		}
		if finish = ev.Finish; finish == FinishStopped {
			if _, err := s.Next(0); !errors.Is(err, ErrNoAnswer) {
				t.Fatalf("Next of a stopped answer: %v", err)
			}
			if err := s.Resume(); err != nil {
				t.Fatal(err)
			}
			// Let it do something, or the prompt would never be done.
			for range 20 {
				ev, err := s.Next(5 * time.Millisecond)
				if errors.Is(err, ErrPending) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if ev.ID >= 0 {
					ids = append(ids, ev.ID)
				}
				finish = ev.Finish
				break
			}
		}
	}
	if !slices.Equal(ids, want) {
		t.Errorf("with stops %v\nwithout %v", ids, want)
	}
}

func TestStreamBusyAndReplaced(t *testing.T) {
	e := load(t, tinyModel(t, true), 2)
	s := stream(t, e, 100)
	long := greedy(900, someIDs(100))
	if err := s.Begin(asked(long)); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"Begin": s.Begin(asked(long)), "Resume": s.Resume(), "Truncate": s.Truncate(0),
		"Tokens": func() error { _, err := s.Tokens(); return err }(),
	} {
		if !errors.Is(err, ErrBusy) {
			t.Errorf("%s while an answer runs: %v, want ErrBusy", what, err)
		}
	}
	for i := range 20 { // each is replaced at once
		s.Stop()
		if err := s.Begin(asked(greedy(3, someIDs(10+i)))); err != nil {
			t.Fatal(err)
		}
	}
	if ids, _, finish := drain(t, s); len(ids) != 3 || finish != FinishLength {
		t.Errorf("%d tokens, %s", len(ids), finish)
	}
	if err := s.Truncate(5); err != nil {
		t.Error(err)
	}
	if ids, err := s.Tokens(); err != nil || len(ids) != 5 {
		t.Errorf("%v, %v", ids, err)
	}
	if err := s.Resume(); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("Resume of nothing: %v", err)
	}
}

func TestStreamFailures(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	s := stream(t, e, 100)
	cause := errors.New("cause")
	for name, request := range map[string]func() (Request, error){
		"an error": func() (Request, error) { return Request{}, cause },
		"a panic":  func() (Request, error) { panic(cause) },
	} {
		if err := s.Begin(request); err != nil {
			t.Fatal(err)
		}
		ev, err := s.Next(Forever)
		if !errors.Is(err, cause) || ev.Finish != FinishFailed {
			t.Errorf("%s: %+v, %v", name, ev, err)
		}
		if _, err := s.Next(0); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("after %s: %v", name, err)
		}
	}
	if err := s.Begin(asked(greedy(4, someIDs(4)))); err != nil {
		t.Fatal(err)
	}
	drain(t, s)
}

// TestStreamClosedWhileWaiting closes from another goroutine, with events taken or not.
func TestStreamClosedWhileWaiting(t *testing.T) {
	e := load(t, tinyModel(t, true), 2)
	for i := range 10 {
		s := stream(t, e, 100)
		if err := s.Begin(asked(greedy(900, someIDs(100)))); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		if i%2 == 0 {
			wg.Go(func() {
				for {
					if _, err := s.Next(Forever); err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Errorf("Next: %v", err)
						}
						return
					}
				}
			})
		}
		time.Sleep(time.Duration(i) * 3 * time.Millisecond)
		wg.Go(s.Close)
		s.Close()
		wg.Wait()
		if err := s.Begin(asked(greedy(1, someIDs(1)))); !errors.Is(err, ErrClosed) {
			t.Errorf("Begin after Close: %v", err)
		}
	}
}

func TestStreamCutsLongTexts(t *testing.T) {
	e := load(t, tinyModel(t, false), 1)
	s := stream(t, e, 5)
	r := greedy(400, someIDs(20))
	r.Sampling.Temperature, r.Sampling.Seed = 3, 1
	r.Stop = []string{strings.Repeat("\x01\x02", 300)} // holds nothing back
	_, want, _ := answerOf(t, session(t, e, SessionOptions{Context: 1024}), r)
	if err := s.Begin(asked(r)); err != nil {
		t.Fatal(err)
	}
	got := ""
	for finish := Running; finish == Running; {
		ev, err := s.Next(Forever)
		if err != nil {
			t.Fatal(err)
		}
		if len(ev.Text) > 5 || ev.Text != strings.ToValidUTF8(ev.Text, "") {
			t.Errorf("event text %q", ev.Text)
		}
		got += ev.Text
		finish = ev.Finish
	}
	if got != want {
		t.Errorf("in pieces %q, whole %q", got, want)
	}
}

func TestLoading(t *testing.T) {
	path := tinyModel(t, false)
	l := BeginLoad(path, Options{Threads: 1})
	e, err := l.Poll(Forever)
	if err != nil || l.Done() != 1 {
		t.Fatalf("%v, done %v", err, l.Done())
	}
	l.Cancel() // too late
	if again, err := l.Poll(0); again != e || err != nil {
		t.Errorf("the second Poll: %v, %v", again, err)
	}
	e.Close()
	for range 20 {
		l := BeginLoad(path, Options{Threads: 1})
		l.Cancel()
		e, err := l.Poll(0)
		if err == nil {
			e.Close() // it was faster
		} else if !errors.Is(err, ErrStopped) {
			t.Errorf("Poll of a cancelled load: %v", err)
		}
	}
	if _, err := BeginLoad(filepath.Join(t.TempDir(), "none"), Options{}).Poll(Forever); err == nil {
		t.Error("a file that is not there was loaded")
	}
}

func TestInspect(t *testing.T) {
	path := tinyModel(t, false)
	d, need, err := Inspect(path, SessionOptions{Context: 100})
	if err != nil {
		t.Fatal(err)
	}
	e := load(t, path, 0)
	if d != e.Info() {
		t.Errorf("inspected %+v, loaded %+v", d, e.Info())
	}
	s := session(t, e, SessionOptions{Context: 100})
	if need.Context != 100 || need.KVPerToken*100 != s.KVBytes() || need.Working < s.KVBytes() {
		t.Errorf("%+v, the session's cache has %d bytes", need, s.KVBytes())
	}
	if _, err := e.NewSession(SessionOptions{Context: 1 << 40}); !errors.Is(err, ErrMemory) {
		t.Errorf("a session of 2^40 tokens: %v", err)
	}
	if need, err := e.Need(SessionOptions{Context: 1 << 40}); err != nil || need.Fit != FitNo {
		t.Errorf("need of 2^40 tokens: %+v, %v", need, err)
	}
}

func TestParseToolsAndCalls(t *testing.T) {
	for _, text := range []string{
		`[{"name": "f", "description": "d", "parameters": {"b": 1, "a": 2}}]`,
		`[{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"b": 1, "a": 2}}}]`,
	} {
		tools, err := ParseTools(text)
		if err != nil || len(tools) != 1 || tools[0].Name != "f" || tools[0].Description != "d" || string(tools[0].Parameters) != `{"b": 1, "a": 2}` {
			t.Errorf("%s: %+v, %v", text, tools, err)
		}
	}
	for _, text := range []string{
		`[{"id": "1", "name": "f", "arguments": {"x": 1}}]`,
		`[{"id": "1", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]`,
	} {
		calls, err := ParseToolCalls(text)
		if err != nil || len(calls) != 1 || calls[0].ID != "1" || calls[0].Name != "f" || string(calls[0].Arguments) != `{"x": 1}` {
			t.Errorf("%s: %+v, %v", text, calls, err)
		}
	}
	for _, bad := range []string{``, `{}`, `[{}]`, `[1]`, `[{"name": 3}]`} {
		if _, err := ParseTools(bad); !errors.Is(err, ErrArgument) {
			t.Errorf("tools %q: %v", bad, err)
		}
		if _, err := ParseToolCalls(bad); !errors.Is(err, ErrArgument) {
			t.Errorf("tool calls %q: %v", bad, err)
		}
	}
}
