package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// TestQuantizeMemory: rows go through in pieces, so that memory is far below the
// 2 x 108 MiB of the largest tensor, and the same for all types.
func TestQuantizeMemory(t *testing.T) {
	const limit = 48 // MiB
	for _, typ := range []string{"q4_0", "q8_0"} {
		t.Run(typ, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.gguf")
			cmd := command(t, "quantize", testkit.Model(t, "smollm2-f32"), out, typ)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			most := int64(0)
			for {
				select {
				case err := <-ended:
					if err != nil {
						t.Fatalf("%v: %s", err, &stderr)
					}
					t.Logf("%d MiB of anonymous memory", most>>20)
					if most == 0 || most>>20 > limit {
						t.Errorf("%d MiB of anonymous memory, want at most %d", most>>20, limit)
					}
					return
				case <-time.After(2 * time.Millisecond):
					most = max(most, anonymous(cmd.Process.Pid))
				}
			}
		})
	}
}

// A disk that is full leaves no file behind, and a clear message; what was there
// before stays.
func TestQuantizeFullDisk(t *testing.T) {
	model := tinyModel{}.write(t)
	text := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("a text ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args func(out string) []string
	}{
		{"quantize", func(out string) []string { return []string{"quantize", model, out, "q8_0"} }},
		{"imatrix", func(out string) []string { return []string{"imatrix", "-m", model, "-f", text, "-c", "32", "-o", out} }},
	} {
		for _, before := range []string{"", "as it was"} {
			t.Run(c.name+" "+before, func(t *testing.T) {
				dir := t.TempDir()
				out := filepath.Join(dir, "out.gguf")
				if before != "" {
					if err := os.WriteFile(out, []byte(before), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				// The shell's unit is 512 bytes.
				args := append([]string{"-c", `ulimit -f 4; exec "$0" "$@"`, program}, c.args(out)...)
				cmd := exec.Command("sh", args...)
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				r := finished(t, cmd.Run(), &stdout, &stderr)
				if r.code != 1 || !strings.Contains(r.stderr, "file too large") || strings.Count(r.stderr, "out.gguf") == 0 {
					t.Errorf("exit code %d, %q, want 1 and one line that says so", r.code, r.stderr)
				}
				left, err := os.ReadDir(dir)
				if err != nil {
					t.Fatal(err)
				}
				kept, _ := os.ReadFile(out)
				if want := min(len(before), 1); len(left) != want || string(kept) != before {
					t.Errorf("left behind: %v, the file %q, which was %q", left, kept, before)
				}
			})
		}
	}
}
