package tokenizer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"happyphonellm/internal/gguf"
)

// kind is how text becomes tokens.
type kind uint8

const (
	bpe   kind = iota // merges by rank, of bytes or of UTF-8
	spm               // merges by score, with byte fallback
	wpm               // longest match within words
	ugm               // most likely split
	rwkv              // longest match
	plamo             // most likely split, over suffixes
)

var kindNames = [...]string{"bpe", "spm", "wpm", "ugm", "rwkv", "plamo"}

// attr is what a token is; more than one bit may be set.
type attr uint8

const (
	attrUnknown attr = 1 << iota
	attrUnused
	attrNormal
	attrControl
	attrUser
	attrByte
	attrLStrip // takes the white space before it
	attrRStrip // and after it
)

// Token types of tokenizer.ggml.token_type, 0 to 6.
var attrOfType = [...]attr{0, attrNormal, attrUnknown, attrControl, attrUser, attrUnused, attrByte}

// vocab is the tokens and rules of one model, filled by newVocab from a file or
// by a test, and completed by finish.
type vocab struct {
	model string // tokenizer.ggml.model
	pre   string // tokenizer.ggml.pre
	arch  string // general.architecture
	name  string // general.name
	kind  kind

	tokens texts
	index  *index
	glue   *glue                  // of spm
	scores func(id int32) float32 // nil: all 0
	attrs  []attr
	filed  []attr         // of ugm: attrs as the file has them
	merges func() *merges // of bpe
	split  pre

	special  map[string]int32 // by key, see specialKeys; -1: none
	addBOS   bool
	addEOS   bool
	addSEP   bool
	prefix   bool // a space before text
	escape   bool // spaces stand as U+2581 in tokens
	squeeze  bool // runs of spaces count as one
	lower    bool
	stripped bool   // accents
	nfc      bool   // ugm: canonical composition first
	charsmap []byte // normalization of ugm

	suppressed []int32 // never generated

	eog      map[int32]bool
	warnings []string
}

// specialKeys are the ids a file may name, key by short name.
var specialKeys = []struct{ name, key string }{
	{"bos", "bos_token_id"}, {"eos", "eos_token_id"}, {"eot", "eot_token_id"}, {"eom", "eom_token_id"},
	{"unk", "unknown_token_id"}, {"sep", "seperator_token_id"}, {"pad", "padding_token_id"}, {"mask", "mask_token_id"},
	{"fim_pre", "fim_pre_token_id"}, {"fim_suf", "fim_suf_token_id"}, {"fim_mid", "fim_mid_token_id"},
	{"fim_pad", "fim_pad_token_id"}, {"fim_rep", "fim_rep_token_id"}, {"fim_sep", "fim_sep_token_id"},
	{"fim_pre", "prefix_token_id"}, {"fim_suf", "suffix_token_id"}, {"fim_mid", "middle_token_id"},
}

const keyPrefix = "tokenizer.ggml."

func (v *vocab) warnf(format string, a ...any) {
	v.warnings = append(v.warnings, fmt.Sprintf(format, a...))
}

// newVocab reads the vocabulary of f. Errors name the key.
func newVocab(f *gguf.File) (*vocab, error) {
	text := func(key string) string {
		s, _ := f.Text(key)
		return s
	}
	v := &vocab{
		model: text(keyPrefix + "model"), pre: text(keyPrefix + "pre"),
		arch: text("general.architecture"), name: text("general.name"),
	}
	if err := v.defaults(); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path(), err)
	}
	return v, f.Guard(func() error { return v.read(f) })
}

// read is newVocab behind the names.
func (v *vocab) read(f *gguf.File) error {
	if err := v.readTokens(f); err != nil {
		return err
	}
	v.readIDs(f)
	flag := func(key string, to *bool) {
		if b, err := f.Bool(keyPrefix + key); err == nil {
			*to = b
		} else if !errors.Is(err, gguf.ErrNotFound) {
			v.warnf("%v", err)
		}
	}
	if v.kind != bpe || v.split.prefix {
		flag("add_space_prefix", &v.prefix)
	}
	flag("remove_extra_whitespaces", &v.squeeze)
	flag("add_bos_token", &v.addBOS)
	flag("add_eos_token", &v.addEOS)
	flag("add_sep_token", &v.addSEP)
	flag("normalizer.lowercase", &v.lower)
	v.stripped = v.lower
	flag("normalizer.strip_accents", &v.stripped)
	flag("normalizer.nfc", &v.nfc)
	if v.split.gemma {
		v.addBOS = true // the published files say otherwise and are wrong
	}
	v.finish()
	return v.readSuppressed(f)
}

// readSuppressed reads the tokens that the model must not generate; those that are out of
// range are left out.
func (v *vocab) readSuppressed(f *gguf.File) error {
	const key = keyPrefix + "suppress_tokens"
	a, err := f.Array(key)
	if errors.Is(err, gguf.ErrNotFound) {
		return nil
	}
	if err == nil && a.Kind() != gguf.Int32 {
		err = fmt.Errorf("%w: %s: key %q is an array of %v, not of int32", gguf.ErrType, f.Path(), key, a.Kind())
	}
	if err != nil {
		return err
	}
	for i := range a.Len() {
		if id := a.Int(i); id >= 0 && id < int64(v.tokens.Len()) {
			v.suppressed = append(v.suppressed, int32(id))
		}
	}
	return nil
}

