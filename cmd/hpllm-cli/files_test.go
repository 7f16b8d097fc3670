package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSplitAndMerge(t *testing.T) {
	model, dir := tinyModel{}.write(t), t.TempDir()
	stem, whole := filepath.Join(dir, "part"), filepath.Join(dir, "whole.gguf")
	r := ok(t, "", "split", model, stem, "--max-tensors", "4")
	first, _, found := strings.Cut(r.stderr, " to ")
	if !found {
		t.Fatalf("split says %q", r.stderr)
	}
	want := ok(t, "", "run", "-m", model, "-p", "a", "-n", "8", "--temp", "0").stdout
	if got := ok(t, "", "run", "-m", first, "-p", "a", "-n", "8", "--temp", "0").stdout; got != want {
		t.Errorf("the parts answer %q, the whole %q", got, want)
	}
	ok(t, "", "merge", first, whole)
	if !bytes.Equal(read(t, whole), read(t, model)) {
		t.Error("what was split and merged is another file")
	}
}

func TestEdit(t *testing.T) {
	model := tinyModel{}.write(t)
	name := func() string {
		_, rest, _ := strings.Cut(ok(t, "", "inspect", model).stdout, "general.name")
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	want := ok(t, "", "run", "-m", model, "-p", "a", "-n", "8", "--temp", "0").stdout
	r := ok(t, "", "edit", model, "--name", strings.Repeat("long", 100))
	if !strings.Contains(r.stderr, "written anew") || !strings.Contains(name(), "longlong") {
		t.Errorf("a longer name: %q, %q", r.stderr, name())
	}
	r = ok(t, "", "edit", model, "--name", "short")
	if r.stderr != "" || !strings.Contains(name(), "short") {
		t.Errorf("a shorter name: %q, %q", r.stderr, name())
	}
	if got := ok(t, "", "run", "-m", model, "-p", "a", "-n", "8", "--temp", "0").stdout; got != want {
		t.Errorf("it answers %q after the edit, %q before", got, want)
	}
	template := write(t, "x.jinja", "[{{ messages[0].content }}]")
	ok(t, "", "edit", model, "--chat-template", template, "--remove", "general.name")
	if name() != "" {
		t.Errorf("the name is still there: %q", name())
	}
	messages := write(t, "m.json", `[{"role":"user","content":"hi"}]`)
	if got := ok(t, "", "template", "-m", model, "--messages", messages).stdout; !strings.Contains(got, "[hi]") {
		t.Errorf("the new template gives %q", got)
	}
	onlyFiles(t, filepath.Dir(model), filepath.Base(model))
}

func TestFileErrors(t *testing.T) {
	model := tinyModel{}.write(t)
	before := read(t, model)
	out := filepath.Join(t.TempDir(), "out.gguf")
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, "want IN STEM", []string{"split", model}},
		{2, "--max-size or --max-tensors", []string{"split", model, out}},
		{2, "is no size", []string{"split", model, out, "--max-size", "1T"}},
		{1, "none.gguf", []string{"split", "none.gguf", out, "--max-size", "1K"}},
		{1, "no such file", []string{"split", model, "none/x", "--max-size", "1K"}},
		{1, "is the file that is read", []string{"merge", model, model}},
		{1, "is a folder", []string{"merge", model, t.TempDir()}},
		{2, "nothing to change", []string{"edit", model}},
		{2, "want KEY=VALUE", []string{"edit", model, "--set", "x"}},
		{2, "want IN OUT", []string{"merge-lora", model}},
		{2, "give --lora", []string{"merge-lora", model, out}},
		{1, "no LoRA adapter", []string{"merge-lora", model, out, "--lora", model}},
		{1, "none.gguf", []string{"merge-lora", model, out, "--lora", "none.gguf:2"}},
		{1, "no LoRA adapter", []string{"run", "-m", model, "-p", "x", "--lora", model}},
		{1, "is not there", []string{"edit", model, "--remove", "x.y"}},
		{1, "no uint32", []string{"edit", model, "--set", "llama.block_count=many"}},
		{1, "none.jinja", []string{"edit", model, "--chat-template", "none.jinja"}},
		{1, "is the file that is read", []string{"edit", model, "-o", model, "--name", "x"}},
	} {
		if r := cli(t, "", c.args...); r.code != c.code || !strings.Contains(r.stderr, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, r.code, r.stderr)
		}
	}
	if !bytes.Equal(read(t, model), before) {
		t.Error("an edit that failed changed the file")
	}
	onlyFiles(t, filepath.Dir(out))
}
