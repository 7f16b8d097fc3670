package tokenizer

import (
	"hash/maphash"
	"math/bits"
)

// texts is a list of byte strings: gguf.Array, or strings in a test.
type texts interface {
	Len() int
	Bytes(i int) []byte // must not be written to
}

// index finds the number of a text in a list: an open addressing table of numbers,
// with the texts left where they are. It is read-only once built.
type index struct {
	list  texts
	seed  maphash.Seed
	slots []uint32 // upper bits of the hash | number + 1; 0: empty
	bits  int      // of a number
}

// newIndex returns an index over all of list. Of equal texts the first counts, or the
// last. skip says which texts are left out; nil: none.
func newIndex(list texts, last bool) *index {
	n := list.Len()
	x := &index{list: list, seed: maphash.MakeSeed(), bits: bits.Len(uint(n))}
	x.slots = make([]uint32, 1<<bits.Len(uint(n+n/2)))
	for i := range n {
		x.add(i, list.Bytes(i), last)
	}
	return x
}

func (x *index) add(i int, text []byte, last bool) {
	h := maphash.Bytes(x.seed, text)
	mask := uint64(len(x.slots) - 1)
	tag := uint32(h>>32) &^ (1<<x.bits - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := x.slots[at]
		if slot == 0 {
			x.slots[at] = tag | uint32(i+1)
			return
		}
		if slot&^(1<<x.bits-1) == tag && string(x.list.Bytes(x.number(slot))) == string(text) {
			if last {
				x.slots[at] = tag | uint32(i+1)
			}
			return
		}
	}
}

func (x *index) number(slot uint32) int { return int(slot&(1<<x.bits-1)) - 1 }

// find returns the number of text, -1 when it is not in the list.
func (x *index) find(text []byte) int32 {
	h := maphash.Bytes(x.seed, text)
	mask := uint64(len(x.slots) - 1)
	tag := uint32(h>>32) &^ (1<<x.bits - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		slot := x.slots[at]
		if slot == 0 {
			return -1
		}
		if slot&^(1<<x.bits-1) == tag {
			if i := x.number(slot); string(x.list.Bytes(i)) == string(text) {
				return int32(i)
			}
		}
	}
}
