package convert

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
)

// goldenTypes are the types that llama.cpp's script made files of.
var goldenTypes = []string{"f32", "auto", "f16", "q8_0"}

// TestGolden converts the small checkpoints of testdata/golden (build/convert/golden.sh
// makes them): every tensor must have the type, shape and bytes that it has in the
// file of llama.cpp's script, every key the value, and our engine must compute
// transformers' logits. HPLLM_GOLDEN=FOLDER writes down what the script made.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil || len(folders) < 4 {
		t.Fatalf("%d checkpoints, %v", len(folders), err)
	}
	for _, dir := range folders {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			if made := os.Getenv("HPLLM_GOLDEN"); made != "" {
				writeGolden(t, filepath.Join(made, name, "ref"), filepath.Join(dir, "ref"))
			}
			for _, typ := range goldenTypes {
				out := filepath.Join(t.TempDir(), "out.gguf")
				o := CheckpointOptions{Auto: typ == "auto"}
				if !o.Auto {
					o.Mix = mix(t, typ)
				}
				if err := Convert(t.Context(), dir, out, o, nil); err != nil {
					t.Fatal(err)
				}
				f := open(t, out)
				want, err := os.ReadFile(filepath.Join(dir, "ref", typ+".txt"))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(excusedLines(name, string(want)), excusedLines(name, inventory(t, f))); diff != "" {
					t.Errorf("%s: -the script's file +ours:\n%s", typ, diff)
				}
				if typ != "f32" {
					continue
				}
				ids := savedIDs(t, dir)
				e := logitsError(t, ourLogits(t, out, ids), savedLogits(t, dir, len(ids)))
				t.Logf("NMSE %.1e", e)
				if !(e <= maxError) {
					t.Errorf("our engine's logits differ from transformers' by %g, want at most %g", e, maxError)
				}
			}
		})
	}
}

// TestConvertThenQuantize: a type of quantize gives the same tensors in one step as in two.
func TestConvertThenQuantize(t *testing.T) {
	for _, name := range []string{"llama", "gemma3", "qwen3moe", "lfm2"} {
		dir := filepath.Join("testdata", "golden", name)
		first := filepath.Join(t.TempDir(), "auto.gguf")
		if err := Convert(t.Context(), dir, first, CheckpointOptions{Auto: true}, nil); err != nil {
			t.Fatal(err)
		}
		f := open(t, first)
		for _, typ := range []string{"q4_0", "q4_k_m", "q5_1", "iq4_nl", "q2_k", "mxfp4_moe"} {
			o := Options{Mix: mix(t, typ)}
			one, two := filepath.Join(t.TempDir(), "one.gguf"), filepath.Join(t.TempDir(), "two.gguf")
			if err := Convert(t.Context(), dir, one, CheckpointOptions{Options: o}, nil); err != nil {
				t.Fatal(err)
			}
			if err := Quantize(t.Context(), f, two, o, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(inventory(t, open(t, two)), inventory(t, open(t, one))); diff != "" {
				t.Errorf("%s, %s: -in two steps +in one:\n%s", name, typ, diff)
			}
		}
	}
}

// inventory is a line for each key and tensor of a file, in the order of their names,
// with a digest of its bytes.
func inventory(t *testing.T, f *gguf.File) string {
	t.Helper()
	lines := []string{}
	for _, key := range f.Keys() {
		v, _ := f.Value(key)
		value := string(text(t, v))
		if len(value) > 60 {
			value = fmt.Sprintf("%x", sha256.Sum256([]byte(value)))[:16]
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", key, v.Kind(), value))
	}
	for _, x := range f.Tensors() {
		lines = append(lines, fmt.Sprintf("%s %s %v %.16s", x.Name, x.Type, x.Shape, fmt.Sprintf("%x", sha256.Sum256(x.Data))))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// excusedLines leaves out what is known to differ, but for the type of the file.
func excusedLines(name, text string) []string {
	var kept []string
	for _, line := range strings.Split(text, "\n") {
		key, _, _ := strings.Cut(line, " ")
		if key == "general.file_type" || key == "general.quantization_version" || reason(differences, name, key) == "" {
			kept = append(kept, line)
		}
	}
	return kept
}

// writeGolden writes the inventories of the script's files.
func writeGolden(t *testing.T, from, to string) {
	t.Helper()
	for _, typ := range goldenTypes {
		path := filepath.Join(from, "peer-"+typ+".gguf")
		if typ == "f32" {
			path = filepath.Join(from, "peer.gguf")
		}
		lines := inventory(t, open(t, path))
		if err := os.WriteFile(filepath.Join(to, typ+".txt"), []byte(lines), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGoldenDigests: the digests would notice a number that changed.
func TestGoldenDigests(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.gguf")
	dir := filepath.Join("testdata", "golden", "llama")
	if err := Convert(t.Context(), dir, out, CheckpointOptions{Auto: true}, nil); err != nil {
		t.Fatal(err)
	}
	before := inventory(t, open(t, out))
	x, ok := open(t, out).Tensor("blk.1.attn_q.weight")
	if !ok {
		t.Fatal("no blk.1.attn_q.weight")
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	data[x.Offset] ^= 1
	changed := filepath.Join(t.TempDir(), "changed.gguf")
	if err := os.WriteFile(changed, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if inventory(t, open(t, changed)) == before {
		t.Error("a changed bit changes no digest")
	}
}
