package tokenizer

import (
	"math"
	"slices"
)

// piece is a symbol of a word while it is merged; its text ends where the next one's
// begins. Long words have millions of them: they are small.
type piece struct {
	start      int32
	prev, next int32  // -1: none
	id         int32  // the token of this text; -1: there is none
	key        uint32 // of merging it with the next one
}

// join is what merging a piece with the next one gives.
type join struct {
	key uint32 // smallest first; noMerge: they do not merge
	id  int32  // the token of both together; -1: there is none
}

const noMerge = math.MaxUint32

var noJoin = join{noMerge, -1}

// Up to shortWord symbols are merged without a heap, from longWord on with runs too.
const (
	shortWord = 32
	longWord  = 2048
)

// merger joins neighbouring symbols, always the pair of the smallest key, the
// leftmost of equals, until none may be joined. Time is O(n log n).
type merger struct {
	syms []piece
	heap []uint64 // key<<32 | symbol
	runs runs
	pair func(left, right, both []byte) join // how two texts that follow each other join
	memo []memoEntry                         // of pairs of tokens; a power of two
}

type memoEntry struct {
	left, right int32 // plus 1: 0 is an empty entry
	join
}

// look tells how a piece joins with the next one, which there is.
func (m *merger) look(text []byte, l *piece) join {
	r := &m.syms[l.next]
	if l.id < 0 || r.id < 0 {
		return m.ask(text, l)
	}
	h := (uint64(l.id)<<32 | uint64(r.id)) * 0x9E3779B97F4A7C15
	e := &m.memo[h>>32&uint64(len(m.memo)-1)]
	if e.left != l.id+1 || e.right != r.id+1 {
		*e = memoEntry{l.id + 1, r.id + 1, m.ask(text, l)}
	}
	return e.join
}

// ask is look without the memory.
func (m *merger) ask(text []byte, l *piece) join {
	mid := m.syms[l.next].start
	end := m.end(text, l.next)
	return m.pair(text[l.start:mid], text[mid:end], text[l.start:end])
}

// end returns where the text of symbol i ends.
func (m *merger) end(text []byte, i int32) int32 {
	if next := m.syms[i].next; next >= 0 {
		return m.syms[next].start
	}
	return int32(len(text))
}

// begin makes m ready for a word of up to most symbols.
func (m *merger) begin(most int) { m.syms = slices.Grow(m.syms[:0], most) }

// add appends the symbol that begins at start, which is the token id.
func (m *merger) add(start int, id int32) {
	n := int32(len(m.syms))
	m.syms = append(m.syms, piece{int32(start), n - 1, n + 1, id, noMerge})
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
		s[i].key = m.look(text, &s[i]).key
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

// mergeLong is merge with a queue: runs for very long words, and a heap for what they
// do not hold. An entry is stale when its symbol is gone or has another key by now.
func (m *merger) mergeLong(text []byte) {
	m.heap = m.heap[:0]
	if len(m.syms) < longWord {
		for i := range m.syms {
			if key := m.syms[i].key; key != noMerge {
				m.heap = append(m.heap, uint64(key)<<32|uint64(i))
			}
		}
		slices.Sort(m.heap) // a sorted slice is a heap
		for len(m.heap) > 0 {
			top := m.heap[0]
			m.heap = heapPop(m.heap)
			m.take(text, top, func(i int32) {
				if key := m.syms[i].key; key != noMerge {
					m.heap = heapPush(m.heap, uint64(key)<<32|uint64(i))
				}
			})
		}
		return
	}
	m.runs.begin(len(m.syms))
	push := func(i int32) {
		if key := m.syms[i].key; key != noMerge && !m.runs.add(key, i) {
			m.heap = heapPush(m.heap, uint64(key)<<32|uint64(i))
		}
	}
	for i := range m.syms {
		push(int32(i))
	}
	for {
		top, ok := m.runs.top()
		switch {
		case len(m.heap) > 0 && (!ok || m.heap[0] < top):
			top = m.heap[0]
			m.heap = heapPop(m.heap)
		case ok:
			m.runs.drop()
		default:
			return
		}
		m.take(text, top, push)
	}
}

// take merges what an entry of a queue says, unless it is stale, and pushes the symbols
// whose keys changed, from the left.
func (m *merger) take(text []byte, entry uint64, push func(i int32)) {
	i := int32(uint32(entry))
	if m.syms[i].key != uint32(entry>>32) {
		return
	}
	m.joinNext(text, i)
	if p := m.syms[i].prev; p >= 0 {
		push(p)
	}
	push(i)
}

// joinNext merges symbol i with the next one.
func (m *merger) joinNext(text []byte, i int32) {
	s := m.syms
	l := &s[i]
	r := &s[l.next]
	l.id, l.key = m.look(text, l).id, noMerge
	l.next, r.key = r.next, noMerge
	if l.next >= 0 {
		s[l.next].prev = i
		l.key = m.look(text, l).key
	}
	if l.prev >= 0 {
		p := &s[l.prev]
		p.key = m.look(text, p).key
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
