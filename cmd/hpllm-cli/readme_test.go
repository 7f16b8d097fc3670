package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/testkit"
)

// TestReadmeConvert runs README's three commands, from a checkpoint that
// transformers saved to an answer.
func TestReadmeConvert(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(testkit.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	const tool = "build/bin/hpllm-cli "
	at := strings.Index(string(readme), tool+"convert")
	if at < 0 {
		t.Fatal("README.md has no such commands")
	}
	block, _, _ := strings.Cut(string(readme)[at:], "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d commands, want 3: %q", len(lines), lines)
	}
	dir := t.TempDir()
	golden := filepath.Join(testkit.Root(), "internal", "convert", "testdata", "golden", "llama")
	if err := os.CopyFS(filepath.Join(dir, "my-model"), os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, tool)
		if !ok {
			t.Fatalf("README.md: %q is no command of the program", line)
		}
		if i == 2 {
			rest += " -n 8" // random weights never end
		}
		cmd := exec.Command("sh", "-c", `exec "$0" `+rest, program)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HPLLM_CACHE="+t.TempDir())
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, &stderr)
		}
		if i == 2 && stdout.Len() == 0 {
			t.Errorf("%s: no answer\n%s", line, &stderr)
		}
		t.Logf("%s\n%s%s", line, &stdout, &stderr)
	}
	for _, file := range []string{"my-model.gguf", "my-model-q4.gguf"} {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Error(err)
		}
	}
}
