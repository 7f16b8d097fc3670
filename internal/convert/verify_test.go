package convert

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

// weights are the distributions that the bounds were found with.
var weights = map[string]func(r *rand.Rand, i int) float64{
	"normal":   func(r *rand.Rand, _ int) float64 { return r.NormFloat64() * 0.02 },
	"even":     func(r *rand.Rand, _ int) float64 { return r.Float64() - 0.5 },
	"long":     func(r *rand.Rand, _ int) float64 { return r.ExpFloat64() * float64(1-2*r.IntN(2)) },
	"longer":   func(r *rand.Rand, _ int) float64 { return math.Pow(r.NormFloat64(), 3) },
	"offset":   func(r *rand.Rand, _ int) float64 { return -3 + r.NormFloat64() },
	"positive": func(r *rand.Rand, _ int) float64 { return 1 + 0.1*r.NormFloat64() },
	"ternary":  func(r *rand.Rand, _ int) float64 { return float64(r.IntN(3) - 1) },
	"sign":     func(r *rand.Rand, _ int) float64 { return float64(1-2*r.IntN(2)) * (1 + 0.1*r.NormFloat64()) },
	"scaled":   func(r *rand.Rand, i int) float64 { return math.Ldexp(r.NormFloat64(), i/32%8-4) },
	"tiny":     func(r *rand.Rand, _ int) float64 { return 1e-7 * r.NormFloat64() },
	"zero":     func(*rand.Rand, int) float64 { return 0 },
	"sparse": func(r *rand.Rand, _ int) float64 {
		if r.IntN(20) == 0 {
			return r.NormFloat64()
		}
		return 0
	},
	"one in 32": func(r *rand.Rand, i int) float64 {
		if i%32 == 7 {
			return 8
		}
		return r.NormFloat64()
	},
	"one in 256": func(r *rand.Rand, i int) float64 {
		if i%256 == 7 {
			return 30
		}
		return r.NormFloat64()
	},
	"two in 64": func(r *rand.Rand, i int) float64 {
		if i%64 < 2 {
			return float64(20 * (1 - 2*(i%2)))
		}
		return r.NormFloat64()
	},
}

const boundRows, boundCols = 64, 512

// compared is a tensor of weights as a type has it, after spoil, beside them.
func compared(typ quant.Type, x []float32, spoil func(data []byte, block int)) *comparison {
	f, _ := typ.Format()
	data := make([]byte, len(x)/f.BlockElems*f.BlockBytes)
	f.Quantize(data, x)
	if spoil != nil {
		spoil(data, f.BlockBytes)
	}
	shape := []int{boundCols, boundRows}
	t := &Tensor{Name: "t", Shape: shape, To: typ, source: &source{read: func(dst []float32, row, rows int) error {
		copy(dst, x[row*boundCols:][:rows*boundCols])
		return nil
	}}}
	return &comparison{t: t, made: &gguf.Tensor{Name: "t", Type: typ, Shape: shape, Data: data}, rows: boundRows}
}

func (p *comparison) run(f *gguf.File) error {
	if err := p.compare(f, make([]float32, boundRows*boundCols), make([]float32, boundRows*boundCols)); err != nil {
		return err
	}
	_, err := sumUp("file", []*comparison{p})
	return err
}

// TestBounds: what the quantizers make of weights of every kind is within the
// bounds, and rows that changed places, a lost scale or a wrong sign are not.
func TestBounds(t *testing.T) {
	guard := open(t, tiny(t, nil)) // any file: only its guard against faults is used
	for typ := range bounds {
		for name, draw := range weights {
			r := rand.New(rand.NewPCG(1, uint64(typ)))
			x := make([]float32, boundRows*boundCols)
			for i := range x {
				x[i] = float32(draw(r, i))
			}
			if err := compared(typ, x, nil).run(guard); err != nil {
				t.Errorf("%s of %s weights: %v", typ, name, err)
			}
			if name != "normal" {
				continue
			}
			f, _ := typ.Format()
			row, _ := f.RowBytes(boundCols)
			for what, spoil := range map[string]func(data []byte, block int){
				"two rows changed over": func(data []byte, _ int) {
					a, b := data[3*row:][:row], data[9*row:][:row]
					for i := range a {
						a[i], b[i] = b[i], a[i]
					}
				},
				"a row of zeros":       func(data []byte, _ int) { clear(data[5*row:][:row]) },
				"a block of others":    func(data []byte, n int) { copy(data[7*n:][:n], data[8*n:][:n]) },
				"shifted by a block":   func(data []byte, n int) { copy(data[n:], data[:len(data)-n]) },
				"a row with another's": func(data []byte, n int) { copy(data[4*row+n:5*row], data[6*row:]) },
			} {
				if err := compared(typ, x, spoil).run(guard); err == nil {
					t.Errorf("%s: %s passed", typ, what)
				}
			}
		}
	}
}

// TestCheckCatches: what is wrong with a file is named.
func TestCheckCatches(t *testing.T) {
	dir := testkit.Llama{Vocab: 320, Embd: 64, FF: 256, Layers: 2, Heads: 4, KV: 2}.Write(t)
	for _, name := range []string{"BF16", "F32", "Q8_0", "Q4_K_M"} {
		c, err := Open(dir, CheckpointOptions{Options: Options{Mix: mix(t, name)}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		path := filepath.Join(t.TempDir(), "out.gguf")
		if err := c.Write(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Check(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, victim := range []string{"blk.1.attn_q.weight", "blk.0.ffn_down.weight", "blk.1.ffn_norm.weight", "output.weight"} {
			v, ok := f.Tensor(victim)
			if !ok {
				t.Fatalf("no %s", victim)
			}
			for what, spoil := range map[string]func(b []byte){
				"a lost piece":  func(b []byte) { clear(b[len(b)/2:][:128]) },
				"a high bit":    func(b []byte) { b[highByte(v.Type)] ^= 0x40 },
				"another's end": func(b []byte) { copy(b[len(b)-64:], b[:64]); b[len(b)-1] ^= 0x80 },
			} {
				spoiled := append([]byte(nil), whole...)
				spoil(spoiled[v.Offset:][:len(v.Data)])
				bad := filepath.Join(t.TempDir(), "bad.gguf")
				if err := os.WriteFile(bad, spoiled, 0o644); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Check(t.Context(), bad, nil); err == nil || !strings.Contains(err.Error(), victim) {
					t.Errorf("%s, %s in %s (%s): %v", name, what, victim, v.Type, err)
				}
			}
		}
		cut := filepath.Join(t.TempDir(), "cut.gguf")
		if err := os.WriteFile(cut, whole[:len(whole)-4096], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Check(t.Context(), cut, nil); err == nil {
			t.Errorf("%s: a file that is cut off passed", name)
		}
		other, err := Open(dir, CheckpointOptions{Options: Options{Mix: mix(t, "Q5_0")}})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := other.Check(t.Context(), path, nil); err == nil || !strings.Contains(err.Error(), "Q5_0") {
			t.Errorf("%s: a file of another type passed: %v", name, err)
		}
	}
}

// highByte is the place of a byte in a type's first block that has an exponent's high bits.
func highByte(t quant.Type) int {
	switch t {
	case quant.F32:
		return 3
	case quant.Q6_K:
		return 209 // the scale is last
	}
	return 1
}
