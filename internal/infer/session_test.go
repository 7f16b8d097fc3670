package infer

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/sample"
	"happyphonellm/internal/tokenizer"
)

func TestAnswersDependOnTokensAlone(t *testing.T) {
	path := tinyModel(t, false)
	prompt := someIDs(150)
	var want []int32
	for _, threads := range []int{1, 2, 3} {
		e := load(t, path, threads)
		for _, batch := range []int{1, 7, 64, 512} {
			s := session(t, e, SessionOptions{Batch: batch})
			got, _, finish := answerOf(t, s, greedy(40, prompt))
			if want == nil {
				want = got
			}
			if finish != FinishLength || !slices.Equal(got, want) {
				t.Fatalf("%d threads, batch %d: %s with %v, want %v", threads, batch, finish, got, want)
			}
		}
	}
}

func TestPrefixIsReused(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	s := session(t, e, SessionOptions{})
	first := someIDs(100)
	answer, _, _ := answerOf(t, s, greedy(10, first))
	// A second turn: the first one, its answer, and more.
	second := append(append(slices.Clone(first), answer...), someIDs(30)...)
	got, _, _ := answerOf(t, s, greedy(20, second))
	if st := s.Stats(); st.PromptTokens != 140 || st.CachedTokens < 109 {
		t.Errorf("prompt of %d tokens with %d cached, want 140 with at least 109", st.PromptTokens, st.CachedTokens)
	}
	want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(20, second))
	if !slices.Equal(got, want) {
		t.Errorf("with a cached prefix %v, without %v", got, want)
	}
	// A prompt that branches off, and one that the context holds whole.
	for _, p := range [][]int32{append(slices.Clone(first[:50]), 1, 2, 3), first[:20]} {
		got, _, _ := answerOf(t, s, greedy(20, p))
		want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(20, p))
		if !slices.Equal(got, want) {
			t.Errorf("after truncation %v, fresh %v", got, want)
		}
	}
}

func TestStopAndGoOn(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	prompt := someIDs(60)
	want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(30, prompt))
	s := session(t, e, SessionOptions{})
	if err := s.Start(greedy(30, prompt)); err != nil {
		t.Fatal(err)
	}
	var got []int32
	for i := 0; ; i++ {
		if i%7 == 3 {
			s.Stop()
		}
		ev, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if i%7 == 3 {
			if ev.Finish != FinishStopped {
				t.Fatalf("after Stop: %+v", ev)
			}
			continue
		}
		if ev.Finish == FinishLength {
			break
		}
		got = append(got, ev.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("with stops %v, without %v", got, want)
	}
}

func TestStopTakesEffectSoon(t *testing.T) {
	e := load(t, tinyModel(t, true), 2)
	s := session(t, e, SessionOptions{})
	prompt := someIDs(3000)
	// The best of some tries: the rest is other programs' work on the machine.
	best := time.Hour
	for _, after := range []time.Duration{5 * time.Millisecond, 30 * time.Millisecond, 60 * time.Millisecond, 90 * time.Millisecond} {
		if err := s.Reset(); err != nil {
			t.Fatal(err)
		}
		stopped := make(chan time.Time, 1)
		time.AfterFunc(after, func() { stopped <- time.Now(); s.Stop() })
		if err := s.Start(greedy(1, prompt)); !errors.Is(err, ErrStopped) {
			t.Fatalf("stop after %v in prefill: %v, want ErrStopped", after, err)
		}
		best = min(best, time.Since(<-stopped))
	}
	if best > 50*time.Millisecond {
		t.Errorf("a stop in prefill took %v at best", best)
	}
	// The same request goes on from what was computed, with the same result.
	short := prompt[:200]
	timer := time.AfterFunc(10*time.Millisecond, s.Stop)
	if err := s.Start(greedy(8, short)); err != nil && !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	timer.Stop()
	got, _, _ := answerOf(t, s, greedy(8, short))
	want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(8, short))
	if !slices.Equal(got, want) {
		t.Errorf("after a stop %v, without %v", got, want)
	}
}

