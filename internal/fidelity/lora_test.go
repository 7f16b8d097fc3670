package fidelity

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/convert"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/infer"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

// loraTargets are the matrices that the test's adapters change.
var loraTargets = []string{
	"attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_qkv.weight", "attn_output.weight",
	"ffn_gate.weight", "ffn_up.weight", "ffn_down.weight", "ffn_gate_exps.weight", "ffn_up_exps.weight", "ffn_down_exps.weight",
}

// writeLoRA writes a random adapter of the model at path, of all matrices that
// match, and returns their number. It changes each by about half of its size: one
// that is far larger than the weights makes a badly conditioned model.
func writeLoRA(t *testing.T, path, model string, rank int, typ quant.Type, alpha float32) int {
	t.Helper()
	f := openGGUF(t, model)
	w := gguf.NewWriter()
	w.SetText("general.architecture", f.Architecture())
	w.SetText("general.type", "adapter")
	w.SetText("adapter.type", "lora")
	w.SetFloat32("adapter.lora.alpha", alpha)
	format, _ := typ.Format()
	random := rand.New(rand.NewPCG(uint64(rank), 7))
	tensor := func(name string, shape []int, size float64) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(random.NormFloat64() * size)
		}
		bytes, _ := format.RowBytes(n)
		data := make([]byte, bytes)
		format.QuantizeRow(data, x, nil)
		w.AddTensorBytes(name, typ, shape, data)
	}
	n := 0
	for _, m := range f.Tensors() {
		for _, target := range loraTargets {
			if !strings.HasSuffix(m.Name, "."+target) {
				continue
			}
			n++
			in, out := m.Shape[0], m.Shape[1]
			from, _ := m.Type.Format()
			weights, sum := make([]float32, m.Cols()*m.Rows()), 0.0
			from.Dequantize(weights, m.Data)
			for _, v := range weights {
				sum += float64(v) * float64(v)
			}
			half := 0.5 * math.Sqrt(sum/float64(len(weights))*float64(in)/float64(rank))
			if alpha != 0 {
				half *= float64(rank) / float64(alpha)
			}
			tensor(m.Name+".lora_a", append([]int{in, rank}, m.Shape[2:]...), 1/math.Sqrt(float64(in)))
			tensor(m.Name+".lora_b", append([]int{rank, out}, m.Shape[2:]...), half)
		}
	}
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return n
}

