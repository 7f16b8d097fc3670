package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/testkit"
)

func TestRun(t *testing.T) {
	model := tinyModel{}.write(t)
	run := func(more ...string) result {
		t.Helper()
		return ok(t, "", append([]string{"run", "-m", model, "-n", "24", "--ignore-eos"}, more...)...)
	}
	want := run("-p", "Hello", "--seed", "5").stdout
	if len(want) < 10 || !strings.HasSuffix(want, "\n") {
		t.Fatalf("answer %q", want)
	}
	for name, args := range map[string][]string{
		"the same again":  {"-p", "Hello", "--seed", "5"},
		"two threads":     {"-p", "Hello", "--seed", "5", "-t", "2"},
		"batches of 3":    {"-p", "Hello", "--seed", "5", "--batch", "3"},
		"samplers named":  {"-p", "Hello", "--seed", "5", "--samplers", "penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature"},
		"samplers' short": {"-p", "Hello", "--seed", "5", "--sampler-seq", "edskypmxt"},
	} {
		if got := run(args...).stdout; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, args := range map[string][]string{
		"another seed":   {"-p", "Hello", "--seed", "6"},
		"another prompt": {"-p", "Hallo", "--seed", "5"},
		"raw":            {"-p", "Hello", "--seed", "5", "--raw"},
		"system":         {"-p", "Hello", "--seed", "5", "--system", "Be brief."},
		"greedy":         {"-p", "Hello", "--temp", "0"},
	} {
		if got := run(args...).stdout; got == want {
			t.Errorf("%s: the same answer", name)
		}
	}
}

// The prompt comes from -p, a file or standard input, less one final newline.
func TestRunPromptSources(t *testing.T) {
	model := tinyModel{}.write(t)
	file := filepath.Join(t.TempDir(), "prompt.txt")
	if err := os.WriteFile(file, []byte("two\nlines\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "-m", model, "-n", "8", "--temp", "0", "--ignore-eos"}
	want := ok(t, "", append(args, "-p", "two\nlines")...).stdout
	for name, got := range map[string]string{
		"file":           ok(t, "", append(args, "-f", file)...).stdout,
		"standard input": ok(t, "two\nlines\n", args...).stdout,
		"-f -":           ok(t, "two\nlines\n", append(args, "-f", "-")...).stdout,
	} {
		if got != want {
			t.Errorf("%s: %q, with -p %q", name, got, want)
		}
	}
}

func TestRunStop(t *testing.T) {
	model := tinyModel{}.write(t)
	args := []string{"run", "-m", model, "-p", "Hello", "-n", "40", "--temp", "0", "--ignore-eos"}
	whole := strings.TrimSuffix(ok(t, "", args...).stdout, "\n")
	cut := []rune(whole)
	stop := string(cut[5:7])
	got := strings.TrimSuffix(ok(t, "", append(args, "--stop", stop)...).stdout, "\n")
	if want := whole[:strings.Index(whole, stop)]; got != want {
		t.Errorf("stop at %q: %q, want %q", stop, got, want)
	}
}

func TestRunStats(t *testing.T) {
	model := tinyModel{}.write(t)
	args := []string{"run", "-m", model, "-p", "Hello", "-n", "6", "--ignore-eos", "--seed", "9", "-t", "1"}
	if r := ok(t, "", append(args, "--stats", "none")...); r.stderr != "" {
		t.Errorf("--stats none: %q", r.stderr)
	}
	if r := ok(t, "", args...); !strings.Contains(r.stderr, "answer 6 tokens") || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("text: %q", r.stderr)
	}
	var f figures
	if err := json.Unmarshal([]byte(ok(t, "", append(args, "--stats", "json")...).stderr), &f); err != nil {
		t.Fatal(err)
	}
	if f.GeneratedTokens != 6 || f.Finish != "length" || f.Seed != 9 || f.Threads != 1 || f.PromptTokens < 5 || f.TTFTMS <= 0 || f.LoadMS <= 0 {
		t.Errorf("%+v", f)
	}
	// A fresh seed is named, and gives the same answer again.
	free := []string{"run", "-m", model, "-p", "Hello", "-n", "20", "--ignore-eos", "--stats", "json"}
	first := ok(t, "", free...)
	if err := json.Unmarshal([]byte(first.stderr), &f); err != nil {
		t.Fatal(err)
	}
	if again := ok(t, "", append(free, "--seed", fmt.Sprint(f.Seed))...); again.stdout != first.stdout {
		t.Errorf("seed %d gives %q, first %q", f.Seed, again.stdout, first.stdout)
	}
}

func TestRunContextFull(t *testing.T) {
	model := tinyModel{}.write(t)
	r := ok(t, "", "run", "-m", model, "-p", "Hi", "-c", "40", "--ignore-eos", "--stats", "json")
	if !strings.Contains(r.stderr, `"finish":"context"`) || !strings.Contains(r.stderr, `"context_tokens":40`) {
		t.Errorf("%s", r.stderr)
	}
}

func TestDemoModelIsTheDefault(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tinyModel{}.write(t), filepath.Join(dir, "models", demoModel)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"run", "-p", "Hi", "-n", "2"},
		{"bench", "-p", "2", "-n", "0", "-r", "1"},
		{"chat"},
	} {
		cmd := command(t, args...)
		cmd.Env = append(os.Environ(), "HPLLM_CACHE="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

func TestTokenize(t *testing.T) {
	model := tinyModel{}.write(t)
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"--ids"}, "[256, 72, 105, 257, 10]\n"},
		{[]string{"--ids", "--no-bos"}, "[72, 105, 257, 10]\n"},
		{[]string{"--ids", "--no-bos", "--no-parse-special"}, "[72, 105, 60, 47, 115, 62, 10]\n"},
		{nil, "   256 -> '<s>'\n    72 -> 'H'\n   105 -> 'i'\n   257 -> '</s>'\n    10 -> '\n'\n"},
	} {
		got := ok(t, "Hi</s>\n", append([]string{"tokenize", "-m", model}, tc.args...)...).stdout
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tc.args, diff)
		}
	}
	if got := ok(t, "", "tokenize", "-m", model, "--ids", "--no-bos").stdout; got != "[]\n" {
		t.Errorf("no text: %q", got)
	}
	if got := ok(t, "", "detokenize", "-m", model, "--ids", "[256, 72, 105, 257, 10]").stdout; got != "<s>Hi</s>\n" {
		t.Errorf("detokenize: %q", got)
	}
	if got := ok(t, "", "detokenize", "-m", model, "--ids", "256,72", "--no-special").stdout; got != "H" {
		t.Errorf("detokenize --no-special: %q", got)
	}
}

