package infer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"happyphonellm/internal/gguf"
)

// tinyAdapter writes an adapter of tinyModel's first query matrix, with so many times
// seven bytes of metadata in front.
func tinyAdapter(t testing.TB, alpha float32, more int) string {
	t.Helper()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("general.description", strings.Repeat("a page ", more))
	w.SetText("general.type", "adapter")
	w.SetText("adapter.type", "lora")
	w.SetFloat32("adapter.lora.alpha", alpha)
	add := tensors(w)
	add("blk.0.attn_q.weight.lora_a", 64, 4)
	add("blk.0.attn_q.weight.lora_b", 4, 64)
	path := filepath.Join(t.TempDir(), "adapter.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAdapterCutWhileUsed: an adapter's file is mapped too, while the model is bound
// and afterwards.
func TestAdapterCutWhileUsed(t *testing.T) {
	mayTruncate(t)
	model := tinyModel(t, false)
	path := tinyAdapter(t, 4, 10000)
	steps := 0
	_, err := Load(model, Options{Threads: 1, LoRA: []LoRA{{Path: path, Scale: 1}}, Progress: func(float64) bool {
		if steps++; steps == 3 { // both files are open, nothing is bound
			if err := os.Truncate(path, 100); err != nil {
				t.Fatal(err)
			}
		}
		return true
	}})
	if !errors.Is(err, gguf.ErrTruncated) || !strings.Contains(err.Error(), path) {
		t.Errorf("cut before it is bound: %v", err)
	}

	path = tinyAdapter(t, 4, 10000)
	e, err := Load(model, Options{Threads: 1, LoRA: []LoRA{{Path: path, Scale: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := session(t, e, SessionOptions{Context: 16})
	if err := os.Truncate(path, 100); err != nil {
		t.Fatal(err)
	}
	if err := s.Eval([]int32{1}); !errors.Is(err, gguf.ErrTruncated) || !strings.Contains(err.Error(), path) {
		t.Errorf("cut when it is bound: %v", err)
	}
}

func TestAdapterOfNoAlpha(t *testing.T) {
	model := tinyModel(t, false)
	for _, alpha := range []float32{float32(math.NaN()), float32(math.Inf(-1))} {
		path := tinyAdapter(t, alpha, 1)
		_, err := Load(model, Options{LoRA: []LoRA{{Path: path, Scale: 1}}})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "adapter.lora.alpha") {
			t.Errorf("alpha %g: %v", alpha, err)
		}
	}
}

// FuzzAdapter loads a model with arbitrary bytes as its adapter. Whatever they are, the
// error names the file, or the model runs.
func FuzzAdapter(f *testing.F) {
	model := tinyModel(f, false)
	for _, alpha := range []float32{0, 4} {
		data, err := os.ReadFile(tinyAdapter(f, alpha, 1))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	path := filepath.Join(f.TempDir(), fmt.Sprintf("%d.gguf", os.Getpid()))
	f.Fuzz(func(t *testing.T, data []byte) {
		defer os.Remove(path) // a new file each time: to overwrite one may wait for the disk
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		e, err := Load(model, Options{Threads: 1, LoRA: []LoRA{{Path: path, Scale: 1}}})
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		defer e.Close()
		if err := session(t, e, SessionOptions{Context: 16}).Eval([]int32{1, 2, 3}); err != nil {
			t.Error(err)
		}
		if d := time.Since(started); d > 10*time.Second {
			t.Errorf("took %v", d)
		}
	})
}
