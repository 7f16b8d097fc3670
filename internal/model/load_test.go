package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// tiny is a model file in the making: keys, and the shapes of F32 tensors.
type tiny struct {
	keys   map[string]any
	shapes map[string][]int
	types  map[string]quant.Type // those that are not F32; their data is zero
}

// tinyLlama has two layers, two heads over one KV head, and 96 tokens.
func tinyLlama() *tiny {
	f := &tiny{
		keys: map[string]any{
			"general.architecture":                   "llama",
			"llama.block_count":                      uint32(2),
			"llama.context_length":                   uint32(128),
			"llama.embedding_length":                 uint32(64),
			"llama.feed_forward_length":              uint32(160),
			"llama.attention.head_count":             uint32(2),
			"llama.attention.head_count_kv":          uint32(1),
			"llama.attention.layer_norm_rms_epsilon": float32(1e-5),
		},
		shapes: map[string][]int{"token_embd.weight": {64, 96}, "output_norm.weight": {64}},
		types:  map[string]quant.Type{},
	}
	for i := range 2 {
		p := fmt.Sprintf("blk.%d.", i)
		f.shapes[p+"attn_norm.weight"], f.shapes[p+"ffn_norm.weight"] = []int{64}, []int{64}
		f.shapes[p+"attn_q.weight"], f.shapes[p+"attn_output.weight"] = []int{64, 64}, []int{64, 64}
		f.shapes[p+"attn_k.weight"], f.shapes[p+"attn_v.weight"] = []int{64, 32}, []int{64, 32}
		f.shapes[p+"ffn_gate.weight"], f.shapes[p+"ffn_up.weight"] = []int{64, 160}, []int{64, 160}
		f.shapes[p+"ffn_down.weight"] = []int{160, 64}
	}
	return f
}

// write makes the file, with random numbers that depend on the tensors' names only.
func (f *tiny) write(t *testing.T) *gguf.File {
	t.Helper()
	w := gguf.NewWriter()
	for k, v := range f.keys {
		switch v := v.(type) {
		case string:
			w.SetText(k, v)
		case uint32:
			w.SetUint32(k, v)
		case float32:
			w.SetFloat32(k, v)
		case bool:
			w.SetBool(k, v)
		case []uint32:
			gguf.SetNumbers(w, k, v)
		case []float32:
			gguf.SetNumbers(w, k, v)
		default:
			t.Fatalf("key %s: %T", k, v)
		}
	}
	for name, shape := range f.shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		if typ, ok := f.types[name]; ok {
			format, _ := typ.Format()
			w.AddTensorBytes(name, typ, shape, make([]byte, n/format.BlockElems*format.BlockBytes))
			continue
		}
		r := rand.New(rand.NewPCG(7, uint64(len(name))))
		data := make([]byte, 4*n)
		for i := range n {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(r.NormFloat64()/8)))
		}
		w.AddTensorBytes(name, quant.F32, shape, data)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	file, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// testBuilder is a builder for a llama file with the given keys.
