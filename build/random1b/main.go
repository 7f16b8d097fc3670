// Command random1b writes a GGUF with Llama 3.2 1B's shape or another, random F16
// weights and another file's vocabulary: for speed and memory, not for text.
//
//	go run ./build/random1b [-layers N] [-embd N] [-ffn N] [-heads N] VOCABULARY.gguf OUT.gguf
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// The shape; by default Llama 3.2 1B's, but for the vocabulary. A quarter of the
// heads have keys and values.
var (
	layers = flag.Int("layers", 16, "layers")
	embd   = flag.Int("embd", 2048, "width")
	ffn    = flag.Int("ffn", 8192, "width between")
	heads  = flag.Int("heads", 32, "heads, a multiple of 4 that divides the width")
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: random1b [-layers N] [-embd N] [-ffn N] [-heads N] VOCABULARY.gguf OUT.gguf")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 || *layers < 1 || *heads < 4 || *heads%4 != 0 || *embd%*heads != 0 || *ffn < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(flag.Arg(0), flag.Arg(1), *layers, *embd, *ffn, *heads); err != nil {
		fmt.Fprintln(os.Stderr, "random1b:", err)
		os.Exit(1)
	}
}

func write(from, to string, layers, embd, ffn, heads int) error {
	kvHeads, head := heads/4, embd/heads
	src, err := gguf.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("general.name", "random")
	w.SetUint32("general.file_type", 1) // mostly F16
	for _, kv := range []struct {
		key   string
		value int
	}{
		{"block_count", layers}, {"context_length", 8192}, {"embedding_length", embd}, {"feed_forward_length", ffn},
		{"attention.head_count", heads}, {"attention.head_count_kv", kvHeads}, {"rope.dimension_count", head},
	} {
		w.SetUint32("llama."+kv.key, uint32(kv.value))
	}
	w.SetFloat32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	w.SetFloat32("llama.rope.freq_base", 500000)
	for _, key := range src.Keys() {
		if v, ok := src.Value(key); ok && strings.HasPrefix(key, "tokenizer.") {
			if err := w.SetValue(key, v); err != nil {
				return err
			}
		}
	}
	embedding, ok := src.Tensor("token_embd.weight")
	if !ok || len(embedding.Shape) != 2 {
		return errors.New(from + ": no token_embd.weight")
	}

	random := rand.New(rand.NewPCG(1, 1))
	matrix := func(name string, in, out int) {
		w.AddTensor(name, quant.F16, []int{in, out}, func(to io.Writer) error {
			b := bufio.NewWriterSize(to, 1<<20)
			scale := 1 / math.Sqrt(float64(in))
			for range in * out {
				var half [2]byte
				binary.LittleEndian.PutUint16(half[:], quant.F32ToF16(float32(random.NormFloat64()*scale)))
				if _, err := b.Write(half[:]); err != nil {
					return err
				}
			}
			return b.Flush()
		})
	}
	ones := func(name string) {
		data := make([]byte, 4*embd)
		for i := range embd {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(1))
		}
		w.AddTensorBytes(name, quant.F32, []int{embd}, data)
	}
	matrix("token_embd.weight", embd, embedding.Shape[1])
	ones("output_norm.weight")
	for i := range layers {
		p := fmt.Sprintf("blk.%d.", i)
		ones(p + "attn_norm.weight")
		ones(p + "ffn_norm.weight")
		matrix(p+"attn_q.weight", embd, heads*head)
		matrix(p+"attn_k.weight", embd, kvHeads*head)
		matrix(p+"attn_v.weight", embd, kvHeads*head)
		matrix(p+"attn_output.weight", heads*head, embd)
		matrix(p+"ffn_gate.weight", embd, ffn)
		matrix(p+"ffn_up.weight", embd, ffn)
		matrix(p+"ffn_down.weight", ffn, embd)
	}
	return w.Create(to)
}
