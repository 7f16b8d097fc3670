package tokenizer

import (
	"errors"
	"sync"
)

// trie finds all texts of a list that stand at a place, byte by byte. The step from a
// node by a byte is an entry of one open addressing table; nodes count from 1.
type trie struct {
	first [256]uint32 // steps from the root; 0: none
	slots []step
	count int     // of slots that are used
	ids   []int32 // by node: the number of the text that ends there; -1: none
}

// step leads from a node by a byte to another; to 0: an empty slot.
type step struct {
	from uint32 // node<<8 | byte
	to   uint32
}

const maxTrieNodes = 1 << 24

var errTrieSize = errors.New("the tokens are too many and too long")

// lazyTrie returns a function that makes newTrie's trie when it is first called, which a
// program that only loads a model, or only decodes, never does.
func lazyTrie(list texts, wants func(id int32) bool) (func() *trie, error) {
	nodes := 0
	for id := range list.Len() {
		nodes += len(list.Bytes(id))
	}
	if nodes >= maxTrieNodes {
		return nil, errTrieSize
	}
	return sync.OnceValue(func() *trie { return newTrie(list, wants) }), nil
}

// newTrie returns a trie of the texts that are wanted (nil: all), of less than
// maxTrieNodes bytes together. Of equal texts the last one counts; empty ones are left out.
func newTrie(list texts, wants func(id int32) bool) *trie {
	n := list.Len()
	t := &trie{slots: make([]step, 1<<10), ids: make([]int32, 1, 2*n+1)}
	for id := range n {
		if wants != nil && !wants(int32(id)) {
			continue
		}
		text := list.Bytes(id)
		if len(text) == 0 {
			continue
		}
		node := t.first[text[0]]
		if node == 0 {
			node = t.grow()
			t.first[text[0]] = node
		}
		for _, b := range text[1:] {
			if t.count >= len(t.slots)/4*3 {
				t.rehash()
			}
			s := t.slot(node<<8 | uint32(b))
			if s.to == 0 {
				*s = step{node<<8 | uint32(b), t.grow()}
				t.count++
			}
			node = s.to
		}
		t.ids[node] = int32(id)
	}
	return t
}

// grow makes a node.
func (t *trie) grow() uint32 {
	t.ids = append(t.ids, -1)
	return uint32(len(t.ids) - 1)
}

// slot returns the place of a step, or the empty one where it belongs.
func (t *trie) slot(from uint32) *step {
	mask := uint64(len(t.slots) - 1)
	for at := uint64(from) * 0x9E3779B97F4A7C15 >> 32; ; at++ {
		if s := &t.slots[at&mask]; s.from == from || s.to == 0 {
			return s
		}
	}
}

func (t *trie) rehash() {
	old := t.slots
	t.slots = make([]step, 2*len(old))
	for _, s := range old {
		if s.to != 0 {
			*t.slot(s.from) = s
		}
	}
}

// next returns the node that byte b leads to, 0: none.
func (t *trie) next(node uint32, b byte) uint32 { return t.slot(node<<8 | uint32(b)).to }

// longest returns the longest text at s[i]; len 0: none.
func (t *trie) longest(s []byte, i int) (found candidate) {
	node := t.first[s[i]]
	for j := i + 1; node != 0; j++ {
		if id := t.ids[node]; id >= 0 {
			found = candidate{i, j - i, id}
		}
		if j == len(s) {
			break
		}
		node = t.next(node, s[j])
	}
	return found
}