// readTokens reads the lists.
func (v *vocab) readTokens(f *gguf.File) error {
	list := func(key string, want func(gguf.Kind) bool, what string, atLeast int) (*gguf.Array, error) {
		a, err := f.Array(keyPrefix + key)
		if errors.Is(err, gguf.ErrNotFound) {
			return nil, nil
		}
		if err == nil && !want(a.Kind()) {
			err = fmt.Errorf("%w: %s: key %q is an array of %v, not of %s", gguf.ErrType, f.Path(), keyPrefix+key, a.Kind(), what)
		}
		if err == nil && a.Len() < atLeast {
			err = fmt.Errorf("%w: %s: key %q has %d elements for %d tokens", gguf.ErrFormat, f.Path(), keyPrefix+key, a.Len(), atLeast)
		}
		return &a, err
	}
	isText := func(k gguf.Kind) bool { return k == gguf.Text }
	tokens, err := list("tokens", isText, "strings", 0)
	if err != nil {
		return err
	}
	if tokens == nil || tokens.Len() == 0 {
		return fmt.Errorf("%s: key %q: %w", f.Path(), keyPrefix+"tokens", ErrNoVocabulary)
	}
	n := tokens.Len()
	v.tokens = tokens
	for i := range n {
		if len(tokens.Bytes(i)) == 0 {
			v.tokens = named{tokens}
			break
		}
	}

	scores, err := list("scores", func(k gguf.Kind) bool { return k == gguf.Float32 || k == gguf.Int32 }, "float32 or int32", n)
	if err != nil {
		return err
	}
	if scores != nil {
		v.scores = func(id int32) float32 { return float32(scores.Float(int(id))) }
	}
	v.attrs = make([]attr, n)
	types, err := list("token_type", func(k gguf.Kind) bool { return k == gguf.Int32 || k == gguf.Uint32 }, "int32", n)
	if err != nil {
		return err
	}
	for i := range v.attrs {
		v.attrs[i] = attrNormal
	}
	if types != nil {
		raw := types.Raw()[:4*n]
		for i := range v.attrs {
			t := binary.LittleEndian.Uint32(raw[4*i:])
			v.attrs[i] = 0
			if t < uint32(len(attrOfType)) {
				v.attrs[i] = attrOfType[t]
			}
		}
	}
	if v.kind == bpe {
		merges, err := list("merges", isText, "strings", 0)
		if err != nil {
			return err
		}
		switch {
		case merges != nil:
			v.setMerges(merges)
		case v.pre == "kimi-k2":
			v.setMerges(stringList(nil))
		default:
			return fmt.Errorf("%w: %s: key %q: a tokenizer of this model needs it", gguf.ErrFormat, f.Path(), keyPrefix+"merges")
		}
	}
	if v.kind == ugm {
		bytesOf := func(k gguf.Kind) bool { return k == gguf.Int8 || k == gguf.Uint8 }
		m, err := list("precompiled_charsmap", bytesOf, "bytes", 0)
		if err != nil {
			return err
		}
		if m != nil {
			v.charsmap = make([]byte, m.Len())
			for i := range v.charsmap {
				v.charsmap[i] = byte(m.Int(i))
			}
		}
	}
	return nil
}

// readIDs reads the special tokens the file names.
func (v *vocab) readIDs(f *gguf.File) {
	n := uint64(v.tokens.Len())
	for name, id := range v.special {
		if id >= 0 && uint64(id) >= n {
			v.special[name] = -1
		}
	}
	for _, k := range specialKeys {
		id, err := f.Uint(keyPrefix + k.key)
		switch {
		case errors.Is(err, gguf.ErrNotFound):
		case err != nil:
			v.warnf("%v", err)
		case id >= n:
			v.warnf("%s: key %q: token %d of %d; it is ignored", f.Path(), keyPrefix+k.key, id, n)
		default:
			v.special[k.name] = int32(id)
		}
	}
}

