package tokenizer

// wpmModel is WordPiece: words, in lower case and without accents if the file says
// so, are matched by the longest tokens from the left; a word that cannot be is unknown.
type wpmModel struct {
	v    *vocab
	trie func() *trie
}

func newWPM(v *vocab) (*wpmModel, error) {
	t, err := lazyTrie(v.tokens, nil)
	return &wpmModel{v, t}, err
}

func (m *wpmModel) text(e *encoder, dst []int32, s []byte, _ bool) []int32 {
	t := &e.split.classes
	word := append(e.escaped[:0], spaceMark...)
	empty := len(word)
	flush := func() {
		if len(word) > empty {
			dst = m.word(dst, word)
			word = word[:empty]
		}
	}
	for len(s) > 0 {
		r, n := decodeLoose(s)
		s = s[n:]
		if m.v.stripped {
			r = base(r)
		}
		c := t.pages[r>>8][r&0xff]
		if c == space {
			flush()
			continue
		}
		if r == 0 || r == 0xFFFD || c == control || c == mark && m.v.stripped {
			continue
		}
		alone := c == punct || r < 0x7F && c == symbol || isIdeograph(r)
		if m.v.lower {
			r = lower(r)
		}
		if alone {
			flush()
		}
		word = appendRune(word, r)
		if alone {
			flush()
		}
	}
	flush()
	e.escaped = word
	return dst
}

// word appends the tokens of one word, which begins with U+2581.
func (m *wpmModel) word(dst []int32, word []byte) []int32 {
	first := len(dst)
	trie := m.trie()
	for i := 0; i < len(word); {
		c := trie.longest(word, i)
		if c.len == 0 {
			dst = dst[:first]
			break
		}
		dst = append(dst, c.id)
		i += c.len
	}
	if unk := m.v.special["unk"]; len(dst) == first && unk >= 0 {
		dst = append(dst, unk)
	}
	return dst
}

// isIdeograph says whether BERT takes r for a word of its own. The gap at U+2B820 is
// that of the reference implementation.
func isIdeograph(r rune) bool {
	switch {
	case r >= 0x4E00 && r <= 0x9FFF, r >= 0x3400 && r <= 0x4DBF, r >= 0xF900 && r <= 0xFAFF,
		r >= 0x20000 && r <= 0x2A6DF, r >= 0x2A700 && r <= 0x2B81F, r >= 0x2B920 && r <= 0x2CEAF, r >= 0x2F800 && r <= 0x2FA1F:
		return true
	}
	return false
}
