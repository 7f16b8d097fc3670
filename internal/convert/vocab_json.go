package convert

import (
	"encoding/json"
	"fmt"
)

// tokenizerJSON is a tokenizer.json, as far as a conversion needs it.
type tokenizerJSON struct {
	file          string
	Added         []addedToken `json:"added_tokens"`
	Normalizer    *step        `json:"normalizer"`
	PreTokenizer  *step        `json:"pre_tokenizer"`
	PostProcessor *step        `json:"post_processor"`
	Decoder       *step        `json:"decoder"`
	Model         struct {
		Type         string          `json:"type"`
		Vocab        json.RawMessage `json:"vocab"`
		Merges       json.RawMessage `json:"merges"`
		IgnoreMerges bool            `json:"ignore_merges"`
		ByteFallback bool            `json:"byte_fallback"`
		UnkToken     *string         `json:"unk_token"`
		UnkID        *int64          `json:"unk_id"`
		Prefix       *string         `json:"continuing_subword_prefix"`
		Suffix       *string         `json:"end_of_word_suffix"`
	} `json:"model"`
}

// addedToken is a token that is cut out of text before anything else.
type addedToken struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	Special    bool   `json:"special"`
	Normalized bool   `json:"normalized"`
}

// step is a part of the pipeline: a normalizer, pre-tokenizer, post-processor or
// decoder. It has the fields of all of them.
type step struct {
	Type          string  `json:"type"`
	Normalizers   []*step `json:"normalizers"` // of a Sequence, as the next three
	PreTokenizers []*step `json:"pretokenizers"`
	Processors    []*step `json:"processors"`
	Decoders      []*step `json:"decoders"`

	Pattern        *stepPattern `json:"pattern"`  // of Split and Replace
	Behavior       string       `json:"behavior"` // of Split and Punctuation
	Invert         bool         `json:"invert"`
	Content        string       `json:"content"`          // of Replace, and what the decoder Strip takes away
	Start          int          `json:"start"`            // of the decoder Strip
	Stop           int          `json:"stop"`             // so
	Prepend        string       `json:"prepend"`          // of Prepend
	AddPrefixSpace *bool        `json:"add_prefix_space"` // of ByteLevel and Metaspace
	UseRegex       *bool        `json:"use_regex"`        // of ByteLevel
	Individual     bool         `json:"individual_digits"`
	Replacement    string       `json:"replacement"`    // of Metaspace
	PrependScheme  string       `json:"prepend_scheme"` // so
	Split          *bool        `json:"split"`          // so
	Delimiter      string       `json:"delimiter"`
	StripLeft      bool         `json:"strip_left"`
	StripRight     bool         `json:"strip_right"`
	Lowercase      *bool        `json:"lowercase"`
	StripAccents   *bool        `json:"strip_accents"`
	Charsmap       string       `json:"precompiled_charsmap"` // base64

	Single []templatePiece `json:"single"` // of TemplateProcessing
	Pair   []templatePiece `json:"pair"`
	Cls    []any           `json:"cls"` // of RobertaProcessing and BertProcessing
	Sep    []any           `json:"sep"`
}

// stepPattern is what a step looks for: text, or an expression.
type stepPattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// templatePiece is one of the parts of an encoded text.
type templatePiece struct {
	SpecialToken *struct {
		ID string `json:"id"`
	} `json:"SpecialToken"`
	Sequence *struct {
		ID string `json:"id"`
	} `json:"Sequence"`
}

func (p templatePiece) special() string {
	if p.SpecialToken == nil {
		return ""
	}
	return p.SpecialToken.ID
}

func (p templatePiece) sequence() string {
	if p.Sequence == nil {
		return ""
	}
	return p.Sequence.ID
}

// steps are s, or what it is a sequence of, in order.
func (s *step) steps() []*step {
	if s == nil {
		return nil
	}
	if s.Type != "Sequence" {
		return []*step{s}
	}
	var all []*step
	for _, list := range [][]*step{s.Normalizers, s.PreTokenizers, s.Processors, s.Decoders} {
		for _, inner := range list {
			all = append(all, inner.steps()...)
		}
	}
	return all
}

// find is the first step of a type; nil: there is none.
func (s *step) find(kind string) *step {
	for _, x := range s.steps() {
		if x.Type == kind {
			return x
		}
	}
	return nil
}

// orTrue is *b, true where the file says nothing.
func orTrue(b *bool) bool { return b == nil || *b }

