package fidelity

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/infer"
	"happyphonellm/internal/testkit"
)

// Sparse attention: the models of test-llama-archs with a key changed, so that
// their indexers have something to leave out of 100 tokens (real ones pick 2048),
// and with attention whose part in the logits is large.

// sparseMost is how many each picks.
var sparseMost = map[string]uint32{
	"deepseek32": 24, "glm-dsa": 17, "dots3note": 31, "hy_v4": 16,
	"minimax-m3": 5, "glm5-next": 20, "qwen4exp": 20, "deepseek4": 7,
}

func init() {
	madeTokens["deepseek4-sparse"] = 256 // so that there are rows of 128 positions
	for arch, most := range sparseMost {
		made[arch+" sparse"] = func(t *testing.T, path, seed string) { makeSparse(t, path, seed, arch, most) }
	}
}

// makeSparse writes the model of an architecture that picks that many.
func makeSparse(t *testing.T, path, seed, arch string, most uint32) {
	t.Helper()
	host, inside := testkit.PeerDir(t)
	cmd := testkit.Peer(t, "test-llama-archs", "-o", inside, "-s", seed, "-a", "^"+arch+"$")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("test-llama-archs: %v\n%s", err, out)
	}
	from := filepath.Join(host, arch+"-moe.gguf")
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	setUint32(t, data, arch+".attention.indexer.top_k", most)
	factor := float32(20)
	if arch == "minimax-m3" || arch == "qwen4exp" {
		factor = 4000
	}
	scaleTensors(t, data, from, factor, "blk.1.attn_output.weight")
	scaleTensors(t, data, from, 20, "blk.2.attn_output_b.weight", "blk.3.attn_output_b.weight")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// setUint32 changes a key's number in the bytes of a model.
func setUint32(t *testing.T, data []byte, key string, v uint32) {
	t.Helper()
	const kind = 4 // of a uint32 in GGUF
	at := bytes.Index(data, binary.LittleEndian.AppendUint32([]byte(key), kind))
	if at < 0 {
		t.Fatalf("no uint32 %s", key)
	}
	binary.LittleEndian.PutUint32(data[at+len(key)+4:], v)
}

// scaleTensors multiplies the F32 tensors of these names in the bytes of the model
// at path.
func scaleTensors(t *testing.T, data []byte, path string, by float32, names ...string) {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, tensor := range f.Tensors() {
		for _, name := range names {
			if tensor.Name != name {
				continue
			}
			at := bytes.Index(data, tensor.Data)
			for i := at; i < at+len(tensor.Data); i += 4 {
				v := math.Float32frombits(binary.LittleEndian.Uint32(data[i:]))
				binary.LittleEndian.PutUint32(data[i:], math.Float32bits(v*by))
			}
		}
	}
}

// TestSparseModelsLeaveOut: what their indexers leave out makes a difference that
// the bar of TestArchitectures would not let pass.
func TestSparseModelsLeaveOut(t *testing.T) {
	ids := archIDs(100)
	for arch, most := range sparseMost {
		var logits [2][]float32
		for i, n := range []uint32{most, 1 << 17} {
			path := filepath.Join(t.TempDir(), arch+".gguf")
			makeSparse(t, path, "1", arch, n)
			s := session(t, load(t, path, 2), infer.SessionOptions{Context: len(ids), KV: infer.KVF32})
			if err := s.EvalEach(ids, func(_ int, l []float32) error {
				logits[i] = append(logits[i], l...)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if nmse := testkit.NMSE(logits[0], logits[1]); nmse < 10*maxNMSE {
			t.Errorf("%s: picking %d instead of all changes the logits by an NMSE of %.2e", arch, most, nmse)
		} else {
			t.Logf("%s: %.2e", arch, nmse)
		}
	}
}

// TestSparseTruncate: what a context forgets is computed again, rows of several
// positions too, with every KV type.
func TestSparseTruncate(t *testing.T) {
	ids := archIDs(250)
	other := append(slices.Clone(ids[:70]), ids[100:]...)
	for arch, most := range sparseMost {
		path := filepath.Join(t.TempDir(), arch+".gguf")
		makeSparse(t, path, "1", arch, most)
		e := load(t, path, 2)
		for _, kv := range []infer.KVType{infer.KVF32, infer.KVF16, infer.KVQ8_0} {
			o := infer.SessionOptions{Context: len(ids), Batch: 32, KV: kv}
			fresh, again := session(t, e, o), session(t, e, o)
			for _, step := range []struct {
				s   *infer.Session
				ids []int32
			}{{fresh, other}, {again, ids}} {
				if err := step.s.Eval(step.ids); err != nil {
					t.Fatal(err)
				}
			}
			if err := again.Truncate(70); err != nil {
				t.Fatal(err)
			}
			if err := again.Eval(other[70:]); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(fresh.Logits(), again.Logits()) {
				t.Errorf("%s, KV type %v: other logits after a Truncate", arch, kv)
			}
		}
	}
}
