package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

var tinyLlama = testkit.Llama{Vocab: 320, Embd: 64, FF: 256, Layers: 2, Heads: 4, KV: 2}

// digest is of all files of a folder, with their names.
func digest(t *testing.T, dir string) string {
	t.Helper()
	h := sha256.New()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%s %d\n%s", e.Name(), len(data), data)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func onlyFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("files in the folder: %q, want %q", got, want)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConvertCommand(t *testing.T) {
	dir := tinyLlama.Write(t)
	before := digest(t, dir)
	for _, typ := range []string{"auto", "f32", "f16", "bf16", "q8_0", "q4_0", "q4_k_m"} {
		t.Run(typ, func(t *testing.T) {
			outDir := t.TempDir()
			out := filepath.Join(outDir, "out.gguf")
			r := ok(t, "", "convert", dir, "-o", out, "--outtype", typ)
			want := strings.ToUpper(typ)
			if typ == "auto" {
				want = "BF16"
			}
			for _, word := range []string{"verify: ", "tensors in F32: equal", "same likeliest token", "llama, " + want} {
				if !strings.Contains(r.stderr, word) {
					t.Errorf("standard error does not say %q:\n%s", word, r.stderr)
				}
			}
			if r.stdout != "" {
				t.Errorf("standard output: %q", r.stdout)
			}
			onlyFiles(t, outDir, "out.gguf")
			ok(t, "", "logits", "-m", out, "--ids", "1,2,3", "-o", filepath.Join(outDir, "x.f32"))
		})
	}
	if digest(t, dir) != before {
		t.Error("the checkpoint was changed")
	}

	r := ok(t, "", "convert", dir, "--dry-run", "--outtype", "q4_0")
	for _, word := range []string{"blk.1.ffn_down.weight", "[256 64]", "BF16", "Q4_0", "9216 bytes", "bits a parameter"} {
		if !strings.Contains(r.stdout, word) {
			t.Errorf("a dry run does not say %q:\n%s", word, r.stdout)
		}
	}
	if r := ok(t, "", "convert", "--list"); !strings.Contains(r.stdout, "llama") || !strings.Contains(r.stdout, "LlamaForCausalLM") {
		t.Errorf("--list:\n%s", r.stdout)
	}
	if r := ok(t, "", "__complete", "convert", "--outtype", ""); !strings.Contains(r.stdout, "q4_k_m") {
		t.Errorf("completions of --outtype:\n%s", r.stdout)
	}
}

