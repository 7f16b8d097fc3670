package convert

import (
	"bytes"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

func open(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mix(t *testing.T, name string) Mix {
	t.Helper()
	m, err := ParseMix(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// planned is a line of llama-quantize's dry run: what becomes of a tensor.
var planned = regexp.MustCompile(`\] +(\S+) +- \[.*\], type = +(\w+), size = .*?(?:\((\w+)\))?\n`)

// TestPeerTypes: every mix gives every tensor the type that llama-quantize does,
// on models of many kinds.
func TestPeerTypes(t *testing.T) {
	models := []string{testkit.Model(t, "smollm2-f32"), testkit.Model(t, "gemma3-f32")}
	for _, arch := range []string{"llama-moe", "qwen2moe", "falcon", "deepseek2-moe", "gpt-oss-moe", "rwkv6", "mamba", "phi3", "granite-moe", "t5"} {
		found, _ := filepath.Glob(filepath.Join(testkit.Cache(), "archs", arch+"*.gguf"))
		if len(found) > 0 {
			models = append(models, found[0])
		}
	}
	if len(models) < 8 {
		t.Errorf("only %d models to try", len(models))
	}
	for _, path := range models {
		inside := testkit.Share(t, path)
		for _, m := range mixes {
			if m.Name == "MXFP4" { // ours: llama.cpp knows it for experts only
				continue
			}
			t.Run(filepath.Base(path)+"/"+m.Name, func(t *testing.T) {
				cmd := testkit.Peer(t, "llama-quantize", "--dry-run", inside, "/tmp/none.gguf", m.Name)
				out, err := cmd.CombinedOutput()
				f := open(t, path)
				plan, ourErr := Plan(f, Options{Mix: m})
				if _, failed := err.(*exec.ExitError); failed {
					t.Skipf("llama-quantize does not take this model (%v, ours: %v): %s", err, ourErr, bytes.TrimSpace(out[max(0, len(out)-300):]))
				}
				if m.Name == "Q2_K_S" && ourErr != nil && strings.Contains(ourErr.Error(), "needs importances") {
					return // llama-quantize's dry run only warns
				}
				if ourErr != nil {
					t.Fatal(ourErr)
				}
				want := map[string]string{}
				for _, line := range planned.FindAllSubmatch(out, -1) {
					to := string(line[2])
					if len(line[3]) > 0 {
						to = string(line[3])
					}
					want[string(line[1])] = strings.ToUpper(to)
				}
				got := map[string]string{}
				for _, p := range plan {
					got[p.Name] = strings.ToUpper(p.To.String())
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-llama.cpp +ours:\n%s", diff)
				}
			})
		}
	}
}

// TestPeerRMSE: per tensor, against the F32 file that both were made of, errors
// at most 1.01 of those of llama-quantize's file. Tensors of four layers stand for all.
func TestPeerRMSE(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"smollm2", "gemma3"} {
		f := open(t, testkit.Model(t, base+"-f32"))
		for _, name := range []string{"q4_0", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k_m", "q4_k_m", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs", "f16", "bf16"} {
			if base+"-"+name == "gemma3-q4_k_m" {
				continue // what the F32 file was made of
			}
			t.Run(base+"-"+name, func(t *testing.T) {
				peer := open(t, testkit.Model(t, base+"-"+name))
				plan, err := Plan(f, Options{Mix: mix(t, name)})
				if err != nil {
					t.Fatal(err)
				}
				worst := 0.0
				for _, p := range plan {
					if layer := layerOf(p.Name); p.Copied() || layer != 0 && layer != 7 && layer != 8 && layer != 16 {
						continue
					}
					source, _ := f.Tensor(p.Name)
					theirs, ok := peer.Tensor(p.Name)
					if !ok || theirs.Type != p.To {
						t.Fatalf("%s is %v, llama.cpp's %v", p.Name, p.To, theirs)
					}
					var out bytes.Buffer
					if err := quantizeOne(t, p, &out); err != nil {
						t.Fatal(err)
					}
					x := values(source.Type, source.Data, source)
					a, b := rmse(x, values(p.To, out.Bytes(), source)), rmse(x, values(p.To, theirs.Data, source))
					if b > 0 {
						worst = max(worst, a/b)
					}
					if !(a <= 1.01*b) {
						t.Errorf("%s (%s): RMSE %g, llama-quantize's %g: x%.4f", p.Name, p.To, a, b, a/b)
					}
				}
				t.Logf("at most x%.4f", worst)
			})
		}
	}
}

func values(typ quant.Type, data []byte, t *gguf.Tensor) []float32 {
	f, _ := typ.Format()
	x := make([]float32, t.Cols()*t.Rows())
	f.Dequantize(x, data)
	return x
}

func rmse(x, y []float32) float64 {
	var sum float64
	for i := range x {
		d := float64(y[i]) - float64(x[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(x)))
}

// TestPeerReads: llama.cpp's perplexity of our file is within 0.5 % of that of its own.
func TestPeerReads(t *testing.T) {
	t.Parallel()
	english := testkit.Share(t, testkit.Text(t, "english.txt"))
	final := regexp.MustCompile(`PPL = ([0-9.]+)`)
	perplexity := func(t *testing.T, path string) float64 {
		cmd := testkit.Peer(t, "llama-perplexity", "-m", testkit.Share(t, path), "-f", english, "-c", "512", "--chunks", "4", "-t", "2")
		out, err := cmd.CombinedOutput()
		found := final.FindSubmatch(out)
		if err != nil || found == nil {
			t.Fatalf("llama-perplexity: %v\n%s", err, out)
		}
		var v float64
		if _, err := fmt.Sscan(string(found[1]), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, name := range []string{"gemma3-q5_k_m", "smollm2-q4_k_m"} {
		t.Run(name, func(t *testing.T) {
			base, typ, _ := strings.Cut(name, "-")
			f := open(t, testkit.Model(t, base+"-f32"))
			ours := filepath.Join(t.TempDir(), "ours.gguf")
			if err := Quantize(t.Context(), f, ours, Options{Mix: mix(t, typ)}, nil); err != nil {
				t.Fatal(err)
			}
			a, b := perplexity(t, ours), perplexity(t, testkit.Model(t, name))
			t.Logf("perplexity %.4f, with llama-quantize's file %.4f (%+.3f %%)", a, b, 100*(a/b-1))
			if !(a <= 1.005*b) {
				t.Errorf("perplexity %g, with llama-quantize's file %g", a, b)
			}
		})
	}
}
