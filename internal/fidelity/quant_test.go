package fidelity

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/infer"
	"happyphonellm/internal/testkit"
)

// Against the F32 weights that a quantized file was made of, we may diverge no
// more than llama.cpp does on the same file, but for chance.
const klSlack = 1.05

// TestQuantizedKL compares the mean divergence of 512 positions of text (of coarse
// types, and without HPLLM_FIDELITY=full of Gemma's vocabulary of 262,144: 128) from
// the F32 model's logits, KV cache in F16, with llama.cpp's own.
func TestQuantizedKL(t *testing.T) {
	for _, base := range bases {
		t.Run(base, func(t *testing.T) {
			reference := testkit.Model(t, base+"-f32")
			all := englishIDs(t, load(t, reference, 1), 512)
			var want [][]float32
			exact := func() [][]float32 {
				if want == nil {
					want = testkit.PeerLogits(t, reference, all, "f32")
				}
				return want
			}
			for i, typ := range slices.Concat(types, coarse[base]) {
				ids := all
				if i >= len(types) || !full && base == "gemma3" {
					ids = all[:fewTokens]
				}
				t.Run(typ, func(t *testing.T) {
					path := testkit.Model(t, base+"-"+typ)
					text := peerFigure(t, path, "kl", testkit.JoinIDs(ids), func() []byte {
						want, sum := exact(), 0.0
						for i, row := range testkit.PeerLogits(t, path, ids, "f16") {
							sum += testkit.KL(row, want[i])
						}
						return fmt.Appendf(nil, "%.9g\n", sum/float64(len(ids)))
					})
					peer, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
					if err != nil {
						t.Fatalf("the peer's divergence: %v", err)
					}
					ours, sum := exact(), 0.0
					s := session(t, load(t, path, 0), infer.SessionOptions{Context: len(ids)})
					if err := s.EvalEach(ids, func(i int, logits []float32) error {
						sum += testkit.KL(logits, ours[i])
						return nil
					}); err != nil {
						t.Fatal(err)
					}
					kl := sum / float64(len(ids))
					t.Logf("KL %.6f, the peer's %.6f (x%.3f)", kl, peer, kl/peer)
					note("kl", cells(base, typ, len(ids), kl, peer, kl/peer))
					if !(kl <= peer*klSlack) {
						t.Errorf("KL = %g, the peer's is %g: x%.3f, want at most x%g", kl, peer, kl/peer, klSlack)
					}
				})
			}
		})
	}
}

// TestPerplexity compares the perplexity of the English text with
// llama-perplexity's: windows of 512 tokens, of which the second half counts.
func TestPerplexity(t *testing.T) {
	// The bar is 0.5 % on all of the text that makes whole windows for both models,
	// 11,264 tokens. A fifth of it has twice the chance in it: activations are
	// rounded differently, and each engine's luck is its own.
	list := []string{"q4_1", "q4_k_m"}
	if full {
		list = append([]string{"f32"}, types...)
	}
	for _, base := range bases {
		every := list
		if full {
			every = slices.Concat(list, coarse[base])
		}
		for i, typ := range every {
			windows, slack := 4, 0.01
			if full && i < len(list) {
				windows, slack = 22, 0.005
			}
			t.Run(base+"-"+typ, func(t *testing.T) {
				path := testkit.Model(t, base+"-"+typ)
				peer := peerPerplexity(t, path, windows)
				text, err := os.ReadFile(testkit.Text(t, "english.txt"))
				if err != nil {
					t.Fatal(err)
				}
				s := session(t, load(t, path, 0), infer.SessionOptions{Context: 512})
				var ours infer.Perplexity
				_, err = s.Perplexity(string(text), 512, func(p infer.Perplexity) error {
					if ours = p; p.Windows == windows {
						return errEnough
					}
					return nil
				})
				if err != errEnough {
					t.Fatalf("after %d windows: %v", ours.Windows, err)
				}
				off := ours.Value/peer - 1
				t.Logf("perplexity %.4f, the peer's %.4f (%+.3f %%)", ours.Value, peer, 100*off)
				if !(math.Abs(off) <= slack) {
					t.Errorf("perplexity = %g, the peer's is %g: want within %g %%", ours.Value, peer, 100*slack)
				}
				note("perplexity", cells(base, typ, windows*512, fmt.Sprintf("%.4f", ours.Value), fmt.Sprintf("%.4f", peer), fmt.Sprintf("%+.3f %%", 100*off)))
			})
		}
	}
}

var errEnough = fmt.Errorf("enough windows")

var finalEstimate = regexp.MustCompile(`PPL = ([0-9.]+)`)

// peerPerplexity runs llama-perplexity as the other comparisons run llama.cpp: weights
// as the file has them, attention in full precision. Its own figure for one file
// moves by up to 0.2 % with these two options.
func peerPerplexity(t *testing.T, path string, windows int) float64 {
	t.Helper()
	english := testkit.Text(t, "english.txt")
	return perplexityOf(t, peerFigure(t, path, fmt.Sprintf("plainperplexity512x%d", windows), filepath.Base(english), func() []byte {
		return runPerplexity(t, testkit.Share(t, path), windows)
	}))
}

func runPerplexity(t *testing.T, inside string, windows int) []byte {
	t.Helper()
	cmd := testkit.Peer(t, "llama-perplexity", "-m", inside, "-f", testkit.Share(t, testkit.Text(t, "english.txt")),
		"-c", "512", "--chunks", strconv.Itoa(windows), "-t", "2", "--no-repack", "-fa", "off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("llama-perplexity: %v\n%s", err, out)
	}
	return out
}

func perplexityOf(t *testing.T, text []byte) float64 {
	t.Helper()
	found := finalEstimate.FindSubmatch(text)
	if found == nil {
		t.Fatalf("llama-perplexity printed no estimate:\n%s", text)
	}
	value, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
