package infer

import (
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// firstLogits loads a model and computes the logits behind a short text, and returns how
// long both took together.
func firstLogits(tb testing.TB, path string) time.Duration {
	tb.Helper()
	begin := time.Now()
	e, err := Load(path, Options{})
	if err != nil {
		tb.Fatal(err)
	}
	defer e.Close()
	ids, err := e.TokenizePrompt("Hello")
	if err != nil {
		tb.Fatal(err)
	}
	s, err := e.NewSession(SessionOptions{Context: 512})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Eval(ids); err != nil {
		tb.Fatal(err)
	}
	if len(s.Logits()) == 0 {
		tb.Fatal("no logits")
	}
	return time.Since(begin)
}

// BenchmarkFirstLogits loads models that were read before, one of 250 MB with a
// vocabulary of 262k. The program's TestLoadTime has the limit.
func BenchmarkFirstLogits(b *testing.B) {
	for _, name := range []string{"gemma3-q4_k_m", "random1b-q4_0"} {
		b.Run(name, func(b *testing.B) {
			path := testkit.Model(b, name)
			for b.Loop() {
				firstLogits(b, path)
			}
		})
	}
}
