package tokenizer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// benchText is English, markdown and source code, n bytes.
func benchText(b testing.TB, n int) string {
	var all strings.Builder
	for _, path := range testkit.Glob(b, "text/*") {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		all.Write(text)
	}
	for _, s := range sources(b, 1<<20) {
		all.WriteString(s)
	}
	text := all.String()
	return strings.Repeat(text, n/len(text)+1)[:n]
}

func BenchmarkEncode(b *testing.B) {
	text := benchText(b, 4<<20)
	for _, name := range []string{"qwen2", "llama-bpe", "llama-spm", "gpt-2", "deepseek-llm", "gemma-4", "bert-bge", "nomic-bert-moe"} {
		b.Run(name, func(b *testing.B) {
			tok := open(b, testkit.Vocab(b, name))
			ids := make([]int32, 0, len(text))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				ids = tok.Append(ids[:0], text, Options{AddSpecial: true, ParseSpecial: true})
			}
			b.ReportMetric(float64(b.N)*float64(len(text))/1e6/(cpuTime()-start).Seconds(), "MB/cpu-s")
			b.ReportMetric(float64(len(ids)), "ids")
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for _, path := range []string{testkit.Model(b, "gemma3-q4_k_m"), testkit.Vocab(b, "gemma-4"), testkit.Vocab(b, "qwen2"), testkit.Vocab(b, "llama-spm")} {
		b.Run(path[strings.LastIndexByte(path, '/')+1:], func(b *testing.B) {
			b.ReportAllocs()
			start := cpuTime()
			defer func() { b.ReportMetric((cpuTime()-start).Seconds()*1e3/float64(b.N), "cpu-ms/op") }()
			for b.Loop() {
				f, err := gguf.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := New(f); err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

// TestPeerVocabsLongRuns encodes a megabyte of one character: time must not grow with
// its square.
func TestPeerVocabsLongRuns(t *testing.T) {
	const size = 1 << 20
	for _, path := range peerVocabs(t) {
		tok := open(t, path)
		runs := []string{"a", " "}
		if strings.Contains(path, "models") { // all of them with real models' vocabularies
			runs = append(runs, "\n", "1", "中", "A", "\u0301", "é", " \n", "<", "\xff", "ab", "!")
		}
		for _, run := range runs {
			s := strings.Repeat(run, size/len(run))
			start := cpuTime()
			ids := tok.Encode(s, Options{})
			d := cpuTime() - start
			if d > time.Second {
				t.Errorf("%s: a megabyte of %q took %v", filepath.Base(path), run, d)
			}
			t.Logf("%s: %q: %v, %d ids", filepath.Base(path), run, d, len(ids))
		}
	}
}
