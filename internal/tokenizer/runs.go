package tokenizer

import "slices"

// runs holds the pairs that a very long word may merge, by key: for each key a list of
// symbols in ascending order. Long words repeat themselves, so that keys are few and the
// lists long, and a symbol is added and taken in constant time; where every pair has a
// key of its own, it is a heap of keys. What would break the order of a list is not held.
type runs struct {
	slots   []int32 // open addressing by key: number in lists + 1; 0: empty
	lists   []keyList
	entries []runEntry
	free    int32    // first entry that is not used, -1: none
	heap    []uint64 // key<<32 | number, of the lists that are not empty
}

// keyList is the symbols of one key; first and last are entries, -1: none.
type keyList struct {
	key         uint32
	first, last int32
}

type runEntry struct{ symbol, next int32 }

// begin makes r ready for a word of so many symbols.
func (r *runs) begin(symbols int) {
	if len(r.slots) == 0 {
		r.slots = make([]int32, 1<<8)
	}
	clear(r.slots)
	r.lists, r.heap, r.free = r.lists[:0], r.heap[:0], -1
	r.entries = slices.Grow(r.entries[:0], symbols)
}

// slot returns the place of key in slots.
func (r *runs) slot(key uint32) *int32 {
	mask := uint64(len(r.slots) - 1)
	for at := uint64(key) * 0x9E3779B97F4A7C15 >> 32; ; at++ {
		s := &r.slots[at&mask]
		if *s == 0 || r.lists[*s-1].key == key {
			return s
		}
	}
}

// list returns the number of the list of key, made when there is none.
func (r *runs) list(key uint32) int32 {
	s := r.slot(key)
	if *s > 0 {
		return *s - 1
	}
	if len(r.lists) >= len(r.slots)/2 {
		r.slots = make([]int32, 2*len(r.slots))
		for i := range r.lists {
			*r.slot(r.lists[i].key) = int32(i + 1)
		}
		s = r.slot(key)
	}
	r.lists = append(r.lists, keyList{key, -1, -1})
	*s = int32(len(r.lists))
	return *s - 1
}

// add adds a symbol with a key. It reports false, and does not hold the symbol, when
// the list of this key has a later one already.
func (r *runs) add(key uint32, symbol int32) bool {
	n := r.list(key)
	l := &r.lists[n]
	if l.last >= 0 && r.entries[l.last].symbol > symbol {
		return false
	}
	at := r.free
	if at >= 0 {
		r.free = r.entries[at].next
		r.entries[at] = runEntry{symbol, -1}
	} else {
		at = int32(len(r.entries))
		r.entries = append(r.entries, runEntry{symbol, -1})
	}
	if l.last >= 0 {
		r.entries[l.last].next = at
	} else {
		l.first = at
		r.heap = heapPush(r.heap, uint64(key)<<32|uint64(n))
	}
	l.last = at
	return true
}

// top returns key<<32 | symbol of the smallest key and its first symbol.
func (r *runs) top() (entry uint64, ok bool) {
	if len(r.heap) == 0 {
		return 0, false
	}
	l := &r.lists[uint32(r.heap[0])]
	return uint64(l.key)<<32 | uint64(r.entries[l.first].symbol), true
}

// drop takes away what top returns.
func (r *runs) drop() {
	l := &r.lists[uint32(r.heap[0])]
	at := l.first
	l.first = r.entries[at].next
	r.entries[at].next, r.free = r.free, at
	if l.first < 0 {
		l.last = -1
		r.heap = heapPop(r.heap)
	}
}

// heapPush adds x to a binary heap whose first element is its smallest.
func heapPush(h []uint64, x uint64) []uint64 {
	h = append(h, x)
	for at := len(h) - 1; at > 0; {
		up := (at - 1) / 2
		if h[up] <= h[at] {
			break
		}
		h[up], h[at] = h[at], h[up]
		at = up
	}
	return h
}

// heapPop takes the first element away.
func heapPop(h []uint64) []uint64 {
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for at := 0; ; {
		down := 2*at + 1
		if down >= len(h) {
			return h
		}
		if down+1 < len(h) && h[down+1] < h[down] {
			down++
		}
		if h[at] <= h[down] {
			return h
		}
		h[at], h[down] = h[down], h[at]
		at = down
	}
}
