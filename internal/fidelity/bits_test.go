package fidelity

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"happyphonellm/internal/infer"
	"happyphonellm/internal/kernels"
	"happyphonellm/internal/testkit"
)

// bitTokens is how many tokens the comparisons of bits are made on, slowTokens those
// on plain Go and on CPUs that are imitated: with HPLLM_FIDELITY=full all that the
// report promises.
const bitTokens, slowTokens, slowTokensFull = 300, 48, 200

// bitIDs are fixed ids, so that no tokenizer is part of the comparison.
func bitIDs(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(1000 + i*i*37%20000)
	}
	return ids
}

// logitBits is a hash of the bits of all logits of n tokens.
func logitBits(e *infer.Engine, n, batch int) (string, error) {
	s, err := e.NewSession(infer.SessionOptions{Context: n, Batch: batch})
	if err != nil {
		return "", err
	}
	defer s.Close()
	hash := sha256.New()
	var raw []byte
	err = s.EvalEach(bitIDs(n), func(_ int, logits []float32) error {
		raw = raw[:0]
		for _, v := range logits {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		hash.Write(raw)
		return nil
	})
	return hex.EncodeToString(hash.Sum(nil)[:16]), err
}

// bitModels have between them the types that have kernels of their own kind.
func bitModels() []string {
	if !full {
		return []string{"smollm2-q4_1", "smollm2-q4_k_m"}
	}
	var all []string
	for _, base := range bases {
		for _, typ := range []string{"q4_1", "q8_0", "q4_k_m", "f16"} {
			all = append(all, base+"-"+typ)
		}
	}
	return append(all, "smollm2-bf16")
}

// TestSameBits: neither the number of threads nor the batch size changes a bit.
func TestSameBits(t *testing.T) {
	for _, name := range bitModels() {
		t.Run(name, func(t *testing.T) {
			path := testkit.Model(t, name)
			want := ""
			for _, threads := range []int{1, 2, 3} {
				e := load(t, path, threads)
				for _, batch := range []int{1, 7, 64, 512} {
					got, err := logitBits(e, bitTokens, batch)
					if err != nil {
						t.Fatal(err)
					}
					if want == "" {
						want = got
					}
					note("bits", cells(name, fmt.Sprintf("%s, %d threads, batch %d", runtime.GOARCH, threads, batch), got))
					if got != want {
						t.Errorf("%d threads, batch %d: logits hash %s, want %s", threads, batch, got, want)
					}
				}
			}
		})
	}
}

// TestSameBitsTiers: no kernel tier of this CPU changes a bit.
func TestSameBitsTiers(t *testing.T) {
	tokens := slowTokens
	if full {
		tokens = slowTokensFull
	}
	for _, name := range bitModels() {
		t.Run(name, func(t *testing.T) {
			e := load(t, testkit.Model(t, name), 2)
			want := ""
			for _, tier := range kernels.Tiers() {
				if !tier.Supported {
					t.Logf("this CPU does not run tier %s", tier.Name)
					continue
				}
				restore, err := kernels.Use(tier.Name)
				if err != nil {
					t.Fatal(err)
				}
				got, err := logitBits(e, tokens, 40)
				restore()
				if err != nil {
					t.Fatal(err)
				}
				if want == "" {
					want = got
				}
				note("bits", cells(name, fmt.Sprintf("%s, tier %s, %d tokens", runtime.GOARCH, tier.Name, tokens), got))
				if got != want {
					t.Errorf("tier %s: logits hash %s, want %s", tier.Name, got, want)
				}
			}
		})
	}
}

// TestSameBitsArm64 runs this very test program, built for arm64, under qemu.
// The CPUs it imitates have all that kernels use, only dotprod, and not even that.
func TestSameBitsArm64(t *testing.T) {
	qemu, program := arm64Program(t)
	type imitation struct {
		model, cpu string
		tokens     int
	}
	list := []imitation{
		{"smollm2-q4_1", "max", bitTokens},
		{"smollm2-q4_1", "cortex-a76", 24},
		{"smollm2-q4_1", "cortex-a72", 24},
		{"smollm2-q4_k_m", "max", 48},
		{"gemma3-q4_k_m", "max", 24},
	}
	if full {
		list = list[:1]
		for _, name := range bitModels() {
			for _, cpu := range []string{"max", "cortex-a76", "cortex-a72"} {
				list = append(list, imitation{name, cpu, slowTokensFull})
			}
		}
	}
	for _, c := range list {
		t.Run(fmt.Sprintf("%s %s %d", c.model, c.cpu, c.tokens), func(t *testing.T) {
			path := testkit.Model(t, c.model)
			want, err := logitBits(load(t, path, 2), c.tokens, 64)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(qemu, "-cpu", c.cpu, program)
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", bitsVariable, c.tokens, path))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("under qemu: %v\n%s", err, out)
			}
			got := strings.TrimSpace(string(out))
			note("bits", cells(c.model, fmt.Sprintf("arm64 %s under qemu, %d tokens", c.cpu, c.tokens), got))
			if got != want {
				t.Errorf("arm64 %s: logits hash %s, amd64 has %s", c.cpu, got, want)
			}
		})
	}
}

// arm64Program builds this test program for arm64; it runs under the given qemu.
func arm64Program(t *testing.T) (qemu, program string) {
	t.Helper()
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		testkit.Missing(t, "qemu-aarch64-static", "make deps")
	}
	program = filepath.Join(t.TempDir(), "fidelity.arm64.test")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building for arm64: %v\n%s", err, out)
	}
	return qemu, program
}

// bitsVariable makes this program print a hash instead of testing: "TOKENS PATH".
const bitsVariable = "HPLLM_PRINT_BITS"

func printBits(request string) error {
	var n int
	var path string
	if _, err := fmt.Sscanf(request, "%d %s", &n, &path); err != nil {
		return err
	}
	e, err := infer.Load(path, infer.Options{Threads: 2})
	if err != nil {
		return err
	}
	defer e.Close()
	bits, err := logitBits(e, n, 64)
	fmt.Println(bits)
	return err
}
