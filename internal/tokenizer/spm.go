package tokenizer

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// spmModel merges characters into tokens, the highest score first: any two
// neighbours that make a token may merge.
type spmModel struct {
	v   *vocab
	ids [128]int32 // of ASCII
}

func newSPM(v *vocab) *spmModel {
	m := &spmModel{v: v}
	for b := range m.ids {
		m.ids[b] = v.index.find([]byte{byte(b)})
	}
	return m
}

func (m *spmModel) text(e *encoder, dst []int32, s []byte, afterSpecial bool) []int32 {
	s = e.escape(s, m.v.prefix && afterSpecial)
	e.out = dst
	m.v.glue.cut(s, func(word []byte) { m.cached(e, word) })
	dst, e.out = e.out, nil
	return dst
}

func (m *spmModel) cached(e *encoder, word []byte) {
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

func (m *spmModel) tokens(e *encoder, word []byte) {
	e.merge.begin(len(word))
	for i := 0; i < len(word); {
		n := min(charLen(word[i]), len(word)-i)
		var id int32
		if n == 1 && word[i] < 0x80 {
			id = m.ids[word[i]]
		} else {
			id = m.v.index.find(word[i : i+n])
		}
		e.merge.add(i, id)
		i += n
	}
	e.merge.merge(word)
	for i := int32(0); i >= 0; i = e.merge.syms[i].next {
		s := &e.merge.syms[i]
		if s.id >= 0 {
			e.out = append(e.out, s.id)
			continue
		}
		for _, b := range word[s.start:e.merge.end(word, i)] {
			id := m.v.byteToken(b)
			if id < 0 {
				id = m.v.special["unk"]
			}
			if id >= 0 {
				e.out = append(e.out, id)
			}
		}
	}
}

// pairScore orders merges by the score of the token they make, as a key of merger.
func (e *encoder) pairScore(_, _, both []byte) join {
	id := e.v.index.find(both)
	if id < 0 {
		return noJoin
	}
	return join{scoreKey(e.v.score(id)), id}
}

// escape returns s with U+2581 for every space, one more in front if prefix is set.
func (e *encoder) escape(s []byte, prefix bool) []byte {
	out := e.escaped[:0]
	if prefix {
		out = append(out, spaceMark...)
	}
	for {
		i := bytes.IndexByte(s, ' ')
		if i < 0 {
			break
		}
		out = append(out, s[:i]...)
		out = append(out, spaceMark...)
		s = s[i+1:]
	}
	out = append(out, s...)
	e.escaped = out
	return out
}

// glue tells where text may be cut before U+2581 without changing what merges: after
// a byte that no token (or, with sep, no merge "left SEP right") has before that mark.
type glue [256]bool

// note adds what stands before marks in a text.
func (g *glue) note(text []byte, sep byte) {
	if len(text) > len(spaceMark) && hasMark(text[1:]) {
		g.add(text, sep)
	}
}

// hasMark says whether text may hold the first byte of U+2581. It is for the short texts
// of long lists: eight bytes at once, by the trick that finds a zero byte.
func hasMark(text []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; len(text) >= 8; text = text[8:] {
		if x := binary.LittleEndian.Uint64(text) ^ uint64(spaceMark[0])*ones; (x-ones)&^x&tops != 0 {
			return true
		}
	}
	for _, c := range text {
		if c == spaceMark[0] {
			return true
		}
	}
	return false
}

func (g *glue) add(text []byte, sep byte) {
	mark := []byte(spaceMark)
	for at := 1; at+len(mark) <= len(text); {
		k := bytes.Index(text[at:], mark)
		if k < 0 {
			return
		}
		before := at + k - 1
		if sep != 0 && before > 0 && text[before] == sep {
			before--
		}
		g[text[before]] = true
		at += k + len(mark)
	}
}

// cut calls emit for the parts of s that merge by themselves. s is taken apart into
// characters by charLen, as merging does.
func (g *glue) cut(s []byte, emit func(part []byte)) {
	from := 0
	for i := 0; i < len(s); {
		if s[i] == spaceMark[0] && i > from && !g[s[i-1]] && bytes.HasPrefix(s[i:], []byte(spaceMark)) {
			emit(s[from:i])
			from = i
		}
		i += charLen(s[i])
	}
	if from < len(s) {
		emit(s[from:])
	}
}
