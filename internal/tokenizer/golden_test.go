package tokenizer

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
)

const goldenPath = "testdata/small.golden"

// TestGolden compares with ids that llama.cpp 0.7.0 gave for small vocabularies: every
// kind, and every name of a pre-tokenizer, a line each with a hash of the ids of shapes.
// Where a line differs, TestPeerPreTokenizers and TestPeerSmallKinds say how.
//
//	HPLLM_UPDATE=1 go test -run TestGolden ./internal/tokenizer
//
// asks llama.cpp again and writes the file.
func TestGolden(t *testing.T) {
	type line struct{ model, pre string }
	var lines []line
	for _, model := range []string{"llama", "bert", "t5", "rwkv", "plamo2", "plamo3", "hybriddna"} {
		lines = append(lines, line{model, "gpt-2"})
	}
	for _, name := range slices.Sorted(maps.Keys(preTokenizers())) {
		model := "gpt2"
		if name == "whitespace" {
			model = name // elsewhere llama.cpp fails on a space
		}
		lines = append(lines, line{model, name})
	}
	update := os.Getenv("HPLLM_UPDATE") == "1"
	var golden strings.Builder
	for _, l := range lines {
		w := smallVocab(rand.New(rand.NewPCG(5, 5)), l.model, l.pre)
		var ids [][]int32
		o := peerOptions[0]
		if update {
			_, all := peer(t, create(t, w), shapes)
			for _, both := range all {
				ids = append(ids, both[0])
			}
		} else {
			path := filepath.Join(t.TempDir(), "small.gguf")
			if err := w.Create(path); err != nil {
				t.Fatal(err)
			}
			f, err := gguf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			tok, err := New(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range shapes {
				ids = append(ids, tok.Encode(s, o))
			}
		}
		h := fnv.New64a()
		for _, id := range ids {
			fmt.Fprintln(h, id)
		}
		fmt.Fprintf(&golden, "%s %s %016x\n", l.model, l.pre, h.Sum64())
	}
	if update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenPath, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(goldenPath)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(golden.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Errorf("got %q, want %q", got[min(i, len(got)-1)], line)
		}
	}
}
