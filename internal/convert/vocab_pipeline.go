package convert

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"happyphonellm/internal/convert/pattern"
)

// pipeline is what a tokenizer.json does with a text before merging, interpreted:
// it tells which of the known pre-tokenizers the file means.
type wordPipeline struct {
	stages []stage
}

// stage cuts each piece of text.
type stage func(pieces []wordPiece) ([]wordPiece, error)

// wordPiece is a piece of text. After ByteLevel its text is in GPT-2's letters, one
// for each byte.
type wordPiece struct {
	text    string
	letters bool
}

// newWordPipeline makes the pipeline of a file; an error says what of it is not known.
func newWordPipeline(t *tokenizerJSON) (*wordPipeline, error) {
	p := &wordPipeline{}
	for _, s := range t.Normalizer.steps() {
		change, err := normalizerOf(s)
		if err != nil {
			return nil, fmt.Errorf("%s: normalizer %s: %w", t.file, s.Type, err)
		}
		if change != nil {
			p.stages = append(p.stages, func(pieces []wordPiece) ([]wordPiece, error) {
				for i := range pieces {
					var err error
					if pieces[i].text, err = change(pieces[i].text); err != nil {
						return nil, err
					}
				}
				return pieces, nil
			})
		}
	}
	for _, s := range t.PreTokenizer.steps() {
		cut, err := preTokenizerOf(s)
		if err != nil {
			return nil, fmt.Errorf("%s: pre-tokenizer %s: %w", t.file, s.Type, err)
		}
		p.stages = append(p.stages, cut)
	}
	return p, nil
}

// words cuts text into what is merged by itself.
func (p *wordPipeline) words(text string) ([]string, error) {
	pieces := []wordPiece{{text: text}}
	for _, s := range p.stages {
		var err error
		if pieces, err = s(pieces); err != nil {
			return nil, err
		}
	}
	words := make([]string, 0, len(pieces))
	for _, w := range pieces {
		if w.letters {
			w.text = fromLetters(w.text)
		}
		if w.text != "" {
			words = append(words, w.text)
		}
	}
	return words, nil
}

// normalizerOf is what a normalizer does; nil: nothing that the engine does not do
// without (nearly every text is composed already, and GGUF's BPE has no NFC).
func normalizerOf(s *step) (func(string) (string, error), error) {
	switch s.Type {
	case "NFC":
		return nil, nil
	case "Lowercase":
		return func(x string) (string, error) { return strings.ToLower(x), nil }, nil
	case "Prepend":
		return func(x string) (string, error) {
			if x == "" {
				return x, nil
			}
			return s.Prepend + x, nil
		}, nil
	case "Strip":
		return func(x string) (string, error) {
			if s.StripLeft {
				x = strings.TrimLeftFunc(x, unicode.IsSpace)
			}
			if s.StripRight {
				x = strings.TrimRightFunc(x, unicode.IsSpace)
			}
			return x, nil
		}, nil
	case "Replace":
		p, err := s.pattern()
		if err != nil {
			return nil, err
		}
		return func(x string) (string, error) {
			var out strings.Builder
			err := eachPart(p, x, func(part string, matched bool) {
				if matched {
					part = s.Content
				}
				out.WriteString(part)
			})
			return out.String(), err
		}, nil
	}
	return nil, fmt.Errorf("it is not known")
}

// pattern compiles what a Split or a Replace looks for.
func (s *step) pattern() (*pattern.Pattern, error) {
	switch {
	case s.Pattern != nil && s.Pattern.Regex != nil:
		p, err := pattern.Compile(*s.Pattern.Regex)
		if err != nil {
			return nil, fmt.Errorf("expression %s: %w", brief(*s.Pattern.Regex), err)
		}
		return p, nil
	case s.Pattern != nil && s.Pattern.String != nil && *s.Pattern.String != "":
		return pattern.Literal(*s.Pattern.String), nil
	}
	return nil, fmt.Errorf(`it has no "pattern"`)
}

// eachPart calls emit for the matches in text and what lies between them, in order.
func eachPart(p *pattern.Pattern, text string, emit func(part string, matched bool)) error {
	gap := 0
	for at := 0; at < len(text); {
		start, end, err := p.Find(text, at)
		if err != nil {
			return err
		}
		if start < 0 {
			break
		}
		if end == start { // an empty match cuts, and takes nothing
			if start > gap {
				emit(text[gap:start], false)
				gap = start
			}
			if start == len(text) {
				break
			}
			_, n := utf8.DecodeRuneInString(text[start:])
			at = start + n
			continue
		}
		if start > gap {
			emit(text[gap:start], false)
		}
		emit(text[start:end], true)
		gap, at = end, end
	}
	if gap < len(text) {
		emit(text[gap:], false)
	}
	return nil
}

// gpt2Words is the expression of ByteLevel.
var gpt2Words = func() *pattern.Pattern {
	p, err := pattern.Compile(`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`)
	if err != nil {
		panic(err)
	}
	return p
}()

