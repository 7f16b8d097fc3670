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
// last. each, if not nil, is called with every text.
func newIndex(list texts, last bool, each func(text []byte)) *index {
	n := list.Len()
	x := &index{list: list, seed: maphash.MakeSeed(), bits: bits.Len(uint(n))}
	x.slots = make([]uint32, 1<<bits.Len(uint(n+n/2)))
	next := func(i int) placed {
		text := list.Bytes(i)
		if each != nil {
			each(text)
		}
		return x.place(text, i)
	}
	if len(x.slots) <= nearSlots {
		for i := range n {
			x.add(next(i), last)
		}
		return x
	}
	// A large table is filled part by part: each fits a cache, which all of it does not.
	parts := len(x.slots) / nearSlots
	shift := bits.Len(uint(nearSlots - 1))
	room := n/parts + n/parts/16 + 256
	all := make([]placed, parts*room)
	count := make([]int, parts)
	for i := range n {
		p := next(i)
		part := int(p.slot >> shift)
		if count[part] == room { // far from even: a list made for that
			x.add(p, last)
			continue
		}
		all[part*room+count[part]] = p
		count[part]++
	}
	for part, c := range count {
		for _, p := range all[part*room:][:c] {
			x.add(p, last)
		}
	}
	return x
}

// nearSlots is how many slots a first or second level cache holds; a power of two.
const nearSlots = 1 << 14

// placed is an entry on its way into the table.
type placed struct {
	slot  uint32 // where looking for it begins
	entry uint32 // what stands in the slot
}

// place returns the entry of number i, whose text is given.
func (x *index) place(text []byte, i int) placed {
	h := maphash.Bytes(x.seed, text)
	return placed{uint32(h & uint64(len(x.slots)-1)), uint32(h>>32)&^(1<<x.bits-1) | uint32(i+1)}
}

// add puts an entry into the table. The order of adding does not matter.
func (x *index) add(p placed, last bool) {
	mask := uint32(len(x.slots) - 1)
	for at := p.slot; ; at = (at + 1) & mask {
		slot := x.slots[at&mask]
		if slot == 0 {
			x.slots[at&mask] = p.entry
			return
		}
		if (slot^p.entry)>>x.bits == 0 {
			old, i := x.number(slot), x.number(p.entry)
			if string(x.list.Bytes(old)) == string(x.list.Bytes(i)) {
				if (i > old) == last {
					x.slots[at&mask] = p.entry
				}
				return
			}
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