func TestLogits(t *testing.T) {
	model := tinyModel{}.write(t)
	dir := t.TempDir()
	ids := "256,72,101,108,108,111,32,119,111,114,108,100"
	logits := func(name string, more ...string) []float32 {
		t.Helper()
		path := filepath.Join(dir, name)
		ok(t, "", append([]string{"logits", "-m", model, "--ids", ids, "-o", path}, more...)...)
		return testkit.ReadF32(t, path)
	}
	want := logits("a")
	if len(want) != 12*tinyVocab {
		t.Fatalf("%d values, want %d", len(want), 12*tinyVocab)
	}
	for name, args := range map[string][]string{"batch": {"--batch", "5"}, "threads": {"-t", "2"}} {
		if diff := cmp.Diff(want, logits(name, args...)); diff != "" {
			t.Errorf("%s: not the same bits", name)
		}
	}
	if e := testkit.NMSE(logits("f32", "--kv", "f32"), want); e == 0 || e > 1e-4 {
		t.Errorf("--kv f32 differs from f16 by NMSE %g", e)
	}
}

func TestPerplexity(t *testing.T) {
	model := tinyModel{}.write(t)
	file := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 10)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := ok(t, "", "perplexity", "-m", model, "-f", file, "-c", "64")
	var value, spread float64
	if _, err := fmt.Sscanf(r.stdout, "Final estimate: PPL = %f +/- %f\n", &value, &spread); err != nil {
		t.Fatalf("%q: %v", r.stdout, err)
	}
	if value < 2 || math.IsInf(value, 0) || spread <= 0 {
		t.Errorf("perplexity %g +/- %g", value, spread)
	}
	if !strings.HasPrefix(r.stderr, "[1]") || !strings.Contains(r.stderr, "[7]") {
		t.Errorf("running values: %q", r.stderr)
	}
	if r := ok(t, "", "perplexity", "-m", model, "-f", file, "-c", "64", "--chunks", "2"); strings.Contains(r.stderr, "[3]") {
		t.Errorf("--chunks 2: %q", r.stderr)
	}
}