// A file that fails its verification is removed, and what had its name stays.
func TestConvertUnsound(t *testing.T) {
	unsound := tinyLlama
	unsound.Norm = 3e38 // products overflow
	dir := unsound.Write(t)
	outDir := t.TempDir()
	out := filepath.Join(outDir, "out.gguf")
	if err := os.WriteFile(out, []byte("older"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := cli(t, "", "convert", dir, "-o", out)
	if r.code != 1 || !strings.Contains(r.stderr, "verify: "+out) || !strings.Contains(r.stderr, "token 0 gives logits that are no numbers") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	onlyFiles(t, outDir, "out.gguf")
	if data, err := os.ReadFile(out); err != nil || string(data) != "older" {
		t.Errorf("the older file: %q, %v", data, err)
	}
	ok(t, "", "convert", dir, "-o", out, "--verify=false")
}

func TestConvertConfig(t *testing.T) {
	dir := tinyLlama.Write(t)
	outDir := t.TempDir()
	out := filepath.Join(outDir, "out.gguf")
	config := write(t, "convert.yaml", fmt.Sprintf(`# a comment
dir: %s
output: %s
outtype: q8_0
name: From the file
verify: false
threads: 1
metadata:
  general.author: file
  general.version: "2"
  tiny.number: 7
  tiny.flag: true
`, dir, out))
	ok(t, "", "convert", "--config", config)
	f, err := gguf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if v, err := f.Uint("tiny.number"); err != nil || v != 7 {
		t.Errorf("tiny.number: %d, %v", v, err)
	}
	if v, err := f.Bool("tiny.flag"); err != nil || !v {
		t.Errorf("tiny.flag: %v, %v", v, err)
	}
	for key, want := range map[string]string{"general.name": "From the file", "general.author": "file", "general.version": "2"} {
		if v, err := f.Text(key); err != nil || v != want {
			t.Errorf("%s: %q, %v, want %q", key, v, err, want)
		}
	}
	// Flags win.
	other := filepath.Join(outDir, "other.gguf")
	r := ok(t, "", "convert", "--config", config, "-o", other, "--name", "Mine", "--metadata", "general.author=me", "--outtype", "f16", "--verify")
	if !strings.Contains(r.stderr, "verify: ") {
		t.Errorf("--verify did not win:\n%s", r.stderr)
	}
	g, err := gguf.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for key, want := range map[string]string{"general.name": "Mine", "general.author": "me", "general.version": "2"} {
		if v, err := g.Text(key); err != nil || v != want {
			t.Errorf("%s: %q, %v, want %q", key, v, err, want)
		}
	}
	if v, err := g.Uint("general.file_type"); err != nil || v != 1 {
		t.Errorf("general.file_type: %d, %v", v, err)
	}

	for _, c := range []struct {
		text string
		code int
		says []string
	}{
		{"outtype: f16\n\nouttyp: f32\n", 1, []string{":3:", `"outtyp"`, "outtype"}},
		{"threads: many\n", 1, []string{":1:", "many"}},
		{"name: a\nname: b\n", 1, []string{":2:", "twice"}},
		{"- f16\n", 1, []string{":1:", "KEY: VALUE"}},
		{"name: [a\n", 1, []string{"line 1"}},
		{"name: {a: b}\n", 1, []string{":1:", "one value"}},
		{"metadata:\n  - a\n", 1, []string{":2:", "metadata"}},
		{"metadata:\n  a: 1\n  b: [2]\n", 1, []string{"line 3"}},
		{"outtype: q9\n", 2, []string{"q9"}},
		{"config: other.yaml\n", 1, []string{":1:", `"config"`}},
	} {
		path := write(t, "bad.yaml", c.text)
		bad(t, cli(t, "", "convert", dir, "--dry-run", "--config", path), c.code, c.says...)
	}
	ok(t, "", "convert", dir, "--dry-run", "--config", write(t, "empty.yaml", "# nothing\n"))
}

func TestConvertErrors(t *testing.T) {
	dir := tinyLlama.Write(t)
	out := filepath.Join(t.TempDir(), "out.gguf")
	spoiled := func(t *testing.T, name, old, new string) string {
		copied := tinyLlama.Write(t)
		path := filepath.Join(copied, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), old) {
			t.Fatalf("%s has no %q", path, old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	linked := filepath.Join(t.TempDir(), "linked.gguf")
	if err := os.Link(filepath.Join(dir, "model.safetensors"), linked); err != nil {
		t.Fatal(err)
	}
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(dir, alias); err != nil {
		t.Fatal(err)
	}
	before := digest(t, dir)
	for _, c := range []struct {
		name string
		code int
		args []string
		says []string
	}{
		{"no folder", 2, []string{"-o", out}, []string{"DIR"}},
		{"two folders", 2, []string{dir, dir, "-o", out}, []string{"DIR", "2"}},
		{"no output", 2, []string{dir}, []string{"-o"}},
		{"unknown type", 2, []string{dir, "-o", out, "--outtype", "q9"}, []string{"q9", "Q4_K_M"}},
		{"metadata", 2, []string{dir, "-o", out, "--metadata", "x"}, []string{"KEY=VALUE"}},
		{"threads", 2, []string{dir, "-o", out, "-t", "-1"}, []string{"-1"}},
		{"metadata of another kind", 1, []string{dir, "-o", out, "--metadata", "llama.block_count=two"}, []string{"llama.block_count", "two"}},
		{"nowhere", 1, []string{"nowhere", "-o", out}, []string{"nowhere"}},
		{"a file", 1, []string{filepath.Join(dir, "config.json"), "-o", out}, []string{"config.json"}},
		{"an empty folder", 1, []string{t.TempDir(), "-o", out}, []string{"safetensors"}},
		{"into the checkpoint", 1, []string{dir, "-o", filepath.Join(dir, "x.gguf")}, []string{"x.gguf", "checkpoint"}},
		{"into it by another name", 1, []string{dir, "-o", filepath.Join(alias, "x.gguf")}, []string{"x.gguf", "checkpoint"}},
		{"onto the weights", 1, []string{dir, "-o", linked}, []string{"linked.gguf", "read"}},
		{"onto the weights, not verified", 1, []string{dir, "-o", linked, "--verify=false"}, []string{"linked.gguf", "read"}},
		{"onto a folder", 1, []string{dir, "-o", t.TempDir()}, []string{"folder"}},
		{"no such folder", 1, []string{dir, "-o", filepath.Join(t.TempDir(), "none", "x.gguf")}, []string{"x.gguf", "no such file"}},
		{"no such config", 1, []string{dir, "-o", out, "--config", "none.yaml"}, []string{"none.yaml"}},
		{"unknown class", 1, []string{spoiled(t, "config.json", "LlamaForCausalLM", "AbacusForCausalLM"), "-o", out}, []string{"AbacusForCausalLM", "--list"}},
		{"missing tensor", 1, []string{spoiled(t, "model.safetensors", "layers.1.mlp.up_proj", "layers.1.mlp.un_proj"), "-o", out}, []string{"model.layers.1.mlp.up_proj.weight"}},
		{"unclaimed tensor", 1, []string{spoiled(t, "config.json", `"num_hidden_layers": 2`, `"num_hidden_layers": 1`), "-o", out}, []string{"model.layers.1."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad(t, cli(t, "", append([]string{"convert"}, c.args...)...), c.code, c.says...)
		})
	}
	if digest(t, dir) != before {
		t.Error("the checkpoint was changed")
	}
	onlyFiles(t, filepath.Dir(out))
}
