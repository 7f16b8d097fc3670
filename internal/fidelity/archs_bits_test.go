package fidelity

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/infer"
	"happyphonellm/internal/model"
	"happyphonellm/internal/testkit"
)

// archBitTokens is how many tokens are compared, two passes of them: arm64 is
// imitated, which is slow. Where attention is sparse there must be some to leave out.
const archBitTokens, sparseBitTokens = 12, 36

// archBitsVariable makes this program print a hash of logits for each of the
// files named, which are separated by spaces, instead of testing.
const archBitsVariable = "HPLLM_PRINT_ARCH_BITS"

// TestArchitecturesSameBitsArm64: arm64 computes the same bits as amd64 in every
// architecture. Go fuses x*y + z on arm64 where it is not told otherwise, so that
// this finds what the tests of kernels cannot: sums in the blocks themselves.
func TestArchitecturesSameBitsArm64(t *testing.T) {
	qemu, program := arm64Program(t)
	var paths []string
	for _, path := range testkit.Glob(t, "archs/*.gguf") {
		f, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(model.Architectures(), f.Architecture()) {
			paths = append(paths, path)
		}
		f.Close()
	}
	dir := t.TempDir()
	for name, write := range made {
		if slices.Contains(model.Architectures(), strings.Fields(name)[0]) {
			write(t, filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".gguf"), "1")
		}
	}
	ours, err := filepath.Glob(dir + "/*.gguf")
	if err != nil {
		t.Fatal(err)
	}
	paths = append(paths, ours...)
	cmd := exec.Command(qemu, "-cpu", "max", program)
	cmd.Env = append(os.Environ(), archBitsVariable+"="+strings.Join(paths, " "))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("under qemu: %v\n%s", err, out)
	}
	got := strings.Fields(string(out))
	if len(got) != len(paths) {
		t.Fatalf("%d hashes for %d files:\n%s", len(got), len(paths), out)
	}
	for i, path := range paths {
		want, err := archBits(path)
		t.Logf("%s: %s", filepath.Base(path), want)
		if err != nil {
			t.Error(err)
		} else if got[i] != want {
			t.Errorf("%s: arm64's logits hash %s, amd64 has %s", filepath.Base(path), got[i], want)
		}
	}
}

func printArchBits(paths []string) error {
	for _, path := range paths {
		bits, err := archBits(path)
		if err != nil {
			return err
		}
		fmt.Println(bits)
	}
	return nil
}

func archBits(path string) (string, error) {
	e, err := infer.Load(path, infer.Options{Threads: 1})
	if err != nil {
		return "", err
	}
	defer e.Close()
	n := archBitTokens
	if strings.HasSuffix(path, "-sparse.gguf") {
		n = sparseBitTokens
	}
	return idBits(e, archIDs(n), n-1)
}
