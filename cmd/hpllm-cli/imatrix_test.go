package main

import (
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

func TestImatrixCommand(t *testing.T) {
	model, dir := tinyModel{}.write(t), t.TempDir()
	text, out := filepath.Join(dir, "text.txt"), filepath.Join(dir, "im.gguf")
	if err := os.WriteFile(text, []byte(strings.Repeat("All work and no play. ", 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := ok(t, "", "imatrix", "-m", model, "-f", text, "-o", out, "-c", "32", "--chunks", "3")
	if r.stdout != "" || !strings.Contains(r.stderr, "14 matrices from 3 windows of 32 tokens") {
		t.Errorf("stdout %q, stderr %q", r.stdout, r.stderr)
	}
	sums := importances(t, out)
	if len(sums) != 2*7*2 {
		t.Errorf("%d tensors", len(sums))
	}
	for name, v := range sums {
		if strings.HasSuffix(name, ".counts") && (len(v) != 1 || v[0] != 96) {
			t.Errorf("%s is %v, want 96", name, v)
		}
	}
	// Threads and batches change the order of the sums, not their terms.
	again := filepath.Join(dir, "again.gguf")
	ok(t, "", "imatrix", "-m", model, "-f", text, "-o", again, "-c", "32", "--chunks", "3", "-t", "1", "--batch", "7")
	for name, v := range importances(t, again) {
		if d := distance(v, sums[name]); d > 1e-6 {
			t.Errorf("%s with one thread and other batches: off by %g", name, d)
		}
	}
	ok(t, "", "quantize", model, filepath.Join(dir, "q.gguf"), "q4_0", "--imatrix", out)

	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, "no model", []string{"-f", text, "-o", out}},
		{2, "no text", []string{"-m", model, "-o", out}},
		{2, "no name for the result", []string{"-m", model, "-f", text}},
		{2, "want 1 or more", []string{"-m", model, "-f", text, "-o", out, "--chunks", "0"}},
		{2, "want 4 or more", []string{"-m", model, "-f", text, "-o", out, "-c", "3"}},
		{1, "want at least 1000", []string{"-m", model, "-f", text, "-o", out, "-c", "1000"}},
		{1, "none.txt", []string{"-m", model, "-f", "none.txt", "-o", out}},
		{1, "no such file", []string{"-m", model, "-f", text, "-o", filepath.Join(dir, "none", "x.gguf"), "-c", "32"}},
	} {
		if r := cli(t, "", append([]string{"imatrix"}, c.args...)...); r.code != c.code || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, r.code, r.stderr)
		}
	}
}

// importances are the sums and counts of a file, by name.
func importances(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]float32{}
	for _, v := range f.Tensors() {
		if strings.HasSuffix(v.Name, ".in_sum2") || strings.HasSuffix(v.Name, ".counts") {
			format, _ := v.Type.Format()
			x := make([]float32, v.Cols()*v.Rows())
			format.Dequantize(x, v.Data)
			all[v.Name] = x
		}
	}
	return all
}

// distance is |x - y| / |y|.
func distance(x, y []float32) float64 {
	if len(x) != len(y) {
		return math.Inf(1)
	}
	var d, n float64
	for i := range x {
		d += (float64(x[i]) - float64(y[i])) * (float64(x[i]) - float64(y[i]))
		n += float64(y[i]) * float64(y[i])
	}
	if n == 0 {
		return d
	}
	return math.Sqrt(d / n)
}

// TestPeerImatrix: the same entries, counts and sums as llama-imatrix's, of a dense
// model and of one with experts. Keys and values are f16 in both, the sums float32
// there: sums agree to 1e-3 in the norm (measured 2e-4) and 1 % each. Weights that are
// vectors (a shared expert's gate) are never quantized and have no entries here.
func TestPeerImatrix(t *testing.T) {
	english := testkit.Text(t, "english.txt")
	for name, model := range map[string]string{
		"smollm2": testkit.Model(t, "smollm2-f32"),
		"experts": withVocabulary(t, testkit.Glob(t, "archs/qwen2moe-moe.gguf")[0], testkit.Model(t, "smollm2-q4_1")),
	} {
		t.Run(name, func(t *testing.T) {
			host, inside := testkit.PeerDir(t)
			out, err := testkit.Peer(t, "llama-imatrix", "-m", testkit.Share(t, model), "-f", testkit.Share(t, english),
				"-o", inside+"/imatrix.gguf", "-c", "256", "--chunks", "2", "-t", "2", "--no-ppl").CombinedOutput()
			if err != nil {
				t.Fatalf("llama-imatrix: %v\n%s", err, out)
			}
			ours := filepath.Join(t.TempDir(), "ours.gguf")
			ok(t, "", "imatrix", "-m", model, "-f", english, "-o", ours, "-c", "256", "--chunks", "2")
			got, want := importances(t, ours), importances(t, filepath.Join(host, "imatrix.gguf"))
			for name := range want {
				if strings.Contains(name, ".ffn_gate_inp_shexp.weight.") {
					delete(want, name)
				}
			}
			if len(want) < 20 || len(got) != len(want) {
				t.Errorf("%d tensors, llama-imatrix has %d", len(got), len(want))
			}
			worst := 0.0
			for name, v := range want {
				d := distance(got[name], v)
				if strings.HasSuffix(name, ".counts") {
					if d != 0 {
						t.Errorf("%s is %v, llama-imatrix has %v", name, got[name], v)
					}
					continue
				}
				if worst = max(worst, d); !(d <= 1e-3) {
					t.Errorf("%s is off by %g", name, d)
				}
				for i, w := range v {
					if math.IsInf(d, 0) || !(math.Abs(float64(got[name][i]-w)) <= 1e-2*math.Abs(float64(w))) {
						t.Errorf("%s: column %d is off", name, i)
						break
					}
				}
			}
			t.Logf("%d tensors, off by %.2g at most", len(want), worst)
		})
	}
}

