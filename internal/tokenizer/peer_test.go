package tokenizer

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/testkit"
)

// The tests of this file compare with llama.cpp, on real vocabularies.

// peerVocabs returns the models and vocabularies to compare on.
func peerVocabs(t *testing.T) []string {
	paths := testkit.Glob(t, "vocabs/*.gguf")
	for _, name := range []string{"smollm2-q4_1", "gemma3-q4_k_m"} {
		paths = append(paths, testkit.Model(t, name))
	}
	return paths
}

// open returns the tokenizer of a file, closed with the test.
func open(t testing.TB, path string) *Tokenizer {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	tok, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// peerOptions are those that the peer's mode "all" goes through, in its order.
var peerOptions = []Options{{true, true}, {false, false}}

// peer returns what llama.cpp says of a vocabulary: a line for each token, and its ids of
// texts, for each of peerOptions.
func peer(t *testing.T, path string, texts []string) (pieces []string, ids [][][]int32) {
	t.Helper()
	cmd := testkit.Peer(t, "hpllm-peer-tokenize", testkit.Share(t, path), "1", "1", "all")
	var in, stderr bytes.Buffer
	for _, s := range texts {
		binary.Write(&in, binary.LittleEndian, uint32(len(s)))
		in.WriteString(s)
	}
	cmd.Stdin, cmd.Stderr = &in, &stderr
	out, err := cmd.Output()
	text := strings.TrimSuffix(string(out), "\n")
	lines := strings.Split(text, "\n")
	tokens := len(lines) - len(peerOptions)*len(texts)
	if err != nil || tokens < 0 {
		t.Fatalf("%v after %d lines for %d texts: %s", err, len(lines), len(texts), stderr.Bytes())
	}
	ids = make([][][]int32, len(texts))
	for i := range ids {
		for _, line := range lines[tokens+i*len(peerOptions):][:len(peerOptions)] {
			list := []int32{}
			for f := range strings.FieldsSeq(line) {
				id, err := strconv.Atoi(f)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, int32(id))
			}
			ids[i] = append(ids[i], list)
		}
	}
	return lines[:tokens], ids
}

// compare fails for tokens of another text or kind, and for the first few texts whose
// ids differ.
func compare(t *testing.T, path string, tok *Tokenizer, texts []string) {
	t.Helper()
	pieces, want := peer(t, path, texts)
	comparePieces(t, tok, pieces)
	failures := 0
	for i, s := range texts {
		for k, o := range peerOptions {
			got := tok.Encode(s, o)
			if slices.Equal(got, want[i][k]) {
				continue
			}
			if failures++; failures <= 3 {
				at := 0
				for at < len(got) && at < len(want[i][k]) && got[at] == want[i][k][at] {
					at++
				}
				show := func(ids []int32) string {
					var b strings.Builder
					for _, id := range ids[min(at, len(ids)):min(at+8, len(ids))] {
						fmt.Fprintf(&b, "%d %q ", id, tok.Piece(id, true))
					}
					return b.String()
				}
				t.Errorf("%+v: %.200q from token %d:\n got %s\nwant %s", o, s, at, show(got), show(want[i][k]))
			}
		}
	}
	if failures > 0 {
		t.Errorf("%d of %d differ", failures, len(texts)*len(peerOptions))
	}
}

// comparePieces compares the text of every token, and what ends a generation.
func comparePieces(t *testing.T, tok *Tokenizer, lines []string) {
	t.Helper()
	if len(lines) != tok.Size() {
		t.Errorf("%d tokens, llama.cpp has %d", tok.Size(), len(lines))
		return
	}
	failures := 0
	for id, line := range lines {
		f := strings.Split(line, " ")
		want, err := hex.DecodeString(f[3])
		if err != nil || f[0] != strconv.Itoa(id) {
			t.Fatalf("line %q: %v", line, err)
		}
		id := int32(id)
		got := tok.Piece(id, true)
		same := got == string(want) && tok.IsEOG(id) == (f[1] == "1") && tok.IsControl(id) == (f[2] == "1")
		if !same && !bytes.Contains(want, []byte("[UNK_BYTE")) {
			if failures++; failures < 5 {
				t.Errorf("token %d %q: %q, EOG %v, control %v; want %s", id, tok.v.text(id), got, tok.IsEOG(id), tok.IsControl(id), line)
			}
		}
	}
}

func TestPeerVocabs(t *testing.T) {
	for _, path := range peerVocabs(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".gguf"), func(t *testing.T) {
			t.Parallel()
			tok := open(t, path)
			compare(t, path, tok, peerTexts(t, path, tok))
		})
	}
}

// peerTexts returns what to compare on: the vocabulary's own test strings, random
// ones, special tokens in text, long runs and this repository's sources.
func peerTexts(t *testing.T, path string, tok *Tokenizer) []string {
	var texts []string
	if own, err := os.ReadFile(path + ".inp"); err == nil {
		texts = strings.Split(string(own), "\n__ggml_vocab_test__\n")
	}
	texts = append(texts, randomTexts(rand.New(rand.NewPCG(env("HPLLM_SEED", 1), 2)), int(env("HPLLM_RANDOM_TEXTS", 5000)), tok)...)
	for _, run := range []string{"a", " ", "\n", "\t", " \n", "é", "中", "1", "!", "\r\n", "ab", "A", "’", "\u0301", "=", "\xff", "👍🏽", "'s", "x y"} {
		texts = append(texts, strings.Repeat(run, 700), "x"+strings.Repeat(run, 41)+"y")
	}
	return append(texts, sources(t, 300_000)...)
}

