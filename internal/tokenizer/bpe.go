package tokenizer

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"unicode/utf8"
)

// bpeModel merges the symbols of each word by the ranks of the file's merges.
type bpeModel struct {
	v   *vocab
	ids [256]int32 // of bytes, in the letters of this vocabulary
}

// merges are the pairs that join, "left right", by rank. The list is the longest one
// that a file has, and its index is made when the first text is encoded: a program that
// loads a model to go on with ids, or waits for its user, does not wait for it.
type merges struct {
	*index
	glue *glue // where words of whole lines may be cut; nil: unused
}

// setMerges sets the list of merges.
func (v *vocab) setMerges(list texts) {
	v.merges = sync.OnceValue(func() *merges {
		m := &merges{}
		var note func(text []byte)
		if v.escape && !v.split.ignoreMerges {
			m.glue = new(glue)
			note = func(text []byte) { m.glue.note(text, ' ') }
		}
		m.index = newIndex(list, false, note)
		return m
	})
}

// byteLetters is GPT-2's letter for each byte, in UTF-8: the byte itself where it
// prints, else the next one from U+0100 on.
var byteLetters = func() (l [256]string) {
	next := rune(0x100)
	for b := range l {
		switch {
		case b >= 0x21 && b <= 0x7E, b >= 0xA1 && b <= 0xAC, b >= 0xAE:
			l[b] = string(rune(b))
		default:
			l[b] = string(next)
			next++
		}
	}
	return l
}()

// letterByte returns the byte that r stands for in GPT-2's letters.
func letterByte(r rune) (byte, bool) {
	switch {
	case r >= 0x21 && r <= 0x7E, r >= 0xA1 && r <= 0xAC, r >= 0xAE && r <= 0xFF:
		return byte(r), true
	case r >= 0x100 && r <= 0x120:
		return byte(r - 0x100), true
	case r >= 0x121 && r <= 0x142:
		return byte(r - 0x121 + 0x7F), true
	case r == 0x143:
		return 0xAD, true
	}
	return 0, false
}

func newBPE(v *vocab) *bpeModel {
	m := &bpeModel{v: v}
	for b := range m.ids {
		if v.split.rawBytes {
			m.ids[b] = v.index.find([]byte{byte(b)})
		} else {
			m.ids[b] = v.index.find([]byte(byteLetters[b]))
		}
	}
	return m
}

// text splits s into words and merges each.
func (m *bpeModel) text(e *encoder, dst []int32, s []byte, _ bool) []int32 {
	e.out, e.merges = dst, m.v.merges()
	switch {
	case m.v.model == "hybriddna":
		m.dna(e, s)
	case m.v.model == "whitespace":
		m.spaced(e, s)
	case m.v.prefix:
		m.lines(e, s)
	case m.v.escape:
		m.words(e, e.escape(s, false))
	default:
		m.words(e, s)
	}
	dst, e.out = e.out, nil
	return dst
}

func (m *bpeModel) words(e *encoder, s []byte) {
	s, e.valid = normalize(s, e.valid)
	e.split.split(s)
}

// word appends the tokens of one word to e.out.
func (m *bpeModel) word(e *encoder, word []byte) {
	if g := e.merges.glue; g != nil && word[0] != '\n' {
		g.cut(word, func(w []byte) { m.cached(e, w) })
		return
	}
	m.cached(e, word)
}

func (m *bpeModel) cached(e *encoder, word []byte) {
	entry := e.cache.at(word, maphash.Bytes(m.v.index.seed, word))
	if entry != nil && entry.holds(word) {
		e.out = append(e.out, entry.ids[:entry.n]...)
		return
	}
	first := len(e.out)
	m.tokens(e, word)
	if entry != nil {
		entry.set(word, e.out[first:])
	}
}

