package tokenizer

import (
	"math"
	"slices"
)

// piece is a symbol of a word while it is merged: text[start:end].
type piece struct {
	start, end int32
	prev, next int32 // -1: none
	id         int32 // the token of this text; -1: there is none
	join
}

// join is what merging a piece with the next one gives.
type join struct {
	key uint32 // smallest first; noMerge: they do not merge
	id2 int32  // the token of both together; -1: there is none
}

const noMerge = math.MaxUint32

var noJoin = join{noMerge, -1}

// shortWord is how many symbols are merged without a heap.
const shortWord = 32

// merger joins neighbouring symbols, always the pair of the smallest key, the
// leftmost of equals, until none may be joined. Time is O(n log n).
type merger struct {
	syms []piece
	heap []uint64 // key<<32 | symbol
	// pair tells how text[l.start:l.end] and text[r.start:r.end] join, which follow
	// each other.
	pair func(text []byte, l, r *piece) join
	memo []memoEntry // of pairs of tokens; a power of two
}

type memoEntry struct {
	left, right int32 // plus 1: 0 is an empty entry
	join
}

// look is pair, remembered.
func (m *merger) look(text []byte, l, r *piece) join {
	if l.id < 0 || r.id < 0 {
		return m.pair(text, l, r)
	}
	h := (uint64(l.id)<<32 | uint64(r.id)) * 0x9E3779B97F4A7C15
	e := &m.memo[h>>32&uint64(len(m.memo)-1)]
	if e.left != l.id+1 || e.right != r.id+1 {
		*e = memoEntry{l.id + 1, r.id + 1, m.pair(text, l, r)}
	}
	return e.join
}

// add appends the symbol text[start:end], which is the token id.
func (m *merger) add(start, end int, id int32) {
	n := int32(len(m.syms))
	m.syms = append(m.syms, piece{int32(start), int32(end), n - 1, n + 1, id, noJoin})
}

// merge joins the symbols that were added. Afterwards they are read from the first
// along next.
func (m *merger) merge(text []byte) {
	s := m.syms
	if len(s) == 0 {
		return
	}
	s[len(s)-1].next = -1
	for i := range len(s) - 1 {
		s[i].join = m.look(text, &s[i], &s[i+1])
	}
	if len(s) > shortWord {
		m.mergeLong(text)
		return
	}
	for {
		best, key := int32(-1), uint32(noMerge)
		for i := int32(0); i >= 0; i = s[i].next {
			if s[i].key < key {
				best, key = i, s[i].key
			}
		}
		if best < 0 {
			return
		}
		m.joinNext(text, best)
	}
}

// mergeLong is merge with a heap. An entry is stale when its symbol is gone or
// has another key by now.
func (m *merger) mergeLong(text []byte) {
	m.heap = m.heap[:0]
	for i := range m.syms {
		if key := m.syms[i].key; key != noMerge {
			m.heap = append(m.heap, uint64(key)<<32|uint64(i))
		}
	}
	slices.Sort(m.heap) // a sorted slice is a heap
	for len(m.heap) > 0 {
		top := m.pop()
		i := int32(uint32(top))
		if m.syms[i].key != uint32(top>>32) {
			continue
		}
		m.joinNext(text, i)
		m.push(i)
		if p := m.syms[i].prev; p >= 0 {
			m.push(p)
		}
	}
}

// joinNext merges symbol i with the next one.
func (m *merger) joinNext(text []byte, i int32) {
	s := m.syms
	l := &s[i]
	r := &s[l.next]
	r.key = noMerge
	l.end, l.next, l.id = r.end, r.next, l.id2
	l.join = noJoin
	if l.next >= 0 {
		s[l.next].prev = i
		l.join = m.look(text, l, &s[l.next])
	}
	if l.prev >= 0 {
		s[l.prev].join = m.look(text, &s[l.prev], l)
	}
}

func (m *merger) push(i int32) {
	key := m.syms[i].key
	if key == noMerge {
		return
	}
	m.heap = append(m.heap, uint64(key)<<32|uint64(i))
	h := m.heap
	for at := len(h) - 1; at > 0; {
		up := (at - 1) / 2
		if h[up] <= h[at] {
			return
		}
		h[up], h[at] = h[at], h[up]
		at = up
	}
}

func (m *merger) pop() uint64 {
	h := m.heap
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	m.heap = h
	for at := 0; ; {
		down := 2*at + 1
		if down >= len(h) {
			return top
		}
		if down+1 < len(h) && h[down+1] < h[down] {
			down++
		}
		if h[at] <= h[down] {
			return top
		}
		h[at], h[down] = h[down], h[at]
		at = down
	}
}

// scoreKey orders scores as keys: the highest score is the smallest key.
func scoreKey(score float32) uint32 {
	if score != score {
		return noMerge - 1
	}
	b := math.Float32bits(score + 0) // -0 is 0
	if b>>31 != 0 {
		b = ^b
	} else {
		b |= 1 << 31
	}
	return min(^b, noMerge-1)
}

// charLen returns the length of a character by its first byte alone, as llama.cpp
// takes text apart.
func charLen(first byte) int {
	switch {
	case first < 0xC0:
		return 1
	case first < 0xE0:
		return 2
	case first < 0xF0:
		return 3
	}
	return 4
}
