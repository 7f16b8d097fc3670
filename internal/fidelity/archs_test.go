package fidelity

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/infer"
	"happyphonellm/internal/model"
	"happyphonellm/internal/testkit"
)

// architectures are those that the engine runs; each must equal the peer on the
// tiny random models that llama.cpp's own tests make.
var architectures = model.Architectures()

func TestArchitectures(t *testing.T) {
	paths := testkit.Glob(t, "archs/*.gguf") // seed 1
	host, inside := testkit.PeerDir(t)
	cmd := testkit.Peer(t, "test-llama-archs", "-o", inside, "-s", "20260", "-a", "^("+strings.Join(architectures, "|")+")$")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("test-llama-archs: %v\n%s", err, out)
	}
	more, err := filepath.Glob(host + "/*.gguf")
	if err != nil || len(more) < len(architectures) {
		t.Fatalf("test-llama-archs made %d files, %v", len(more), err)
	}
	seen := map[string]bool{}
	for _, path := range append(paths, more...) {
		f, err := gguf.Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		arch := f.Architecture()
		f.Close()
		if !slices.Contains(architectures, arch) {
			continue
		}
		seen[arch] = true
		name := strings.TrimSuffix(filepath.Base(path), ".gguf")
		seed := "1"
		if strings.HasPrefix(path, host) {
			seed = "20260"
		}
		t.Run(name+"-"+seed, func(t *testing.T) {
			e, err := infer.Load(path, infer.Options{Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			ids := make([]int32, 100)
			random := rand.New(rand.NewPCG(1, 2))
			for i := range ids {
				ids[i] = random.Int32N(128)
			}
			sameLogits(t, e, path, ids, "archs", name+", seed "+seed)
		})
	}
	for _, arch := range architectures {
		if !seen[arch] {
			t.Errorf("no file of architecture %s", arch)
		}
	}
}
