package gguf

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"testing"

	"happyphonellm/internal/testkit"
)

var realModels = []string{"smollm2-q4_1", "gemma3-q4_k_m"}

// Real files, read and written again, are the same to the byte.
func TestRealFilesRewritten(t *testing.T) {
	for _, name := range realModels {
		t.Run(name, func(t *testing.T) {
			path := testkit.Model(t, name)
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			want, got := sha256.New(), sha256.New()
			if _, err := io.Copy(want, file); err != nil {
				t.Fatal(err)
			}
			if _, err := copied(t, opened(t, path)).WriteTo(got); err != nil {
				t.Fatal(err)
			}
			if string(want.Sum(nil)) != string(got.Sum(nil)) {
				t.Error("the copy differs")
			}
		})
	}
}

// A vocabulary is a table, not an allocation per string.
func TestRealFilesOpenInFewAllocations(t *testing.T) {
	for _, name := range realModels {
		t.Run(name, func(t *testing.T) {
			path := testkit.Model(t, name)
			tensors := len(opened(t, path).Tensors())
			allocs := testing.AllocsPerRun(3, func() {
				f, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if a, err := f.Array("tokenizer.ggml.tokens"); err != nil || a.Len() < 1000 {
					t.Fatal(a.Len(), err)
				}
			})
			if most := float64(2*tensors + 150); allocs > most {
				t.Errorf("%v allocations, want at most %v", allocs, most)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, name := range realModels {
		path := testkit.Model(b, name)
		for _, tokens := range []bool{false, true} {
			label := name
			if tokens {
				label += "/tokens"
			}
			b.Run(label, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f, err := Open(path)
					if err != nil {
						b.Fatal(err)
					}
					if tokens {
						if _, err := f.Array("tokenizer.ggml.tokens"); err != nil {
							b.Fatal(err)
						}
					}
					f.Close()
				}
			})
		}
	}
}

// Vocabulary files (no tensors) of many models, whole: every key and string.
func TestVocabularyFiles(t *testing.T) {
	for _, path := range testkit.Glob(t, "vocabs/*.gguf") {
		f := opened(t, path)
		w := copied(t, f)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := encoded(t, w); f.Version() == 3 && !bytes.Equal(got, file) {
			t.Errorf("%s: the copy differs", path)
		}
	}
}

// One small file of every architecture that llama.cpp knows.
func TestEveryArchitecture(t *testing.T) {
	for _, path := range testkit.Glob(t, "archs/*.gguf") {
		f := opened(t, path)
		if f.Architecture() == "" || len(f.Tensors()) == 0 {
			t.Errorf("%s: architecture %q, %d tensors", path, f.Architecture(), len(f.Tensors()))
		}
		header := copied(t, f).header(defaultAlignment)
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		want := make([]byte, len(header))
		_, err = io.ReadFull(file, want)
		file.Close()
		if err != nil || !bytes.Equal(header, want) {
			t.Errorf("%s: the header written again differs: %v", path, err)
		}
		f.Close()
	}
}
