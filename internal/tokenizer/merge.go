package tokenizer

import (
	"math"
	"slices"
)

// piece is a symbol of a word while it is merged: text[start:end].
type piece struct {
	start, end int32
	prev, next int32  // -1: none
	key        uint32 // of merging it with next, smallest first; noMerge: not at all
}

const noMerge = math.MaxUint32

// shortWord is how many symbols are merged without a heap.
const shortWord = 32

// merger joins neighbouring symbols, always the pair of the smallest key, the
// leftmost of equals, until none may be joined. Time is O(n log n).
type merger struct {
	syms []piece
	heap []uint64 // key<<32 | symbol
	// pair returns the key of joining text[a:b] and text[b:c].
	pair func(text []byte, a, b, c int32) uint32
}

// add appends the symbol text[start:end].
func (m *merger) add(start, end int) {
	n := int32(len(m.syms))
	m.syms = append(m.syms, piece{start: int32(start), end: int32(end), prev: n - 1, next: n + 1, key: noMerge})
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
		s[i].key = m.pair(text, s[i].start, s[i].end, s[i+1].end)
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
		m.join(text, best)
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
		m.join(text, i)
		m.push(i)
		if p := m.syms[i].prev; p >= 0 {
			m.push(p)
		}
	}
}

// join merges symbol i with the next one.
func (m *merger) join(text []byte, i int32) {
	s := m.syms
	a := &s[i]
	b := &s[a.next]
	b.key = noMerge
	a.end, a.next = b.end, b.next
	a.key = noMerge
	if a.next >= 0 {
		s[a.next].prev = i
		a.key = m.pair(text, a.start, a.end, s[a.next].end)
	}
	if a.prev >= 0 {
		p := &s[a.prev]
		p.key = m.pair(text, p.start, p.end, a.end)
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
