//go:build unix

package checkpoint

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestPipe: a pipe in place of a file is refused at once; to open one would wait
// for another program.
func TestPipe(t *testing.T) {
	for _, name := range []string{"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"} {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
		done := make(chan bool)
		go func() {
			defer close(done)
			refused(t, dir, name, "this is no regular file")
		}()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: still waiting", name)
		}
	}
}
