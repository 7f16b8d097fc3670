package tokenizer

import (
	"maps"
	"slices"
)

// PreTokenizer is what one name of tokenizer.ggml.pre stands for. It is for
// converters, which have to find the name that a tokenizer's rules have here.
type PreTokenizer struct {
	Name         string
	IgnoreMerges bool // a word that is a token is not merged
	AddBOS       bool // unless the file says otherwise
	NoBOS        bool // there is none, unless the file names one
	rules        []rule
}

// PreTokenizers are the pre-tokenizers of byte-level BPE, by name; those that
// change text beyond cutting it into words are not among them.
func PreTokenizers() []PreTokenizer {
	all := preTokenizers()
	var list []PreTokenizer
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if p := all[name]; !p.rawBytes && !p.escapeSpaces {
			list = append(list, PreTokenizer{name, p.ignoreMerges, p.addBOS, p.noBOS, p.rules})
		}
	}
	return list
}

// Words cuts text, valid UTF-8, into the words that are merged by themselves.
func (p PreTokenizer) Words(text string) []string {
	var words []string
	s := splitter{classes: newClasses(), rules: p.rules}
	s.emit = func(word []byte) { words = append(words, string(word)) }
	s.split([]byte(text))
	return words
}

// EndsByText says whether a token of this text ends every generation, without
// being named in the file.
func EndsByText(text string) bool { return slices.Contains(endTexts, text) }
