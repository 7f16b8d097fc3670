package abitest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// usage is what this process holds of the system.
type usage struct {
	files, mappings, threads int
	memory                   int64 // anonymous, bytes
}

// measure is the least of several looks: the memory that a garbage collector holds
// goes up and down by some tenths of a MiB. Freeing a model makes the library give
// back what it can before each.
func measure(t testing.TB) usage {
	t.Helper()
	path, n := bytesOf(tinyModel(t, 64))
	var least usage
	e := failure()
	for i := range 5 {
		var model uint64
		want(t, "load", lib.load(path, n, nil, ptr(&model), ptr(e)), e, ok)
		want(t, "free", lib.free(model, ptr(e)), e, ok)
		if u := look(t); i == 0 || u.memory < least.memory {
			least = u
		}
	}
	return least
}

func look(t testing.TB) usage {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	time.Sleep(200 * time.Millisecond) // the library gives memory back on its own thread
	var u usage
	for dir, n := range map[string]*int{"/proc/self/fd": &u.files, "/proc/self/task": &u.threads} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Skipf("SKIPPED, MISSING: %v: these figures are Linux's", err)
		}
		*n = len(entries)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	u.mappings = bytes.Count(maps, []byte(".gguf"))
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "RssAnon:"); found {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			u.memory = kib << 10
		}
	}
	return u
}

func (u usage) String() string {
	return fmt.Sprintf("%d files, %d mappings, %d threads, %.1f MiB", u.files, u.mappings, u.threads, float64(u.memory)/(1<<20))
}

// settled measures until memory is what it was before, but for slack bytes, and fails
// the test where something has grown. The library gives memory back on its own thread;
// Go keeps threads for later, as many as were ever busy at once. A short run has had
// no time to come to all of that before: it may grow by a few threads and by what
// the collector lets gather, its 4 MiB minimum.
func settled(t testing.TB, before usage, slack int64) {
	t.Helper()
	threads := 4
	if !soak() {
		slack, threads = 4<<20, 8
	}
	u := measure(t)
	for deadline := time.Now().Add(10 * time.Second); u.memory > before.memory+slack && time.Now().Before(deadline); {
		u = measure(t)
	}
	t.Logf("before: %v; after: %v", before, u)
	if u.files > before.files || u.mappings > before.mappings || u.threads > before.threads+threads || u.memory > before.memory+slack {
		t.Errorf("grown: before %v, after %v", before, u)
	}
}

// TestLoadAndFree loads, answers and frees many times.
func TestLoadAndFree(t *testing.T) {
	open(t)
	warm, rounds := 20, 30
	if soak() {
		warm, rounds = 1000, 1000 // the runtime's own pools fill up first
	}
	paths := []string{tinyModel(t, 64), testkit.Model(t, "smollm2-q4_1")}
	e := failure()
	round := func(i int) {
		// The real model every tenth time.
		p, n := bytesOf(paths[min(i%10, 1)^1])
		var model, session uint64
		want(t, "load", lib.load(p, n, nil, ptr(&model), ptr(e)), e, ok)
		want(t, "session_create", lib.sessionCreate(model, nil, ptr(&session), ptr(e)), e, ok)
		_, status := generate(session, greedy("Hello", 2), e, nil)
		want(t, "generate", status, e, ok)
		if i%2 == 0 {
			want(t, "free", lib.free(session, ptr(e)), e, ok)
		}
		want(t, "free", lib.free(model, ptr(e)), e, ok)
	}
	for i := range warm {
		round(i)
	}
	before := measure(t)
	for i := range rounds {
		round(i)
	}
	settled(t, before, 512<<10) // half a KiB a round would be seen
}

