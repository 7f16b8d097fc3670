package infer

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/sample"
)

const (
	tinyVocab = 260
	tinyEnd   = 256 // <|im_end|>
	tinyStart = 257 // <|im_start|>
)

// tinyModel writes a small random llama with a byte-level vocabulary, every byte
// a token, and returns its path. wide makes it slow enough to be stopped.
func tinyModel(t testing.TB, wide bool) string {
	t.Helper()
	embd, ffn, layers := 64, 128, 2
	if wide {
		embd, ffn, layers = 256, 512, 4
	}
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("general.name", "tiny")
	for k, v := range map[string]int{
		"block_count": layers, "context_length": 4096, "embedding_length": embd, "feed_forward_length": ffn,
		"attention.head_count": embd / 32, "attention.head_count_kv": embd / 64,
	} {
		w.SetUint32("llama."+k, uint32(v))
	}
	w.SetFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	tokens, types := make([]string, tinyVocab), make([]int32, tinyVocab)
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		// GPT-2's alphabet: printable bytes stand for themselves.
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r, next = next, next+1
		}
		tokens[b], types[b] = string(r), 1
	}
	for i, s := range []string{"<|im_end|>", "<|im_start|>", "<a>", "<b>"} {
		tokens[256+i], types[256+i] = s, 3
	}
	w.SetText("tokenizer.ggml.model", "gpt2")
	w.SetText("tokenizer.ggml.pre", "gpt-2")
	w.SetTexts("tokenizer.ggml.tokens", tokens)
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", types)
	w.SetTexts("tokenizer.ggml.merges", nil)
	w.SetUint32("tokenizer.ggml.eos_token_id", tinyEnd)
	add := tensors(w)
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
		add(p+"ffn_gate.weight", embd, ffn)
		add(p+"ffn_up.weight", embd, ffn)
		add(p+"ffn_down.weight", ffn, embd)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, path string, threads int) *Engine {
	t.Helper()
	e, err := Load(path, Options{Threads: threads, Oversubscribe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func session(t testing.TB, e *Engine, o SessionOptions) *Session {
	t.Helper()
	s, err := e.NewSession(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// someIDs are n tokens without meaning.
func someIDs(n int) []int32 {
	ids := make([]int32, n)
	for i := range ids {
		ids[i] = int32(i * 37 % 256)
	}
	return ids
}

// answerOf generates and returns the ids and the text.
func answerOf(t testing.TB, s *Session, r Request) (ids []int32, text string, f Finish) {
	t.Helper()
	f, err := s.Generate(r, func(e Event) error {
		if e.ID >= 0 {
			ids = append(ids, e.ID)
		}
		text += e.Text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, text, f
}

func greedy(n int, prompt []int32) Request {
	return Request{Prompt: prompt, MaxTokens: n, Sampling: sample.Greedy(), IgnoreEOS: true}
}

// tensors gives a function that adds random F32 tensors to a file, of a size that
// keeps sums over the columns near 1. The same calls give the same numbers.
func tensors(w *gguf.Writer) func(name string, shape ...int) {
	r := rand.New(rand.NewPCG(1, 1))
	return func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]byte, 4*n)
		for i := range n {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(float32(r.NormFloat64()/math.Sqrt(float64(shape[0])))))
		}
		w.AddTensorBytes(name, quant.F32, shape, data)
	}
}
