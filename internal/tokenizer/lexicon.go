package tokenizer

import (
	"cmp"
	"slices"
)

// lexicon finds the texts of an index that stand at a place: by trying the lengths that
// occur with the first byte. It holds no texts of its own.
type lexicon struct {
	index   *index
	attrs   []attr // of the index's numbers; nil: all are wanted
	want    attr
	not     attr
	lengths [256][]int32 // by first byte: the lengths of texts, longest first
	second  [256][4]uint64
}

// newLexicon returns a lexicon of the texts with an attribute of want and none of not.
func newLexicon(x *index, attrs []attr, want, not attr) lexicon {
	l := lexicon{index: x, attrs: attrs, want: want, not: not}
	var seen [256]map[int32]bool
	for id := range x.list.Len() {
		if !l.wants(int32(id)) {
			continue
		}
		text := x.list.Bytes(id)
		if len(text) == 0 {
			continue
		}
		n, first := int32(len(text)), text[0]
		if seen[first] == nil {
			seen[first] = map[int32]bool{}
		}
		if !seen[first][n] {
			seen[first][n] = true
			l.lengths[first] = append(l.lengths[first], n)
		}
		if n > 1 {
			l.second[first][text[1]/64] |= 1 << (text[1] % 64)
		}
	}
	for i := range l.lengths {
		slices.SortFunc(l.lengths[i], func(a, b int32) int { return cmp.Compare(b, a) })
	}
	return l
}

func (l *lexicon) wants(id int32) bool {
	return l.attrs == nil || l.attrs[id]&l.want != 0 && l.attrs[id]&l.not == 0
}

// each calls yield for the texts at s[i], longest first, until it returns false.
func (l *lexicon) each(s []byte, i int, yield func(candidate) bool) {
	lengths := l.lengths[s[i]]
	if len(lengths) == 0 {
		return
	}
	most := int32(1)
	if i+1 < len(s) && l.second[s[i]][s[i+1]/64]>>(s[i+1]%64)&1 != 0 {
		most = int32(min(len(s)-i, 1<<30))
	}
	for _, n := range lengths {
		if n > most {
			continue
		}
		id := l.index.find(s[i : i+int(n)])
		if id >= 0 && l.wants(id) && !yield(candidate{i, int(n), id}) {
			return
		}
	}
}

// longest returns the longest text at s[i]; len 0: none.
func (l *lexicon) longest(s []byte, i int) (found candidate) {
	l.each(s, i, func(c candidate) bool {
		found = c
		return false
	})
	return found
}

// candidate is a token at a place in the text.
type candidate struct {
	at, len int
	id      int32
}
