package quant

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"happyphonellm/internal/testkit"
)

// quantizable are the types that files are made of, with what their quantizer
// promises: the bytes of ggml's where every value is rounded on its own.
var quantizable = []struct {
	typ   Type
	exact bool
	hash  uint64 // of sampleRows(1), quantized with and without importances
}{
	{F16, true, 0xe6f9fdb9a5c56edd},
	{BF16, true, 0x58c8da200785887d},
	{Q8_0, true, 0xe52ca1e2521c5519},
	{Q4_0, true, 0xa0ec28d2ed45db8c},
	{Q4_1, true, 0x97fbac74bd27eb4},
	{Q5_0, true, 0x698bfed9a6cbfea4},
	{Q5_1, true, 0xf76d978891049dc6},
	{MXFP4, true, 0xb4fd77b35bd59489},
	{Q2_K, false, 0x9a9594e84743b589},
	{Q3_K, false, 0x32fba634b4f6c7ef},
	{Q4_K, false, 0xacb3a35e149782dc},
	{Q5_K, false, 0xe23b1add647d46e},
	{Q6_K, false, 0xb949de8a7fb744af},
	{IQ4_NL, false, 0x6d2388631859c78d},
	{IQ4_XS, false, 0x109cd2cc052ae6c6},
}

const sampleRow = 512

// sampleRows makes rows as weights are: bell-shaped, of several sizes, some with
// outliers, some all positive, one of zeros; and importances of its columns.
func sampleRows(n int, seed uint64) (x, importance []float32) {
	rng := rand.New(rand.NewPCG(10+seed, 12))
	x, importance = make([]float32, n*sampleRow), make([]float32, sampleRow)
	for r := range n {
		// Sums of uniform numbers: the same on every platform, as exp and log are not.
		size := float64(int64(1)<<(r%7)) / 256
		for i := range sampleRow {
			v := 0.0
			for range 6 {
				v += rng.Float64() - 0.5
			}
			if r%3 == 1 && rng.IntN(64) == 0 {
				v *= 6
			}
			if r%11 == 5 {
				v = math.Abs(v)
			}
			x[r*sampleRow+i] = float32(v * size)
		}
		if r == 8 {
			clear(x[r*sampleRow:][:sampleRow/2])
		}
	}
	for i := range importance {
		v := rng.Float64()
		importance[i] = float32(v * v * v * 10)
	}
	return x, importance
}

func quantizeRows(f Format, x, importance []float32) []byte {
	rowBytes, _ := f.RowBytes(sampleRow)
	dst := make([]byte, len(x)/sampleRow*rowBytes)
	for r := range len(x) / sampleRow {
		f.QuantizeRow(dst[r*rowBytes:][:rowBytes], x[r*sampleRow:][:sampleRow], importance)
	}
	return dst
}

// rmse is the root of the mean weighted square error of what data stands for.
func rmse(f Format, data []byte, x, importance []float32) float64 {
	y := make([]float32, len(x))
	f.Dequantize(y, data)
	var sum float64
	for i, v := range x {
		w := 1.0
		if importance != nil {
			w = float64(importance[i%sampleRow])
		}
		sum += w * (float64(y[i]) - float64(v)) * (float64(y[i]) - float64(v))
	}
	return math.Sqrt(sum / float64(len(x)))
}

// peerSeed is what tests with a peer take random values by: HPLLM_SEED, or 1.
func peerSeed(t *testing.T) uint64 {
	text := os.Getenv("HPLLM_SEED")
	if text == "" {
		return 1
	}
	seed, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// TestPeerQuantize compares with ggml's quantizers: the same bytes where there
// is nothing to choose, else errors no larger than 1.01 of theirs.
func TestPeerQuantize(t *testing.T) {
	x, importance := sampleRows(256, peerSeed(t))
	host, inside := testkit.PeerDir(t)
	if err := os.WriteFile(host+"/importance", raw(importance), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range quantizable {
		f, _ := q.typ.Format()
		for _, qw := range [][]float32{nil, importance} {
			name := f.Name
			args := []string{"quantize", fmt.Sprint(uint32(q.typ)), fmt.Sprint(sampleRow)}
			if qw != nil {
				name += "/importance"
				args = append(args, inside+"/importance")
			}
			t.Run(name, func(t *testing.T) {
				cmd := testkit.Peer(t, "hpllm-peer-quants", args...)
				var stderr bytes.Buffer
				cmd.Stdin, cmd.Stderr = bytes.NewReader(raw(x)), &stderr
				want, err := cmd.Output()
				if err != nil {
					t.Fatalf("%v: %s", err, &stderr)
				}
				start := time.Now()
				got := quantizeRows(f, x, qw)
				took := time.Since(start)
				if len(got) != len(want) {
					t.Fatalf("%d bytes, want %d", len(got), len(want))
				}
				same := 0
				for i := range got {
					if got[i] == want[i] {
						same++
					}
				}
				ours, theirs := rmse(f, got, x, qw), rmse(f, want, x, qw)
				t.Logf("RMSE %.4g, ggml's %.4g: x%.4f; %.2f %% of the bytes equal; %.1f ns a weight", ours, theirs, ours/theirs,
					100*float64(same)/float64(len(got)), float64(took)/float64(len(x)))
				if q.exact && qw == nil && same != len(got) {
					t.Errorf("%d of %d bytes differ", len(got)-same, len(got))
				}
				if !(ours <= 1.01*theirs) {
					t.Errorf("RMSE is %g, ggml's is %g: x%.4f", ours, theirs, ours/theirs)
				}
			})
		}
	}
}

func raw(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// TestQuantizeSame: the bytes do not depend on the platform.
func TestQuantizeSame(t *testing.T) {
	x, importance := sampleRows(24, 1)
	for _, q := range quantizable {
		f, _ := q.typ.Format()
		h := fnv.New64a()
		h.Write(quantizeRows(f, x, nil))
		h.Write(quantizeRows(f, x, importance))
		if got := h.Sum64(); got != q.hash {
			t.Errorf("%s: %#x, want %#x", f.Name, got, q.hash)
		}
	}
}

// TestQuantizeExtremes: numbers of any finite size, and no panic.
func TestQuantizeExtremes(t *testing.T) {
	for _, q := range quantizable {
		f, _ := q.typ.Format()
		for _, v := range []float32{0, math.SmallestNonzeroFloat32, 1e-30, 1e-20, 1e-7, 65504, 1e10, 1e30, math.MaxFloat32} {
			for _, w := range [][]float32{nil, make([]float32, 256)} {
				for i := range w {
					w[i] = float32(i%3) * v
				}
				x := make([]float32, 256)
				for i := range x {
					x[i] = v * float32(1-i%3)
				}
				size, _ := f.RowBytes(256)
				f.QuantizeRow(make([]byte, size), x, w)
			}
		}
	}
}

// BenchmarkQuantize prints the time of a weight.
func BenchmarkQuantize(b *testing.B) {
	x, importance := sampleRows(32, 1)
	for _, q := range quantizable {
		f, _ := q.typ.Format()
		for _, qw := range [][]float32{nil, importance} {
			b.Run(fmt.Sprintf("%s/%v", f.Name, qw != nil), func(b *testing.B) {
				for b.Loop() {
					quantizeRows(f, x, qw)
				}
				b.ReportMetric(float64(b.Elapsed())/float64(b.N*len(x)), "ns/weight")
			})
		}
	}
}
