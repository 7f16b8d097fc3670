package model

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// What only files of our own converter say, beyond what llama.cpp reads.

func TestStatedWindows(t *testing.T) {
	const pattern, size = "llama.attention.sliding_window_pattern", "llama.attention.sliding_window"
	for _, c := range []struct {
		name string
		keys map[string]any
		want string
	}{
		{"nothing", nil, "[0 0]"},
		{"a size, as llama.cpp's script writes it for Phi 3", map[string]any{size: uint32(16)}, "[0 0]"},
		{"a size and a period", map[string]any{size: uint32(16), pattern: uint32(2)}, "[0 0]"},
		{"the second layer", map[string]any{size: uint32(16), pattern: []uint32{0, 1}}, "[0 16]"},
	} {
		b := testBuilder(t, c.keys)
		if got := fmt.Sprint(b.statedWindows()); got != c.want || b.err != nil {
			t.Errorf("%s: windows %s, error %v; want %s", c.name, got, b.err, c.want)
		}
	}
	for says, keys := range map[string]map[string]any{
		"sliding_window_pattern has 1 entries": {size: uint32(16), pattern: []uint32{1}},
		"sliding_window":                       {pattern: []uint32{1, 1}},
	} {
		b := testBuilder(t, keys)
		if b.statedWindows(); b.err == nil || !strings.Contains(b.err.Error(), says) {
			t.Errorf("error %v, want one that says %q", b.err, says)
		}
	}
}

func TestUnroundedYaRN(t *testing.T) {
	keys := map[string]any{
		"llama.rope.scaling.type":                    "yarn",
		"llama.rope.scaling.factor":                  float32(4),
		"llama.rope.scaling.original_context_length": uint32(4096),
	}
	rounded := testBuilder(t, keys).rope(ropeParams{dim: 32, base: 10000})
	keys["llama.rope.scaling.yarn_truncate"] = false
	b := testBuilder(t, keys)
	r := b.rope(ropeParams{dim: 32, base: 10000})
	if b.err != nil {
		t.Fatal(b.err)
	}
	if float64(rounded.low) != math.Floor(float64(r.low)) || float64(rounded.high) != math.Ceil(float64(r.high)) || r.low == rounded.low || r.high == rounded.high {
		t.Errorf("the range is %g to %g, rounded %g to %g", r.low, r.high, rounded.low, rounded.high)
	}
}

func TestSharedFrom(t *testing.T) {
	b := testBuilder(t, nil)
	windowed := []bool{true, false, true, true, true, false}
	for layer, want := range []int{-1, -1, -1, -1, 3, 1} {
		if b.layer = layer; b.sharedFrom(4, windowed) != want {
			t.Errorf("layer %d reads the keys of layer %d, want %d", layer, b.sharedFrom(4, windowed), want)
		}
	}
	b.layer = 5
	if b.sharedFrom(1, windowed); b.err == nil || !strings.Contains(b.err.Error(), "layer 5 shares") {
		t.Errorf("error %v", b.err)
	}
}

func TestSparseDeviations(t *testing.T) {
	low := float32(math.Inf(-1))
	b := testBuilder(t, map[string]any{"llama.activation_sparsity_scale": []float32{1.25, low}})
	if got := fmt.Sprint(b.sparseDeviations()); got != fmt.Sprint([]float32{1.25, low}) {
		t.Errorf("deviations %s", got)
	}
	b = testBuilder(t, nil)
	b.m.Layers = 12
	if list := b.sparseDeviations(); list[9] != 1.6448534 || list[10] != low {
		t.Errorf("without the key: %v", list)
	}
}