func TestContextFull(t *testing.T) {
	e := load(t, tinyModel(t, false), 1)
	s := session(t, e, SessionOptions{Context: 32})
	if err := s.Start(greedy(5, someIDs(33))); !errors.Is(err, ErrContextFull) {
		t.Errorf("a prompt of 33 tokens in a context of 32: %v, want ErrContextFull", err)
	}
	ids, _, finish := answerOf(t, s, greedy(-1, someIDs(30)))
	// Two more tokens fit; the third is sampled but has no place.
	if finish != FinishContext || len(ids) != 3 || s.Len() != 32 {
		t.Errorf("%s after %d tokens with %d in the context, want context, 3, 32", finish, len(ids), s.Len())
	}
	if err := s.Eval([]int32{1}); !errors.Is(err, ErrContextFull) {
		t.Errorf("one more: %v, want ErrContextFull", err)
	}
}

func TestStopStrings(t *testing.T) {
	e := load(t, tinyModel(t, false), 1)
	prompt := someIDs(20)
	_, text, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(60, prompt))
	runes := []rune(text)
	if len(runes) < 20 {
		t.Fatalf("the tiny model wrote only %q", text)
	}
	for _, cut := range []int{1, 5, 12} {
		stop := string(runes[cut : cut+3])
		before, _, _ := strings.Cut(text, stop)
		r := greedy(60, prompt)
		r.Stop = []string{"never in there", stop}
		_, got, finish := answerOf(t, session(t, e, SessionOptions{}), r)
		if got != before || finish != FinishStop {
			t.Errorf("stop at %q: %s with %q, want stop with %q", stop, finish, got, before)
		}
	}
	// What might have become a stop string comes out in the end.
	r := greedy(60, prompt)
	r.Stop = []string{string(runes[len(runes)-2:]) + "and more"}
	if _, got, _ := answerOf(t, session(t, e, SessionOptions{}), r); got != text {
		t.Errorf("with a stop string that does not come: %q, want %q", got, text)
	}
}

func TestEndOfTurn(t *testing.T) {
	e := load(t, tinyModel(t, false), 1)
	r := greedy(10, someIDs(5))
	r.IgnoreEOS = false
	r.Sampling.LogitBias = []sample.Bias{{ID: tinyEnd, Bias: 1000}}
	if ids, text, finish := answerOf(t, session(t, e, SessionOptions{}), r); finish != FinishStop || text != "" || !cmp.Equal(ids, []int32{tinyEnd}) {
		t.Errorf("%s, text %q, ids %v", finish, text, ids)
	}
	r.IgnoreEOS = true
	if ids, _, finish := answerOf(t, session(t, e, SessionOptions{}), r); finish != FinishLength || len(ids) != 10 {
		t.Errorf("ignoring it: %s after %d tokens", finish, len(ids))
	}
}

func TestEvalEachIsEval(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	ids := someIDs(75)
	every := session(t, e, SessionOptions{Batch: 20})
	var rows [][]float32
	if err := every.EvalEach(ids, func(i int, l []float32) error {
		if i != len(rows) {
			t.Fatalf("position %d comes as number %d", i, len(rows))
		}
		rows = append(rows, slices.Clone(l))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 16, 17, 75} {
		s := session(t, e, SessionOptions{})
		if err := s.Eval(ids[:n]); err != nil {
			t.Fatal(err)
		}
		for i, v := range s.Logits() {
			if math.Float32bits(v) != math.Float32bits(rows[n-1][i]) {
				t.Fatalf("logit %d of position %d: %v, in a pass over all %v", i, n-1, v, rows[n-1][i])
			}
		}
	}
}

func TestManySessionsOneModel(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	want, _, _ := answerOf(t, session(t, e, SessionOptions{}), greedy(20, someIDs(40)))
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			s, err := e.NewSession(SessionOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if got, _, _ := answerOf(t, s, greedy(20, someIDs(40))); !slices.Equal(got, want) {
				t.Errorf("side by side %v, alone %v", got, want)
			}
		})
	}
	all.Wait()
}

