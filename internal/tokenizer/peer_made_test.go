package tokenizer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// The tests of this file compare with llama.cpp on vocabularies made here: real
// ones under other pre-tokenizer names, and small ones of the kinds that no real
// file is at hand for.

// remake returns a file with tokens of the vocabulary base, and other names: the first
// most of them and all of one character, and the merges that make them.
func remake(t *testing.T, base, model, pre string, most int) *gguf.Writer {
	t.Helper()
	f, err := gguf.Open(testkit.Vocab(t, base))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	array := func(key string) gguf.Array {
		a, err := f.Array("tokenizer.ggml." + key)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	have := map[string]bool{}
	var tokens, merges []string
	var types []int32
	allTokens, allTypes, allMerges := array("tokens"), array("token_type"), array("merges")
	for i := range allTokens.Len() {
		if s := allTokens.Text(i); i < most || utf8.RuneCountInString(s) == 1 {
			have[s] = true
			tokens, types = append(tokens, s), append(types, int32(allTypes.Int(i)))
		}
	}
	for i := range allMerges.Len() {
		m := allMerges.Text(i)
		if a, b, _ := strings.Cut(m, " "); have[a] && have[b] && have[a+b] {
			merges = append(merges, m)
		}
	}
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("tokenizer.ggml.model", model)
	w.SetText("tokenizer.ggml.pre", pre)
	w.SetTexts("tokenizer.ggml.tokens", tokens)
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", types)
	w.SetTexts("tokenizer.ggml.merges", merges)
	return w
}

// create writes w where the peer can read it.
func create(t *testing.T, w *gguf.Writer) string {
	t.Helper()
	host, _ := testkit.PeerDir(t)
	path := filepath.Join(host, "made.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// pairs returns a vocabulary that shows where words end: of all pairs of bytes every
// fourth is a merge, whatever kinds of characters they belong to. Some words are tokens
// that no merges make, for names that take such words whole.
func pairs(model, pre string) *gguf.Writer {
	tokens := slices.Clone(byteLetters[:])
	var merges []string
	r := rand.New(rand.NewPCG(6, 6))
	for _, a := range byteLetters {
		for _, b := range byteLetters {
			if r.IntN(4) == 0 {
				merges, tokens = append(merges, a+" "+b), append(tokens, a+b)
			}
		}
	}
	for _, word := range []string{"hello", " hello", "123", "12345", " 1", "!!!", "\n\n\n", "   ", "你好", "don't", "Привет"} {
		var b strings.Builder
		for i := range len(word) {
			b.WriteString(byteLetters[word[i]])
		}
		if !slices.Contains(tokens, b.String()) {
			tokens = append(tokens, b.String())
		}
	}
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("tokenizer.ggml.model", model)
	w.SetText("tokenizer.ggml.pre", pre)
	w.SetTexts("tokenizer.ggml.tokens", tokens)
	types := make([]int32, len(tokens))
	for i := range types {
		types[i] = 1
	}
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", types)
	w.SetTexts("tokenizer.ggml.merges", merges)
	return w
}

func TestPeerPreTokenizers(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(preTokenizers())) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *gguf.Writer
			switch p := preTokenizers()[name]; {
			case name == "whitespace":
				w = remake(t, "gemma-4", name, name, 10_000)
			case p.rawBytes:
				w = remake(t, "gemma-4", "gpt2", name, 10_000)
			default:
				w = pairs("gpt2", name)
			}
			path := create(t, w)
			tok := open(t, path)
			texts := randomTexts(rand.New(rand.NewPCG(env("HPLLM_SEED", 1), 3)), int(env("HPLLM_RANDOM_TEXTS", 1000)), tok)
			compare(t, path, tok, append(texts, shapes...))
		})
	}
}

// shapes are texts that tell rules apart.
var shapes = []string{
	"1", "12", "123", "1234", "12345", "123456", "1234567", "a1234567b", "12 345 6789", "²123456", "123²456", "١٢٣٤٥٦٧",
	"x =   12", "a  1234 \n 5", "\u00a0\u00a01", "-  123456,  1", "1  ",
	"   ", "a   ", "a   b", "a \n b", "\n\n\n", "a\n\nb", " \n \n ", "\r\n\r\n", "a\r\n", "\t\ta", "a\t\tb\t", "\u00a0\u00a0a", "a\u3000\u3000",
	strings.Repeat(" ", 3), strings.Repeat(" ", 5) + "x", strings.Repeat(" ", 9), strings.Repeat(" ", 600), strings.Repeat(" ", 600) + "x",
	"it's IT'S we'Ve they'RE I'm 'tis 'D'd 'LLama", "HelloWORLDhello ÉcoleÀB oA éA Aé AÉa aAÉÀ ÀA", "foo/bar//\n/baz", "!!!\n\n/\n", "?!/ x", "x;\r\n\r\ny",
	"你好世界abc", " 你好", "abc你好", "カタカナ한국어", "ไทย ภาษา", "हिन्दी ज़्य क्ष", "e\u0301\u0301 \u0301x", "a\u200cb\u200dc \u200c",
	"<sentinel:12>IMGIMGABCDZ IMGIMGABCDEZ    x  y\t", "a b c d e f", "x y  z", "\ufeffx", "\ufffd", "\x00a\x01", "a\u0085b", "(a|b.c,d!e?f…g。h)", "؟،", "«»“”", "€£+<=>^~|`$",
	"<dna>acgtacgtnn</dna> x <dna>ACG", "\u1e9e ẞ ß", "\U0001F468\u200d\U0001F469",
}

