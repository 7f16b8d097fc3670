package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// largeLlama has 330 MB of weights; its largest tensor has 33 MB, 67 as float32.
var largeLlama = testkit.Llama{Vocab: 16384, Embd: 1024, FF: 4096, Layers: 10, Heads: 8, KV: 4}

// TestConvertMemory: at most twice the largest tensor in the file, and 64 MiB.
func TestConvertMemory(t *testing.T) {
	dir := largeLlama.Write(t)
	for _, typ := range []string{"bf16", "f32", "q8_0"} {
		t.Run(typ, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.gguf")
			cmd := command(t, "convert", dir, "-o", out, "--outtype", typ, "--verify=false")
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
					const limit = 2*33 + 64
					t.Logf("%d MiB of anonymous memory, limit %d", most>>20, limit)
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

// anonymous is RssAnon of a process, 0 if it has ended.
func anonymous(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	field := strings.Fields(rest)
	if len(field) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(field[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// Ctrl-C, whatever is being done, leaves no file behind.
func TestConvertInterrupted(t *testing.T) {
	dir := largeLlama.Write(t)
	for _, c := range []struct{ name, when string }{
		{"while it is written", "out.gguf.unverified.*.tmp"},
		{"while it is compared", "out.gguf.unverified"},
		{"while the reference is written", "out.gguf.reference.*.tmp"},
		{"while both are run", "out.gguf.reference"},
	} {
		t.Run(c.name, func(t *testing.T) {
			outDir := t.TempDir()
			begun := func(*watched, *watched) <-chan struct{} {
				there := make(chan struct{})
				go func() {
					defer close(there)
					for range 30000 {
						if found, _ := filepath.Glob(filepath.Join(outDir, c.when)); len(found) > 0 {
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
				return there
			}
			_, stderr, _ := interruptRun(t, []string{"convert", dir, "-o", filepath.Join(outDir, "out.gguf")}, begun)
			if !strings.HasSuffix(stderr, "out.gguf is not written\n") {
				t.Errorf("standard error: %q", stderr)
			}
			onlyFiles(t, outDir)
		})
	}
}

// A disk that is full leaves no file behind, and a clear message: here one of 512 KiB,
// that only this process and its children see.
func TestConvertFullDisk(t *testing.T) {
	dir := tinyLlama.Write(t)
	for _, c := range []struct {
		name, size string
		args       []string
	}{
		{"for the file", "256k", nil},
		{"for the reference", "640k", []string{"--outtype", "q4_0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if os.Geteuid() != 0 {
				testkit.Missing(t, "root's right to mount", "sudo -E make test")
			}
			disk := t.TempDir()
			out := filepath.Join(disk, "out.gguf")
			script := `mount -t tmpfs -o size=$0 none "$1" && shift && { "$@"; code=$?; ls -A "$(dirname "$5")"; exit $code; }`
			args := append([]string{"-m", "sh", "-c", script, c.size, disk, program, "convert", dir, "-o", out}, c.args...)
			cmd := exec.Command("unshare", args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			r := finished(t, cmd.Run(), &stdout, &stderr)
			if r.code != 1 || !strings.Contains(r.stderr, "no space left on device") || !strings.Contains(r.stderr, out) {
				t.Errorf("exit code %d, %q, want 1 and one line that says so", r.code, r.stderr)
			}
			if r.stdout != "" {
				t.Errorf("left behind: %q", r.stdout)
			}
		})
	}
}

// So does a limit on the size of files.
func TestConvertFileLimit(t *testing.T) {
	dir := tinyLlama.Write(t)
	for _, c := range []struct {
		name   string
		blocks int // of 512 bytes, that a file may have
		args   []string
	}{
		{"for the file", 200, nil},
		{"for the reference", 1000, []string{"--outtype", "q8_0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			outDir := t.TempDir()
			args := append([]string{"-c", fmt.Sprintf("ulimit -f %d; exec \"$0\" \"$@\"", c.blocks), program, "convert", dir, "-o", filepath.Join(outDir, "out.gguf")}, c.args...)
			cmd := exec.Command("sh", args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			r := finished(t, cmd.Run(), &stdout, &stderr)
			if r.code != 1 || !strings.Contains(r.stderr, "file too large") || !strings.Contains(r.stderr, "out.gguf") {
				t.Errorf("exit code %d, %q, want 1 and one line that says so", r.code, r.stderr)
			}
			onlyFiles(t, outDir)
		})
	}
}

// On a terminal a bar says how much is done, how fast, and how long it will take.
func TestConvertProgress(t *testing.T) {
	dir := largeLlama.Write(t)
	term := onTerminal(t, t.TempDir(), "convert", dir, "-o", filepath.Join(t.TempDir(), "out.gguf"), "--outtype", "q4_k_m", "-t", "1")
	bar := regexp.MustCompile(`Converting to Q4_K_M +\d+% \|[^|]*\| \([0-9.]+ MB/s\) \[\d+s:\d+s\]`)
	for begin := time.Now(); !bar.MatchString(term.screen.String()); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("no bar on the screen: %q", term.screen)
		}
	}
	if screen := term.screen.String(); strings.Contains(screen, "GB/s") || strings.Contains(screen, "TB/s") {
		t.Errorf("no disk is so fast: %q", screen)
	}
	term.keys("\x03") // Ctrl-C
	term.leaves(130)
}
