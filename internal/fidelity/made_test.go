package fidelity

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// maker writes a tiny random model with a vocabulary of 128 like those of
// test-llama-archs. A tensor's numbers depend on the seed and its name only.
type maker struct {
	t    *testing.T
	arch string
	seed string
	w    *gguf.Writer
}

const madeVocab = 128

// newMaker begins a model with layers of the given width.
func newMaker(t *testing.T, arch, seed string, layers, embd, ffn, heads, kvHeads int) *maker {
	return newMakerOf(t, arch, seed, madeVocab, layers, embd, ffn, heads, kvHeads)
}

// newMakerOf is newMaker for a vocabulary of another size.
func newMakerOf(t *testing.T, arch, seed string, vocab, layers, embd, ffn, heads, kvHeads int) *maker {
	m := &maker{t: t, arch: arch, seed: seed, w: gguf.NewWriter()}
	m.w.SetText("general.architecture", arch)
	m.uint("context_length", 256)
	m.uint("vocab_size", vocab)
	m.uint("block_count", layers)
	m.uint("embedding_length", embd)
	m.uint("feed_forward_length", ffn)
	m.uint("attention.head_count", heads)
	m.uint("attention.head_count_kv", kvHeads)
	m.float("attention.layer_norm_rms_epsilon", 1e-5)
	m.float("rope.freq_base", 10000)
	var tokens []string
	for i := range vocab {
		tokens = append(tokens, "tok_"+strconv.Itoa(i))
	}
	m.w.SetText("tokenizer.ggml.model", "test")
	m.w.SetTexts("tokenizer.ggml.tokens", tokens)
	gguf.SetNumbers(m.w, "tokenizer.ggml.scores", make([]float32, vocab))
	m.tensor("token_embd.weight", embd, vocab)
	m.tensor("output_norm.weight", embd)
	return m
}

func (m *maker) uint(key string, v int)      { m.w.SetUint32(m.arch+"."+key, uint32(v)) }
func (m *maker) float(key string, v float32) { m.w.SetFloat32(m.arch+"."+key, v) }

func (m *maker) uints(key string, v ...uint32) { gguf.SetNumbers(m.w, m.arch+"."+key, v) }

// tensor adds a tensor of F32 of the given shape, columns first: norms about 1,
// the rest with a spread of a tenth.
func (m *maker) tensor(name string, shape ...int) {
	hash := fnv.New64a()
	hash.Write([]byte(m.seed + " " + name))
	random := rand.New(rand.NewPCG(1, hash.Sum64()))
	n := 1
	for _, d := range shape {
		n *= d
	}
	data := make([]byte, 4*n)
	for i := range n {
		v := random.NormFloat64()/10 + madeMean(name)
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(v)))
	}
	m.w.AddTensorBytes(name, quant.F32, shape, data)
}

// madeMean is what a tensor's numbers are about. Norms of queries, keys and
// branches are small: where scores have no other scale, large ones make attention
// a choice of one position, and many layers of large branches make another model
// of the last bits of llama.cpp's GELU, which comes from a table of float16.
func madeMean(name string) float64 {
	switch {
	case strings.Contains(name, "_q_norm"), strings.Contains(name, "_k_norm"), strings.Contains(name, "post_"):
		return 0.3
	case strings.Contains(name, "norm"), strings.Contains(name, "_scale"), strings.HasSuffix(name, ".scale"):
		return 1
	}
	return 0
}

// layer adds tensors of a layer: pairs of a name without ".weight" and a shape.
func (m *maker) layer(i int, tensors map[string][]int) {
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		m.tensor("blk."+strconv.Itoa(i)+"."+name+".weight", tensors[name]...)
	}
}

// create writes the file.
func (m *maker) create(path string) {
	m.t.Helper()
	if err := m.w.Create(path); err != nil {
		m.t.Fatal(err)
	}
}

func init() {
	made["apertus"] = func(t *testing.T, path, seed string) {
		const layers, embd, ffn, heads, kv, head = 2, 64, 96, 4, 2, 16
		m := newMaker(t, "apertus", seed, layers, embd, ffn, heads, kv)
		m.uint("rope.dimension_count", head)
		gguf.SetNumbers(m.w, "xielu.alpha_n", []float32{0.7, -0.4})
		gguf.SetNumbers(m.w, "xielu.alpha_p", []float32{1.2, 0.3})
		gguf.SetNumbers(m.w, "xielu.beta", []float32{0.5, 0.6})
		m.w.SetFloat32("xielu.eps", -1e-6)
		m.tensor("output.weight", embd, madeVocab)
		m.tensor("rope_freqs.weight", head/2)
		for i := range layers {
			m.layer(i, map[string][]int{
				"attn_norm": {embd}, "ffn_norm": {embd}, "attn_q_norm": {head}, "attn_k_norm": {head},
				"attn_q": {embd, heads * head}, "attn_k": {embd, kv * head}, "attn_v": {embd, kv * head},
				"attn_output": {heads * head, embd}, "ffn_up": {embd, ffn}, "ffn_down": {ffn, embd},
			})
		}
		m.create(path)
	}
}
