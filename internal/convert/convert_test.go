package convert

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// tiny writes a file with two matrices and a norm; poke may spoil the values.
func tiny(t *testing.T, poke func(x []float32)) string {
	t.Helper()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetUint32("llama.block_count", 1)
	w.SetUint32("split.count", 1)
	w.SetUint32("general.file_type", 0)
	x := make([]float32, 64*256)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)) * 0.1)
	}
	if poke != nil {
		poke(x)
	}
	f, _ := quant.F32.Format()
	raw := make([]byte, 4*len(x))
	f.Quantize(raw, x)
	w.AddTensorBytes("token_embd.weight", quant.F32, []int{256, 64}, raw)
	w.AddTensorBytes("blk.0.attn_norm.weight", quant.F32, []int{256}, raw[:1024])
	w.AddTensorBytes("blk.0.ffn_up.weight", quant.F32, []int{256, 64}, raw)
	w.AddTensorBytes("blk.0.attn_q.weight", quant.F32, []int{96, 8}, raw[:96*8*4])
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestQuantize(t *testing.T) {
	f := open(t, tiny(t, nil))
	out := filepath.Join(t.TempDir(), "out.gguf")
	q8 := quant.Q8_0
	o := Options{Mix: mix(t, "q4_k"), KeepOutput: &q8, TensorTypes: []Override{{"*.attn_q.*", quant.Q4_1}}}
	last := int64(0)
	if err := Quantize(t.Context(), f, out, o, func(done, total int64) { last = total - done }); err != nil {
		t.Fatal(err)
	}
	if last != 0 {
		t.Errorf("%d bytes were not told", last)
	}
	made := open(t, out)
	got := map[string]string{}
	for _, v := range made.Tensors() {
		got[v.Name] = v.Type.String()
	}
	want := map[string]string{"token_embd.weight": "Q8_0", "blk.0.attn_norm.weight": "F32", "blk.0.ffn_up.weight": "Q4_K", "blk.0.attn_q.weight": "Q4_1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := made.Uint("split.count"); !errors.Is(err, gguf.ErrNotFound) {
		t.Errorf("split.count: %v", err)
	}
	if n, err := made.Uint("general.file_type"); err != nil || n != 15 {
		t.Errorf("general.file_type %d, %v", n, err)
	}
	// Any number of threads gives the same bytes.
	again := filepath.Join(t.TempDir(), "again.gguf")
	o.Threads = 1
	if err := Quantize(t.Context(), f, again, o, nil); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(out)
	b, _ := os.ReadFile(again)
	if string(a) != string(b) {
		t.Error("one thread makes another file")
	}
}

func TestQuantizeRefuses(t *testing.T) {
	good := tiny(t, nil)
	iq1 := quant.IQ1_S
	for _, c := range []struct {
		name, out, says string
		poke            func(x []float32)
		o               Options
	}{
		{name: "infinity", says: "no finite number", poke: func(x []float32) { x[300] = float32(math.Inf(1)) }, o: Options{Mix: mix(t, "Q4_0")}},
		{name: "NaN", says: "row 1, column 44", poke: func(x []float32) { x[300] = float32(math.NaN()) }, o: Options{Mix: mix(t, "Q4_0")}},
		{name: "its own source", out: good, says: "is the file that is read", o: Options{Mix: mix(t, "Q4_0")}},
		{name: "a folder", out: t.TempDir(), says: "is a folder", o: Options{Mix: mix(t, "Q4_0")}},
		{name: "no folder", out: filepath.Join(t.TempDir(), "none", "x.gguf"), says: "no such file", o: Options{Mix: mix(t, "Q4_0")}},
		{name: "a type that is only read", says: "IQ1_S cannot be written", o: Options{Mix: mix(t, "Q4_0"), KeepOutput: &iq1}},
		{name: "a bad pattern", says: "pattern", o: Options{Mix: mix(t, "Q4_0"), TensorTypes: []Override{{"[", quant.Q4_0}}}},
		{name: "no importances", says: "needs importances", o: Options{Mix: mix(t, "Q2_K_S")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := good
			if c.poke != nil {
				in = tiny(t, c.poke)
			}
			dir := t.TempDir()
			out := c.out
			if out == "" {
				out = filepath.Join(dir, "out.gguf")
			}
			err := Quantize(t.Context(), open(t, in), out, c.o, nil)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want one that says %q", err, c.says)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestQuantizeStops(t *testing.T) {
	f := open(t, tiny(t, nil))
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	err := Quantize(ctx, f, filepath.Join(dir, "out.gguf"), Options{Mix: mix(t, "Q4_0")}, func(done, _ int64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestImportanceRoundTrip(t *testing.T) {
	s := NewSums()
	s.Add("blk.0.ffn_up.weight", 0, 1, []float32{1, 2, 3, 4})
	s.Add("blk.0.ffn_up.weight", 0, 1, []float32{3, 2, 1, 0})
	s.Add("blk.0.ffn_up_exps.weight", 1, 2, []float32{2, 4})
	path := filepath.Join(t.TempDir(), "im.gguf")
	if err := s.Create(path, "text", 3, 512); err != nil {
		t.Fatal(err)
	}
	im, err := ReadImportance(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float32{"blk.0.ffn_up.weight": {5, 4, 5, 8}, "blk.0.ffn_up_exps.weight": {1, 1, 4, 16}}
	if diff := cmp.Diff(want, im.columns); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if im.Chunks != 3 || im.Len() != 2 || im.Datasets[0] != "text" {
		t.Errorf("%+v", im)
	}
	if _, err := im.of("blk.0.ffn_up.weight", 3, 1); err == nil {
		t.Error("importances of another width were accepted")
	}
	if _, err := ReadImportance(tiny(t, nil)); err == nil || !strings.Contains(err.Error(), "importance matrix") {
		t.Errorf("a model is no importance matrix: %v", err)
	}
}
