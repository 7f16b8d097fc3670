package fidelity

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/infer"
	"happyphonellm/internal/testkit"
	"happyphonellm/internal/tokenizer"
)

// full is whether this run also measures what takes an hour.
var full = os.Getenv("HPLLM_FIDELITY") == "full"

// bases are the two real models; types are the forms that build/models.sh
// makes of them, from the most exact to the coarsest.
var (
	bases = []string{"smollm2", "gemma3"}
	types = []string{"f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_1", "q5_0", "q4_k_m", "q4_1", "q4_0", "iq4_nl", "iq4_xs", "q3_k_m", "q2_k"}

	// coarse are types of which a person has few files: measured on a quarter of the
	// text. Those for which models are trained (Q1_0, Q2_0, TQ1_0, TQ2_0) are not
	// here: of other models they leave noise, and its divergence says nothing.
	coarse = map[string][]string{
		"smollm2": {"nvfp4", "mxfp4", "iq3_s", "iq3_xxs", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s"},
	}
)

// fewTokens is how many tokens of text the shorter comparisons are made on.
const fewTokens = 128

func load(t testing.TB, path string, threads int) *infer.Engine {
	t.Helper()
	e, err := infer.Load(path, infer.Options{Threads: threads, Oversubscribe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func session(t testing.TB, e *infer.Engine, o infer.SessionOptions) *infer.Session {
	t.Helper()
	s, err := e.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// englishIDs are the first n tokens of the English text, with the model's BOS.
func englishIDs(t testing.TB, e *infer.Engine, n int) []int32 {
	t.Helper()
	text, err := os.ReadFile(testkit.Text(t, "english.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := e.Tokenize(string(text), tokenizer.Options{AddSpecial: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) < n {
		t.Fatalf("the English text has %d tokens, want %d", len(ids), n)
	}
	return ids[:n]
}

// peerFigure returns what measure prints about the model file at path, kept in
// CACHE/figures: the peer gives the same answer for the same file and input.
func peerFigure(t testing.TB, path, what, input string, measure func() []byte) []byte {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", info.Size(), what, input))
	name := fmt.Sprintf("%s-%s-%s.txt", what, strings.TrimSuffix(filepath.Base(path), ".gguf"), hex.EncodeToString(key[:4]))
	file := filepath.Join(testkit.Cache(), "figures", name)
	if kept, err := os.Stat(file); err == nil && kept.ModTime().After(info.ModTime()) {
		if text, err := os.ReadFile(file); err == nil {
			return text
		}
	}
	text := measure()
	// Keeping it is a convenience: a cache that cannot be written costs time only.
	if os.MkdirAll(filepath.Dir(file), 0o755) == nil && os.WriteFile(file+".tmp", text, 0o644) == nil {
		os.Rename(file+".tmp", file)
	}
	return text
}

// cells are a row of a report's table.
func cells(values ...any) []string {
	row := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case float64:
			row[i] = strconv.FormatFloat(v, 'g', 4, 64)
		default:
			row[i] = fmt.Sprint(v)
		}
	}
	return row
}
