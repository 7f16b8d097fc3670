package testkit

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Llama is a Hugging Face checkpoint of random weights in BF16, without a
// tokenizer, of any size.
type Llama struct {
	Vocab, Embd, FF, Layers, Heads, KV int
	// Norm is what the elements of norms are; 0: 1.
	Norm float32
}

// Tensors are its tensors' names and shapes, in the order of their data.
func (l Llama) Tensors() (names []string, shapes [][]int) {
	add := func(name string, shape ...int) {
		names, shapes = append(names, name), append(shapes, shape)
	}
	kv := l.Embd / l.Heads * l.KV
	add("model.embed_tokens.weight", l.Vocab, l.Embd)
	add("lm_head.weight", l.Vocab, l.Embd)
	add("model.norm.weight", l.Embd)
	for i := range l.Layers {
		layer := func(name string, shape ...int) { add(fmt.Sprintf("model.layers.%d.%s.weight", i, name), shape...) }
		layer("input_layernorm", l.Embd)
		layer("self_attn.q_proj", l.Embd, l.Embd)
		layer("self_attn.k_proj", kv, l.Embd)
		layer("self_attn.v_proj", kv, l.Embd)
		layer("self_attn.o_proj", l.Embd, l.Embd)
		layer("post_attention_layernorm", l.Embd)
		layer("mlp.gate_proj", l.FF, l.Embd)
		layer("mlp.up_proj", l.FF, l.Embd)
		layer("mlp.down_proj", l.Embd, l.FF)
	}
	return names, shapes
}

// Write writes config.json and model.safetensors into a new folder and returns its path.
func (l Llama) Write(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkpoint")
	if err := l.write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (l Llama) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	config, err := json.MarshalIndent(map[string]any{
		"architectures": []string{"LlamaForCausalLM"}, "model_type": "llama", "vocab_size": l.Vocab, "hidden_size": l.Embd,
		"intermediate_size": l.FF, "num_hidden_layers": l.Layers, "num_attention_heads": l.Heads, "num_key_value_heads": l.KV,
		"max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "torch_dtype": "bfloat16",
	}, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o644); err != nil {
		return err
	}
	names, shapes := l.Tensors()
	header := map[string]any{}
	offset := 0
	for i, name := range names {
		size := 2
		for _, d := range shapes[i] {
			size *= d
		}
		header[name] = map[string]any{"dtype": "BF16", "shape": shapes[i], "data_offsets": []int{offset, offset + size}}
		offset += size
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	if err := binary.Write(w, binary.LittleEndian, uint64(len(text))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for _, shape := range shapes {
		if err := l.data(w, shape); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// data writes a tensor: rows cut from a long list of random numbers, which is made
// once: a gigabyte of them would take a minute.
func (l Llama) data(w *bufio.Writer, shape []int) error {
	norm := l.Norm
	if norm == 0 {
		norm = 1
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	if len(shape) == 1 {
		for range n {
			if err := binary.Write(w, binary.LittleEndian, uint16(math.Float32bits(norm)>>16)); err != nil {
				return err
			}
		}
		return nil
	}
	scale := 1 / math.Sqrt(float64(shape[1]))
	r := rand.New(rand.NewPCG(uint64(n), uint64(shape[0])))
	noise := make([]byte, 2<<18)
	for i := 0; i < len(noise); i += 2 {
		binary.LittleEndian.PutUint16(noise[i:], uint16(math.Float32bits(float32(r.NormFloat64()*scale))>>16))
	}
	for left := 2 * n; left > 0; {
		from := 2 * r.IntN(len(noise)/4)
		part := noise[from:min(len(noise), from+left)]
		if _, err := w.Write(part); err != nil {
			return err
		}
		left -= len(part)
	}
	return nil
}
