package fidelity

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"happyphonellm/internal/testkit"
)

// tables are the figures that tests have noted, by table.
var tables = struct {
	sync.Mutex
	rows map[string][][]string
}{rows: map[string][][]string{}}

func note(table string, row []string) {
	tables.Lock()
	defer tables.Unlock()
	tables.rows[table] = append(tables.rows[table], row)
}

// sections are docs/fidelity.md's parts, in order.
var sections = []struct {
	table, title, text string
	columns            []string
}{
	{"logits", "The same weights in F32", "All logits of the first 512 tokens of the text, KV cache in F32 (bar: NMSE at most 1e-6, the same most likely token everywhere).",
		[]string{"model", "tokens", "NMSE", "worst position", "same top-1"}},
	{"greedy", "Greedy text", "The likeliest continuation of ten prompts, F32 weights and KV cache (bar: every token the same).",
		[]string{"model", "prompts", "tokens each", "identical"}},
	{"kl", "Quantized files: divergence from F32", "Mean KL divergence, in nats, of the tokens' logits from those of the F32 file, KV cache in F16 (bar: at most 1.05 times llama.cpp's own).",
		[]string{"model", "type", "tokens", "ours", "llama.cpp", "ratio"}},
	{"perplexity", "Quantized files: perplexity", "Windows of 512 tokens, the second half of each counts, as `llama-perplexity` does it (bar: within 0.5 %). Both engines round\nactivations, each in its own way: with repacking and flash attention, its defaults, llama-perplexity's own figure of a file moves by up to 0.2 %,\nand the less text, the more chance is in a row: of the first 8,192 tokens of it Gemma q2_k is at -0.53 %.",
		[]string{"model", "type", "tokens", "ours", "llama.cpp", "difference"}},
	{"bits", "The same bits everywhere", "A hash over the bits of all logits (300 tokens where nothing else is said): one value per model and number of tokens.",
		[]string{"model", "where", "hash"}},
}

func TestMain(m *testing.M) {
	if request := os.Getenv(bitsVariable); request != "" {
		if err := printBits(request); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if paths := os.Getenv(archBitsVariable); paths != "" {
		if err := printArchBits(strings.Fields(paths)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if full && code == 0 {
		if err := writeReport(filepath.Join(testkit.Root(), "docs", "fidelity.md")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func writeReport(path string) error {
	var b bytes.Buffer
	b.WriteString("# Measured against llama.cpp\n\nWritten by `make fidelity`; do not edit. The peer is llama.cpp 0.7.0 (Debian sid), without weight\n" +
		"repacking and without flash attention. The models are SmolLM2-135M-Instruct and Gemma 3 270M; the text is the beginning\n" +
		"of Newton's Opticks as the Go distribution has it. `build/models.sh` makes every file named here.\n" +
		"Every architecture is measured on tiny random models: [models.md](models.md).\n")
	for _, s := range sections {
		rows := tables.rows[s.table]
		if len(rows) == 0 {
			return fmt.Errorf("docs/fidelity.md: nothing was measured for %q", s.title)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| %s |\n|%s\n", s.title, s.text, strings.Join(s.columns, " | "), strings.Repeat(" --- |", len(s.columns)))
		for _, row := range rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