func testBuilder(t *testing.T, keys map[string]any) *builder {
	t.Helper()
	f := tinyLlama()
	for k, v := range keys {
		f.keys[k] = v
	}
	b := &builder{file: f.write(t), m: &Model{Arch: "llama"}}
	if b.common(); b.err != nil {
		t.Fatal(b.err)
	}
	return b
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(f *tiny)
		kind error
		says []string
	}{
		{"unknown architecture", func(f *tiny) { f.keys["general.architecture"] = "gpt9" }, ErrUnsupported, []string{"gpt9", "llama"}},
		{"an encoder", func(f *tiny) { f.keys["general.architecture"] = "bert" }, ErrUnsupported, []string{"bert", "an encoder for embeddings"}},
		{"no architecture", func(f *tiny) { delete(f.keys, "general.architecture") }, gguf.ErrNotFound, []string{"general.architecture"}},
		{"missing key", func(f *tiny) { delete(f.keys, "llama.block_count") }, gguf.ErrNotFound, []string{"llama.block_count"}},
		{"key of another type", func(f *tiny) { f.keys["llama.block_count"] = "two" }, gguf.ErrType, []string{"llama.block_count"}},
		{"no layers", func(f *tiny) { f.keys["llama.block_count"] = uint32(0) }, ErrModel, []string{"llama.block_count"}},
		{"layers without end", func(f *tiny) { f.keys["llama.block_count"] = uint32(1 << 30) }, ErrModel, []string{"llama.block_count", "1073741824"}},
		{"heads that do not divide", func(f *tiny) {
			f.keys["llama.attention.head_count"], f.keys["llama.attention.head_count_kv"] = uint32(3), uint32(2)
		}, ErrModel, []string{"3 heads over 2"}},
		{"no heads", func(f *tiny) { f.keys["llama.attention.head_count"] = uint32(0) }, ErrModel, []string{"0 heads"}},
		{"too few per layer", func(f *tiny) { f.keys["llama.feed_forward_length"] = []uint32{160} }, ErrModel, []string{"llama.feed_forward_length", "1 entries"}},
		{"missing tensor", func(f *tiny) { delete(f.shapes, "blk.1.attn_q.weight") }, ErrModel, []string{`"blk.1.attn_q.weight" is missing`}},
		{"missing embedding", func(f *tiny) { delete(f.shapes, "token_embd.weight") }, ErrModel, []string{`"token_embd.weight" is missing`}},
		{"wrong shape", func(f *tiny) { f.shapes["blk.0.ffn_down.weight"] = []int{64, 160} }, ErrModel, []string{"blk.0.ffn_down.weight", "[64 160]", "[160 64]"}},
		{"vector of wrong length", func(f *tiny) { f.shapes["blk.1.ffn_norm.weight"] = []int{32} }, ErrModel, []string{"blk.1.ffn_norm.weight"}},
		{"type without kernels", func(f *tiny) {
			f.types["blk.0.attn_v.weight"] = quant.F64
		}, ErrUnsupported, []string{"blk.0.attn_v.weight", "F64"}},
		{"unknown rope scaling", func(f *tiny) { f.keys["llama.rope.scaling.type"] = "spiral" }, ErrUnsupported, []string{"llama.rope.scaling.type", "spiral"}},
		{"rotation of another width", func(f *tiny) { f.keys["llama.rope.dimension_count"] = uint32(16) }, ErrModel, []string{"llama.rope.dimension_count"}},
		{"more experts used than there are", func(f *tiny) {
			f.keys["llama.expert_count"], f.keys["llama.expert_used_count"] = uint32(2), uint32(3)
		}, ErrModel, []string{"3 experts used of 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := tinyLlama()
			c.edit(f)
			file := f.write(t)
			_, err := Load(file)
			if !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v", err, c.kind)
			}
			for _, part := range append(c.says, file.Path()) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestKeysOfZeroDoNotBreakALoad(t *testing.T) {
	f := tinyLlama()
	for _, k := range []string{"rope.dimension_count", "expert_count", "expert_used_count", "attention.key_length", "attention.value_length"} {
		f.keys["llama."+k] = uint32(0)
	}
	for _, k := range []string{"rope.scaling.factor", "expert_weights_scale", "attention.scale"} {
		f.keys["llama."+k] = float32(0)
	}
	if _, err := Load(f.write(t)); err != nil {
		t.Fatal(err)
	}
}

// logitsOf runs ids in passes of chunk and gives the logits of every position.
func logitsOf(t *testing.T, m *Model, ids []int32, workers, chunk int) []float32 {
	t.Helper()
	team := parallel.New(workers)
	defer team.Close()
	cache, err := kvcache.New(quant.F16, len(ids), m.CacheShape())
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewState(chunk, workers)
	var all []float32
	for len(ids) > 0 {
		n := min(chunk, len(ids))
		if err := s.Forward(team, nil, cache, ids[:n], nil); err != nil {
			t.Fatal(err)
		}
		out := make([]float32, n*m.Vocab)
		if err := s.Logits(team, nil, 0, n, out); err != nil {
			t.Fatal(err)
		}
		all, ids = append(all, out...), ids[n:]
	}
	return all
}

func TestSameLogitsForAnyThreadsAndChunks(t *testing.T) {
	for name, f := range map[string]*tiny{"F32": tinyLlama(), "experts": withExperts(tinyLlama())} {
		m, err := Load(f.write(t))
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]int32, 70)
		for i := range ids {
			ids[i] = int32(i * 29 % m.Vocab)
		}
		want := logitsOf(t, m, ids, 1, len(ids))
		for _, way := range []struct{ workers, chunk int }{{2, 70}, {3, 70}, {1, 1}, {2, 1}, {3, 7}, {2, 64}} {
			for i, v := range logitsOf(t, m, ids, way.workers, way.chunk) {
				if math.Float32bits(v) != math.Float32bits(want[i]) {
					t.Fatalf("%s, %d workers, chunks of %d: logit %d is %v, was %v", name, way.workers, way.chunk, i, v, want[i])
				}
			}
		}
	}
}

func withExperts(f *tiny) *tiny {
	f.keys["llama.expert_count"], f.keys["llama.expert_used_count"] = uint32(4), uint32(2)
	for i := range 2 {
		p := fmt.Sprintf("blk.%d.", i)
		f.shapes[p+"ffn_gate_inp.weight"] = []int{64, 4}
		f.shapes[p+"ffn_gate_exps.weight"], f.shapes[p+"ffn_up_exps.weight"] = []int{64, 160, 4}, []int{64, 160, 4}
		f.shapes[p+"ffn_down_exps.weight"] = []int{160, 64, 4}
	}
	return f
}

func TestForwardAllocatesNothing(t *testing.T) {
	for name, f := range map[string]*tiny{"dense": tinyLlama(), "experts": withExperts(tinyLlama())} {
		m, err := Load(f.write(t))
		if err != nil {
			t.Fatal(err)
		}
		team := parallel.New(2)
		defer team.Close()
		cache, err := kvcache.New(quant.F16, 1000, m.CacheShape())
		if err != nil {
			t.Fatal(err)
		}
		s := m.NewState(8, 2)
		ids, logits := []int32{5}, make([]float32, m.Vocab)
		if n := testing.AllocsPerRun(100, func() {
			if err := s.Forward(team, nil, cache, ids, logits); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations per decoded token, want 0 (kernels: %s)", name, n, kernels.Current())
		}
	}
}

func TestForwardRefusesBadTokens(t *testing.T) {
	m, err := Load(tinyLlama().write(t))
	if err != nil {
		t.Fatal(err)
	}
	team := parallel.New(1)
	defer team.Close()
	cache, err := kvcache.New(quant.F16, 4, m.CacheShape())
	if err != nil {
		t.Fatal(err)
	}
	s := m.NewState(8, 1)
	for _, ids := range [][]int32{nil, {-1}, {0, 96}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8}} {
		if err := s.Forward(team, nil, cache, ids, nil); err == nil {
			t.Errorf("tokens %v were accepted", ids)
		}
		if cache.Len() != 0 {
			t.Fatalf("tokens %v left %d in the cache", ids, cache.Len())
		}
	}
}
