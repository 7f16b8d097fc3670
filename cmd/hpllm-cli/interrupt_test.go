package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// stopWithin is the promise: Ctrl-C ends a command within this time. A busy
// machine may need another try.
const (
	stopWithin = 50 * time.Millisecond
	stopTries  = 5
)

// watched is a buffer that tells when it first holds something.
type watched struct {
	mu    sync.Mutex
	text  bytes.Buffer
	first chan struct{}
}

func newWatched() *watched { return &watched{first: make(chan struct{})} }

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text.Len() == 0 && len(p) > 0 {
		close(w.first)
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// interruptRun starts the program, sends Ctrl-C as soon as ready says, and
// returns what it left and how long it took to end.
func interruptRun(t *testing.T, args []string, ready func(stdout, stderr *watched) <-chan struct{}) (stdout, stderr string, took time.Duration) {
	t.Helper()
	cmd := command(t, args...)
	out, errs := newWatched(), newWatched()
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ready(out, errs):
	case <-time.After(60 * time.Second):
		cmd.Process.Kill()
		t.Fatalf("%v: nothing after a minute", args)
	}
	begin := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at below
	took = time.Since(begin)
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Fatalf("%v: exit code %d, want 130\n%s", args, code, errs)
	}
	return out.String(), errs.String(), took
}

func onOutput(out, _ *watched) <-chan struct{} { return out.first }

// after is a moment in the middle of what prints nothing.
func after(d time.Duration) func(_, _ *watched) <-chan struct{} {
	return func(_, _ *watched) <-chan struct{} {
		c := make(chan struct{})
		time.AfterFunc(d, func() { close(c) })
		return c
	}
}

func needSignals(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("SKIPPED: Windows has no way to send Ctrl-C to one process")
	}
}

// soon repeats f until it is fast enough.
func soon(t *testing.T, f func() time.Duration) {
	t.Helper()
	var took []time.Duration
	for range stopTries {
		d := f()
		if d <= stopWithin {
			return
		}
		took = append(took, d)
	}
	t.Errorf("Ctrl-C took %v, want %v", took, stopWithin)
}

func TestInterruptAnswer(t *testing.T) {
	needSignals(t)
	model := tinyModel{context: 200000}.write(t)
	soon(t, func() time.Duration {
		stdout, stderr, took := interruptRun(t, []string{"run", "-m", model, "-p", "x", "-c", "200000", "--ignore-eos", "--stats", "json"}, onOutput)
		if stdout == "" || !strings.Contains(stderr, `"finish":"stopped"`) || strings.Count(stderr, "\n") != 1 {
			t.Fatalf("stdout %q, stderr %q", stdout, stderr)
		}
		return took
	})
}

// A long prompt and nothing printed yet.
func TestInterruptPrompt(t *testing.T) {
	needSignals(t)
	model := testkit.Model(t, "smollm2-q4_1")
	prompt := filepath.Join(t.TempDir(), "prompt.txt")
	if err := os.WriteFile(prompt, []byte(strings.Repeat("all work and no play makes Jack a dull boy ", 700)), 0o644); err != nil {
		t.Fatal(err)
	}
	soon(t, func() time.Duration {
		stdout, stderr, took := interruptRun(t, []string{"run", "-m", model, "-f", prompt, "-c", "8192"}, after(700*time.Millisecond))
		if stdout != "" || !strings.Contains(stderr, "end: stopped") {
			t.Fatalf("stdout %q, stderr %q", stdout, stderr)
		}
		return took
	})
}

func TestInterruptOthers(t *testing.T) {
	needSignals(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "text.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 50000)), 0o644); err != nil {
		t.Fatal(err)
	}
	model := tinyModel{context: 200000}.write(t)
	var ids []string
	for i := range 30000 {
		ids = append(ids, strconv.Itoa(i%256))
	}
	for name, args := range map[string][]string{
		"bench":      {"bench", "-m", model, "-p", "100000", "-n", "0"},
		"perplexity": {"perplexity", "-m", model, "-f", text},
		"logits":     {"logits", "-m", model, "--ids", strings.Join(ids, ","), "-o", filepath.Join(dir, "out.f32")},
	} {
		t.Run(name, func(t *testing.T) {
			soon(t, func() time.Duration {
				_, _, took := interruptRun(t, args, after(300*time.Millisecond))
				return took
			})
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "out.f32*")); len(left) > 0 {
		t.Errorf("half an output is left: %v", left)
	}
}

// Reading a prompt that never comes cannot be stopped but by leaving.
func TestInterruptWaiting(t *testing.T) {
	needSignals(t)
	model := tinyModel{}.write(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	cmd := command(t, "run", "-m", model)
	cmd.Stdin = read
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code is looked at below
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
}
