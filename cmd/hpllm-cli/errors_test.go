package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// bad wants one line on standard error that holds every word, nothing on
// standard output, and the exit code.
func bad(t *testing.T, r result, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	if r.stdout != "" {
		t.Errorf("standard output: %q", r.stdout)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasSuffix(r.stderr, "\n") {
		t.Errorf("standard error is not one line: %q", r.stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("standard error %q does not name %q", r.stderr, w)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	model := tinyModel{}.write(t)
	for _, tc := range []struct {
		args  []string
		words []string
	}{
		{[]string{"rum"}, []string{"rum", `"run"`}},
		{[]string{"run", "--bogus"}, []string{"--bogus", "hpllm-cli run --help"}},
		{[]string{"run", "-m", model, "-p", "x", "-n", "many"}, []string{"many"}},
		{[]string{"run", "-m", model, "-p", "x", "stray"}, []string{"stray"}},
		{[]string{"run", "-m", model, "-p", "x", "-f", "y"}, []string{"-p", "-f"}},
		{[]string{"run", "-m", model, "-p", "x", "--temp", "-1"}, []string{"temperature", "-1"}},
		{[]string{"run", "-m", model, "-p", "x", "--top-p", "2"}, []string{"top-p", "2"}},
		{[]string{"run", "-m", model, "-p", "x", "--repeat-penalty", "0"}, []string{"repeat penalty", "0"}},
		{[]string{"run", "-m", model, "-p", "x", "--seed", "-7"}, []string{"--seed", "-7"}},
		{[]string{"run", "-m", model, "-p", "x", "--samplers", "top_k;nope"}, []string{"nope"}},
		{[]string{"run", "-m", model, "-p", "x", "--sampler-seq", "z"}, []string{"z"}},
		{[]string{"run", "-m", model, "-p", "x", "--logit-bias", "5"}, []string{"--logit-bias", "5"}},
		{[]string{"run", "-m", model, "-p", "x", "--kv", "q2"}, []string{"--kv", "q2"}},
		{[]string{"run", "-m", model, "-p", "x", "--stats", "xml"}, []string{"--stats", "xml"}},
		{[]string{"run", "-m", model, "-p", "x", "-t", "-1"}, []string{"-t", "-1"}},
		{[]string{"run", "-m", model, "-p", "x", "-t", "257"}, []string{"-t 257", "256"}},
		{[]string{"run", "-m", model, "-p", "x", "-n", "-2"}, []string{"-n -2", "-1"}},
		{[]string{"chat", "-m", model, "-n", "-2"}, []string{"-n -2", "-1"}},
		{[]string{"run", "-m", model, "-p", "x", "--temp", "warm"}, []string{`"warm"`, `flag: invalid syntax`}},
		{[]string{"run", "-m", model, "-p", "x", "-c", "-1"}, []string{"-c", "-1"}},
		{[]string{"run", "-m", model, "-p", "x", "--batch", "-1"}, []string{"--batch", "-1"}},
		{[]string{"run", "-m", model, "--raw", "--system", "s", "-p", "x"}, []string{"--system", "--raw"}},
		{[]string{"bench", "-m", model, "-p", "0", "-n", "0"}, []string{"nothing"}},
		{[]string{"bench", "-m", model, "-o", "xml"}, []string{"xml"}},
		{[]string{"bench", "-m", model, "-r", "0"}, []string{"-r 0"}},
		{[]string{"bench", "-m", model, "-d", "-1"}, []string{"-d -1"}},
		{[]string{"bench", "-m", model, "-t", "1,-2"}, []string{"-2"}},
		{[]string{"perplexity", "-m", model}, []string{"-f"}},
		{[]string{"perplexity", "-f", "x"}, []string{"-m"}},
		{[]string{"logits", "-m", model, "-o", "x"}, []string{"--ids"}},
		{[]string{"logits", "-m", model, "--ids", "1,x", "-o", "y"}, []string{`"x"`}},
		{[]string{"logits", "-m", model, "--ids", "1"}, []string{"-o"}},
		{[]string{"tokenize"}, []string{"-m"}},
		{[]string{"detokenize", "-m", model}, []string{"--ids"}},
		{[]string{"detokenize", "-m", model, "--ids", "-4"}, []string{"-4"}},
		{[]string{"inspect"}, []string{"FILE"}},
		{[]string{"inspect", "a", "b"}, []string{"FILE", "2"}},
	} {
		t.Run(strings.Join(tc.args, " "), func(t *testing.T) {
			bad(t, cli(t, "", tc.args...), 2, tc.words...)
		})
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := tinyModel{}.write(t)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := append([]byte(nil), whole...)
	for i := 16; i < 24; i++ {
		spoiled[i] = 0xff // the count of metadata entries
	}
	long := strings.Repeat("word ", 40)
	for _, tc := range []struct {
		name  string
		args  []string
		words []string
	}{
		{"no model at all", []string{"run", "-p", "x"}, []string{"make demo", "-m"}},
		{"no model at all, chat", []string{"chat"}, []string{"make demo", "-m"}},
		{"no model at all, bench", []string{"bench"}, []string{"make demo", "-m"}},
		{"no such peer", []string{"bench", "-m", good, "--vs", "nowhere-bench"}, []string{"--vs", "nowhere-bench"}},
		{"a peer of no use", []string{"bench", "-m", good, "-p", "1", "-n", "0", "-r", "1", "--vs", "true"}, []string{"true", "JSON"}},
		{"no such file", []string{"run", "-m", "nowhere.gguf", "-p", "x"}, []string{"nowhere.gguf", "no such file"}},
		{"no such prompt", []string{"run", "-m", good, "-f", "nowhere.txt"}, []string{"nowhere.txt"}},
		{"a folder", []string{"run", "-m", dir, "-p", "x"}, []string{dir}},
		{"empty file", []string{"run", "-m", file("empty.gguf", nil), "-p", "x"}, []string{"empty.gguf"}},
		{"not GGUF", []string{"run", "-m", file("text.gguf", []byte("Call me Ishmael. Some years ago")), "-p", "x"}, []string{"text.gguf", "GGUF"}},
		{"corrupt", []string{"run", "-m", file("spoiled.gguf", spoiled), "-p", "x"}, []string{"spoiled.gguf"}},
		{"cut off", []string{"run", "-m", file("cut.gguf", whole[:len(whole)*2/3]), "-p", "x"}, []string{"cut.gguf"}},
		{"cut off, inspect", []string{"inspect", filepath.Join(dir, "cut.gguf")}, []string{"cut.gguf"}},
		{"unknown architecture", []string{"run", "-m", tinyModel{arch: "abacus"}.write(t), "-p", "x"}, []string{"abacus", "tiny.gguf"}},
		{"missing tensor", []string{"run", "-m", tinyModel{skip: "blk.1.ffn_up.weight"}.write(t), "-p", "x"}, []string{"blk.1.ffn_up.weight", "tiny.gguf"}},
		{"wrong shape", []string{"run", "-m", tinyModel{shapes: map[string][]int{"blk.0.attn_k.weight": {tinyEmbd, 24}}}.write(t), "-p", "x"}, []string{"blk.0.attn_k.weight", "tiny.gguf"}},
		{"context too small", []string{"run", "-m", good, "-c", "8", "-p", long}, []string{"context", "8"}},
		{"no vocabulary", []string{"run", "-m", tinyModel{noVocab: true}.write(t), "-p", "x", "--raw"}, []string{"vocabulary", "tiny.gguf"}},
		{"no vocabulary, tokenize", []string{"tokenize", "-m", tinyModel{noVocab: true}.write(t)}, []string{"tiny.gguf"}},
		{"no vocabulary, chat", []string{"chat", "-m", tinyModel{noVocab: true}.write(t)}, []string{"vocabulary", "tiny.gguf"}},
		{"bias outside the vocabulary", []string{"run", "-m", good, "-p", "x", "--logit-bias", "999+1"}, []string{"999", "258"}},
		{"id outside the vocabulary", []string{"logits", "-m", good, "--ids", "1,300", "-o", filepath.Join(dir, "x.f32")}, []string{"300"}},
		{"id outside, detokenize", []string{"detokenize", "-m", good, "--ids", "300"}, []string{"300", "258"}},
		{"no folder for the output", []string{"logits", "-m", good, "--ids", "1", "-o", filepath.Join(dir, "no", "x.f32")}, []string{"x.f32"}},
		{"text too short", []string{"perplexity", "-m", good, "-f", file("short.txt", []byte("short"))}, []string{"short.txt"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bad(t, cli(t, "", tc.args...), 1, tc.words...)
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "x.f32*")); len(left) > 0 {
		t.Errorf("half an output is left: %v", left)
	}
}

// A disk that is full is an error, wherever the output goes.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: needs Linux's /dev/full")
	}
	model := tinyModel{}.write(t)
	bad(t, cli(t, "", "logits", "-m", model, "--ids", "1,2", "-o", "/dev/full"), 1, "/dev/full", "no space")
	for _, args := range [][]string{
		{"run", "-m", model, "-p", "x", "-n", "4", "--stats", "none"},
		{"tokenize", "-m", model},
		{"detokenize", "-m", model, "--ids", "65"},
		{"inspect", model},
		{"inspect", model, "--json"},
		{"bench", "-m", model, "-p", "4", "-n", "0", "-r", "1"},
		{"bench", "-m", model, "-p", "4", "-n", "0", "-r", "1", "-o", "csv"},
		{"bench", "-m", model, "-p", "4", "-n", "0", "-r", "1", "-o", "json"},
	} {
		t.Run(strings.Join(args[:1], " "), func(t *testing.T) {
			full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer full.Close()
			cmd := command(t, args...)
			cmd.Stdin = strings.NewReader("text")
			cmd.Stdout = full
			var stdout, stderr bytes.Buffer
			cmd.Stderr = &stderr
			bad(t, finished(t, cmd.Run(), &stdout, &stderr), 1, "no space")
		})
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"a\nb\r\nc":       "a b c",
		"tensor \x1b[2Jx": "tensor .[2Jx",
		"begin " + strings.Repeat("ä", 1<<20) + " end": "begin " + strings.Repeat("ä", 1194) + " ... " + strings.Repeat("ä", 396) + " end",
	} {
		if got := oneLine(errors.New(text)); got != want {
			t.Errorf("%.40q: %q", text, got)
		}
	}
}
