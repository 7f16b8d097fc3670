package convert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"happyphonellm/internal/gguf"
)

// Types of tokens in tokenizer.ggml.token_type.
const (
	tokenNormal  = 1
	tokenUnknown = 2
	tokenControl = 3
	tokenUser    = 4
	tokenUnused  = 5
	tokenByte    = 6
)

// vocabulary is what the file gets of a checkpoint's tokenizer.
type vocabulary struct {
	m      *maker
	rule   vocabRule
	config map[string]any // tokenizer_config.json; nil: there is none
	json   *tokenizerJSON // nil: there is none

	model, pre  string // tokenizer.ggml.model and .pre
	tokens      []string
	types       []int32
	scores      []float32 // nil: none are written
	merges      []string
	charsmap    []byte
	spacePrefix *bool // tokenizer.ggml.add_space_prefix; nil: not written, as the next
	squeeze     *bool // tokenizer.ggml.remove_extra_whitespaces
	special     specialTokens
	given       string // the name of the pre-tokenizer that the user gave
}

// vocabulary reads the checkpoint's tokenizer and sets its keys: those that llama.cpp's
// script sets for the same folder, but for the differences of TestPeerVocabularies. pre
// is the pre-tokenizer's name where the user gives it. A folder without a tokenizer
// gives a file without one.
func (m *maker) vocabulary(pre string) error {
	v := &vocabulary{m: m, rule: vocabRules[m.class], given: pre}
	var err error
	if v.config, err = m.fields("tokenizer_config.json"); err != nil {
		return err
	}
	if m.folder.Has("tokenizer.json") {
		data, err := m.folder.ReadFile("tokenizer.json")
		if err != nil {
			return err
		}
		if v.json, err = readTokenizerJSON(m.path("tokenizer.json"), data); err != nil {
			return err
		}
		if err := v.json.configure(v.config); err != nil {
			return err
		}
	}
	found, err := v.read()
	if err != nil {
		return err
	}
	if !found {
		m.w.SetText("tokenizer.ggml.model", "none")
		return nil
	}
	if err := v.readSpecial(); err != nil {
		return err
	}
	if v.rule.change != nil {
		if err := v.rule.change(v); err != nil {
			return err
		}
	}
	v.readGenerationEnds()
	v.write()
	return nil
}

// read reads the tokens from the first of the files that there is.
func (v *vocabulary) read() (found bool, err error) {
	has := v.m.folder.Has
	model := "tokenizer.model"
	if !has(model) {
		model = "spiece.model"
	}
	switch {
	case has(rwkvFile):
		return true, v.readRWKV()
	case has("tokenizer.jsonl"):
		return true, v.readPlamo()
	case has(model) && !(v.json != nil && (v.rule.jsonFirst || v.config["tokenizer_class"] == "GPT2Tokenizer")):
		data, err := v.m.folder.ReadFile(model)
		if err != nil {
			return true, err
		}
		if !isRanks(data) {
			return true, v.readSentencePiece(model, data)
		}
		if v.json == nil {
			return true, v.readRanks(model, data)
		}
	}
	if v.json != nil {
		return true, v.readJSON()
	}
	if has("tekken.json") {
		return true, v.readTekken()
	}
	if has("vocab.json") && has("merges.txt") {
		return true, v.readMergesText()
	}
	for _, name := range []string{"tiktoken.model", "qwen.tiktoken", "hy.tiktoken"} {
		if has(name) {
			data, err := v.m.folder.ReadFile(name)
			if err != nil {
				return true, err
			}
			return true, v.readRanks(name, data)
		}
	}
	if names, err := v.m.folder.Names("*.tiktoken"); err != nil || len(names) > 0 {
		if err != nil {
			return true, err
		}
		data, err := v.m.folder.ReadFile(names[0])
		if err != nil {
			return true, err
		}
		return true, v.readRanks(names[0], data)
	}
	return false, nil
}

// readJSON reads tokenizer.json by the kind of its model.
func (v *vocabulary) readJSON() error {
	switch t := v.json; t.Model.Type {
	case "BPE":
		if t.PreTokenizer.find("ByteLevel") != nil || t.Decoder.find("ByteLevel") != nil && !t.Model.ByteFallback {
			return v.readBPE()
		}
		return v.readConverted()
	case "Unigram":
		return v.readUnigram()
	default:
		return fmt.Errorf("%s: a tokenizer of type %q is not known; BPE and Unigram are", t.file, t.Model.Type)
	}
}

// write sets the keys.
func (v *vocabulary) write() {
	w := v.m.w
	const prefix = "tokenizer.ggml."
	w.SetText(prefix+"model", v.model)
	if v.pre != "" {
		w.SetText(prefix+"pre", v.pre)
	}
	w.SetTexts(prefix+"tokens", v.tokens)
	if v.scores != nil {
		gguf.SetNumbers(w, prefix+"scores", v.scores)
	}
	gguf.SetNumbers(w, prefix+"token_type", v.types)
	if v.merges != nil {
		w.SetTexts(prefix+"merges", v.merges)
	}
	if v.charsmap != nil {
		gguf.SetNumbers(w, prefix+"precompiled_charsmap", v.charsmap)
	}
	for key, flag := range map[string]*bool{"add_space_prefix": v.spacePrefix, "remove_extra_whitespaces": v.squeeze} {
		if flag != nil {
			w.SetBool(prefix+key, *flag)
		}
	}
	v.special.write(w)
}

// size is how many tokens the file shall have, at least as many as there are: the
// model has a row for each.
func (v *vocabulary) size(least int) (int, error) {
	key := "vocab_size"
	n := v.m.intOr(least, key)
	if v.m.err != nil {
		return 0, v.m.err
	}
	if rows := v.m.vocabularyRows(); rows > 0 {
		n = rows
	} else if r := v.rule.multiple; r != nil {
		by := max(r(v.m), 1)
		n = (n + by - 1) / by * by
	}
	if n > maxTokens {
		return 0, fmt.Errorf("%s: %q is %d: no vocabulary has more than %d tokens", v.m.config.File(), key, n, maxTokens)
	}
	return n, nil
}

// room makes n places for tokens, filled with placeholders.
func (v *vocabulary) room(n int) {
	v.tokens, v.types = make([]string, n), make([]int32, n)
	for i := range v.tokens {
		v.tokens[i], v.types[i] = fmt.Sprintf("[PAD%d]", i), tokenUnused
	}
}

// looksSpecial says whether a token is for control although its file does not say so:
// some files mark such tokens as text. The forms are those that llama.cpp's script knows.
func looksSpecial(text string) bool {
	for _, exact := range []string{"<pad>", "<mask>", "<2mass>", "[@BOS@]"} {
		if text == exact {
			return true
		}
	}
	for _, ends := range [][2]string{{"<|", "|>"}, {"<｜", "｜>"}, {"<unused", ">"}} {
		if strings.HasPrefix(text, ends[0]) && strings.HasSuffix(text, ends[1]) {
			return true
		}
	}
	return false
}

// fields reads a JSON object of the folder; nil: it is not there.
func (m *maker) fields(name string) (map[string]any, error) {
	data, err := m.folder.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	fields := map[string]any{}
	if err := d.Decode(&fields); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file is empty or cut short")
		}
		return nil, fmt.Errorf("%s: %w", m.path(name), err)
	}
	return fields, nil
}

// path is where a file of the checkpoint is, for messages.
func (m *maker) path(name string) string { return filepath.Join(m.folder.Dir(), name) }
