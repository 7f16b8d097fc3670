package fidelity

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/infer"
	"happyphonellm/internal/model"
	"happyphonellm/internal/testkit"
)

// archSeeds are the seeds of the random models: one, for docs/models.md two;
// HPLLM_SEED adds one more.
func archSeeds() []string {
	seeds := []string{"1"}
	if os.Getenv("HPLLM_FIDELITY") != "" {
		seeds = append(seeds, "20260")
	}
	if more := os.Getenv("HPLLM_SEED"); more != "" {
		seeds = append(seeds, more)
	}
	return seeds
}

// made has what writes tiny random models of our own: "ARCH" of an architecture
// that test-llama-archs does not make, "ARCH VARIANT" of one that it does, where
// real models have what its files have not. The same seed gives the same file.
var made = map[string]func(t *testing.T, path string, seed string){}

// madeTokens are lengths of comparisons other than 100, by the name of the file
// without its ending; madeFlash are those that llama.cpp computes with flash
// attention only.
var (
	madeTokens = map[string]int{}
	madeFlash  = map[string]bool{"minimax-m3-sparse": true}
)

// TestArchitectures compares every architecture that the engine runs with
// llama.cpp on tiny random models: those of llama.cpp's own test-llama-archs, and
// our own of architectures that it leaves out. TestArchitectures/NAME is one of them.
func TestArchitectures(t *testing.T) {
	var done []archResult
	for _, arch := range model.Architectures() {
		t.Run(arch, func(t *testing.T) {
			for _, seed := range archSeeds() {
				for _, path := range archFiles(t, arch, seed) {
					name := strings.TrimSuffix(filepath.Base(path), ".gguf")
					t.Run(name+"-"+seed, func(t *testing.T) {
						r := archResult{arch: arch, file: name, seed: seed}
						r.nmse = sameArchitecture(t, path, name, seed)
						done = append(done, r)
					})
				}
			}
		})
	}
	if os.Getenv("HPLLM_FIDELITY") != "" && !t.Failed() {
		if err := writeModels(filepath.Join(testkit.Root(), "docs", "models.md"), done); err != nil {
			t.Error(err)
		}
	}
}

// archFiles makes the models of an architecture: dense, with experts, or both.
// They are gone when the test ends.
func archFiles(t *testing.T, arch, seed string) []string {
	t.Helper()
	host, inside := testkit.PeerDir(t)
	for name, write := range made {
		if strings.Fields(name)[0] == arch {
			write(t, filepath.Join(host, strings.ReplaceAll(name, " ", "-")+".gguf"), seed)
		}
	}
	if made[arch] == nil {
		cmd := testkit.Peer(t, "test-llama-archs", "-o", inside, "-s", seed, "-a", "^"+arch+"$")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("test-llama-archs: %v\n%s", err, out)
		}
	}
	paths, err := filepath.Glob(host + "/*.gguf")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no model of architecture %s: test-llama-archs does not make it, and nothing in made does", arch)
	}
	return paths
}

// sameArchitecture compares the logits of 100 random tokens with the peer's, and
// ours with ours: any threads, all at once, one by one or in parts. A decoded
// token must allocate nothing. It returns the error relative to the peer's.
func sameArchitecture(t *testing.T, path, name, seed string) float64 {
	t.Helper()
	ids := archIDs(archTokens(name))
	nmse := compareLogits(t, load(t, path, 2), archLogits(t, path, name, ids), ids, "", name+", seed "+seed)
	want := ""
	// The last part of the third way is two tokens, which several threads share
	// as they share one.
	for _, way := range []struct{ threads, batch int }{{2, len(ids)}, {1, 1}, {3, 7}} {
		got, err := idBits(load(t, path, way.threads), ids, way.batch)
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d threads, %d tokens at once: logits hash %s, want %s", way.threads, way.batch, got, want)
		}
	}
	s := session(t, load(t, path, 2), infer.SessionOptions{Context: len(ids), KV: infer.KVF32})
	if err := s.Eval(ids[:len(ids)/2]); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(8, func() {
		if err := s.Eval(ids[:1]); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per decoded token, want 0", n)
	}
	return nmse
}

// archTokens is how many tokens of a model are compared.
func archTokens(name string) int {
	if n := madeTokens[name]; n != 0 {
		return n
	}
	return 100
}

// archLogits are the peer's logits of ids.
func archLogits(t *testing.T, path, name string, ids []int32) [][]float32 {
	t.Helper()
	if madeFlash[name] {
		return testkit.PeerLogits(t, path, ids, "f32+fa")
	}
	rows, err := testkit.KeptPeerLogits(t, path, ids)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// archIDs are n random tokens of the tiny models' vocabulary.
func archIDs(n int) []int32 {
	ids := make([]int32, n)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range ids {
		ids[i] = random.Int32N(128)
	}
	return ids
}

// idBits is a hash of the bits of all logits of ids.
func idBits(e *infer.Engine, ids []int32, batch int) (string, error) {
	s, err := e.NewSession(infer.SessionOptions{Context: len(ids), Batch: batch, KV: infer.KVF32})
	if err != nil {
		return "", err
	}
	defer s.Close()
	hash := sha256.New()
	var raw []byte
	err = s.EvalEach(ids, func(_ int, logits []float32) error {
		raw = raw[:0]
		for _, v := range logits {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		hash.Write(raw)
		return nil
	})
	return hex.EncodeToString(hash.Sum(nil)[:8]), err
}