func TestBench(t *testing.T) {
	model := tinyModel{}.write(t)
	var rows []benchRow
	r := ok(t, "", "bench", "-m", model+","+model, "-t", "1,2", "-p", "16", "-n", "4", "-r", "3", "-o", "json")
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	var order []string
	for _, row := range rows {
		order = append(order, fmt.Sprintf("%s t%d", row.test(), row.Threads))
		if len(row.SamplesTS) != 3 || len(row.SamplesNS) != 3 || row.AvgTS <= 0 || row.LoadMS <= 0 || row.Params == 0 || row.File != model {
			t.Errorf("%+v", row)
		}
	}
	once := []string{"pp16 t1", "tg4 t1", "pp16 t2", "tg4 t2"}
	if diff := cmp.Diff(append(once, once...), order); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, field := range []string{"n_prompt", "n_gen", "n_threads", "avg_ts", "stddev_ts", "samples_ts", "load_ms", "rss_anon_mib"} {
		if !strings.Contains(r.stdout, `"`+field+`":`) {
			t.Errorf("no field %s", field)
		}
	}

	records, err := csv.NewReader(strings.NewReader(ok(t, "", "bench", "-m", model, "-p", "0", "-n", "4", "-r", "2", "-o", "csv").stdout)).ReadAll()
	if err != nil || len(records) != 2 {
		t.Errorf("csv: %d records, %v", len(records), err)
	}
	md := ok(t, "", "bench", "-m", model, "-p", "8", "-n", "0", "-r", "2", "--no-warmup").stdout
	lines := strings.Split(strings.TrimSpace(md), "\n")
	if len(lines) != 3 || !strings.Contains(lines[2], " pp8 ") || !strings.Contains(lines[2], "±") {
		t.Errorf("md:\n%s", md)
	}
	for _, line := range lines {
		if len([]rune(line)) != len([]rune(lines[0])) {
			t.Errorf("md is not aligned:\n%s", md)
			break
		}
	}
}

