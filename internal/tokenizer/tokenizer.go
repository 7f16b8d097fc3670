// Package tokenizer turns text into token ids and back, by the vocabulary that
// a GGUF file carries: byte-level BPE with every pre-tokenizer that llama.cpp
// knows, SentencePiece's BPE and Unigram, WordPiece, RWKV and PLaMo. Ids are
// those of llama.cpp on the same file.
//
// It does not know chat templates (package chat), and it does not read files
// (package gguf).
package tokenizer

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"happyphonellm/internal/gguf"
)

// ErrNoVocabulary says that a file has no tokenizer that text could be encoded
// with (tokenizer.ggml.model is missing, "none", "test" or not known), or no tokens.
// Such a model still runs, on ids.
var ErrNoVocabulary = errors.New("no vocabulary")

// Tokenizer encodes and decodes text. It may be used by several goroutines.
//
// Tokens stay in the file's mapping: a Tokenizer must not be used after its
// gguf.File is closed, and a caller that has to survive a file that is cut off
// while it is mapped calls it under File.Guard.
type Tokenizer struct {
	v        *vocab
	all      specials // with ParseSpecial
	user     specials // without
	model    encoderModel
	encoders sync.Pool // of *encoder
}

// encoderModel is one way to encode text without special tokens; it is read-only.
type encoderModel interface {
	// text appends the ids of one stretch of text. afterSpecial: it begins the
	// prompt or follows a special token.
	text(e *encoder, dst []int32, s []byte, afterSpecial bool) []int32
}

// encoder is what one call of Append works with.
type encoder struct {
	v        *vocab
	split    splitter
	merge    merger
	merges   *merges // of bpe
	out      []int32 // while words are split
	letters  []byte  // a word in GPT-2's letters
	pairText []byte
	escaped  []byte
	valid    []byte
	cache    *wordCache
	lattice  []latticeNode
	cands    []candidate
}

// longText is from where on a word cache pays, in bytes.
const longText = 2048