func TestPromptOutsideVocabulary(t *testing.T) {
	e, err := Load(tinyModel(t, true), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := session(t, e, SessionOptions{})
	for _, id := range []int32{-1, tinyVocab} {
		if err := s.Start(greedy(1, []int32{1, id})); !errors.Is(err, ErrArgument) {
			t.Errorf("token %d: %v, want ErrArgument", id, err)
		}
	}
}

func TestUseAfterCloseAndWhileBusy(t *testing.T) {
	e, err := Load(tinyModel(t, true), Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := session(t, e, SessionOptions{})
	if _, err := s.Next(); !errors.Is(err, ErrArgument) {
		t.Errorf("Next without Start: %v", err)
	}
	done := make(chan error)
	go func() { done <- s.Start(greedy(1, someIDs(4000))) }()
	for s.Reset() == nil { // until Start has the session
		time.Sleep(time.Millisecond)
	}
	if err := s.Eval([]int32{1}); !errors.Is(err, ErrBusy) {
		t.Errorf("Eval while busy: %v, want ErrBusy", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := <-done; !errors.Is(err, ErrStopped) {
		t.Errorf("Start while closing: %v, want ErrStopped", err)
	}
	if err := s.Eval([]int32{1}); !errors.Is(err, ErrClosed) {
		t.Errorf("Eval after Close: %v, want ErrClosed", err)
	}
	if _, err := e.NewSession(SessionOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("NewSession after Close: %v, want ErrClosed", err)
	}
	s.Close()
	if err := e.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestBadArguments(t *testing.T) {
	path := tinyModel(t, false)
	for _, n := range []int{-1, MaxThreads + 1} {
		if _, err := Load(path, Options{Threads: n}); !errors.Is(err, ErrArgument) {
			t.Errorf("%d threads: %v", n, err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.gguf"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(path, Options{Progress: func(float64) bool { return false }}); !errors.Is(err, ErrStopped) {
		t.Errorf("load given up: %v, want ErrStopped", err)
	}
	e := load(t, path, 1)
	for _, o := range []SessionOptions{{Context: -1}, {Batch: -5}} {
		if _, err := e.NewSession(o); !errors.Is(err, ErrArgument) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	s := session(t, e, SessionOptions{})
	for name, err := range map[string]error{
		"empty prompt":       s.Start(Request{Sampling: sample.Greedy()}),
		"token out of range": s.Eval([]int32{tinyVocab}),
		"negative token":     s.Eval([]int32{-1}),
		"truncate too far":   s.Truncate(1),
		"bad sampling":       s.Start(Request{Prompt: []int32{1}, Sampling: sample.Params{Temperature: float32(math.NaN())}}),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := e.Detokenize([]int32{tinyVocab}, false); !errors.Is(err, ErrArgument) {
		t.Errorf("detokenize a token out of range: %v", err)
	}
}

func TestTextGoesThere(t *testing.T) {
	e := load(t, tinyModel(t, false), 1)
	const text = "Grüße 🌍"
	ids, err := e.Tokenize(text, tokenizer.Options{})
	if err != nil || len(ids) != len(text) {
		t.Fatalf("%d tokens, error %v", len(ids), err)
	}
	if back, err := e.Detokenize(ids, false); back != text || err != nil {
		t.Errorf("%q, error %v", back, err)
	}
}

func TestNoVocabulary(t *testing.T) {
	w := gguf.NewWriter()
	src, err := gguf.Open(tinyModel(t, false))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for _, k := range src.Keys() {
		if v, ok := src.Value(k); ok && !strings.HasPrefix(k, "tokenizer.") {
			if err := w.SetValue(k, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.SetText("tokenizer.ggml.model", "none")
	for _, x := range src.Tensors() {
		w.AddTensorBytes(x.Name, x.Type, x.Shape, x.Data)
	}
	path := filepath.Join(t.TempDir(), "mute.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	var log []string
	e, err := Load(path, Options{Threads: 1, Log: func(_ Level, m string) { log = append(log, m) }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if len(log) != 1 || !strings.Contains(log[0], "token ids only") {
		t.Errorf("log %q", log)
	}
	if ids, _, f := answerOf(t, session(t, e, SessionOptions{}), greedy(5, someIDs(5))); len(ids) != 5 || f != FinishLength {
		t.Errorf("%d ids, %s", len(ids), f)
	}
	if _, err := e.Tokenize("a", tokenizer.Options{}); !errors.Is(err, ErrNoTokenizer) {
		t.Errorf("tokenize: %v, want ErrNoTokenizer", err)
	}
}

func TestPerplexityOfChance(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	s := session(t, e, SessionOptions{})
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	windows := 0
	p, err := s.Perplexity(text, 128, func(Perplexity) error { windows++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	// 900 bytes are 7 windows; 63 tokens of each are judged.
	if p.Windows != 7 || windows != 7 || p.Tokens != 7*63 {
		t.Errorf("%d windows (%d reported), %d tokens", p.Windows, windows, p.Tokens)
	}
	// The reference: the same windows, token by token.
	ids, _ := e.Tokenize(text, tokenizer.Options{AddSpecial: true})
	sum := 0.0
	for w := range 7 {
		s.Reset()
		for i, id := range ids[w*128 : (w+1)*128-1] {
			if err := s.Eval([]int32{id}); err != nil {
				t.Fatal(err)
			}
			if i >= 64 {
				z, l := 0.0, s.Logits()
				for _, v := range l {
					z += math.Exp(float64(v))
				}
				sum += math.Log(z) - float64(l[ids[w*128+i+1]])
			}
		}
	}
	if want := math.Exp(sum / (7 * 63)); math.Abs(p.Value/want-1) > 1e-9 {
		t.Errorf("perplexity %v, want %v", p.Value, want)
	}
	if p.Error <= 0 || p.Error > p.Value {
		t.Errorf("standard error %v", p.Error)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	e := load(t, tinyModel(t, false), 2)
	s := session(t, e, SessionOptions{})
	r := greedy(-1, someIDs(10))
	r.Sampling = sample.DefaultParams()
	r.Stop = []string{"a stop string"}
	if err := s.Start(r); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(300, func() {
		if ev, err := s.Next(); err != nil || ev.Finish != Running {
			t.Fatalf("%+v, %v", ev, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per decoded token, want 0", n)
	}
}

// mayTruncate skips a test that cuts a mapped file where that cannot be.
func mayTruncate(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: Windows does not let a mapped file be truncated")
	}
	if err := exec.Command(os.Args[0], "-test.run=^$").Run(); errors.Is(err, syscall.ENOEXEC) {
		t.Skip("SKIPPED: this is an emulator, whose faults have no address")
	}
}

func TestFileTruncatedWhileInUse(t *testing.T) {
	mayTruncate(t)
	for _, threads := range []int{1, 3} {
		path := tinyModel(t, false)
		e := load(t, path, threads)
		s := session(t, e, SessionOptions{})
		if err := s.Start(greedy(-1, someIDs(10))); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 4096); err != nil {
			t.Fatal(err)
		}
		var err error
		for range 3 { // the first event needs no weights
			if _, err = s.Next(); err != nil {
				break
			}
		}
		if !errors.Is(err, gguf.ErrTruncated) || !strings.Contains(err.Error(), path) {
			t.Errorf("%d threads: error %v, want ErrTruncated with the path", threads, err)
		}
		if err := s.Start(greedy(1, someIDs(600))); !errors.Is(err, gguf.ErrTruncated) {
			t.Errorf("%d threads: a second answer: %v, want ErrTruncated", threads, err)
		}
	}
}
