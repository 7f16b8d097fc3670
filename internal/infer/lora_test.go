package infer

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
)

// tinyAdapter writes an adapter of tinyModel's first query matrix. Its metadata take
// several pages, so that they can be cut away.
func tinyAdapter(t *testing.T, alpha float32) string {
	t.Helper()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("general.description", strings.Repeat("a page ", 10000))
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
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not let go of a mapped file")
	}
	model := tinyModel(t, false)
	path := tinyAdapter(t, 4)
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

	path = tinyAdapter(t, 4)
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
		path := tinyAdapter(t, alpha)
		_, err := Load(model, Options{LoRA: []LoRA{{Path: path, Scale: 1}}})
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "adapter.lora.alpha") {
			t.Errorf("alpha %g: %v", alpha, err)
		}
	}
}
