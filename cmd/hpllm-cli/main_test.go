package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// program is the program under test, built once.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "hpllm-cli-test")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "hpllm-cli")
		if runtime.GOOS == "windows" {
			program += ".exe"
		}
		build := exec.Command("go", "build", "-o", program, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// result is what a run of the program left.
type result struct {
	stdout, stderr string
	code           int
}

// cli runs the program with an empty cache folder.
func cli(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := command(t, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return finished(t, cmd.Run(), &stdout, &stderr)
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HPLLM_CACHE="+t.TempDir())
	return cmd
}

func finished(t *testing.T, err error, stdout, stderr *bytes.Buffer) result {
	t.Helper()
	var exit *exec.ExitError
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), code}
}

// ok runs the program and wants exit code 0.
func ok(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	r := cli(t, stdin, args...)
	if r.code != 0 {
		t.Fatalf("hpllm-cli %q: exit code %d\n%s", args, r.code, r.stderr)
	}
	return r
}

// tinyModel describes a llama of random weights; a test may spoil it.
type tinyModel struct {
	arch    string
	context uint32
	skip    string           // a tensor to leave out
	shapes  map[string][]int // shapes to change
	noVocab bool
	noChat  bool
	chat    string // chat template
}

const (
	tinyEmbd, tinyHeads, tinyKV, tinyFF, tinyLayers = 32, 4, 2, 64, 2
	tinyBOS, tinyEOS                                = 256, 257
	tinyVocab                                       = 258
)

// write makes the file and returns its path.
func (m tinyModel) write(t *testing.T) string {
	t.Helper()
	arch := m.arch
	if arch == "" {
		arch = "llama"
	}
	w := gguf.NewWriter()
	w.SetText("general.architecture", arch)
	w.SetText("general.name", "Tiny")
	number := func(key string, v uint32) { w.SetUint32(arch+"."+key, v) }
	if m.context == 0 {
		m.context = 1024
	}
	number("context_length", m.context)
	number("embedding_length", tinyEmbd)
	number("block_count", tinyLayers)
	number("feed_forward_length", tinyFF)
	number("attention.head_count", tinyHeads)
	number("attention.head_count_kv", tinyKV)
	number("vocab_size", tinyVocab)
	w.SetFloat32(arch+".attention.layer_norm_rms_epsilon", 1e-5)
	w.SetFloat32(arch+".rope.freq_base", 10000)
	m.vocabulary(w)

	r := rand.New(rand.NewPCG(1, 1))
	add := func(name string, shape ...int) {
		if name == m.skip {
			return
		}
		if s, ok := m.shapes[name]; ok {
			shape = s
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(r.NormFloat64() * 0.3)
			if strings.Contains(name, "norm") {
				values[i] = 1
			}
		}
		raw := make([]byte, 4*n)
		f, _ := quant.F32.Format()
		f.Quantize(raw, values)
		w.AddTensorBytes(name, quant.F32, shape, raw)
	}
	add("token_embd.weight", tinyEmbd, tinyVocab)
	add("output_norm.weight", tinyEmbd)
	add("output.weight", tinyEmbd, tinyVocab)
	for l := range tinyLayers {
		block := fmt.Sprintf("blk.%d.", l)
		kv := tinyEmbd / tinyHeads * tinyKV
		add(block+"attn_norm.weight", tinyEmbd)
		add(block+"attn_q.weight", tinyEmbd, tinyEmbd)
		add(block+"attn_k.weight", tinyEmbd, kv)
		add(block+"attn_v.weight", tinyEmbd, kv)
		add(block+"attn_output.weight", tinyEmbd, tinyEmbd)
		add(block+"ffn_norm.weight", tinyEmbd)
		add(block+"ffn_gate.weight", tinyEmbd, tinyFF)
		add(block+"ffn_up.weight", tinyEmbd, tinyFF)
		add(block+"ffn_down.weight", tinyFF, tinyEmbd)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// vocabulary is every byte as GPT-2 writes it, and two control tokens.
func (m tinyModel) vocabulary(w *gguf.Writer) {
	if m.noVocab {
		w.SetText("tokenizer.ggml.model", "none")
		return
	}
	var tokens []string
	var types []int32
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r = next
			next++
		}
		tokens = append(tokens, string(r))
		types = append(types, 1)
	}
	tokens = append(tokens, "<s>", "</s>")
	types = append(types, 3, 3)
	w.SetText("tokenizer.ggml.model", "gpt2")
	w.SetText("tokenizer.ggml.pre", "gpt-2")
	w.SetTexts("tokenizer.ggml.tokens", tokens)
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", types)
	w.SetTexts("tokenizer.ggml.merges", []string{})
	w.SetUint32("tokenizer.ggml.bos_token_id", tinyBOS)
	w.SetUint32("tokenizer.ggml.eos_token_id", tinyEOS)
	w.SetBool("tokenizer.ggml.add_bos_token", true)
	if m.chat != "" {
		w.SetText("tokenizer.chat_template", m.chat)
	} else if !m.noChat {
		w.SetText("tokenizer.chat_template",
			"{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}")
	}
}