// TestManyThreads lets 8 threads answer on 4 sessions of 2 models while others
// stop, free and reload; every whole answer must be the one of a single thread.
func TestManyThreads(t *testing.T) {
	warm, duration := time.Second, 3*time.Second
	if soak() {
		warm, duration = 10*time.Second, time.Minute
	}
	paths := []string{tinyModel(t, 64), tinyModel(t, 128)}
	const prompts = 4
	var expected [2][prompts][]int32
	prompt := func(i int) string { return strings.Repeat("some words ", i+1) }
	for m, path := range paths {
		model := loadModel(t, path, 1)
		session := newSession(t, model, 512)
		for i := range prompts {
			e := failure()
			a, status := generate(session, greedy(prompt(i), 24), e, nil)
			want(t, "generate", status, e, ok)
			expected[m][i] = a.ids
		}
		lib.free(model, nil)
	}

	// Slots hold handles, which may be stale at any time: that is the test.
	var models [2]atomic.Uint64
	var sessions [4]atomic.Uint64
	load := func(m int) {
		p, n := bytesOf(paths[m])
		var model uint64
		if lib.load(p, n, nil, ptr(&model), nil) == ok {
			lib.free(models[m].Swap(model), nil)
		}
	}
	create := func(s int) {
		var session uint64
		o := &cSessionOptions{size: 16, context: 512}
		if lib.sessionCreate(models[s%2].Load(), ptr(o), ptr(&session), nil) == ok {
			lib.free(sessions[s].Swap(session), nil)
		}
	}
	work := func(duration time.Duration) (whole, ended int64) {
		var wg sync.WaitGroup
		var good, other atomic.Int64
		deadline := time.Now().Add(duration)
		thread := func(seed uint64, f func(r *rand.Rand)) {
			wg.Go(func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				r := rand.New(rand.NewPCG(seed, 9))
				for time.Now().Before(deadline) {
					f(r)
				}
			})
		}
		for m := range models {
			load(m)
		}
		for s := range sessions {
			create(s)
		}
		for i := range 8 {
			thread(uint64(i), func(r *rand.Rand) {
				s, p := r.IntN(4), r.IntN(prompts)
				var a answer
				var status int32
				session, e := sessions[s].Load(), failure()
				if request := greedy(prompt(p), 24); i%2 == 0 {
					a, status = generate(session, request, e, nil)
				} else if status = lib.start(session, ptr(request), ptr(e)); status == ok {
					status = pull(session, e, &a)
				}
				switch {
				case status == ok && a.finish == 2 && slices.Equal(a.ids, expected[s%2][p]):
					good.Add(1)
				case status == ok && a.finish == 2 && i%2 == 0:
					t.Errorf("another answer: %v, want %v", a.ids, expected[s%2][p])
				case status == ok, status == eBusy, status == eHandle, status == eState:
					// Stopped, or another thread had the session, or it went away.
					other.Add(1)
					time.Sleep(time.Millisecond)
				default:
					t.Errorf("status %d: %s", status, e.text())
				}
			})
		}
		thread(100, func(r *rand.Rand) { lib.stop(sessions[r.IntN(4)].Load(), nil); pause(r, 100) })
		thread(101, func(r *rand.Rand) { create(r.IntN(4)); pause(r, 200) })
		thread(102, func(r *rand.Rand) { load(r.IntN(2)); create(r.IntN(4)); pause(r, 500) })
		wg.Wait()
		for i := range sessions {
			lib.free(sessions[i].Swap(0), nil)
		}
		for i := range models {
			lib.free(models[i].Swap(0), nil)
		}
		return good.Load(), other.Load()
	}
	work(warm) // what Go keeps for later is there now
	before := measure(t)
	begin := time.Now()
	whole, other := work(duration)
	t.Logf("%d whole answers, %d ended otherwise", whole, other)
	if d := time.Since(begin); d > duration+10*time.Second {
		t.Errorf("took %v instead of %v", d, duration)
	}
	if whole == 0 {
		t.Error("no answer was whole")
	}
	settled(t, before, before.memory/20)
}

func pause(r *rand.Rand, ms int) { time.Sleep(time.Duration(r.IntN(ms)) * time.Millisecond) }
