package convert

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/quant"
)

// smallLlama is the configuration of a model with heads of 4, 2 queries for each key.
const smallLlama = `{"architectures":["LlamaForCausalLM"],"hidden_size":8,"intermediate_size":12,"num_attention_heads":2,
"num_key_value_heads":1,"num_hidden_layers":2,"vocab_size":16,"max_position_embeddings":32,"rms_norm_eps":1e-5}`

// configFolder is a folder with nothing but a configuration.
func configFolder(t *testing.T, config string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// plainLoRA is adapter_config.json's content.
func plainLoRA(more ...any) map[string]any {
	m := map[string]any{"peft_type": "LORA", "lora_alpha": 4, "r": 2, "use_dora": false, "bias": "none"}
	for i := 0; i < len(more); i += 2 {
		m[more[i].(string)] = more[i+1]
	}
	return m
}

// TestLoRA: of a model only the configuration is there. Queries are turned, values
// are not, the embedding's factors change places, and scales of modules with their
// own go into B.
func TestLoRA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a := newMadeAdapter()
	a.linear(r, "model.layers.1.self_attn.q_proj.weight", 8, 8, 2)
	a.linear(r, "model.layers.0.self_attn.v_proj.weight", 4, 8, 2)
	a.linear(r, "model.layers.0.mlp.down_proj.weight", 8, 12, 1)
	a.add(r, "base_model.model.model.embed_tokens.lora_embedding_A", 2, 16)
	a.add(r, "base_model.model.model.embed_tokens.lora_embedding_B", 8, 2)
	dir := writeAdapter(t, plainLoRA("alpha_pattern", map[string]any{"mlp.down_proj": 6}, "alora_invocation_tokens", []int{3, 5}), a.tensors, a.shapes)
	base := configFolder(t, smallLlama)
	for _, base := range []string{base, filepath.Join(base, "config.json")} {
		l, err := OpenLoRA(dir, base, LoRAOptions{Type: quant.F32, Name: "mine"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		path := filepath.Join(t.TempDir(), "a.gguf")
		if err := l.Write(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		f := open(t, path)
		keys := map[string]string{}
		for _, key := range f.Keys() {
			v, _ := f.Value(key)
			keys[key] = string(text(t, v))
		}
		for key, want := range map[string]string{
			"general.architecture": `"llama"`, "general.type": `"adapter"`, "general.name": `"mine"`, "general.file_type": "0",
			"adapter.type": `"lora"`, "adapter.lora.alpha": "4", "adapter.alora.invocation_tokens": "[3,5]",
		} {
			if keys[key] != want {
				t.Errorf("%s is %s, want %s", key, keys[key], want)
			}
		}
		b := func(module string) []float32 { return a.tensors["base_model.model.model."+module+".lora_B.weight"] }
		turned := slices.Clone(b("layers.1.self_attn.q_proj"))
		for i, from := range []int{0, 2, 1, 3, 4, 6, 5, 7} {
			copy(turned[2*i:2*i+2], b("layers.1.self_attn.q_proj")[2*from:])
		}
		scaled := slices.Clone(b("layers.0.mlp.down_proj"))
		for i := range scaled {
			scaled[i] *= 1.5
		}
		embedA := a.tensors["base_model.model.model.embed_tokens.lora_embedding_A"]
		columns := make([]float32, 0, 32)
		for i := range 16 {
			columns = append(columns, embedA[i], embedA[16+i])
		}
		want := map[string][]float32{
			"blk.1.attn_q.weight.lora_b":   turned,
			"blk.1.attn_q.weight.lora_a":   a.tensors["base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight"],
			"blk.0.attn_v.weight.lora_b":   b("layers.0.self_attn.v_proj"),
			"blk.0.attn_v.weight.lora_a":   a.tensors["base_model.model.model.layers.0.self_attn.v_proj.lora_A.weight"],
			"blk.0.ffn_down.weight.lora_b": scaled,
			"blk.0.ffn_down.weight.lora_a": a.tensors["base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"],
			"token_embd.weight.lora_a":     columns,
			"token_embd.weight.lora_b":     a.tensors["base_model.model.model.embed_tokens.lora_embedding_B"],
		}
		got := map[string][]float32{}
		for _, x := range f.Tensors() {
			got[x.Name] = floats(t, x)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestLoRARoots: with use_rslora the scale is alpha/sqrt(rank); llama.cpp divides by
// the rank, so that B makes up for it. fan_in_fan_out turns both factors.
func TestLoRARoots(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	a := newMadeAdapter()
	a.linear(r, "model.layers.0.self_attn.v_proj.weight", 8, 4, 4) // of a matrix that is saved [in, out]: B A is its transpose
	l, err := OpenLoRA(writeAdapter(t, plainLoRA("use_rslora", true, "fan_in_fan_out", true), a.tensors, a.shapes), configFolder(t, smallLlama), LoRAOptions{Type: quant.F32})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	turn := func(name string, rows, cols int, factor float32) []float32 {
		x, out := a.tensors["base_model.model.model.layers.0.self_attn.v_proj."+name+".weight"], make([]float32, rows*cols)
		for i := range out {
			out[i] = x[i%rows*cols+i/rows] * factor
		}
		return out
	}
	want := map[string][]float32{
		"blk.0.attn_v.weight.lora_a": turn("lora_B", 8, 4, 1),
		"blk.0.attn_v.weight.lora_b": turn("lora_A", 4, 4, 2),
	}
	got := map[string][]float32{}
	for _, p := range l.Plan() {
		got[p.Name] = factorOf(t, p)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBadLoRA: adapters that are more than LoRA, or do not fit the model.
func TestBadLoRA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	good := func(a *madeAdapter) { a.linear(r, "model.layers.1.self_attn.q_proj.weight", 8, 8, 2) }
	tests := []struct {
		name   string
		config map[string]any
		add    func(a *madeAdapter)
		want   string
	}{
		{"another method", plainLoRA("peft_type", "LOHA"), good, `peft_type "LOHA"`},
		{"DoRA", plainLoRA("use_dora", true), good, "use_dora"},
		{"copied layers", plainLoRA("layer_replication", [][]int{{0, 2}}), good, "layer_replication"},
		{"parameters", plainLoRA("target_parameters", []string{"x"}), good, "target_parameters"},
		{"other weights", plainLoRA("init_lora_weights", "pissa_niter_4"), good, "pissa"},
		{"no alpha", map[string]any{"r": 2}, good, "lora_alpha"},
		{"alpha is a text", plainLoRA("lora_alpha", "4"), good, "lora_alpha"},
		{"bad pattern", plainLoRA("alpha_pattern", map[string]any{"(": 1}), good, "alpha_pattern"},
		{"token below 0", plainLoRA("alora_invocation_tokens", []int{-1}), good, "-1 is no token"},
		{"a whole tensor", plainLoRA(), func(a *madeAdapter) { a.add(r, "base_model.model.lm_head.weight", 16, 8) }, "lm_head.weight"},
		{"a bias", plainLoRA(), func(a *madeAdapter) { a.add(r, "base_model.model.model.layers.0.self_attn.q_proj.bias", 8) }, "q_proj.bias"},
		{"half", plainLoRA(), func(a *madeAdapter) { a.add(r, "base_model.model.x.lora_A.weight", 2, 8) }, "only one of lora_A and lora_B"},
		{"half twice", plainLoRA(), func(a *madeAdapter) {
			good(a)
			a.add(r, "base_model.model.model.layers.1.self_attn.q_proj.lora_A.default.weight", 2, 8)
		}, "same part"},
		{"ranks differ", plainLoRA(), func(a *madeAdapter) {
			a.add(r, "base_model.model.x.lora_A.weight", 2, 8)
			a.add(r, "base_model.model.x.lora_B.weight", 8, 3)
		}, "lora_A has shape [2 8] and lora_B [8 3]"},
		{"three dimensions", plainLoRA(), func(a *madeAdapter) {
			a.add(r, "base_model.model.x.lora_A.weight", 2, 2, 2)
			a.add(r, "base_model.model.x.lora_B.weight", 2, 2, 2)
		}, "want [rank, in]"},
		{"no place", plainLoRA(), func(a *madeAdapter) { a.linear(r, "model.layers.0.self_attn.x_proj.weight", 8, 8, 2) }, `"model.layers.0.self_attn.x_proj.weight"`},
		{"layer 7 of 2", plainLoRA(), func(a *madeAdapter) { a.linear(r, "model.layers.7.self_attn.q_proj.weight", 8, 8, 2) }, "layers.7"},
		{"rows are no heads", plainLoRA(), func(a *madeAdapter) { a.linear(r, "model.layers.1.self_attn.q_proj.weight", 7, 8, 2) }, "no 2 heads"},
		{"one of two experts", plainLoRA(), func(a *madeAdapter) {
			a.linear(r, "model.layers.0.block_sparse_moe.experts.0.w1.weight", 12, 8, 2)
		}, "experts.0.w1"},
	}
	base := configFolder(t, smallLlama)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newMadeAdapter()
			test.add(a)
			l, err := OpenLoRA(writeAdapter(t, test.config, a.tensors, a.shapes), base, LoRAOptions{Type: quant.F32})
			if err == nil {
				l.Close()
				t.Fatalf("opened; want an error with %q", test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q lacks %q", err, test.want)
			}
		})
	}
	a := newMadeAdapter()
	good(a)
	dir := writeAdapter(t, plainLoRA(), a.tensors, a.shapes)
	if _, err := OpenLoRA(dir, base, LoRAOptions{Type: quant.Q4_0}); err == nil {
		t.Error("an adapter in Q4_0")
	}
	if _, err := OpenLoRA(dir, t.TempDir(), LoRAOptions{Type: quant.F32}); err == nil || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("a base without config.json: %v", err)
	}
	if _, err := OpenLoRA(t.TempDir(), base, LoRAOptions{Type: quant.F32}); err == nil || !strings.Contains(err.Error(), "adapter_model.safetensors") {
		t.Errorf("a folder without an adapter: %v", err)
	}
	l, err := OpenLoRA(dir, base, LoRAOptions{Type: quant.F32})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Write(t.Context(), filepath.Join(dir, "x.gguf"), nil); err == nil {
		t.Error("written into the adapter's folder")
	}
}
