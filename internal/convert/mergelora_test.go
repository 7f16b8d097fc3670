package convert

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// TestBadMergeLoRA: an adapter may be anything. What is wrong with it is laid to its
// file, not to the model, and leaves no file.
func TestBadMergeLoRA(t *testing.T) {
	const name = "blk.0.attn_q.weight"
	f32 := func(w *gguf.Writer, name string, v float32, shape ...int) {
		var b []byte
		for range shape[0] * shape[1] {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		w.AddTensorBytes(name, quant.F32, shape, b)
	}
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	f32(w, name, 1, 8, 6)
	dir := t.TempDir()
	model, adapter, out := filepath.Join(dir, "model.gguf"), filepath.Join(dir, "adapter.gguf"), filepath.Join(dir, "out.gguf")
	if err := w.Create(model); err != nil {
		t.Fatal(err)
	}
	f := opened(t, model)
	nan := float32(math.NaN())
	both := func(w *gguf.Writer) { f32(w, name+".lora_a", 1, 8, 2); f32(w, name+".lora_b", 1, 2, 6) }
	for _, c := range []struct {
		says string // "": nothing is wrong
		edit func(w *gguf.Writer)
	}{
		{"", both},
		{"no LoRA adapter", func(w *gguf.Writer) { both(w); w.SetText("adapter.type", "x") }},
		{"adapter.lora.alpha is NaN", func(w *gguf.Writer) { both(w); w.SetFloat32("adapter.lora.alpha", nan) }},
		{"switch", func(w *gguf.Writer) { both(w); gguf.SetNumbers(w, "adapter.alora.invocation_tokens", []uint32{1}) }},
		{"a rank of 9", func(w *gguf.Writer) { f32(w, name+".lora_a", 1, 8, 9); f32(w, name+".lora_b", 1, 9, 6) }},
		{"lora_a has shape", func(w *gguf.Writer) { f32(w, name+".lora_a", 1, 8, 3); f32(w, name+".lora_b", 1, 2, 6) }},
		{`tensor "blk.0.attn_q.weight.lora_b"`, func(w *gguf.Writer) { f32(w, name+".lora_b", 1, 2, 6) }},
		{`tensor "x.lora_a": only one`, func(w *gguf.Writer) { both(w); f32(w, "x.lora_a", 1, 8, 2) }},
		{`lora_a": row 0, column 0 is NaN`, func(w *gguf.Writer) { f32(w, name+".lora_a", nan, 8, 2); f32(w, name+".lora_b", 1, 2, 6) }},
		{`lora_b": row 0, column 0 is NaN`, func(w *gguf.Writer) { f32(w, name+".lora_a", 1, 8, 2); f32(w, name+".lora_b", nan, 2, 6) }},
	} {
		w := gguf.NewWriter()
		w.SetText("general.architecture", "llama")
		w.SetText("general.type", "adapter")
		w.SetText("adapter.type", "lora")
		w.SetFloat32("adapter.lora.alpha", 2)
		c.edit(w)
		if err := w.Create(adapter); err != nil {
			t.Fatal(err)
		}
		a := opened(t, adapter)
		_, err := MergeLoRA(t.Context(), f, []LoRAFile{{File: a, Scale: 1}}, out, nil)
		if c.says == "" {
			if err != nil {
				t.Error(err)
			}
			os.Remove(out)
			continue
		}
		if err == nil || !strings.Contains(err.Error(), adapter) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("want an error with %q that names the adapter, got %v", c.says, err)
		}
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%q: a file is left", c.says)
		}
	}
}
