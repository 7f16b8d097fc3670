package tokenizer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPreTokenizerWords(t *testing.T) {
	want := map[string][]string{
		"llama-bpe": {"It", "'s", "  ", " ", "123", "45", "!!\n"},
		"qwen2":     {"It", "'s", "  ", " ", "1", "2", "3", "4", "5", "!!\n"},
		"gpt-2":     {"It", "'s", "  ", " 12345", "!!", "\n"},
	}
	text := "It's   12345!!\n"
	seen := 0
	for _, p := range PreTokenizers() {
		words := p.Words(text)
		if strings.Join(words, "") != text {
			t.Errorf("%s: %q is not all of %q", p.Name, words, text)
		}
		if w, ok := want[p.Name]; ok {
			seen++
			if diff := cmp.Diff(w, words); diff != "" {
				t.Errorf("%s (-want +got):\n%s", p.Name, diff)
			}
		}
		if p.Name == "gemma4" || p.Name == "whitespace" {
			t.Errorf("%s does more than cut text", p.Name)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d names found", seen, len(want))
	}
	if !EndsByText("<|im_end|>") || EndsByText("<|im_start|>") {
		t.Error("EndsByText")
	}
}
