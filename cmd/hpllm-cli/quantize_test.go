package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestQuantizeCommand(t *testing.T) {
	model := tinyModel{}.write(t)
	out := filepath.Join(t.TempDir(), "out.gguf")
	r := ok(t, "", "quantize", model, out, "q4_0", "--dry-run", "--tensor-type", "*.attn_v.weight=q8_0")
	if !strings.Contains(r.stdout, "Q4_0") || !strings.Contains(r.stdout, "Q8_0") || !strings.Contains(r.stdout, "bits a parameter") {
		t.Errorf("dry run:\n%s", r.stdout)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a dry run wrote a file")
	}
	r = ok(t, "", "quantize", model, out, "q4_0")
	if r.stdout != "" || !strings.Contains(r.stderr, "bits a parameter") {
		t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
	}
	if r := ok(t, "", "inspect", out); !strings.Contains(r.stdout, "Q4_0") {
		t.Errorf("inspect:\n%s", r.stdout)
	}
	ok(t, "", "run", "-m", out, "-p", "a", "-n", "2")

	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{0, "--tensor-type *nothing*: no tensor has such a name", []string{model, out, "Q4_0", "--tensor-type", "*nothing*=q8_0"}},
		{1, "hpllm-cli quantize: " + model + " is the file that is read", []string{model, model, "Q4_0"}},
		{2, "want IN OUT TYPE", []string{model, out}},
		{2, "unknown type", []string{model, out, "Q9"}},
		{2, "want GLOB=TYPE", []string{model, out, "Q4_0", "--tensor-type", "x"}},
		{2, "cannot be written", []string{model, out, "Q4_0", "--keep-output", "iq1_s"}},
		{1, "importance matrix", []string{model, out, "Q4_0", "--imatrix", model}},
		{1, "none.gguf", []string{"none.gguf", out, "Q4_0"}},
	} {
		if r := cli(t, "", append([]string{"quantize"}, c.args...)...); r.code != c.code || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, r.code, r.stderr)
		}
	}
}