// preTokenizerOf is how a pre-tokenizer cuts.
func preTokenizerOf(s *step) (stage, error) {
	switch s.Type {
	case "ByteLevel":
		return byteLevel(orTrue(s.AddPrefixSpace), orTrue(s.UseRegex)), nil
	case "Split":
		p, err := s.pattern()
		if err != nil {
			return nil, err
		}
		return splitStage(s.Behavior, s.Invert, func(text string, emit func(string, bool)) error { return eachPart(p, text, emit) })
	case "Digits":
		// Rust's is_numeric: every number, not decimal digits only
		return runesStage(map[bool]string{true: "Isolated", false: "Contiguous"}[s.Individual], func(r rune) bool { return unicode.Is(unicode.N, r) })
	case "Punctuation":
		behavior := s.Behavior
		if behavior == "" {
			behavior = "Isolated"
		}
		return runesStage(behavior, isBertPunct)
	case "WhitespaceSplit":
		return runesStage("Removed", unicode.IsSpace)
	case "Whitespace":
		p, err := pattern.Compile(`\w+|[^\w\s]+`)
		if err != nil {
			return nil, err
		}
		return splitStage("Removed", true, func(text string, emit func(string, bool)) error { return eachPart(p, text, emit) })
	case "CharDelimiterSplit":
		return runesStage("Removed", func(r rune) bool { return string(r) == s.Delimiter })
	}
	return nil, fmt.Errorf("it is not known")
}

// isBertPunct is ASCII's punctuation and symbols, and Unicode's punctuation.
func isBertPunct(r rune) bool {
	return unicode.Is(unicode.P, r) || r < 0x80 && unicode.Is(unicode.S, r)
}

// runesStage splits at single characters.
func runesStage(behavior string, has func(rune) bool) (stage, error) {
	return splitStage(behavior, false, func(text string, emit func(string, bool)) error {
		gap := 0
		for i, r := range text {
			if has(r) {
				if i > gap {
					emit(text[gap:i], false)
				}
				gap = i + utf8.RuneLen(r)
				emit(text[i:gap], true)
			}
		}
		if gap < len(text) {
			emit(text[gap:], false)
		}
		return nil
	})
}

// splitStage cuts pieces by matches, which parts gives with what lies between them,
// and does with those what behavior says.
func splitStage(behavior string, invert bool, parts func(text string, emit func(part string, matched bool)) error) (stage, error) {
	if !slices.Contains([]string{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"}, behavior) {
		return nil, fmt.Errorf("behavior %q is not known", behavior)
	}
	return func(pieces []wordPiece) ([]wordPiece, error) {
		var out []wordPiece
		for _, w := range pieces {
			type part struct {
				text    string
				matched bool
			}
			var all []part
			if err := parts(w.text, func(text string, matched bool) { all = append(all, part{text, matched != invert}) }); err != nil {
				return nil, err
			}
			carry, joined := "", false // joined: the last piece of out may grow
			for i, x := range all {
				before := i > 0 && all[i-1].matched
				switch {
				case !x.matched && behavior == "MergedWithNext":
					out, carry = append(out, wordPiece{carry + x.text, w.letters}), ""
				case !x.matched:
					out = append(out, wordPiece{x.text, w.letters})
				case behavior == "Isolated":
					out = append(out, wordPiece{x.text, w.letters})
				case behavior == "MergedWithPrevious" && i > 0 && !before, behavior == "Contiguous" && before && joined:
					out[len(out)-1].text += x.text
				case behavior == "MergedWithPrevious", behavior == "Contiguous":
					out = append(out, wordPiece{x.text, w.letters})
				case behavior == "MergedWithNext":
					if before {
						out = append(out, wordPiece{carry, w.letters})
					}
					carry = x.text
				}
				joined = x.matched
			}
			if carry != "" {
				out = append(out, wordPiece{carry, w.letters})
			}
		}
		return out, nil
	}, nil
}

// byteLevel cuts as GPT-2 does, if words says so, and writes bytes as letters.
func byteLevel(prefix, words bool) stage {
	return func(pieces []wordPiece) ([]wordPiece, error) {
		var out []wordPiece
		for _, w := range pieces {
			if prefix && !strings.HasPrefix(w.text, " ") {
				w.text = " " + w.text
			}
			if !words {
				out = append(out, wordPiece{toLetters(w.text), true})
				continue
			}
			err := eachPart(gpt2Words, w.text, func(part string, _ bool) { out = append(out, wordPiece{toLetters(part), true}) })
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}

// letters are GPT-2's letters for bytes: the byte's own character where it prints,
// the next from U+0100 on where not.
var letters, byLetter = func() (of [256]rune, back map[rune]byte) {
	back = make(map[rune]byte, 256)
	next := rune(0x100)
	for b := range of {
		of[b] = rune(b)
		if b < 0x21 || b > 0x7e && b < 0xa1 || b == 0xad {
			of[b] = next
			next++
		}
		back[of[b]] = byte(b)
	}
	return of, back
}()

// toLetters writes each byte of text as its letter.
func toLetters(text string) string {
	out := make([]rune, len(text))
	for i := range len(text) {
		out[i] = letters[text[i]]
	}
	return string(out)
}

// fromLetters is toLetters undone; what is no letter stands for itself.
func fromLetters(text string) string {
	var out strings.Builder
	for _, r := range text {
		if b, ok := byLetter[r]; ok {
			out.WriteByte(b)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}
