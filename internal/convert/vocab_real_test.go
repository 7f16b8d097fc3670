package convert

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// TestRealVocabularies turns the published vocabularies that llama.cpp has as GGUF files
// back into tokenizer.json, with their families' pre-tokenizers, and converts them: name,
// tokens, types and merges are the file's again.
func TestRealVocabularies(t *testing.T) {
	archs := map[string]string{"command-r": "command-r", "refact": "refact", "starcoder": "starcoder", "mpt": "mpt", "llama-bpe": "llama"}
	of := map[string]family{}
	for _, f := range families(t) {
		if _, ok := of[f.Name]; !ok {
			of[f.Name] = f
		}
	}
	seen := 0
	for _, path := range testkit.Glob(t, "vocabs/ggml-vocab-*.gguf") {
		f := open(t, path)
		name, _ := f.Text("tokenizer.ggml.pre")
		family, ok := of[name]
		if model, _ := f.Text("tokenizer.ggml.model"); !ok || model != "gpt2" {
			continue
		}
		seen++
		t.Run(strings.TrimSuffix(filepath.Base(path), ".gguf"), func(t *testing.T) {
			arch, ok := archs[name]
			if !ok {
				arch = family.Arch
			}
			files := filesOf(t, f, family)
			m := vocabMaker(t, folderOf(t, files), "GPT2LMHeadModel", arch)
			begin := time.Now()
			if err := m.vocabulary(""); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes in %v", len(files["tokenizer.json"]), time.Since(begin).Round(time.Millisecond))
			to := filepath.Join(t.TempDir(), "x.gguf")
			if err := m.w.Create(to); err != nil {
				t.Fatal(err)
			}
			got := open(t, to)
			if pre, _ := got.Text("tokenizer.ggml.pre"); pre != name {
				t.Errorf("the pre-tokenizer is %q, not %q", pre, name)
			}
			for _, key := range []string{"tokenizer.ggml.tokens", "tokenizer.ggml.merges"} {
				if a, b := textsOf(t, got, key), textsOf(t, f, key); !slices.Equal(a, b) {
					t.Errorf("%s: %d texts are not the file's %d", key, len(a), len(b))
				}
			}
		})
	}
	if seen < 10 {
		t.Errorf("only %d vocabularies were tried", seen)
	}
}

func textsOf(t *testing.T, f *gguf.File, key string) []string {
	t.Helper()
	a, err := f.Array(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, a.Len())
	for i := range out {
		out[i] = a.Text(i)
	}
	return out
}

// filesOf is a checkpoint's tokenizer with the lists of f and the pipeline of its family.
func filesOf(t *testing.T, f *gguf.File, pipeline family) map[string]string {
	t.Helper()
	tokens := textsOf(t, f, "tokenizer.ggml.tokens")
	types, err := f.Array("tokenizer.ggml.token_type")
	if err != nil {
		t.Fatal(err)
	}
	vocab := map[string]int{}
	added := []map[string]any{}
	for i, text := range tokens {
		if kind := types.Int(i); kind == tokenNormal {
			vocab[text] = i
		} else if kind != tokenUnused {
			added = append(added, map[string]any{"id": i, "content": text, "special": kind == tokenControl, "normalized": true})
		}
	}
	merges := [][]string{}
	for _, line := range textsOf(t, f, "tokenizer.ggml.merges") {
		left, right, _ := strings.Cut(line, " ")
		for _, part := range []string{left, right, left + right} { // of tokens that the file marks as others
			if _, ok := vocab[part]; !ok {
				if i := slices.Index(tokens, part); i >= 0 {
					vocab[part] = i
				}
			}
		}
		merges = append(merges, []string{left, right})
	}
	file, err := json.Marshal(map[string]any{
		"added_tokens": added, "normalizer": pipeline.Normalizer, "pre_tokenizer": pipeline.PreTokenizer, "decoder": map[string]any{"type": "ByteLevel"},
		"model": map[string]any{"type": "BPE", "ignore_merges": pipeline.IgnoreMerges, "vocab": vocab, "merges": merges},
	})
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"vocab_size": len(tokens)})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"config.json": string(config), "tokenizer.json": string(file)}
}
