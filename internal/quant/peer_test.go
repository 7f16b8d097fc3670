package quant

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"happyphonellm/internal/testkit"
)

// TestPeerDequantize compares every type with ggml's own conversion, on blocks
// of random bytes: any number, infinities too.
func TestPeerDequantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range formats {
		if f.Dequantize == nil || f.Type == F32 {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			const rows, cols = 64, 512
			rowBytes, _ := f.RowBytes(cols)
			blocks := make([]byte, rows*rowBytes)
			for i := range blocks {
				blocks[i] = byte(rng.Uint32())
			}
			cmd := testkit.Peer(t, "hpllm-peer-quants", "dequantize", fmt.Sprint(uint32(f.Type)), fmt.Sprint(cols))
			var stderr bytes.Buffer
			cmd.Stdin, cmd.Stderr = bytes.NewReader(blocks), &stderr
			want, err := cmd.Output()
			if err != nil || len(want) != 4*rows*cols {
				t.Fatalf("%d bytes, %v: %s", len(want), err, &stderr)
			}
			got := make([]float32, rows*cols)
			f.Dequantize(got, blocks)
			for i, v := range got {
				w := math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:]))
				if math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
					t.Fatalf("element %d: %v, want %v", i, v, w)
				}
			}
		})
	}
}
