package tokenizer

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/gguf"
)

// made is a small vocabulary in a file.
type made struct {
	model, pre string
	tokens     []string
	types      []int32
	scores     []float32
	merges     []string
	more       func(w *gguf.Writer)
}

// open writes the file and opens its tokenizer, which lives as long as the test.
func (m made) open(t testing.TB) (*Tokenizer, error) {
	t.Helper()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	if m.model != "" {
		w.SetText("tokenizer.ggml.model", m.model)
	}
	if m.pre != "" {
		w.SetText("tokenizer.ggml.pre", m.pre)
	}
	if m.tokens != nil {
		w.SetTexts("tokenizer.ggml.tokens", m.tokens)
	}
	if m.types != nil {
		gguf.SetNumbers(w, "tokenizer.ggml.token_type", m.types)
	}
	if m.scores != nil {
		gguf.SetNumbers(w, "tokenizer.ggml.scores", m.scores)
	}
	if m.merges != nil {
		w.SetTexts("tokenizer.ggml.merges", m.merges)
	}
	if m.more != nil {
		m.more(w)
	}
	path := filepath.Join(t.TempDir(), "made.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return New(f)
}

func (m made) mustOpen(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := m.open(t)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// smallBPE has every byte, "the" by merges and two special tokens.
func smallBPE() made {
	m := made{model: "gpt2", pre: "gpt-2", merges: []string{"t h", "th e", "Ġ the", "a a", "aa aa", "x y"}}
	for _, l := range byteLetters {
		m.tokens = append(m.tokens, l)
	}
	m.tokens = append(m.tokens, "th", "the", "Ġthe", "aa", "aaaa", "<|end|>", "<|im_end|>", "<tool>")
	m.types = make([]int32, len(m.tokens))
	for i := range m.types {
		m.types[i] = 1
	}
	n := len(m.tokens)
	m.types[n-3], m.types[n-2], m.types[n-1] = 3, 3, 4
	m.more = func(w *gguf.Writer) {
		w.SetUint32("tokenizer.ggml.bos_token_id", uint32(n-3))
		w.SetUint32("tokenizer.ggml.eos_token_id", uint32(n-2))
		w.SetBool("tokenizer.ggml.add_bos_token", true)
	}
	return m
}

// smallSPM has the bytes E0 to FF and a few pieces.
func smallSPM() made {
	m := made{model: "llama", tokens: []string{"<unk>", "<s>", "</s>", "▁", "h", "e", "l", "o", "he", "ll", "hell", "hello", "▁hello", "▁▁"}}
	m.types = []int32{2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	m.scores = []float32{0, 0, 0, -9, -8, -8, -8, -8, -3, -4, -5, -6, -7, -2}
	for b := range 256 {
		m.tokens = append(m.tokens, fmt.Sprintf("<0x%02X>", b))
		m.types = append(m.types, 6)
		m.scores = append(m.scores, 0)
	}
	return m
}

func TestSmallBPE(t *testing.T) {
	tok := smallBPE().mustOpen(t)
	for _, c := range []struct {
		text string
		o    Options
		want string
	}{
		{"", Options{}, ""},
		{"", Options{AddSpecial: true}, "<|end|>"},
		{"the the", Options{AddSpecial: true}, "<|end|>|the|Ġthe"},
		{"aaaaa", Options{}, "aaaa|a"},
		{"xy", Options{}, "x|y"}, // a merge that makes no token
		{"é", Options{}, "Ã|©"},
		{"\xff", Options{}, "ï|¿|½"},
		{"a<|im_end|>the", Options{ParseSpecial: true}, "a|<|im_end|>|the"},
		{"<|im_end|>", Options{}, "<|||i|m|_|e|n|d|||>"},
		{"a<tool>a", Options{}, "a|<tool>|a"},
	} {
		var got []string
		for _, id := range tok.Encode(c.text, c.o) {
			got = append(got, string(tok.v.text(id)))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%q %+v: %s, want %s", c.text, c.o, s, c.want)
		}
	}
	if id, ok := tok.Token("Ġthe"); !ok || tok.Piece(id, false) != " the" {
		t.Errorf("Token: %d %v", id, ok)
	}
	if tok.Kind() != "bpe" || tok.Pre() != "gpt-2" || tok.Size() != 264 || !tok.AddBOS() || tok.EOS() != 262 {
		t.Error(tok.Kind(), tok.Pre(), tok.Size(), tok.AddBOS(), tok.EOS())
	}
	if !tok.IsEOG(262) || tok.IsEOG(0) || !tok.IsControl(261) || tok.IsControl(263) || tok.IsControl(-1) || tok.IsControl(1<<30) {
		t.Error("IsEOG or IsControl")
	}
}

func TestSmallSPM(t *testing.T) {
	tok := smallSPM().mustOpen(t)
	for _, c := range []struct{ text, want, decoded string }{
		{"hello", "▁hello", "hello"},
		{" hello", "▁▁|hello", " hello"},
		{"helloo\xe2", "▁hello|o|<0xE2>", "helloo\xe2"},
		{"中", "▁|<0xE4>|<0xB8>|<0xAD>", "中"},
	} {
		ids := tok.Encode(c.text, Options{})
		var got []string
		for _, id := range ids {
			got = append(got, string(tok.v.text(id)))
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%q: %s, want %s", c.text, s, c.want)
		}
		if s := tok.Decode(ids, false); s != c.decoded {
			t.Errorf("%q decodes as %q", c.text, s)
		}
		if s := tok.Decode(tok.Encode(c.text, Options{AddSpecial: true}), false); s != c.decoded {
			t.Errorf("%q decodes with BOS as %q", c.text, s)
		}
	}
}

func TestDecoder(t *testing.T) {
	tok := smallSPM().mustOpen(t)
	id := func(b byte) int32 { return tok.v.hexToken(b) }
	for _, c := range []struct {
		name  string
		bytes string
		want  []string // by Push, then by Flush
	}{
		{"whole", "A", []string{"A", ""}},
		{"two", "\xc3\xa9", []string{"", "é", ""}},
		{"four", "\xf0\x9f\x98\x80!", []string{"", "", "", "😀", "!", ""}},
		{"cut off", "\xf0\x9f\x98", []string{"", "", "", "\ufffd"}},
		{"cut off twice", "\xe2\xe2\x82", []string{"", "\ufffd", "", "\ufffd"}},
		{"never UTF-8", "\xff\x80A", []string{"\ufffd", "\ufffd", "A", ""}},
		{"broken off", "\xe2\x82A", []string{"", "", "\ufffdA", ""}},
		{"surrogate", "\xed\xa0\x80", []string{"", "\ufffd\ufffd", "\ufffd", ""}},
		{"overlong", "\xc0\xaf", []string{"\ufffd", "\ufffd", ""}},
	} {
		d := tok.NewDecoder()
		var got []string
		for _, b := range []byte(c.bytes) {
			got = append(got, d.Push(id(b)))
		}
		got = append(got, d.Flush())
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if all := strings.Join(got, ""); all != string(appendValid(nil, []byte(c.bytes))) {
			t.Errorf("%s: %q in all, %q at once", c.name, all, string(appendValid(nil, []byte(c.bytes))))
		}
	}
	d := tok.NewDecoder()
	d.Push(id(0xe2))
	d.Reset()
	if s := d.Push(1) + d.Push(12) + d.Push(-5) + d.Push(1<<30) + d.Flush(); s != " hello" {
		t.Errorf("after Reset, with a control token: %q", s)
	}
}

func TestDecoderShows(t *testing.T) {
	tok := smallBPE().mustOpen(t)
	d := tok.NewDecoder()
	d.Show([]int32{261})
	if got := d.Push('h') + d.Push(261) + d.Push(262); got != "h<|end|>" {
		t.Errorf("%q", got)
	}
}

func TestSuppressed(t *testing.T) {
	m := smallBPE()
	more := m.more
	m.more = func(w *gguf.Writer) {
		more(w)
		gguf.SetNumbers(w, "tokenizer.ggml.suppress_tokens", []int32{3, -1, 1000, 7})
	}
	if diff := cmp.Diff([]int32{3, 7}, m.mustOpen(t).Suppressed()); diff != "" {
		t.Error(diff)
	}
	m.more = func(w *gguf.Writer) { w.SetTexts("tokenizer.ggml.suppress_tokens", []string{"x"}) }
	if _, err := m.open(t); !errors.Is(err, gguf.ErrType) {
		t.Errorf("a list of texts: %v", err)
	}
}

func TestNoVocabulary(t *testing.T) {
	for _, m := range []made{
		{}, {model: "none"}, {model: "test", tokens: []string{"a"}}, {model: "no_vocab"}, {model: "something"},
		{model: "llama"}, {model: "llama", tokens: []string{}},
	} {
		if _, err := m.open(t); !errors.Is(err, ErrNoVocabulary) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	type change func(m *made)
	more := func(f func(w *gguf.Writer)) change { return func(m *made) { m.more = f } }
	for _, c := range []struct {
		name   string
		change change
		want   string // part of the error; "": it opens
	}{
		{"scores too few", func(m *made) { m.scores = []float32{1} }, `"tokenizer.ggml.scores" has 1 elements for 264 tokens`},
		{"types too few", func(m *made) { m.types = m.types[:5] }, `"tokenizer.ggml.token_type" has 5 elements`},
		{"no merges", func(m *made) { m.merges = nil }, `"tokenizer.ggml.merges"`},
		{"merges of numbers", more(func(w *gguf.Writer) { gguf.SetNumbers(w, "tokenizer.ggml.merges", []int32{1}) }), "not of strings"},
		{"tokens of numbers", more(func(w *gguf.Writer) { gguf.SetNumbers(w, "tokenizer.ggml.tokens", []int32{1}) }), "not of strings"},
		{"tokens no array", more(func(w *gguf.Writer) { w.SetUint32("tokenizer.ggml.tokens", 1) }), "not an array"},
		{"types unknown", func(m *made) { m.types[3], m.types[4] = 77, -1 }, ""},
		{"merges odd", func(m *made) { m.merges = []string{"", " ", "t", "t  h", " t", "no where", "t h", "t h"} }, ""},
		{"ids out of range", more(func(w *gguf.Writer) {
			w.SetUint32("tokenizer.ggml.bos_token_id", 1<<31)
			w.SetInt32("tokenizer.ggml.eos_token_id", -4)
			w.SetText("tokenizer.ggml.eot_token_id", "x")
			w.SetBool("tokenizer.ggml.add_eos_token", true)
		}), ""},
		{"duplicates and empty", func(m *made) { m.tokens[7], m.tokens[8], m.tokens[9] = "the", "", "" }, ""},
		{"unknown pre-tokenizer", func(m *made) { m.pre = "of-tomorrow" }, ""},
		{"no pre-tokenizer", func(m *made) { m.pre = "" }, ""},
		{"plamo without bytes", func(m *made) { m.model = "plamo2" }, "byte token"},
		{"t5 with a short map", func(m *made) {
			m.model = "t5"
			m.more = func(w *gguf.Writer) { gguf.SetNumbers(w, "tokenizer.ggml.precompiled_charsmap", []uint8{1, 0}) }
		}, "precompiled_charsmap"},
		{"t5 with a wild map", func(m *made) {
			m.model = "t5"
			m.more = func(w *gguf.Writer) {
				gguf.SetNumbers(w, "tokenizer.ggml.precompiled_charsmap", []uint8{8, 0, 0, 0, 255, 255, 255, 127, 0x61, 1, 0, 0, 9, 9})
			}
		}, ""},
		{"bert", func(m *made) { m.model = "bert" }, ""},
		{"rwkv", func(m *made) { m.model = "rwkv"; m.tokens[5], m.tokens[6] = `\`, `\x4` }, ""},
		{"llama without bytes", func(m *made) { m.model = "llama" }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := smallBPE()
			c.change(&m)
			tok, err := m.open(t)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "made.gguf") {
					t.Fatalf("error %v, want one with %q and the file", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range append(shapes, "the aaaa <|im_end|>\xff") {
				for _, id := range tok.Encode(text, Options{true, true}) {
					if id < 0 || int(id) >= tok.Size() {
						t.Fatalf("%q: id %d", text, id)
					}
				}
			}
			switch c.name {
			case "unknown pre-tokenizer", "no pre-tokenizer":
				if len(tok.Warnings()) != 1 || !strings.Contains(tok.Warnings()[0], "pre-tokenizer") {
					t.Errorf("warnings %q", tok.Warnings())
				}
			case "ids out of range":
				if len(tok.Warnings()) < 3 || tok.BOS() >= 264 {
					t.Errorf("BOS %d, warnings %q", tok.BOS(), tok.Warnings())
				}
			}
		})
	}
}

// TestSpecialOrder checks that tokens are taken by length first, then by place.
func TestSpecialOrder(t *testing.T) {
	m := smallBPE()
	for _, s := range []string{"abc", "bcdef", "de", "\n\n", "\n\n\n", "ef"} {
		m.tokens, m.types = append(m.tokens, s), append(m.types, 4)
	}
	tok := m.mustOpen(t)
	for text, want := range map[string]string{
		"abcdef":         "a|bcdef",
		"abcde":          "abc|de",
		"abcabcdefabc":   "abc|a|bcdef|abc",
		"\n\n\n\n\n":     "\n\n\n|\n\n",
		"x\n\n\n\n\n\ny": "x|\n\n\n|\n\n\n|y",
		"abcdeabcdef":    "abc|de|a|bcdef",
		"deef":           "de|ef",
	} {
		var got []string
		for _, id := range tok.Encode(text, Options{}) {
			got = append(got, string(tok.v.text(id)))
		}
		if s := strings.Join(got, "|"); s != want {
			t.Errorf("%q: %q, want %q", text, s, want)
		}
	}
}

func TestConcurrent(t *testing.T) {
	tok := smallBPE().mustOpen(t)
	text := strings.Repeat("the aaa <tool> é ", 500)
	want := tok.Encode(text, Options{})
	done := make(chan bool)
	for range 4 {
		go func() {
			ok := true
			for range 5 {
				ok = ok && cmp.Equal(want, tok.Encode(text, Options{}))
			}
			done <- ok
		}()
	}
	for range 4 {
		if !<-done {
			t.Error("another result in parallel")
		}
	}
}

func FuzzEncode(f *testing.F) {
	for _, s := range shapes {
		f.Add(s)
	}
	f.Add("\xf0\x9f\x98 \xe2 \xc0\xaf \xed\xa0\x80 <|im_end|>")
	spm, bpe := smallSPM().mustOpen(f), smallBPE().mustOpen(f)
	var rules []*Tokenizer
	for _, name := range []string{"default", "llama3", "qwen35", "tekken", "granite-embed-multi-97m", "deepseek-v3", "deepseek-llm", "superbpe", "afmoe", "chameleon", "jais-2", "exaone-moe", "kimi-k2", "youtu", "k2-horizon"} {
		m := smallBPE()
		m.pre = name
		rules = append(rules, m.mustOpen(f))
	}
	f.Fuzz(func(t *testing.T, text string) {
		// These vocabularies can write every text in UTF-8.
		got := spm.Decode(spm.Encode(text, Options{AddSpecial: true}), false)
		if want := strings.ReplaceAll(text, spaceMark, " "); utf8.ValidString(text) && got != want {
			t.Errorf("spm: %q decodes as %q", text, got)
		}
		for _, tok := range append(rules, bpe) {
			ids := tok.Encode(text, Options{ParseSpecial: true})
			if got := tok.Decode(ids, true); utf8.ValidString(text) && got != text {
				t.Errorf("%s: %q decodes as %q", tok.Pre(), text, got)
			}
			d := tok.NewDecoder()
			var b strings.Builder
			for _, id := range tok.Encode(text, Options{}) {
				s := d.Push(id)
				if !utf8.ValidString(s) {
					t.Errorf("%s: %q streams %q", tok.Pre(), text, s)
				}
				b.WriteString(s)
			}
			b.WriteString(d.Flush())
			if got := b.String(); utf8.ValidString(text) && got != text {
				t.Errorf("%s: %q streams as %q", tok.Pre(), text, got)
			}
		}
	})
}
