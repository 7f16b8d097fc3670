package abitest

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// soak says that the long forms of the tests run.
func soak() bool { return os.Getenv("HPLLM_SOAK") == "1" }

// TestStoppedAnswersAreTheSame stops an answer again and again, at events and
// in the prompt, and goes on: the answer must not show it.
func TestStoppedAnswersAreTheSame(t *testing.T) {
	model := loadModel(t, testkit.Model(t, "smollm2-q4_1"), 2)
	prompt := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	r := greedy(prompt, 60)
	r.sampling.temperature, r.sampling.seed = 0.9, 7 // with chance, so that its state counts too
	e := failure()
	whole, status := generate(newSession(t, model, 1024), r, e, nil)
	want(t, "generate", status, e, ok)

	session := newSession(t, model, 1024)
	random := rand.New(rand.NewPCG(1, 2))
	var parts answer
	stops := 0
	want(t, "start", lib.start(session, ptr(r), ptr(e)), e, ok)
	for parts.finish != 2 {
		timer := time.AfterFunc(time.Duration(random.IntN(400))*time.Millisecond, func() { lib.stop(session, nil) })
		want(t, "next", pull(session, e, &parts), e, ok)
		timer.Stop()
		if parts.finish == 4 {
			stops++
			if random.IntN(2) == 0 {
				want(t, "start NULL", lib.start(session, nil, ptr(e)), e, ok)
				continue
			}
			// The other way: by callback, which stops after three events.
			n := 0
			b, status := generate(session, nil, e, func(*cEvent) int32 {
				n++
				if n == 3 {
					return 1
				}
				return 0
			})
			parts.ids, parts.text, parts.finish = append(parts.ids, b.ids...), parts.text+b.text, b.finish
			if status == eStopped {
				stops++
				want(t, "start NULL", lib.start(session, nil, ptr(e)), e, ok)
			} else {
				want(t, "generate NULL", status, e, ok)
			}
		}
	}
	if stops == 0 {
		t.Error("nothing was stopped")
	}
	if !slices.Equal(parts.ids, whole.ids) || parts.text != whole.text {
		t.Errorf("after %d stops:\n%q\nwithout:\n%q", stops, parts.text, whole.text)
	}
}

// quantile of sorted durations.
func quantile(d []time.Duration, q float64) time.Duration {
	slices.Sort(d)
	return d[min(len(d)-1, int(q*float64(len(d))))]
}

// busy occupies every core of the machine until the test ends: by programs of
// their own, since in this one they would take Go's processors from the test.
func busy(t *testing.T) {
	t.Helper()
	for range runtime.NumCPU() {
		cmd := exec.Command("sh", "-c", "while :; do :; done")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // says that it was killed
		})
	}
}

// TestStopLatency stops at random moments of a load, of a long prompt and of an
// answer, while other programs compute.
func TestStopLatency(t *testing.T) {
	path := testkit.Model(t, "smollm2-q4_1")
	big := testkit.Model(t, "gemma3-q4_k_m")
	model := loadModel(t, path, 0)
	session := newSession(t, model, 4096)
	rounds, limit := 4, time.Second
	if soak() {
		rounds, limit = 200/3+1, 50*time.Millisecond
		busy(t)
	}
	random := rand.New(rand.NewPCG(3, 4))
	e := failure()
	words := strings.Fields("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau")
	prompt := func() string {
		var b strings.Builder
		for range 1100 { // about 2,000 tokens, other ones each time
			b.WriteString(words[random.IntN(len(words))] + " ")
		}
		return b.String()
	}
	var all []time.Duration
	phases := map[string]func() time.Duration{
		"load": func() time.Duration {
			p, n := bytesOf(big)
			var m uint64
			want(t, "load_begin", lib.loadBegin(p, n, nil, ptr(&m), ptr(e)), e, ok)
			time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
			begin := time.Now()
			want(t, "stop", lib.stop(m, ptr(e)), e, ok)
			status := lib.loadPoll(m, -1, nil, ptr(e))
			took := time.Since(begin)
			if status != ok { // it may have been loaded already
				want(t, "load_poll", status, e, eStopped)
			}
			want(t, "free", lib.free(m, ptr(e)), e, ok)
			return took
		},
		"prompt": func() time.Duration {
			want(t, "start", lib.start(session, ptr(greedy(prompt(), 10)), ptr(e)), e, ok)
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
			var a answer
			begin := time.Now()
			want(t, "stop", lib.stop(session, ptr(e)), e, ok)
			want(t, "next", pull(session, e, &a), e, ok)
			if a.finish != 4 && a.finish != 2 {
				t.Errorf("finish %d after a stop", a.finish)
			}
			return time.Since(begin)
		},
		"answer": func() time.Duration {
			var stopped time.Time
			after := int32(1 + random.IntN(20))
			_, status := generate(session, greedy("Once upon a time", 500), e, func(ev *cEvent) int32 {
				if ev.written == after && stopped.IsZero() {
					stopped = time.Now()
					lib.stop(session, nil)
				}
				return 0
			})
			want(t, "generate", status, e, ok)
			return time.Since(stopped)
		},
	}
	for name, phase := range phases {
		var took []time.Duration
		for range rounds {
			took = append(took, phase())
		}
		all = append(all, took...)
		t.Logf("stop in %s: p50 %v, p99 %v, max %v of %d", name, quantile(took, 0.5), quantile(took, 0.99), took[len(took)-1], len(took))
	}
	p99 := quantile(all, 0.99)
	t.Logf("stop: p50 %v, p99 %v, max %v of %d", quantile(all, 0.5), p99, all[len(all)-1], len(all))
	if p99 > limit {
		t.Errorf("p99 is %v, the limit %v", p99, limit)
	}
}

// TestCallsWhileComputing: short calls must not wait for the team.
func TestCallsWhileComputing(t *testing.T) {
	model := loadModel(t, testkit.Model(t, "smollm2-q4_1"), 0)
	session := newSession(t, model, 2048)
	calls, limit := 500, 200*time.Millisecond
	if soak() {
		calls, limit = 20_000, 5*time.Millisecond
	}
	e := failure()
	r := greedy(strings.Repeat("one two three ", 300), -1)
	want(t, "start", lib.start(session, ptr(r), ptr(e)), e, ok)
	defer lib.stop(session, nil)
	var stopPull atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		ev, e := newEvent(), failure()
		for !stopPull.Load() {
			switch lib.next(session, 10, ptr(ev), ptr(e)) {
			case ok, pending:
			default:
				lib.start(session, ptr(r), nil)
			}
		}
	})
	var took []time.Duration
	st := &cStats{size: 96}
	text, n := bytesOf("a few words")
	var count int64
	for i := range calls {
		begin := time.Now()
		switch i % 3 {
		case 0:
			lib.stats(session, ptr(st), nil)
		case 1:
			lib.tokenize(model, text, n, 0, nil, 0, ptr(&count), nil)
		case 2:
			lib.loadPoll(model, 0, nil, nil)
		}
		took = append(took, time.Since(begin))
		time.Sleep(100 * time.Microsecond)
	}
	stopPull.Store(true)
	wg.Wait()
	p99 := quantile(took, 0.99)
	t.Logf("calls while computing: p50 %v, p99 %v, max %v of %d", quantile(took, 0.5), p99, took[len(took)-1], len(took))
	if p99 > limit {
		t.Errorf("p99 is %v, the limit %v", p99, limit)
	}
}
