package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
)

// tinyAdapter is an adapter for the queries of tinyLlama's first layer: zeros of rank 2.
func tinyAdapter(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const module = "base_model.model.model.layers.0.self_attn.q_proj"
	bytesEach := 2 * 64 * 4
	header := fmt.Sprintf(`{"%s.lora_A.weight":{"dtype":"F32","shape":[2,64],"data_offsets":[0,%d]},"%s.lora_B.weight":{"dtype":"F32","shape":[64,2],"data_offsets":[%d,%d]}}`,
		module, bytesEach, module, bytesEach, 2*bytesEach)
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	file = append(file, bytes.Repeat([]byte{0}, 2*bytesEach)...)
	for name, data := range map[string][]byte{"adapter_model.safetensors": file, "adapter_config.json": []byte(`{"peft_type":"LORA","lora_alpha":4,"r":2}`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestConvertLoRACommand(t *testing.T) {
	base, adapter := tinyLlama.Write(t), tinyAdapter(t)
	outDir := t.TempDir()
	out := filepath.Join(outDir, "a.gguf")
	r := ok(t, "", "convert", "--lora", adapter, "--base", base, "-o", out, "--outtype", "f16", "--name", "mine")
	if !strings.Contains(r.stderr, "adapter for llama, F16, 1 matrices") || r.stdout != "" {
		t.Errorf("said %q and %q", r.stdout, r.stderr)
	}
	onlyFiles(t, outDir, "a.gguf")
	f, err := gguf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if name, err := f.Text("general.name"); name != "mine" || err != nil || len(f.Tensors()) != 2 {
		t.Errorf("%q, %v, %d tensors", name, err, len(f.Tensors()))
	}
	r = ok(t, "", "convert", "--lora", adapter, "--base", filepath.Join(base, "config.json"), "--dry-run")
	if !strings.Contains(r.stdout, "blk.0.attn_q.weight.lora_b") {
		t.Errorf("dry run: %s", r.stdout)
	}
	for want, args := range map[string][]string{
		"--lora needs --base":     {"--lora", adapter, "-o", out},
		"want one of them":        {base, "--lora", adapter, "--base", base, "-o", out},
		"--base is for --lora":    {base, "--base", base, "-o", out},
		"want F32, F16 or BF16":   {"--lora", adapter, "--base", base, "-o", out, "--outtype", "q4_0"},
		"--verify compares":       {"--lora", adapter, "--base", base, "-o", out, "--verify"},
		"no output":               {"--lora", adapter, "--base", base},
		"adapter_model.safetenso": {"--lora", base, "--base", base, "-o", out},
	} {
		r := cli(t, "", append([]string{"convert"}, args...)...)
		if r.code == 0 || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: exit code %d, %q; want %q", args, r.code, r.stderr, want)
		}
	}
}