// withVocabulary is a tiny model with the vocabulary of another file, and random
// embeddings for it.
func withVocabulary(t *testing.T, model, vocabulary string) string {
	t.Helper()
	open := func(path string) *gguf.File {
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	from, words, w := open(model), open(vocabulary), gguf.NewWriter()
	for _, f := range []*gguf.File{from, words} {
		for _, key := range f.Keys() {
			if v, _ := f.Value(key); strings.HasPrefix(key, "tokenizer.") == (f == words) {
				if err := w.SetValue(key, v); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	list, err := words.Array("tokenizer.ggml.tokens")
	if err != nil {
		t.Fatal(err)
	}
	w.SetUint32(from.Architecture()+".vocab_size", uint32(list.Len()))
	rng := rand.New(rand.NewPCG(1, 1))
	for _, v := range from.Tensors() {
		if v.Name != "token_embd.weight" && v.Name != "output.weight" {
			w.AddTensorBytes(v.Name, v.Type, v.Shape, v.Data)
			continue
		}
		w.AddTensor(v.Name, quant.F32, []int{v.Cols(), list.Len()}, func(out io.Writer) error {
			format, _ := quant.F32.Format()
			row, raw := make([]float32, v.Cols()), make([]byte, 4*v.Cols())
			for range list.Len() {
				for i := range row {
					row[i] = float32(rng.NormFloat64())
				}
				format.Quantize(raw, row)
				if _, err := out.Write(raw); err != nil {
					return err
				}
			}
			return nil
		})
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

var estimate = regexp.MustCompile(`PPL = ([0-9.]+)`)

// TestPeerImatrixQuality: quantized with importances, ours with our own, the errors
// that importances weight and the perplexity are no worse than llama-quantize's with
// llama-imatrix's.
func TestPeerImatrixQuality(t *testing.T) {
	english, model := testkit.Text(t, "english.txt"), testkit.Model(t, "smollm2-f32")
	dir := t.TempDir()
	host, inside := testkit.PeerDir(t)
	peer := func(tool string, args ...string) {
		if out, err := testkit.Peer(t, tool, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, out)
		}
	}
	peer("llama-imatrix", "-m", testkit.Share(t, testkit.Model(t, "smollm2-q8_0")), "-f", testkit.Share(t, english), "-o", inside+"/im.gguf", "-c", "512", "--chunks", "4", "-t", "2", "--no-ppl")
	peer("llama-quantize", "--imatrix", inside+"/im.gguf", testkit.Share(t, model), inside+"/theirs.gguf", "Q3_K_M")
	im, ours, theirs := filepath.Join(dir, "im.gguf"), filepath.Join(dir, "ours.gguf"), filepath.Join(host, "theirs.gguf")
	ok(t, "", "imatrix", "-m", testkit.Model(t, "smollm2-q8_0"), "-f", english, "-o", im, "-c", "512", "--chunks", "4")
	ok(t, "", "quantize", model, ours, "q3_k_m", "--imatrix", im)
	// A file of llama-imatrix is read, too.
	ok(t, "", "quantize", model, filepath.Join(dir, "other.gguf"), "q4_0", "--imatrix", filepath.Join(host, "im.gguf"))

	weights := importances(t, filepath.Join(host, "im.gguf"))
	errors := func(path string) map[string]float64 {
		exact, err := gguf.Open(model)
		if err != nil {
			t.Fatal(err)
		}
		defer exact.Close()
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all := map[string]float64{}
		for _, v := range f.Tensors() {
			w, ok := weights[v.Name+".in_sum2"]
			if !ok || !strings.HasPrefix(v.Name, "blk.1") {
				continue
			}
			x, y := make([]float32, v.Cols()*v.Rows()), make([]float32, v.Cols()*v.Rows())
			source, _ := exact.Tensor(v.Name)
			from, _ := source.Type.Format()
			to, _ := v.Type.Format()
			from.Dequantize(x, source.Data)
			to.Dequantize(y, v.Data)
			for i := range x {
				d := float64(x[i]) - float64(y[i])
				all[v.Name] += d * d * float64(w[i%len(w)])
			}
		}
		return all
	}
	perplexity := func(path string) float64 {
		r := ok(t, "", "perplexity", "-m", path, "-f", english, "--chunks", "4")
		v, err := strconv.ParseFloat(estimate.FindStringSubmatch(r.stdout)[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var ratios []float64
	want := errors(theirs)
	for name, e := range errors(ours) {
		switch {
		case want[name] > 0:
			ratios = append(ratios, math.Sqrt(e/want[name]))
		case e > 0:
			t.Errorf("%s: an error where llama-quantize has none", name)
		}
	}
	slices.Sort(ratios)
	// The last few are a matter of luck: where one column has nearly all the
	// importance, the error is how near to its one value the scale's f16 lies.
	n := len(ratios)
	t.Logf("weighted RMSE of %d tensors: median x%.4f, 95 %% at most x%.4f, all x%.4f", n, ratios[n/2], ratios[n*95/100], ratios[n-1])
	if n < 40 || ratios[n/2] > 1 || ratios[n*95/100] > 1.01 {
		t.Errorf("weighted RMSE x%.4f", ratios)
	}
	a, b := perplexity(ours), perplexity(theirs)
	t.Logf("perplexity %.4f, llama-quantize's %.4f (%+.2f %%)", a, b, 100*(a/b-1))
	if !(a <= 1.005*b) {
		t.Errorf("perplexity %.4f, llama-quantize's %.4f", a, b)
	}
}
