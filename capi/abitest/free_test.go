package abitest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestUseWhileAnswering(t *testing.T) {
	model := loadModel(t, tinyModel(t, 256), 2)
	session := newSession(t, model, 1024)
	e := failure()
	want(t, "start", lib.start(session, ptr(greedy("abc", 900)), ptr(e)), e, ok)
	var count int64
	want(t, "start again", lib.start(session, ptr(greedy("abc", 9)), ptr(e)), e, eBusy)
	want(t, "reset", lib.sessionReset(session, ptr(e)), e, eBusy)
	want(t, "truncate", lib.sessionTruncate(session, 0, ptr(e)), e, eBusy)
	want(t, "tokens", lib.sessionTokens(session, nil, 0, ptr(&count), ptr(e)), e, eBusy)
	want(t, "generate", lib.generate(session, ptr(greedy("abc", 9)), eventCallback, 0, ptr(e)), e, eBusy)
	want(t, "stats", lib.stats(session, ptr(&cStats{size: 96}), ptr(e)), e, ok)
	want(t, "stop", lib.stop(session, ptr(e)), e, ok)
	want(t, "start after a stop", lib.start(session, ptr(greedy("abc", 9)), ptr(e)), e, ok)
	var a answer
	want(t, "next", pull(session, e, &a), e, ok)
	if len(a.ids) != 9 || a.finish != 2 {
		t.Errorf("%d tokens, finish %d", len(a.ids), a.finish)
	}
	want(t, "next after the end", lib.next(session, 0, ptr(newEvent()), ptr(e)), e, eState)

	// From a callback, on the same thread.
	calls := 0
	_, status := generate(session, greedy("abc", 6), e, func(*cEvent) int32 {
		calls++
		if calls > 1 {
			return 0
		}
		inner := failure()
		want(t, "start in a callback", lib.start(session, ptr(greedy("abc", 9)), ptr(inner)), inner, eBusy)
		want(t, "next in a callback", lib.next(session, 0, ptr(newEvent()), ptr(inner)), inner, eBusy)
		want(t, "generate in a callback", lib.generate(session, ptr(greedy("a", 1)), eventCallback, 0, ptr(inner)), inner, eBusy)
		want(t, "reset in a callback", lib.sessionReset(session, ptr(inner)), inner, eBusy)
		p, n := bytesOf("text")
		want(t, "tokenize in a callback", lib.tokenize(model, p, n, 0, nil, 0, ptr(&count), ptr(inner)), inner, ok)
		other := newSession(t, model, 64)
		b, status := generate(other, greedy("abc", 3), inner, nil)
		want(t, "another session in a callback", status, inner, ok)
		if len(b.ids) != 3 {
			t.Errorf("another session: %d tokens", len(b.ids))
		}
		return 0
	})
	want(t, "generate", status, e, ok)
}

func TestFreeAnywhere(t *testing.T) {
	path := tinyModel(t, 256)
	e := failure()
	for _, c := range []struct {
		name string
		free func(model, session uint64) uint64
	}{
		{"the session, in a callback", func(_, s uint64) uint64 { return s }},
		{"the model, in a callback", func(m, _ uint64) uint64 { return m }},
	} {
		model := loadModel(t, path, 2)
		session := newSession(t, model, 512)
		begin := time.Now()
		_, status := generate(session, greedy("abc", 400), e, func(ev *cEvent) int32 {
			if ev.written == 5 {
				inner := failure()
				want(t, "free "+c.name, lib.free(c.free(model, session), ptr(inner)), inner, ok)
				want(t, "stop after free", lib.stop(session, ptr(inner)), inner, eHandle)
			}
			return 0
		})
		want(t, "generate after free of "+c.name, status, e, eHandle)
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%s: took %v", c.name, d)
		}
		lib.free(model, nil)
	}

	// From another thread, while one waits.
	model := loadModel(t, path, 2)
	session := newSession(t, model, 4000)
	done := make(chan int32)
	go func() {
		_, status := generate(session, greedy("abc", 3900), nil, nil)
		done <- status
	}()
	time.Sleep(50 * time.Millisecond)
	want(t, "free of the model", lib.free(model, ptr(e)), e, ok)
	if status := <-done; status != eHandle {
		t.Errorf("generate on a freed model: %d", status)
	}
	// And an answer that nobody takes.
	model = loadModel(t, path, 2)
	session = newSession(t, model, 512)
	want(t, "start", lib.start(session, ptr(greedy("abc", 400)), ptr(e)), e, ok)
	time.Sleep(20 * time.Millisecond)
	want(t, "free", lib.free(session, ptr(e)), e, ok)
	want(t, "free", lib.free(model, ptr(e)), e, ok)
}

// TestFinalizer frees without waiting, as garbage collectors do.
func TestFinalizer(t *testing.T) {
	model := loadModel(t, tinyModel(t, 256), 2)
	e := failure()
	for range 10 {
		session := newSession(t, model, 1024)
		want(t, "start", lib.start(session, ptr(greedy("abc", 900)), ptr(e)), e, ok)
		lib.finalize(uintptr(session))
		want(t, "next", lib.next(session, 0, ptr(newEvent()), ptr(e)), e, eHandle)
		lib.finalize(uintptr(session))
	}
	lib.finalize(0)
	lib.finalize(12345)
	lib.finalize(uintptr(model))
	want(t, "free", lib.free(model, ptr(e)), e, eHandle)
}

func TestShutdown(t *testing.T) {
	model := loadModel(t, tinyModel(t, 64), 2)
	session := newSession(t, model, 512)
	e := failure()
	want(t, "start", lib.start(session, ptr(greedy("abc", 400)), ptr(e)), e, ok)
	want(t, "shutdown", lib.shutdown(ptr(e)), e, ok)
	want(t, "free", lib.free(model, ptr(e)), e, eHandle)
	want(t, "next", lib.next(session, 0, ptr(newEvent()), ptr(e)), e, eHandle)
	model = loadModel(t, tinyModel(t, 64), 2) // and all begins again
	a, status := generate(newSession(t, model, 64), greedy("abc", 4), e, nil)
	want(t, "generate after shutdown", status, e, ok)
	if len(a.ids) != 4 {
		t.Errorf("%d tokens", len(a.ids))
	}
}

// TestStartBesideGenerate begins a generate while a start copies a long prompt: the
// start must not take the place of the answer whose events the generate hands out.
func TestStartBesideGenerate(t *testing.T) {
	model := loadModel(t, tinyModel(t, 64), 1)
	session := newSession(t, model, 256)
	e := failure()
	whole, status := generate(session, greedy("some words", 8), e, nil)
	want(t, "generate", status, e, ok)
	long := greedy(strings.Repeat("words ", 4<<20), 8)
	var began sync.WaitGroup
	began.Go(func() {
		if status := lib.start(session, ptr(long), nil); status != ok && status != eBusy {
			t.Errorf("start: status %d", status)
		}
	})
	time.Sleep(time.Millisecond)
	slow := sync.OnceFunc(func() { time.Sleep(500 * time.Millisecond) })
	a, status := generate(session, greedy("some words", 8), e, func(*cEvent) int32 { slow(); return 0 })
	began.Wait()
	if status != eBusy && (status != ok || !slices.Equal(a.ids, whole.ids)) {
		t.Errorf("status %d, %s: %v, want %v", status, e.text(), a.ids, whole.ids)
	}
}
