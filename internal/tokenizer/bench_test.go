package tokenizer

import (
	"math/rand/v2"
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
	for _, path := range []string{testkit.Model(b, "gemma3-q4_k_m"), testkit.Vocab(b, "gemma-4"), testkit.Vocab(b, "qwen2"), testkit.Vocab(b, "llama-spm"), testkit.Vocab(b, "nomic-bert-moe")} {
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

// TestPeerVocabsLoad reads a vocabulary of 262k tokens and half a million merges: the
// best of some tries takes at most 30 ms of processor time.
func TestPeerVocabsLoad(t *testing.T) {
	path := testkit.Vocab(t, "gemma-4")
	best := time.Hour
	for range 10 {
		start := cpuTime()
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(f); err != nil {
			t.Fatal(err)
		}
		best = min(best, cpuTime()-start)
		f.Close()
	}
	t.Log(best)
	if best > 30*time.Millisecond {
		t.Errorf("%v", best)
	}
}

// longRuns are texts to repeat, and "random": text without a place to cut it.
var longRuns = []string{
	"a", " ", "A", "1", "\n", "\t", "!", "<", "=", "中", "é", "\u0301", "\xff", "\x00", "\u2581", "👍", "👍🏽", "ab", "aB",
	"a ", " \n", "\r\n", "a\n", "1a", "0123456789", "'s", "'", "x=", "\xff\xfe", "a\xff", "\xe4\xb8", "e\u0301", "e\u0301\u0302 ", "é中",
	"你好，世界。", "สวัสดี", "한국어", "Привет", "a\u200db", "<|", "<|im_start|>", "<s>", "<unk", "</", "[INST]", "https://a.b/c?d=e&", "0x1F,", "\u3000",
	"\u00a0a", "random letters", "random base64", "random CJK", "random bytes", "random punctuation", "random emoji",
}

// longRun returns size bytes of a run.
func longRun(run string, size int) string {
	kind, random := strings.CutPrefix(run, "random ")
	if !random {
		return strings.Repeat(run, size/len(run))
	}
	r := rand.New(rand.NewPCG(uint64(len(kind)), 7))
	var b strings.Builder
	for b.Len() < size {
		switch kind {
		case "letters":
			b.WriteByte(byte('a' + r.IntN(26)))
		case "base64":
			b.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[r.IntN(64)])
		case "CJK":
			b.WriteRune(0x4E00 + r.Int32N(3000))
		case "bytes":
			b.WriteByte(byte(r.Uint32()))
		case "punctuation":
			b.WriteByte("!#$%&*+,-./:;=?@^_~()[]{}|"[r.IntN(26)])
		case "emoji":
			b.WriteRune(0x1F300 + r.Int32N(0x300))
		}
	}
	return b.String()
}

// TestPeerVocabsLongRuns encodes long texts without an end of a word or of nothing but
// words: a megabyte must not take a second of processor time on any vocabulary. Half of
// that is used with real models; elsewhere a smaller part, which a time that grows with
// the square would show as well.
func TestPeerVocabsLongRuns(t *testing.T) {
	for _, path := range peerVocabs(t) {
		size := 1 << 15
		if strings.Contains(path, "models") {
			size = 1 << 19
		}
		limit := time.Second * time.Duration(size) / (1 << 20)
		tok := open(t, path)
		tok.Encode(longRun("random bytes", longText), Options{}) // what is made at first use
		for _, run := range longRuns {
			s := longRun(run, size)
			var d time.Duration
			var ids []int32
			for try := range 3 { // on a busy machine memory is slow too: the best counts
				start := cpuTime()
				ids = tok.Encode(s, Options{ParseSpecial: true})
				if took := cpuTime() - start; try == 0 || took < d {
					d = took
				}
				if d <= limit/4 {
					break
				}
			}
			if d > limit {
				t.Errorf("%s: %d bytes of %q took %v, more than %v", filepath.Base(path), size, run, d, limit)
			}
			t.Logf("%s: %q: %v, %.0f ns/byte, %d ids", filepath.Base(path), run, d, float64(d)/float64(size), len(ids))
		}
	}
}

// BenchmarkFirstText is what the first text costs beyond New.
func BenchmarkFirstText(b *testing.B) {
	for _, name := range []string{"gemma-4", "qwen2"} {
		b.Run(name, func(b *testing.B) {
			var spent time.Duration
			for b.Loop() {
				tok := open(b, testkit.Vocab(b, name))
				start := cpuTime()
				tok.Encode("Hello", Options{})
				spent += cpuTime() - start
			}
			b.ReportMetric(spent.Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}