// TestPeerSmallKinds compares on vocabularies of random tokens.
func TestPeerSmallKinds(t *testing.T) {
	for _, model := range []string{"rwkv", "plamo2", "plamo3", "t5", "bert", "llama", "gpt2", "hybriddna"} {
		for i := range uint64(4) {
			seed := env("HPLLM_SEED", 1) - 1 + i
			t.Run(fmt.Sprint(model, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 4))
				path := create(t, smallVocab(r, model, "gpt-2"))
				tok := open(t, path)
				texts := append(randomTexts(r, 200, tok), shapes...)
				for range 300 {
					texts = append(texts, pieces(r, 1+r.IntN(40)))
				}
				compare(t, path, tok, texts)
			})
		}
	}
}

// pieces returns a text of n characters that small vocabularies have tokens for.
func pieces(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString([]string{"a", "b", "ab", "c", " ", "é", "中", "\n", "aa", "  ", "<|x|>", "ACGTAC", "e\u0301"}[r.IntN(13)])
	}
	return b.String()
}

// lists are what a small vocabulary is made of.
type lists struct {
	tokens, merges []string
	types          []int32
	scores         []float32
}

// smallLists returns bytes, characters, random strings of them and a few special tokens.
func smallLists(r *rand.Rand, model string) lists {
	var tokens []string
	var types []int32
	have := map[string]bool{}
	add := func(text string, kind int32) {
		if text != "" && !have[text] {
			have[text] = true
			tokens, types = append(tokens, text), append(types, kind)
		}
	}
	for _, s := range []string{"<unk>", "<s>", "</s>", "<pad>"} {
		add(s, 3)
	}
	types[0] = 2
	add("<|x|>", 3)
	add("aa  b", 4)
	add("<dna>", 1)
	add("</dna>", 1)
	add("<oov>", 1)
	for b := range 256 {
		switch model {
		case "rwkv":
			add(fmt.Sprintf(`\x%02x`, b), 1)
		case "gpt2", "hybriddna":
			add(byteLetters[b], 1)
		case "bert":
		default:
			add(fmt.Sprintf("<0x%02X>", b), 6)
		}
	}
	chars := []string{"a", "b", "c", "é", "中", "\u2581", "A", "C", "G", "T"}
	switch model {
	case "gpt2", "hybriddna":
		chars = []string{"a", "b", "c", "Ã", "©", "Ġ", "A", "C", "G", "T"}
	case "rwkv":
		chars = []string{"a", "b", "c", "é", "中", " ", `\n`, "A", "C"}
	case "plamo2", "plamo3":
		chars = []string{"a", "b", "c", "é", "中", " ", "\n", "A", "C"}
	}
	for _, c := range chars {
		add(c, 1)
	}
	var merges []string
	first := len(tokens) - len(chars)
	for range 300 {
		a, b := tokens[first+r.IntN(len(tokens)-first)], tokens[first+r.IntN(len(tokens)-first)]
		if len(a)+len(b) > 16 || have[a+b] {
			continue
		}
		merges = append(merges, a+" "+b)
		if r.IntN(12) > 0 { // some merges make no token
			add(a+b, 1)
		}
	}
	if model == "hybriddna" {
		add("ACGTAC"+dnaMark, 1)
		add("CGTAAA"+dnaMark, 1)
	}
	scores := make([]float32, len(tokens))
	for i := range scores {
		scores[i] = -float32(r.IntN(40)) / 4
	}
	return lists{tokens: tokens, merges: merges, types: types, scores: scores}
}

// smallVocab returns a file with smallLists.
func smallVocab(r *rand.Rand, model, pre string) *gguf.Writer {
	l := smallLists(r, model)
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("tokenizer.ggml.model", model)
	w.SetText("tokenizer.ggml.pre", pre)
	w.SetTexts("tokenizer.ggml.tokens", l.tokens)
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", l.types)
	gguf.SetNumbers(w, "tokenizer.ggml.scores", l.scores)
	w.SetTexts("tokenizer.ggml.merges", l.merges)
	for i, key := range []string{"unknown_token_id", "bos_token_id", "eos_token_id", "padding_token_id"} {
		w.SetUint32("tokenizer.ggml."+key, uint32(i))
	}
	w.SetUint32("tokenizer.ggml.seperator_token_id", 2)
	w.SetBool("tokenizer.ggml.add_space_prefix", r.IntN(2) == 0)
	w.SetBool("tokenizer.ggml.remove_extra_whitespaces", r.IntN(2) == 0)
	w.SetBool("tokenizer.ggml.add_eos_token", r.IntN(2) == 0)
	w.SetBool("tokenizer.ggml.normalizer.nfc", r.IntN(2) == 0)
	return w
}