// tokens merges one word.
func (m *bpeModel) tokens(e *encoder, word []byte) {
	v := m.v
	text := word
	e.merge.begin(len(word))
	if v.split.rawBytes {
		for i := 0; i < len(word); {
			n := min(charLen(word[i]), len(word)-i)
			id := m.ids[word[i]]
			if n > 1 {
				id = v.index.find(word[i : i+n])
			}
			e.merge.add(i, id)
			i += n
		}
	} else {
		e.letters = slices.Grow(e.letters[:0], 2*len(word))
		for _, b := range word {
			e.merge.add(len(e.letters), m.ids[b])
			e.letters = append(e.letters, byteLetters[b]...)
		}
		text = e.letters
	}
	if v.split.ignoreMerges || v.split.newlineWords && word[0] == '\n' {
		if id := v.index.find(text); id >= 0 {
			e.out = append(e.out, id)
			return
		}
	}
	e.merge.merge(text)
	for i := int32(0); i >= 0; i = e.merge.syms[i].next {
		s := &e.merge.syms[i]
		if s.id >= 0 {
			e.out = append(e.out, s.id)
			continue
		}
		piece := text[s.start:e.merge.end(text, i)]
		for i := range piece {
			id := int32(-1)
			if v.split.rawBytes {
				id = v.hexToken(piece[i])
			} else {
				id = v.index.find(piece[i : i+1])
			}
			if id >= 0 {
				e.out = append(e.out, id)
			}
		}
	}
}

// rank is the rank of a merge, as a key of merger.
func (e *encoder) rank(left, right, both []byte) join {
	p := append(e.pairText[:0], left...)
	p = append(p, ' ')
	p = append(p, right...)
	e.pairText = p
	rank := e.merges.find(p)
	if rank < 0 {
		return noJoin
	}
	return join{uint32(rank), e.v.index.find(both)}
}

// lines encodes each line by itself, with a space before those that begin without one.
func (m *bpeModel) lines(e *encoder, s []byte) {
	for len(s) > 0 {
		n := newlineRuns(nil, s, 0)
		line := s[:n]
		s = s[n:]
		lead := line[0] == '\n' || line[0] == ' ' || bytes.HasPrefix(line, []byte(spaceMark))
		m.words(e, e.escape(line, !lead))
	}
}

// spaced drops white space, which splits words, and lowers case where the file says so.
func (m *bpeModel) spaced(e *encoder, s []byte) {
	t := &e.split.classes
	var word []byte
	flush := func() {
		if len(word) > 0 {
			m.words(e, word)
			word = word[:0]
		}
	}
	for len(s) > 0 {
		r, n := decodeLoose(s)
		s = s[n:]
		if t.pages[r>>8][r&0xff] == space {
			flush()
			continue
		}
		if m.v.lower {
			r = lower(r)
		}
		word = appendRune(word, r)
	}
	flush()
}

// dnaMark ends the tokens of DNA, to tell them from words.
const dnaMark = "\uE000"

// dna encodes <dna>ACGT...</dna> by six bases, padded with A, and the rest as words.
func (m *bpeModel) dna(e *encoder, s []byte) {
	open, shut, oov := m.v.id("<dna>"), m.v.id("</dna>"), m.v.id("<oov>")
	if open < 0 || shut < 0 || oov < 0 {
		m.words(e, s)
		return
	}
	for len(s) > 0 {
		before, rest, found := bytes.Cut(s, []byte("<dna>"))
		if len(before) > 0 {
			m.words(e, before)
		}
		if !found {
			return
		}
		e.out = append(e.out, open)
		var bases []byte
		bases, s, found = bytes.Cut(rest, []byte("</dna>"))
		for len(bases) > 0 {
			var mer [6]byte
			n := copy(mer[:], bases)
			bases = bases[n:]
			for i := range mer {
				if i >= n {
					mer[i] = 'A'
				} else if c := mer[i]; c >= 'a' && c <= 'z' {
					mer[i] = c - 32
				}
			}
			id := m.v.index.find(append(mer[:], dnaMark...))
			if id < 0 {
				id = oov
			}
			e.out = append(e.out, id)
		}
		if found {
			e.out = append(e.out, shut)
		}
	}
}

// appendLetters appends the bytes that text in GPT-2's letters stands for; what is no
// such letter stands for itself.
func appendLetters(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if b, ok := letterByte(r); ok {
			dst = append(dst, b)
		} else {
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return dst
}
