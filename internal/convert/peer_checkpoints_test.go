package convert

import (
	"bytes"
	"os"
	"path"
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

// looser are the bounds of checkpoints whose weights stay quantized: both engines round
// the activations beside them, and routers then choose other experts here and there.
var looser = map[string]float64{
	"gpt-oss-mxfp4": 5e-3,
	"phimoe":        0.2, // llama.cpp and we have RMS norms where the model's authors have layer norms
}

// foreign are checkpoints of families that transformers does not have, nor a relative
// of theirs: the reference is llama.cpp.
var foreign = []string{"plm", "rwkv6", "rwkv7", "smallthinker"}

// differences are known ones from the file that llama.cpp's script makes: by a
// pattern of the checkpoint's name, and one of the key or tensor. Each has its reason.
var differences = []struct{ checkpoint, key, why string }{
	{"phimoe", "phimoe.rope.scaling.attn_factor", "the script computes Phi 3's; the configuration has its own"},
	{"qwen3vlmoe-5x", "blk.*_exps.weight", "the script takes what Transformers 5 saves for the hub's form, in which matrices are turned over"},
	{"mellum-fused", "blk.*_exps.weight", "the script drops experts in this form, and says nothing"},
	{"glm4moe*", "tokenizer.ggml.unknown_token_id", "the script was told to forget its rules for GLM, which want GLM's tokens"},
	{"glm4moelite*", "deepseek2.expert_gating_func", "the script leaves it out, and llama.cpp guesses it from the number of layers"},
	{"*", "general.*", "what the model card says: TestPeerVocabularies compares it"},
	{"*", "tokenizer.ggml.pre", "the script is told a name, ours is found by what the tokenizer does: TestFindPre"},
	{"*", "tokenizer.ggml.token_type", "SentencePiece's user defined pieces, and tokens that only tokenizer.json calls special, are such: the script takes them for text"},
	{"*", "tokenizer.ggml.eo[tm]_token_id", "the ends that generation_config.json names, and the script leaves out"},
	{"gemma4*", "tokenizer.ggml.tokens", "the script does not fill up to vocab_size"},
	{"gemma4*", "tokenizer.ggml.scores", "so"},
	{"gemma3n*", "gemma3n.activation_sparsity_scale", "PyTorch's quantiles differ in the last digits; llama.cpp has its own constant"},
	{"gemma3n", "blk.2[0-4].attn_[kv]*.weight", "Transformers 5 leaves out what no layer reads, and llama.cpp does not load the script's file"},
	{"glm", "chatglm.*", "the script looks for the names that ChatGLM's own code has, not for those of Transformers' class"},
	{"glm-4x", "chatglm.*", "the script looks for the names that ChatGLM's own code has, not for those of Transformers' class"},
	{"exaone", "exaone.attention.layer_norm_rms_epsilon", "the script leaves it out, and llama.cpp does not load the file"},
	{"gemma4-*", "gemma4.final_logit_softcapping", "the script leaves out that there is none, and llama.cpp takes 30"},
	{"xverse", "tokenizer.ggml.scores", "the script writes none"},
	{"xverse", "tokenizer.ggml.tokens", "a padding token that only tokenizer_config.json has: the script takes it, and calls for it"},
	{"xverse", "tokenizer.ggml.padding_token_id", "and config.json then has its number wrong"},
	{"minicpm3", "minicpm3.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
	{"orion", "orion.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
	{"gemma*", "*.rope.freq_base", "the script leaves it out for Gemma 1 and 2, and llama.cpp takes 10000"},
	{"phi*", "phi2.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
	{"stablelm*", "stablelm.rope.freq_base", "the script leaves it out, and llama.cpp takes 10000"},
}

// TestPeerCheckpoints converts tiny checkpoints of every family, which
// build/convert/checkpoints.sh lets transformers make: our engine and llama.cpp
// must compute transformers' logits from our file, and the file must have the
// tensors and keys of the one that llama.cpp's script makes.
func TestPeerCheckpoints(t *testing.T) {
	for _, key := range testkit.Glob(t, "checkpoints/*/ref/key") {
		dir := filepath.Dir(filepath.Dir(key))
		t.Run(filepath.Base(dir), func(t *testing.T) {
			host, _ := testkit.PeerDir(t)
			ours := filepath.Join(host, filepath.Base(dir)+".gguf")
			if err := convertWhole(t, dir, ours); err != nil {
				t.Fatal(err)
			}
			equal := sameAsScript(t, dir, ours)
			ids := savedIDs(t, dir)
			peers := testkit.KeptPeerLogits(t, ours, ids)
			want := peers
			if !slices.Contains(foreign, filepath.Base(dir)) {
				want = savedLogits(t, dir, len(ids))
			}
			engine, peer := logitsError(t, ourLogits(t, ours, ids), want), logitsError(t, peers, want)
			bound := maxError
			if b, ok := looser[filepath.Base(dir)]; ok {
				bound = b
			}
			t.Logf("NMSE ours %.1e, llama.cpp's %.1e; as llama.cpp's script: %s", engine, peer, equal)
			if !(engine <= bound) {
				t.Errorf("our engine's logits differ from transformers' by %g, want at most %g", engine, bound)
			}
			if !(peer <= bound) {
				t.Errorf("llama.cpp's logits differ from transformers' by %g, want at most %g", peer, bound)
			}
		})
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
	differ := func(key, format string, a ...any) {
		t.Helper()
		if why := excused(filepath.Base(dir), key); why != "" {
			same = "but for " + key
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

// excused is the reason of a known difference; "" if it is none.
func excused(checkpoint, key string) string {
	for _, d := range differences {
		a, _ := path.Match(d.checkpoint, checkpoint)
		b, _ := path.Match(d.key, key)
		if a && b {
			return d.why
		}
	}
	return ""
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