// readTokenizerJSON parses a tokenizer.json.
func readTokenizerJSON(file string, data []byte) (*tokenizerJSON, error) {
	t := &tokenizerJSON{file: file}
	if err := json.Unmarshal(data, t); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if t.Model.Type == "" { // files of old do not say it
		switch {
		case len(t.Model.Merges) > 0:
			t.Model.Type = "BPE"
		case t.Model.UnkID != nil:
			t.Model.Type = "Unigram"
		default:
			return nil, fmt.Errorf(`%s: "model" has no "type"`, file)
		}
	}
	return t, nil
}

// vocab is the model's tokens by text, checked: ids are those of a list, and none
// is there twice.
func (t *tokenizerJSON) vocab() (map[string]int, error) {
	var raw map[string]int64
	if err := json.Unmarshal(t.Model.Vocab, &raw); err != nil {
		return nil, fmt.Errorf(`%s: "vocab": %w`, t.file, err)
	}
	ids := make(map[string]int, len(raw))
	texts := make(map[int64]string, len(raw))
	for text, id := range raw {
		if err := t.checkID(text, id); err != nil {
			return nil, err
		}
		if other, ok := texts[id]; ok {
			return nil, fmt.Errorf("%s: tokens %s and %s have the same id, %d", t.file, brief(min(text, other)), brief(max(text, other)), id)
		}
		texts[id] = text
		ids[text] = int(id)
	}
	return ids, nil
}

// maxTokens bounds a vocabulary: the largest known has 260,000 tokens.
const maxTokens = 1 << 22

func (t *tokenizerJSON) checkID(text string, id int64) error {
	if id < 0 || id >= maxTokens {
		return fmt.Errorf("%s: token %s has id %d: no vocabulary has more than %d tokens", t.file, brief(text), id, maxTokens)
	}
	return nil
}

// brief is a text for a message.
func brief(text string) string {
	const most = 40
	if len(text) > most {
		return fmt.Sprintf("%.*q... (%d bytes)", most, text, len(text))
	}
	return fmt.Sprintf("%q", text)
}

// mergeList is the model's merges, each as its two parts.
func (t *tokenizerJSON) mergeList() ([][2]string, error) {
	if len(t.Model.Merges) == 0 || string(t.Model.Merges) == "null" {
		return nil, nil
	}
	var lines []string
	if err := json.Unmarshal(t.Model.Merges, &lines); err == nil {
		merges := make([][2]string, len(lines))
		for i, line := range lines {
			var ok bool
			if merges[i], ok = cutMerge(line); !ok {
				return nil, fmt.Errorf("%s: merge %d, %s, is not two parts with a space between them", t.file, i, brief(line))
			}
		}
		return merges, nil
	}
	var pairs [][]string
	if err := json.Unmarshal(t.Model.Merges, &pairs); err != nil {
		return nil, fmt.Errorf(`%s: "merges": %w`, t.file, err)
	}
	merges := make([][2]string, len(pairs))
	for i, p := range pairs {
		if len(p) != 2 {
			return nil, fmt.Errorf("%s: merge %d has %d parts, not 2", t.file, i, len(p))
		}
		merges[i] = [2]string(p)
	}
	return merges, nil
}

// cutMerge takes "left right" apart.
func cutMerge(line string) (merge [2]string, ok bool) {
	for i := 1; i < len(line)-1; i++ {
		if line[i] == ' ' {
			if ok {
				return merge, false // a second space
			}
			merge, ok = [2]string{line[:i], line[i+1:]}, true
		}
	}
	return merge, ok
}

// checkMerges looks whether every part of a merge, and what it makes, is a token.
func (t *tokenizerJSON) checkMerges(ids map[string]int, merges [][2]string) error {
	prefix := ""
	if t.Model.Prefix != nil {
		prefix = *t.Model.Prefix
	}
	for i, m := range merges {
		made := m[0] + m[1]
		if len(prefix) > 0 && len(m[1]) >= len(prefix) {
			made = m[0] + m[1][len(prefix):]
		}
		for _, text := range []string{m[0], m[1], made} {
			if _, ok := ids[text]; !ok {
				return fmt.Errorf("%s: merge %d, of %s and %s, names %s, which is no token", t.file, i, brief(m[0]), brief(m[1]), brief(text))
			}
		}
	}
	return nil
}

// jsonOf is a value as JSON, for the parts of a tokenizer that are made of other files.
func jsonOf(value any) (json.RawMessage, error) { return json.Marshal(value) }
