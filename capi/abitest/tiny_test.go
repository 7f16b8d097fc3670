package abitest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

const tinyVocab = 258

// tinyModel writes a random llama whose tokens are the 256 bytes and two control
// tokens, and returns its path. Wider ones are slower.
func tinyModel(t testing.TB, embd int) string {
	t.Helper()
	const layers = 2
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("general.name", "tiny")
	for key, v := range map[string]int{
		"block_count": layers, "context_length": 4096, "embedding_length": embd, "feed_forward_length": 2 * embd,
		"attention.head_count": embd / 32, "attention.head_count_kv": embd / 64,
	} {
		w.SetUint32("llama."+key, uint32(v))
	}
	w.SetFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	tokens, types := make([]string, tinyVocab), make([]int32, tinyVocab)
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad { // GPT-2 gives these a letter above 255
			r, next = next, next+1
		}
		tokens[b], types[b] = string(r), 1
	}
	tokens[256], types[256] = "<|im_end|>", 3
	tokens[257], types[257] = "<|im_start|>", 3
	w.SetText("tokenizer.ggml.model", "gpt2")
	w.SetText("tokenizer.ggml.pre", "gpt-2")
	w.SetTexts("tokenizer.ggml.tokens", tokens)
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", types)
	w.SetTexts("tokenizer.ggml.merges", nil)
	w.SetUint32("tokenizer.ggml.eos_token_id", 256)
	random := rand.New(rand.NewPCG(1, uint64(embd)))
	add := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]byte, 0, 4*n)
		for range n {
			v := float32(random.NormFloat64() / math.Sqrt(float64(shape[0])))
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		w.AddTensorBytes(name, quant.F32, shape, data)
	}
	add("token_embd.weight", embd, tinyVocab)
	add("output_norm.weight", embd)
	for i := range layers {
		p := fmt.Sprintf("blk.%d.", i)
		add(p+"attn_norm.weight", embd)
		add(p+"ffn_norm.weight", embd)
		add(p+"attn_q.weight", embd, embd)
		add(p+"attn_k.weight", embd, embd/2)
		add(p+"attn_v.weight", embd, embd/2)
		add(p+"attn_output.weight", embd, embd)
		add(p+"ffn_gate.weight", embd, 2*embd)
		add(p+"ffn_up.weight", embd, 2*embd)
		add(p+"ffn_down.weight", 2*embd, embd)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}