// env reads a number from the environment: HPLLM_SEED for other random texts,
// HPLLM_RANDOM_TEXTS for more of them.
func env(name string, missing int) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return uint64(missing)
}

// sources returns files of this repository, as lines to keep every piece small: the
// peer's regular expressions recurse on the stack.
func sources(t testing.TB, most int) (texts []string) {
	filepath.WalkDir(testkit.Root(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || most <= 0 {
			return err
		}
		if d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		switch filepath.Ext(path) {
		case ".go", ".md", ".s", ".sh", ".h", ".c", ".dart":
			b, err := os.ReadFile(path)
			if err == nil && len(b) < 100_000 {
				most -= len(b)
				texts = append(texts, string(b))
			}
		}
		return nil
	})
	return texts
}

// randomTexts returns n strings of one to sixty parts, each from another corner of
// Unicode, of the vocabulary, or of no UTF-8 at all.
func randomTexts(r *rand.Rand, n int, tok *Tokenizer) []string {
	pick := func(s string) string {
		f := strings.Fields(s)
		return f[r.IntN(len(f))]
	}
	between := func(a, b rune) string { return string(a + r.Int32N(b-a+1)) }
	parts := []func() string{
		func() string { return between(0, 0x7f) },
		func() string { return between('a', 'z') },
		func() string { return between('A', 'Z') },
		func() string { return between('0', '9') },
		func() string { return between(0x80, 0x24f) },
		func() string { return between(0x250, 0x1fff) },
		func() string { return between(0x2000, 0x2bff) },
		func() string { return between(0x2c00, 0x9fff) },
		func() string { return between(0xa000, 0xd7ff) },
		func() string { return between(0xe000, 0xffff) },
		func() string { return between(0x10000, 0x1ffff) },
		func() string { return between(0x20000, 0x10ffff) },
		func() string { return between(0x300, 0x36f) },
		func() string { return between(0x600, 0x6ff) },
		func() string { return between(0x900, 0xdff) },
		func() string { return between(0x1f300, 0x1faff) },
		func() string { return between(0x3040, 0x30ff) },
		func() string { return between(0xac00, 0xd7a3) },
		func() string { return strings.Repeat(" ", 1+r.IntN(6)) },
		func() string { return strings.Repeat("\n", 1+r.IntN(4)) },
		func() string { return pick("\\u0085 's 'S 'Re 'll 'D 'vE ' '' it's don't ʼs I'LL ’s") },
		func() string {
			return pick("hello Hello HELLO helloWorld HelloWORLD ÉCOLE école straße ΑΒΓ αβγ Привет мир ИВАН 你好 世界 こんにちは カタカナ 한국어 ไทย עברית العربية हिन्दी")
		},
		func() string { return pick("1 12 123 1234 12345 1234567 ١٢٣ ²³ Ⅻ ½ 3.14 1,000,000") },
		func() string { return pick("! ?! ... -> == != // /* */ <> {} [] (); && \\ \\n \"\" `` $$ €£ ~^ ++") },
		func() string { return "\r\n" },
		func() string { return "\t" },
		func() string {
			return pick("\u00a0 \u200b \u200d \u200c \ufeff \u3000x \u2028x \u1680x \u2581 ▁▁ Ġ Ċ")
		},
		func() string { return "\u00a0\u3000\u2003"[:2+3*r.IntN(3)] },
		func() string {
			return pick("<s> </s> <unk> <pad> <|im_start|> <|endoftext|> <mask> [MASK] <0x41> <br> </td>")
		},
		func() string { return tok.Piece(r.Int32N(int32(tok.Size())), true) },
		func() string { return string(tok.v.text(r.Int32N(int32(tok.Size())))) },
		func() string {
			b := make([]byte, 1+r.IntN(3))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			return string(b)
		},
		func() string { return "\xed\xa0\x80" },
		func() string { return pick("\xc0\xaf \xe0\x80\xaf \xf0\x8f\xbf\xbf \xf4\x90\x80\x80 \xf7\xbf\xbf\xbf") },
		func() string { return "\xf0\x9f\x98" },
	}
	specials := tok.v.specialIDs()
	if len(specials) > 0 {
		parts = append(parts, func() string { return string(tok.v.text(specials[r.IntN(len(specials))])) })
	}
	texts := make([]string, 0, n)
	for len(texts) < n {
		var b strings.Builder
		some := make([]func() string, 1+r.IntN(6))
		for i := range some {
			some[i] = parts[r.IntN(len(parts))]
		}
		for range 1 + r.IntN(60) {
			b.WriteString(some[r.IntN(len(some))]())
			if r.IntN(8) == 0 {
				b.WriteByte(' ')
			}
		}
		texts = append(texts, b.String())
	}
	return texts
}

// specialIDs returns the tokens that partitioning looks for.
func (v *vocab) specialIDs() (ids []int32) {
	for i, a := range v.attrs {
		if a&(attrControl|attrUser|attrUnknown) != 0 {
			ids = append(ids, int32(i))
		}
	}
	return ids
}