func openGGUF(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// withoutScales copies a model without the scales beside its matrices, which real
// models of these architectures do not have.
func withoutScales(t *testing.T, from, to string) {
	t.Helper()
	f, w := openGGUF(t, from), gguf.NewWriter()
	for _, key := range f.Keys() {
		if v, ok := f.Value(key); ok {
			if err := w.SetValue(key, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, m := range f.Tensors() {
		if !strings.HasSuffix(m.Name, ".scale") {
			w.AddTensorBytes(m.Name, m.Type, m.Shape, m.Data)
		}
	}
	if err := w.Create(to); err != nil {
		t.Fatal(err)
	}
}

// loadLoRA is load with adapters.
func loadLoRA(t *testing.T, path string, threads int, list ...infer.LoRA) *infer.Engine {
	t.Helper()
	e, err := infer.Load(path, infer.Options{Threads: threads, Oversubscribe: true, LoRA: list})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// TestLoRA compares models with an adapter with llama.cpp's logits, and ours with
// ours: any threads and parts, and a decoded token that allocates nothing.
func TestLoRA(t *testing.T) {
	for _, c := range []struct {
		arch, file string
		rank       int
		typ        quant.Type
		alpha      float32
		scale      string
	}{
		{"llama", "llama-dense", 4, quant.F32, 8, "1"},
		{"llama", "llama-moe", 3, quant.F32, 0, "0.5"},
		{"qwen3moe", "qwen3moe-moe", 32, quant.F16, 16, "1"},
		{"phi3", "phi3-dense", 8, quant.F16, 16, "0.75"},
		{"gemma3", "gemma3-dense", 5, quant.BF16, 5, "-1"},
	} {
		t.Run(c.file, func(t *testing.T) {
			var path string
			for _, p := range archFiles(t, c.arch, "1") {
				if filepath.Base(p) == c.file+".gguf" {
					path = p
				}
			}
			dir, inside := testkit.PeerDir(t)
			adapter := filepath.Join(dir, "adapter.gguf")
			if n := writeLoRA(t, adapter, path, c.rank, c.typ, c.alpha); n < 4 {
				t.Fatalf("an adapter of %d matrices", n)
			}
			scale := map[string]float32{"1": 1, "0.5": 0.5, "0.75": 0.75, "-1": -1}[c.scale]
			lora := infer.LoRA{Path: adapter, Scale: scale}
			ids := archIDs(100)
			want := testkit.PeerLogits(t, path, ids, "f32", inside+"/adapter.gguf", c.scale)
			compareLogits(t, loadLoRA(t, path, 2, lora), want, ids, "", c.file+" with an adapter")

			base, err := idBits(load(t, path, 1), ids, 100)
			if err != nil {
				t.Fatal(err)
			}
			hash := ""
			for _, way := range []struct{ threads, batch int }{{2, 100}, {1, 1}, {3, 7}, {2, 33}} {
				got, err := idBits(loadLoRA(t, path, way.threads, lora), ids, way.batch)
				if err != nil {
					t.Fatal(err)
				}
				if hash == "" {
					hash = got
				}
				if got != hash || got == base {
					t.Errorf("%d threads, %d tokens at once: logits hash %s, want %s; without the adapter %s", way.threads, way.batch, got, hash, base)
				}
			}
			// Two halves are one whole, but for rounding.
			half := infer.LoRA{Path: adapter, Scale: scale / 2}
			compareLogits(t, loadLoRA(t, path, 2, half, half), want, ids, "", c.file+" with two halves")

			// What is merged is the same, in a file without scales.
			plain, merged := filepath.Join(dir, "plain.gguf"), filepath.Join(t.TempDir(), "merged.gguf")
			withoutScales(t, path, plain)
			want = testkit.PeerLogits(t, plain, ids, "f32", inside+"/adapter.gguf", c.scale)
			f, a := openGGUF(t, plain), openGGUF(t, adapter)
			if _, err := convert.MergeLoRA(t.Context(), f, []convert.LoRAFile{{File: a, Scale: scale}}, merged, nil); err != nil {
				t.Fatal(err)
			}
			compareLogits(t, load(t, merged, 2), want, ids, "", c.file+" merged")

			s := session(t, loadLoRA(t, path, 2, lora), infer.SessionOptions{Context: 64, KV: infer.KVF32})
			if err := s.Eval(ids[:40]); err != nil {
				t.Fatal(err)
			}
			if n := testing.AllocsPerRun(8, func() {
				if err := s.Eval(ids[:1]); err != nil {
					t.Error(err)
				}
			}); n != 0 {
				t.Errorf("%v allocations per decoded token, want 0", n)
			}
		})
	}
}

// TestLoRAErrors: what does not fit the model names the file, and what is wrong.
func TestLoRAErrors(t *testing.T) {
	var path string
	for _, p := range archFiles(t, "llama", "1") {
		if strings.HasSuffix(p, "llama-dense.gguf") {
			path = p
		}
	}
	tensor := func(w *gguf.Writer, name string, shape ...int) {
		n := 4
		for _, d := range shape {
			n *= d
		}
		w.AddTensorBytes(name, quant.F32, shape, make([]byte, n))
	}
	const q = "blk.0.attn_q.weight"
	m, _ := openGGUF(t, path).Tensor(q)
	in, out := m.Shape[0], m.Shape[1]
	for _, c := range []struct {
		says string
		edit func(w *gguf.Writer)
	}{
		{"no LoRA adapter", func(w *gguf.Writer) { w.SetText("general.type", "model") }},
		{`of architecture "gpt2"`, func(w *gguf.Writer) { w.SetText("general.architecture", "gpt2") }},
		{"adapter.lora.alpha", func(w *gguf.Writer) { w.Remove("adapter.lora.alpha") }},
		{"switch on", func(w *gguf.Writer) { gguf.SetNumbers(w, "adapter.alora.invocation_tokens", []uint32{1}) }},
		{"only one of", func(w *gguf.Writer) { tensor(w, q+".lora_a", in, 4) }},
		{"want [", func(w *gguf.Writer) { tensor(w, q+".lora_a", in, 4); tensor(w, q+".lora_b", 4, out+1) }},
		{"want [", func(w *gguf.Writer) { tensor(w, q+".lora_a", in, 4); tensor(w, q+".lora_b", 5, out) }},
		{"a rank of", func(w *gguf.Writer) { tensor(w, q+".lora_a", in, in+1); tensor(w, q+".lora_b", in+1, out) }},
		{`"token_embd.weight.lora_a"`, func(w *gguf.Writer) { tensor(w, "token_embd.weight.lora_a", 4, 4) }},
		{`"blk.99.attn_q.weight.lora_a"`, func(w *gguf.Writer) { tensor(w, "blk.99.attn_q.weight.lora_a", 4, 4) }},
	} {
		w := gguf.NewWriter()
		w.SetText("general.architecture", "llama")
		w.SetText("general.type", "adapter")
		w.SetText("adapter.type", "lora")
		w.SetFloat32("adapter.lora.alpha", 1)
		c.edit(w)
		file := filepath.Join(t.TempDir(), "adapter.gguf")
		if err := w.Create(file); err != nil {
			t.Fatal(err)
		}
		_, err := infer.Load(path, infer.Options{LoRA: []infer.LoRA{{Path: file, Scale: 1}}})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "adapter.gguf") {
			t.Errorf("want an error with %q, got %v", c.says, err)
		}
	}
	if _, err := infer.Load(path, infer.Options{LoRA: []infer.LoRA{{Path: "none.gguf", Scale: 1}}}); err == nil || !strings.Contains(err.Error(), "none.gguf") {
		t.Errorf("a missing adapter: %v", err)
	}
	nan := float32(math.NaN())
	if _, err := infer.Load(path, infer.Options{LoRA: []infer.LoRA{{Path: path, Scale: nan}}}); err == nil || !strings.Contains(err.Error(), "scale") {
		t.Errorf("a scale that is no number: %v", err)
	}
}