func TestInspect(t *testing.T) {
	model := tinyModel{arch: "abacus"}.write(t)
	text := ok(t, "", "inspect", model, "--tensors").stdout
	for _, want := range []string{"abacus", "F32", "general.name", "Tiny", "blk.1.ffn_up.weight", "[32 64]"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(ok(t, "", "inspect", model).stdout, "blk.1") {
		t.Error("tensors are listed without --tensors")
	}
	var v struct {
		Architecture string
		Params       int64
		Metadata     map[string]any
		Tensors      []struct {
			Name  string
			Shape []int
		}
	}
	if err := json.Unmarshal([]byte(ok(t, "", "inspect", model, "--json", "--tensors").stdout), &v); err != nil {
		t.Fatal(err)
	}
	if v.Architecture != "abacus" || v.Metadata["general.name"] != "Tiny" || len(v.Tensors) != 3+9*tinyLayers || v.Params == 0 {
		t.Errorf("%+v", v)
	}
	if n := len(v.Metadata["tokenizer.ggml.tokens"].([]any)); n != tinyVocab {
		t.Errorf("%d tokens in JSON, want all %d", n, tinyVocab)
	}
}

// A conversation from a pipe: answers and nothing else on standard output.
func TestChatFromPipe(t *testing.T) {
	model := tinyModel{}.write(t)
	args := []string{"chat", "-m", model, "--temp", "0", "-n", "8"}
	one := ok(t, "Hello\n", args...)
	if one.stdout == "" || one.stderr != "" {
		t.Errorf("stdout %q, stderr %q", one.stdout, one.stderr)
	}
	r := ok(t, "/stats\nHello\n/stats\n/clear\nHello\n/help\n/nonsense\n/quit\nnot read\n", args...)
	if r.stdout != one.stdout+one.stdout {
		t.Errorf("after /clear: %q, want twice %q", r.stdout, one.stdout)
	}
	for _, want := range []string{"No answer yet", "answer 8 tokens", "forgotten", "/clear", "/nonsense"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("no %q in %q", want, r.stderr)
		}
	}
	if two := ok(t, "Hello\nHello", args...).stdout; two == one.stdout+one.stdout {
		t.Error("the second answer does not know of the first")
	}
	if joined := ok(t, "Hel\\\nlo\n", args...).stdout; joined == one.stdout || joined == "" {
		t.Errorf("a message of two lines: %q", joined)
	}
	// The second turn computes only what is new.
	r = ok(t, "Hello\nAnd then?\n", append(args, "--stats", "json")...)
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	var f figures
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &f); err != nil {
		t.Fatal(err)
	}
	if f.CachedTokens < 10 {
		t.Errorf("second turn: %d of %d prompt tokens reused", f.CachedTokens, f.PromptTokens)
	}
}

func TestChatContextFull(t *testing.T) {
	model := tinyModel{}.write(t)
	r := ok(t, strings.Repeat("x", 100)+"\n/quit\n", "chat", "-m", model, "-c", "50")
	if r.stdout != "" || !strings.Contains(r.stderr, "/clear") {
		t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
	}
}

func TestHelp(t *testing.T) {
	root := newRoot(nil)
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			continue
		}
		text := ok(t, "", cmd.Name(), "--help").stdout
		for _, want := range []string{"Examples:\n  ", "hpllm-cli " + cmd.Name(), "Flags:"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s --help has no %q", cmd.Name(), want)
			}
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if text := ok(t, "", "completion", shell).stdout; !strings.Contains(text, "hpllm-cli") {
			t.Errorf("completion %s: %d bytes", shell, len(text))
		}
	}
	if v := ok(t, "", "--version").stdout; !strings.HasPrefix(v, "hpllm-cli ") {
		t.Errorf("--version: %q", v)
	}
}

// The output that scripts parse is llama-tokenize's, byte for byte.
func TestTokenizeSameAsLlamaCpp(t *testing.T) {
	model := testkit.Model(t, "smollm2-q4_1")
	text := testkit.Text(t, "english.txt")
	content, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	input := string(content) + " <|im_start|>user\nÜber 3.14 naïve 数字 🙂\t\r\n<|im_end|>"
	path := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(path, []byte(input), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ ours, theirs []string }{
		{nil, nil},
		{[]string{"--ids"}, []string{"--ids"}},
		{[]string{"--ids", "--no-bos", "--no-parse-special"}, []string{"--ids", "--no-bos", "--no-parse-special"}},
	} {
		args := append([]string{"-m", testkit.Share(t, model), "-f", testkit.Share(t, path), "--log-disable"}, tc.theirs...)
		want, err := testkit.Peer(t, "llama-tokenize", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		got := ok(t, input, append([]string{"tokenize", "-m", model}, tc.ours...)...).stdout
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%v (-llama-tokenize +ours):\n%.2000s", tc.ours, diff)
		}
	}
	back := ok(t, "", "detokenize", "-m", model, "--ids", ok(t, input, "tokenize", "-m", model, "--ids").stdout).stdout
	if back != input {
		t.Error("detokenize does not give the text back")
	}
}