// defaults sets what the names of model and pre-tokenizer imply.
func (v *vocab) defaults() error {
	ids := map[string]int32{}
	for _, k := range specialKeys {
		ids[k.name] = -1
	}
	v.special = ids
	v.escape = true
	pre := v.pre
	switch v.model {
	case "llama":
		v.kind, v.addBOS, v.prefix = spm, true, true
		ids["bos"], ids["eos"], ids["unk"] = 1, 2, 0
	case "bert":
		v.kind, v.addBOS, v.addSEP, v.lower = wpm, true, true, true
		ids["bos"], ids["unk"], ids["sep"], ids["pad"], ids["mask"] = 101, 100, 102, 0, 103
	case "gpt2", "hybriddna", "whitespace":
		v.kind, v.escape = bpe, false
		ids["bos"], ids["eos"] = 11, 11
	case "gemma4":
		v.kind, v.escape, pre = bpe, false, "gemma4"
	case "t5":
		v.kind, v.addEOS = ugm, true
		ids["eos"], ids["unk"], ids["pad"] = 1, 2, 0
	case "rwkv":
		v.kind = rwkv
	case "plamo2", "plamo3":
		v.kind = plamo
		ids["bos"], ids["eos"], ids["unk"], ids["pad"] = 1, 2, 0, 3
	case "", "none", "test", "no_vocab":
		return fmt.Errorf("key %q: %w", keyPrefix+"model", ErrNoVocabulary)
	default:
		return fmt.Errorf("key %q: tokenizer %q is not known: %w", keyPrefix+"model", v.model, ErrNoVocabulary)
	}
	if v.kind != bpe {
		return nil
	}
	var known bool
	v.split, known = preTokenizers()[pre]
	switch {
	case pre == "":
		v.warnf("the file names no pre-tokenizer (key %q): the default one may be wrong for this model", keyPrefix+"pre")
	case !known:
		v.warnf("pre-tokenizer %q is not known: the default one may be wrong for this model", pre)
	}
	if !known {
		v.split = preDefault
	}
	if v.split.noBOS {
		ids["bos"] = -1
	}
	v.lower = pre != "whitespace"
	v.addBOS, v.addSEP, v.escape, v.prefix = v.split.addBOS, v.split.addSEP, v.split.escapeSpaces, v.split.prefix
	return nil
}

// finish builds the index and derives what llama.cpp derives from token texts. v.tokens
// and v.attrs are set, and have equal lengths.
func (v *vocab) finish() {
	var note func(text []byte)
	if v.kind == spm {
		v.glue = new(glue)
		note = func(text []byte) { v.glue.note(text, 0) }
	}
	if v.kind == ugm {
		v.filed = slices.Clone(v.attrs)
	}
	v.index = newIndex(v.tokens, true, note)
	v.markSpecial()
	v.markStripping()
}

// id returns the token with this text, -1 when there is none.
func (v *vocab) id(text string) int32 { return v.index.find([]byte(text)) }

// text returns the token's text as the file has it; it must not be written to.
func (v *vocab) text(id int32) []byte { return v.tokens.Bytes(int(id)) }

func (v *vocab) score(id int32) float32 {
	if v.scores == nil {
		return 0
	}
	return v.scores(id)
}

// byteToken returns the token for a byte by itself: "<0xE2>", or else the byte.
func (v *vocab) byteToken(b byte) int32 {
	if id := v.hexToken(b); id >= 0 {
		return id
	}
	return v.index.find([]byte{b})
}

// hexToken returns the token "<0xNN>", -1: none.
func (v *vocab) hexToken(b byte) int32 {
	const hex = "0123456789ABCDEF"
	return v.index.find([]byte{'<', '0', 'x', hex[b>>4], hex[b&15], '>'})
}

// byteOf reads the text of a byte token, "<0xE2>".
func byteOf(text []byte) (byte, bool) {
	if len(text) < 5 || string(text[:3]) != "<0x" {
		return 0, false
	}
	var b byte
	for _, c := range text[3:5] {
		switch {
		case isDigit(c):
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		b = b<<4 | c
	}
	return b, true
}

// markStripping sets the tokens that take the white space around them: files do
// not say which, so llama.cpp goes by the names of models.
func (v *vocab) markStripping() {
	contains := func(s string, of ...string) bool {
		for _, x := range of {
			if strings.Contains(s, x) {
				return true
			}
		}
		return false
	}
	set := func(text string, a attr, on bool) {
		if id := v.id(text); id >= 0 && on {
			v.attrs[id] |= a
		} else if id >= 0 {
			v.attrs[id] &^= a
		}
	}
	name := strings.ToLower(v.name)
	switch {
	case contains(v.pre, "jina-v2-de", "jina-v2-es", "jina-v2-code", "mmbert"), contains(v.arch, "nomic-bert-moe", "jina-bert-v3"):
		set("<mask>", attrLStrip, true)
	case contains(name, "phi-3", "phi3"):
		for i, a := range v.attrs {
			if a&(attrControl|attrUser|attrUnknown) != 0 {
				v.attrs[i] |= attrRStrip
			}
		}
		set("</s>", attrRStrip, true)
		for _, text := range []string{"<unk>", "<s>", "<|endoftext|>"} {
			set(text, attrRStrip, false)
		}
	case contains(name, "modern-bert"):
		set("[MASK]", attrLStrip, true)
	}
}

// named gives tokens without a text the one that llama.cpp gives them.
type named struct{ texts }

func (n named) Bytes(i int) []byte {
	if b := n.texts.Bytes(i); len(b) > 0 {
		return b
	}
	return fmt.Appendf(nil, "[EMPTY_%d]", i)
}

// stringList is texts in memory.
type stringList []string

func (l stringList) Len() int           { return len(l) }
func (l stringList) Bytes(i int) []byte { return []byte(l[i]) }

// spaceMark is U+2581, which stands for a space in many vocabularies.
const spaceMark = "\u2581"

func unescape(text []byte) []byte { return bytes.ReplaceAll(text, []byte(spaceMark), []byte(" ")) }
