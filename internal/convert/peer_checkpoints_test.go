package convert

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/infer"
	"happyphonellm/internal/testkit"
)

// maxError is the bar for logits of the same F32 weights: relative to the
// square of transformers' own.
const maxError = 1e-6

// TestPeerCheckpoints converts tiny checkpoints of every family, which
// build/convert/checkpoints.sh lets transformers make: our engine and llama.cpp
// must compute transformers' logits from our file, and the file must have the
// tensors and keys of the one that llama.cpp's script makes.
func TestPeerCheckpoints(t *testing.T) {
	keys, ran := testkit.Glob(t, "checkpoints/*/ref/key"), 0
	for _, key := range keys {
		dir := filepath.Dir(filepath.Dir(key))
		t.Run(filepath.Base(dir), func(t *testing.T) {
			ran++
			host, _ := testkit.PeerDir(t)
			ours := filepath.Join(host, filepath.Base(dir)+".gguf")
			if err := convertWhole(t, dir, ours); err != nil {
				t.Fatal(err)
			}
			t.Logf("as llama.cpp's script: %s", sameAsScript(t, dir, ours))
			compareLogits(t, dir, ours)
		})
	}
	if ran == len(keys) { // not only some of them, by -run
		allMet(t, differences)
		allMet(t, peerLimits)
	}
}

// compareLogits holds those of a checkpoint's file against transformers'.
func compareLogits(t *testing.T, dir, ours string) {
	ids := savedIDs(t, dir)
	peers, failed := testkit.KeptPeerLogits(t, ours, ids)
	want := peers
	if !slices.Contains(foreign, filepath.Base(dir)) {
		want = savedLogits(t, dir, len(ids))
	}
	bound := maxError
	if b, ok := looser[filepath.Base(dir)]; ok {
		bound = b
	}
	engine := logitsError(t, ourLogits(t, ours, ids), want)
	t.Logf("NMSE of our engine %.1e", engine)
	if !(engine <= bound) {
		t.Errorf("our engine's logits differ from transformers' by %g, want at most %g", engine, bound)
	}
	why := reason(peerLimits, filepath.Base(dir), "")
	if failed != nil {
		if t.Logf("llama.cpp: %v", failed); why == "" {
			t.Error("llama.cpp does not run it")
		}
		return
	}
	peer := logitsError(t, peers, want)
	t.Logf("NMSE of llama.cpp %.1e", peer)
	switch good := peer <= bound; {
	case !good && why == "":
		t.Errorf("llama.cpp's logits differ from transformers' by %g, want at most %g", peer, bound)
	case good && why != "":
		t.Errorf("llama.cpp computes it, although: %s", why)
	}
}

// convertWhole converts a checkpoint, as F32.
func convertWhole(t *testing.T, dir, to string) error {
	t.Helper()
	if err := Convert(t.Context(), dir, to, CheckpointOptions{Name: "checkpoint", Options: Options{Mix: mix(t, "F32")}}, nil); err != nil {
		return err
	}
	withVocabulary(t, dir, to)
	return nil
}

