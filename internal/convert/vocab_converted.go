package convert

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// readConverted reads a tokenizer.json that was made of a SentencePiece model of BPE:
// Llama 2's, Mistral's, Gemma's, Phi 3's. The file has no scores, but merges by rank;
// GGUF's "llama" has scores and no merges.
func (v *vocabulary) readConverted() error {
	t := v.json
	if err := v.checkConverted(); err != nil {
		return err
	}
	ids, merges, err := v.readTokens()
	if err != nil {
		return err
	}
	if v.rule.merges { // the model has a kind of its own for these
		v.model, v.pre = v.rule.model, v.rule.pre
		if v.model != "gpt2" {
			v.scores = slices.Repeat([]float32{-1000}, len(v.tokens))
		}
		v.bytesAndSpecials()
		return nil
	}
	v.model, v.pre, v.merges = "llama", "default", nil
	v.bytesAndSpecials()
	if v.scores, err = scoresOf(t, ids, merges, len(v.tokens)); err != nil {
		return err
	}
	if !t.prefixed() {
		v.spacePrefix = new(bool)
	}
	return nil
}

// prefixed says whether text gets a space in front.
func (t *tokenizerJSON) prefixed() bool {
	if s := t.PreTokenizer.find("Metaspace"); s != nil {
		return s.PrependScheme != "never" && (s.PrependScheme != "" || orTrue(s.AddPrefixSpace))
	}
	return t.Normalizer.find("Prepend") != nil
}

// bytesAndSpecials sets the types that a converted file does not say.
func (v *vocabulary) bytesAndSpecials() {
	unknown := ""
	if v.json.Model.UnkToken != nil {
		unknown = *v.json.Model.UnkToken
	}
	for i, text := range v.tokens {
		switch {
		case isByteToken(text):
			v.types[i] = tokenByte
		case text == unknown && v.types[i] == tokenNormal:
			v.types[i] = tokenUnknown
		}
	}
}

// isByteToken says whether a token is <0xNN>.
func isByteToken(text string) bool {
	if len(text) != 6 || !strings.HasPrefix(text, "<0x") || text[5] != '>' {
		return false
	}
	return strings.Trim(text[3:5], "0123456789abcdefABCDEF") == ""
}

// checkConverted looks whether the file does what GGUF's kinds for it do, and nothing else.
func (v *vocabulary) checkConverted() error {
	t := v.json
	marks := false
	for _, s := range append(t.Normalizer.steps(), t.PreTokenizer.steps()...) {
		ok := false
		switch s.Type {
		case "Prepend":
			ok = s.Prepend == "\u2581"
		case "Replace":
			ok = s.Pattern != nil && s.Pattern.String != nil && *s.Pattern.String == " " && s.Content == "\u2581"
			marks = marks || ok
		case "Metaspace":
			ok = s.Replacement == "" || s.Replacement == "\u2581"
			marks = true
		case "Split": // at spaces, of which none are left
			ok = s.Pattern != nil && s.Pattern.String != nil && *s.Pattern.String == " "
		case "NFC", "NFKC", "Precompiled":
			ok = true // llama.cpp composes no characters
		}
		if !ok && v.given == "" {
			return unknownPre(t, fmt.Sprintf("%s is not known of a tokenizer made of SentencePiece", s.Type))
		}
	}
	if !marks && v.given == "" {
		return unknownPre(t, "its BPE is neither of bytes nor of text with \u2581 for spaces")
	}
	return nil
}

// scoresOf gives tokens scores that merge as the ranks of merges do: the later what
// a merge makes comes first in the list, the lower its score. The numbers are those of
// SentencePiece's own models, the negative rank. A list in which what is made comes in
// several ranks, with others between, has no such scores.
func scoresOf(t *tokenizerJSON, ids map[string]int, merges [][2]string, n int) ([]float32, error) {
	scores := make([]float32, n)
	made := make(map[int]bool, len(merges))
	rank, last := -1, -1
	for i, m := range merges {
		id := ids[m[0]+m[1]]
		if id == last {
			continue
		}
		if made[id] {
			return nil, fmt.Errorf("%s: merge %d makes %s again: the order of its merges has no scores, which a tokenizer with \u2581 for spaces needs in GGUF", t.file, i, brief(m[0]+m[1]))
		}
		last, made[id] = id, true
		rank++
		scores[id] = -float32(rank)
	}
	for i := range scores {
		if !made[i] {
			scores[i] = -float32(rank + 1)
		}
	}
	return scores, nil
}

// readUnigram reads a tokenizer.json whose model is Unigram: T5's and others'.
func (v *vocabulary) readUnigram() error {
	t := v.json
	var vocab [][]json.RawMessage
	if err := json.Unmarshal(t.Model.Vocab, &vocab); err != nil {
		return fmt.Errorf(`%s: "vocab": %w`, t.file, err)
	}
	ids := make(map[string]int, len(vocab))
	scores := make([]float32, len(vocab))
	for i, entry := range vocab {
		var text string
		var score float64
		if len(entry) != 2 || json.Unmarshal(entry[0], &text) != nil || json.Unmarshal(entry[1], &score) != nil {
			return fmt.Errorf("%s: entry %d of the vocabulary is no token with its score", t.file, i)
		}
		if other, ok := ids[text]; ok {
			return fmt.Errorf("%s: tokens %d and %d are both %s", t.file, other, i, brief(text))
		}
		ids[text], scores[i] = i, float32(score)
	}
	if len(ids) > maxTokens {
		return fmt.Errorf("%s: it has more than %d tokens", t.file, maxTokens)
	}
	texts, added, err := t.tokenList(ids)
	if err != nil {
		return err
	}
	n, err := v.size(len(texts))
	if err != nil {
		return err
	}
	if len(texts) > n {
		return fmt.Errorf("%s: it has %d tokens, but the model %d (%s)", t.file, len(texts), n, v.m.config.File())
	}
	v.room(n)
	v.model, v.pre = "t5", "default"
	v.scores = slices.Repeat([]float32{-10000}, n)
	copy(v.scores, scores)
	for id, text := range texts {
		a, isAdded := added[id]
		switch {
		case t.Model.UnkID != nil && int64(id) == *t.Model.UnkID:
			v.tokens[id], v.types[id] = text, tokenUnknown
		case isAdded:
			v.tokens[id], v.types[id] = t.addedForm(a)
			v.scores[id] = -1000
		case id < len(scores):
			v.tokens[id], v.types[id] = text, tokenNormal
		}
	}
	prefix, squeeze := t.prefixed(), t.PreTokenizer.find("WhitespaceSplit") != nil || t.Normalizer.find("Replace") != nil
	v.spacePrefix, v.squeeze = &prefix, &squeeze
	if s := t.Normalizer.find("Precompiled"); s != nil {
		if v.charsmap, err = base64.StdEncoding.DecodeString(s.Charsmap); err != nil {
			return fmt.Errorf(`%s: "precompiled_charsmap": %w`, t.file, err)
		}
	}
	return nil
}
