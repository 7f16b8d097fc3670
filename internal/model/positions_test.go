package model

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// tinyGPT2 has one layer, two heads, 12 positions and 40 tokens.
func tinyGPT2() *tiny {
	f := &tiny{
		keys: map[string]any{
			"general.architecture":              "gpt2",
			"gpt2.block_count":                  uint32(1),
			"gpt2.context_length":               uint32(12),
			"gpt2.embedding_length":             uint32(64),
			"gpt2.feed_forward_length":          uint32(96),
			"gpt2.attention.head_count":         uint32(2),
			"gpt2.attention.layer_norm_epsilon": float32(1e-5),
		},
		shapes: map[string][]int{"token_embd.weight": {64, 40}, "position_embd.weight": {64, 12}},
		types:  map[string]quant.Type{},
	}
	for _, n := range []string{"output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"} {
		f.shapes[n+".weight"], f.shapes[n+".bias"] = []int{64}, []int{64}
	}
	f.shapes["blk.0.attn_qkv.weight"], f.shapes["blk.0.attn_qkv.bias"] = []int{64, 192}, []int{192}
	f.shapes["blk.0.attn_output.weight"], f.shapes["blk.0.attn_output.bias"] = []int{64, 64}, []int{64}
	f.shapes["blk.0.ffn_up.weight"], f.shapes["blk.0.ffn_up.bias"] = []int{64, 96}, []int{96}
	f.shapes["blk.0.ffn_down.weight"], f.shapes["blk.0.ffn_down.bias"] = []int{96, 64}, []int{64}
	return f
}

func TestLearnedPositions(t *testing.T) {
	f := tinyGPT2()
	m, err := Load(f.write(t))
	if err != nil {
		t.Fatal(err)
	}
	ids := []int32{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}
	all := logitsOf(t, m, ids, 2, len(ids))
	if !slices.Equal(all, logitsOf(t, m, ids, 1, 5)) {
		t.Error("logits depend on threads or chunks")
	}
	if slices.Equal(all[:40], all[40:80]) {
		t.Error("the same token has the same logits at two positions: positions do not matter")
	}
	team := parallel.New(1)
	defer team.Close()
	cache, err := kvcache.New(quant.F16, 20, m.CacheShape())
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewState(20, 1)
	if err := s.Forward(team, nil, cache, append(ids, 3), nil); !errors.Is(err, kvcache.ErrFull) {
		t.Errorf("13 tokens with 12 positions: %v, want ErrFull", err)
	}
	if err := s.Forward(team, nil, cache, ids, nil); err != nil {
		t.Error(err)
	}
	if err := s.Forward(team, nil, cache, ids[:1], nil); !errors.Is(err, kvcache.ErrFull) {
		t.Errorf("a 13th token with 12 positions: %v, want ErrFull", err)
	}
}

func TestLearnedPositionsThatAreMissing(t *testing.T) {
	for name, edit := range map[string]func(f *tiny){
		"no tensor":       func(f *tiny) { delete(f.shapes, "position_embd.weight") },
		"another length":  func(f *tiny) { f.shapes["position_embd.weight"] = []int{64, 8} },
		"unknown context": func(f *tiny) { delete(f.keys, "gpt2.context_length") },
	} {
		f := tinyGPT2()
		edit(f)
		if _, err := Load(f.write(t)); !errors.Is(err, ErrModel) {
			t.Errorf("%s: %v, want ErrModel", name, err)
		}
	}
}

func TestSections(t *testing.T) {
	for _, c := range []struct {
		sections    []uint32
		interleaved bool
		still       []int
	}{
		{[]uint32{2, 3, 3, 0}, false, nil},
		{[]uint32{2, 2, 2, 2}, false, []int{6, 7}},
		{[]uint32{1, 1, 1, 1}, false, []int{3, 7}},
		{[]uint32{8, 8, 8, 8}, false, nil},
		{[]uint32{3, 3, 2}, true, nil},
		{[]uint32{4, 2, 2}, true, []int{7}},
	} {
		b := testBuilder(t, map[string]any{"llama.rope.dimension_sections": c.sections})
		o := b.withSections(ropeParams{dim: 16}, c.interleaved)
		if b.err != nil {
			t.Fatal(b.err)
		}
		var still []int
		for i, s := range o.still {
			if s {
				still = append(still, i)
			}
		}
		if !slices.Equal(still, c.still) {
			t.Errorf("sections %v, interleaved %v: pairs %v stand still, want %v", c.sections, c.interleaved, still, c.still)
		}
	}
	for _, bad := range []any{[]uint32{0, 0, 0, 0}, uint32(4), "4"} {
		b := testBuilder(t, map[string]any{"llama.rope.dimension_sections": bad})
		if b.withSections(ropeParams{dim: 16}, false); b.err == nil {
			t.Errorf("sections %v were accepted", bad)
		}
	}
	b := testBuilder(t, nil)
	if b.withSections(ropeParams{dim: 16}, false); b.err == nil {
		t.Error("missing sections were accepted")
	}
}

func TestFactorsFromFile(t *testing.T) {
	f := tinyLlama()
	f.shapes["rope_factors_long.weight"], f.shapes["rope_factors_short.weight"] = []int{8}, []int{8}
	f.keys["llama.rope.scaling.original_context_length"] = uint32(64)
	f.keys["llama.rope.scaling.type"] = "longrope"
	b := &builder{file: f.write(t), m: &Model{Arch: "llama"}}
	b.common()
	r := b.rope(b.withFactors(ropeParams{dim: 16, base: 10000}))
	if b.err != nil {
		t.Fatal(b.err)
	}
	if len(r.factors) != 8 || len(r.long) != 8 || r.original != 64 {
		t.Errorf("factors %v, long %v beyond %d", r.factors, r.long, r.original)
	}
	if b.withFactors(ropeParams{dim: 32}); b.err == nil {
		t.Error("factors of another length were accepted")
	}
}

func TestLoopsAreBounded(t *testing.T) {
	f := tinyLlama()
	f.keys = renamed(f.keys, "nanbeige")
	f.keys["nanbeige.num_loops"] = uint32(3)
	m, err := Load(f.write(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(m.CacheShape()); got != 6 {
		t.Errorf("two layers three times keep %d layers' keys, want 6", got)
	}
	f.keys["nanbeige.num_loops"] = uint32(1 << 30)
	if _, err := Load(f.write(t)); !errors.Is(err, ErrModel) {
		t.Errorf("2^30 loops: %v, want ErrModel", err)
	}
}

// renamed are a llama's keys as those of another architecture.
func renamed(keys map[string]any, arch string) map[string]any {
	out := map[string]any{}
	for k, v := range keys {
		if k == "general.architecture" {
			out[k] = arch
			continue
		}
		out[fmt.Sprint(arch, k[len("llama"):])] = v
	}
	return out
}