// withVocabulary lends the file the vocabulary of the script's, if it has none.
func withVocabulary(t *testing.T, dir, to string) {
	t.Helper()
	f := open(t, to)
	if _, ok := f.Value("tokenizer.ggml.model"); ok {
		return
	}
	w := gguf.NewWriter()
	take := func(f *gguf.File, wanted func(key string) bool) {
		for _, key := range f.Keys() {
			if v, _ := f.Value(key); wanted(key) {
				if err := w.SetValue(key, v); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	take(f, func(string) bool { return true })
	if script := filepath.Join(dir, "ref", "peer.gguf"); exists(script) {
		take(open(t, script), func(key string) bool { return strings.HasPrefix(key, "tokenizer.") })
	} else {
		w.SetText("tokenizer.ggml.model", "none")
	}
	for _, x := range f.Tensors() {
		w.AddTensorBytes(x.Name, x.Type, x.Shape, x.Data)
	}
	if err := w.Create(to); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sameAsScript compares our file with the one that llama.cpp's script made:
// "yes", or why there is nothing to compare with.
func sameAsScript(t *testing.T, dir, ours string) string {
	t.Helper()
	script := filepath.Join(dir, "ref", "peer.gguf")
	if !exists(script) {
		why, err := os.ReadFile(filepath.Join(dir, "ref", "peer.txt"))
		if err != nil {
			t.Fatal(err)
		}
		return "it fails: " + string(why)
	}
	got, want := open(t, ours), open(t, script)
	same := "yes"
	var known []string
	differ := func(key, format string, a ...any) {
		t.Helper()
		if reason(differences, filepath.Base(dir), key) != "" {
			known = append(known, key)
			return
		}
		same = "no"
		t.Errorf("%s: "+format, append([]any{key}, a...)...)
	}
	for _, key := range append(got.Keys(), want.Keys()...) {
		a, inOurs := got.Value(key)
		b, inTheirs := want.Value(key)
		switch {
		case !inTheirs:
			differ(key, "is %.200s, the script's file has none", a)
		case !inOurs:
			differ(key, "is missing, the script's file has %.200s", b)
		case a.Kind() != b.Kind() || !bytes.Equal(text(t, a), text(t, b)):
			differ(key, "is %.200s (%v), in the script's file %.200s (%v)", a, a.Kind(), b, b.Kind())
		}
	}
	for _, a := range got.Tensors() {
		b, ok := want.Tensor(a.Name)
		switch {
		case !ok:
			differ(a.Name, "the script's file has no such tensor")
		case a.Type != b.Type || !slices.Equal(a.Shape, b.Shape):
			differ(a.Name, "is %v %v, in the script's file %v %v", a.Type, a.Shape, b.Type, b.Shape)
		case strings.HasSuffix(a.Name, ".ssm_a"):
			// -exp(x): exponentials are rounded in their own ways.
			if e := testkit.NMSE(floats(t, a), floats(t, b)); !(e < 1e-14) {
				differ(a.Name, "has numbers that are off by %g of their square", e)
			}
		case !bytes.Equal(a.Data, b.Data):
			differ(a.Name, "has other numbers than in the script's file")
		}
	}
	for _, b := range want.Tensors() {
		if _, ok := got.Tensor(b.Name); !ok {
			differ(b.Name, "is missing, the script's file has it: %v %v", b.Type, b.Shape)
		}
	}
	if slices.Sort(known); len(known) > 0 {
		same += ", but for " + strings.Join(slices.Compact(known), " ")
	}
	return same
}

func floats(t *testing.T, x *gguf.Tensor) []float32 {
	t.Helper()
	f, ok := x.Type.Format()
	if !ok {
		t.Fatalf("%s: type %v", x.Name, x.Type)
	}
	out := make([]float32, x.Rows()*x.Cols())
	f.Dequantize(out, x.Data)
	return out
}

func text(t *testing.T, v gguf.Value) []byte {
	t.Helper()
	b, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func savedIDs(t *testing.T, dir string) []int32 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "ref", "ids.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []int32
	for _, word := range strings.Split(string(text), ",") {
		id, err := strconv.Atoi(word)
		if err != nil {
			t.Fatalf("%s: ids.txt: %v", dir, err)
		}
		ids = append(ids, int32(id))
	}
	return ids
}

func savedLogits(t *testing.T, dir string, n int) [][]float32 {
	t.Helper()
	all := testkit.ReadF32(t, filepath.Join(dir, "ref", "logits.f32"))
	return testkit.Rows(all, len(all)/n)
}

// ourLogits are our engine's, with a KV cache in F32.
func ourLogits(t *testing.T, file string, ids []int32) [][]float32 {
	t.Helper()
	e, err := infer.Load(file, infer.Options{Threads: 2, Oversubscribe: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s, err := e.NewSession(infer.SessionOptions{Context: len(ids), KV: infer.KVF32})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rows [][]float32
	if err := s.EvalEach(ids, func(_ int, logits []float32) error {
		rows = append(rows, slices.Clone(logits))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return rows
}

// logitsError is the NMSE of all positions together.
func logitsError(t *testing.T, got, want [][]float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("logits of %d tokens, want %d", len(got), len(want))
	}
	var a, b []float32
	for i := range got {
		// A vocabulary may be padded in the file.
		a, b = append(a, got[i][:len(want[i])]...), append(b, want[i]...)
	}
	return testkit.NMSE(a, b)
}