// New reads the vocabulary of f. The error wraps ErrNoVocabulary when f has none,
// or says what is wrong with it.
func New(f *gguf.File) (*Tokenizer, error) {
	var t *Tokenizer
	err := f.Guard(func() error {
		v, err := newVocab(f)
		if err != nil {
			return err
		}
		t, err = newTokenizer(v)
		if err != nil {
			err = fmt.Errorf("%w: %s: %w", gguf.ErrFormat, f.Path(), err)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// newTokenizer returns the tokenizer of a finished vocabulary.
func newTokenizer(v *vocab) (*Tokenizer, error) {
	t := &Tokenizer{v: v}
	t.all = newSpecials(v, attrControl|attrUser|attrUnknown, 0)
	t.user = newSpecials(v, attrUser, attrControl|attrUnknown)
	var err error
	switch v.kind {
	case bpe:
		t.model = newBPE(v)
	case spm:
		t.model = newSPM(v)
	case wpm:
		t.model, err = newWPM(v)
	case ugm:
		t.model, err = newUGM(v)
	case rwkv:
		t.model, err = newRWKV(v)
	case plamo:
		t.model, err = newPlamo(v)
	}
	if err != nil {
		return nil, err
	}
	if v.addBOS && v.special["bos"] < 0 {
		v.addBOS = false
		v.warnf("the file asks for a BOS token and names none")
	}
	if v.addEOS && v.special["eos"] < 0 {
		v.addEOS = false
		v.warnf("the file asks for an EOS token and names none")
	}
	t.encoders.New = func() any { return t.newEncoder() }
	return t, nil
}

func (t *Tokenizer) newEncoder() *encoder {
	e := &encoder{v: t.v}
	e.merge.memo = make([]memoEntry, 1<<9)
	e.split.classes = newClasses()
	e.split.rules = t.v.split.rules
	switch m := t.model.(type) {
	case *bpeModel:
		e.merge.pair = e.rank
		e.split.emit = func(word []byte) { m.word(e, word) }
	case *spmModel:
		e.merge.pair = e.pairScore
	}
	return e
}

// Options say what Encode does beside splitting text.
type Options struct {
	AddSpecial   bool // add BOS, EOS or SEP where the model's rules say so
	ParseSpecial bool // control tokens in the text become their ids, else they are text
}

// Encode returns the ids of text. Bytes that are no UTF-8 are encoded as llama.cpp
// does: as such by a vocabulary with byte fallback, else as U+FFFD.
func (t *Tokenizer) Encode(text string, o Options) []int32 {
	return t.Append(make([]int32, 0, len(text)/3+2), text, o)
}

// Append appends the ids of text to dst.
func (t *Tokenizer) Append(dst []int32, text string, o Options) []int32 {
	v := t.v
	e := t.encoders.Get().(*encoder)
	defer t.encoders.Put(e)
	if len(text) >= longText && e.cache == nil {
		e.cache = new(wordCache)
		e.merge.memo = make([]memoEntry, 1<<14)
	}
	if o.AddSpecial && v.beginsWithBOS() {
		dst = append(dst, v.special["bos"])
	}
	sp := &t.user
	if o.ParseSpecial {
		sp = &t.all
	}
	dst = sp.partition(e, dst, bytesOf(text), t.model)
	if o.AddSpecial {
		switch {
		case v.kind == wpm && v.special["sep"] >= 0:
			dst = append(dst, v.special["sep"])
		case v.addEOS && v.endsWithEOS():
			dst = append(dst, v.special["eos"])
		}
	}
	return dst
}

// beginsWithBOS says whether encoding adds BOS.
func (v *vocab) beginsWithBOS() bool {
	switch v.kind {
	case rwkv:
		return false
	case wpm:
		return v.special["bos"] >= 0
	}
	return v.addBOS
}

func (v *vocab) endsWithEOS() bool { return v.kind != wpm && v.kind != rwkv }

// bytesOf returns the bytes of s without a copy; they must not be written to.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Size returns the count of tokens.
func (t *Tokenizer) Size() int { return t.v.tokens.Len() }

// BOS returns the beginning-of-text token, -1: none.
func (t *Tokenizer) BOS() int32 { return t.v.special["bos"] }

// EOS returns the end-of-text token, -1: none.
func (t *Tokenizer) EOS() int32 { return t.v.special["eos"] }

// EOT returns the end-of-turn token, -1: none.
func (t *Tokenizer) EOT() int32 { return t.v.special["eot"] }

// AddBOS says whether Encode with AddSpecial begins with BOS.
func (t *Tokenizer) AddBOS() bool { return t.v.beginsWithBOS() }

// IsEOG says whether a generation ends at id.
func (t *Tokenizer) IsEOG(id int32) bool { return t.v.eog[id] }

// IsControl says whether id is a control token: one that Decode leaves out.
func (t *Tokenizer) IsControl(id int32) bool {
	return t.valid(id) && t.v.attrs[id]&attrControl != 0
}

// Suppressed returns the tokens that the file says must not be generated.
func (t *Tokenizer) Suppressed() []int32 { return t.v.suppressed }

// Token returns the id of the token with this text, as the file spells it
// ("<|im_end|>", "Ġthe", "▁the").
func (t *Tokenizer) Token(text string) (int32, bool) {
	id := t.v.id(text)
	return id, id >= 0
}

// Kind returns the kind of tokenizer: bpe, spm, wpm, ugm, rwkv or plamo.
func (t *Tokenizer) Kind() string { return kindNames[t.v.kind] }

// Pre returns the name of the pre-tokenizer; "" where there is none.
func (t *Tokenizer) Pre() string { return t.v.pre }

// Warnings returns what a user should know about this vocabulary: an unknown
// pre-tokenizer, special tokens out of range.
func (t *Tokenizer) Warnings() []string { return t.v.warnings }

func (t *Tokenizer) valid(id int32) bool { return id >= 0 && int(id) < len(t.v.attrs) }
