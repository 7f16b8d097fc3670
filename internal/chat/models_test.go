package chat

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// fromFile returns what the engine gives New for a model file.
func fromFile(t *testing.T, name string) (string, Model) {
	t.Helper()
	f, err := gguf.Open(testkit.Model(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tokens, err := f.Array("tokenizer.ggml.tokens")
	if err != nil {
		t.Fatal(err)
	}
	byText := map[string]bool{}
	for i := range tokens.Len() {
		byText[tokens.Text(i)] = true
	}
	text := func(key string) string {
		id, err := f.Uint(key)
		if err != nil {
			t.Fatal(err)
		}
		return tokens.Text(int(id))
	}
	source, err := f.Text("tokenizer.chat_template")
	if err != nil && !errors.Is(err, gguf.ErrNotFound) {
		t.Fatal(err)
	}
	return source, Model{
		BOS: text("tokenizer.ggml.bos_token_id"), EOS: text("tokenizer.ggml.eos_token_id"), Arch: f.Architecture(),
		Has: func(s string) bool { return byText[s] },
	}
}

// SmolLM2's file brings its template.
func TestPeerSmolLM2(t *testing.T) {
	source, m := fromFile(t, "smollm2-q4_1")
	if tm := New(source, m); tm.Warning() != "" {
		t.Error(tm.Warning())
	}
	path := filepath.Join(t.TempDir(), "smollm2.jinja")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, []string{path}, reference(t, []string{path}))
}

// Gemma 3's file brings none: its vocabulary says which format it was trained on.
func TestGemma3(t *testing.T) {
	source, m := fromFile(t, "gemma3-q4_k_m")
	tm := New(source, m)
	if source != "" || tm.Name() != "gemma" {
		t.Fatalf("template %q, format %q", source, tm.Name())
	}
	got, err := tm.Render(talk, Options{AddGenerationPrompt: true})
	want := "<bos><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n"
	if err != nil || got != want {
		t.Errorf("got  %q (%v)\nwant %q", got, err, want)
	}
}
