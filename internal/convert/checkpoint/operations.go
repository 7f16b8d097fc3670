package checkpoint

import (
	"fmt"
	"math"
	"math/bits"
)

// operations are those of a pickle that torch.save writes with any protocol from 2
// on. STOP belongs to run.
var operations [256]func(u *unpickler) error

func init() {
	constant := func(v any) func(*unpickler) error {
		return func(u *unpickler) error { return u.push(v) }
	}
	text := func(size int) func(*unpickler) error {
		return func(u *unpickler) error {
			s, err := u.text(size)
			if err != nil {
				return err
			}
			return u.push(s)
		}
	}
	integer := func(size int, number func(uint64) int64) func(*unpickler) error {
		return func(u *unpickler) error {
			v, err := u.number(size)
			if err != nil {
				return err
			}
			return u.push(number(v))
		}
	}
	skip := func(size int) func(*unpickler) error {
		return func(u *unpickler) error { _, err := u.number(size); return err }
	}
	unsigned := func(v uint64) int64 { return int64(v) }
	for op, step := range map[byte]func(*unpickler) error{
		0x80: skip(1), // PROTO
		0x95: skip(8), // FRAME

		'N':  constant(nil),
		0x88: constant(true),
		0x89: constant(false),
		')':  constant(tuple(nil)),
		']':  func(u *unpickler) error { return u.push(&list{}) },
		'}':  func(u *unpickler) error { return u.push(&dict{}) },

		'J':  integer(4, func(v uint64) int64 { return int64(int32(v)) }), // BININT
		'K':  integer(1, unsigned),
		'M':  integer(2, unsigned),
		0x8a: (*unpickler).long, // LONG1
		'G': func(u *unpickler) error { // BINFLOAT
			v, err := u.number(8)
			if err != nil {
				return err
			}
			return u.push(math.Float64frombits(bits.ReverseBytes64(v)))
		},

		'X': text(4), 0x8c: text(1), 0x8d: text(8), // texts
		'T': text(4), 'U': text(1), // bytes of Python 2
		'B': text(4), 'C': text(1), 0x8e: text(8), // bytes of Python 3

		'(':  func(u *unpickler) error { u.marks = append(u.marks, len(u.stack)); return nil },
		'0':  func(u *unpickler) error { _, err := u.pop(); return err },
		'1':  func(u *unpickler) error { _, err := u.marked(); return err },
		0x85: func(u *unpickler) error { return u.tupled(1) },
		0x86: func(u *unpickler) error { return u.tupled(2) },
		0x87: func(u *unpickler) error { return u.tupled(3) },
		't':  func(u *unpickler) error { return u.fromMark(func(v []any) any { return append(tuple(nil), v...) }) },
		'l': func(u *unpickler) error {
			return u.fromMark(func(v []any) any { return &list{append([]any(nil), v...)} })
		},
		'a': func(u *unpickler) error { // APPEND
			v, err := u.pop()
			if err != nil {
				return err
			}
			return u.appendItems([]any{v})
		},
		'e': func(u *unpickler) error { // APPENDS
			items, err := u.marked()
			if err != nil {
				return err
			}
			return u.appendItems(append([]any(nil), items...))
		},
		's': func(u *unpickler) error { // SETITEM
			if err := u.tupled(2); err != nil {
				return err
			}
			pair, _ := u.pop()
			return u.setItems(pair.(tuple))
		},
		'u': func(u *unpickler) error { // SETITEMS
			items, err := u.marked()
			if err != nil {
				return err
			}
			return u.setItems(append([]any(nil), items...))
		},
		'd': func(u *unpickler) error { // DICT
			items, err := u.marked()
			if err != nil {
				return err
			}
			items = append([]any(nil), items...)
			_ = u.push(&dict{})
			return u.setItems(items)
		},

		'q':  func(u *unpickler) error { return u.put(1) },
		'r':  func(u *unpickler) error { return u.put(4) },
		0x94: func(u *unpickler) error { return u.put(0) }, // MEMOIZE
		'h':  func(u *unpickler) error { return u.recall(1) },
		'j':  func(u *unpickler) error { return u.recall(4) },

		'c':  (*unpickler).global,
		0x93: (*unpickler).stackGlobal,
		'R':  (*unpickler).reduce,
		'b':  (*unpickler).build,
		'Q': func(u *unpickler) error { // BINPERSID
			v, err := u.pop()
			if err != nil {
				return err
			}
			id, ok := v.(tuple)
			if !ok {
				return fmt.Errorf("pickle: %s in place of a storage's description", describe(v))
			}
			s, err := u.storage(id)
			if err != nil {
				return err
			}
			return u.push(s)
		},
	} {
		operations[op] = step
	}
}

// fromMark pushes a container of the values since the mark.
func (u *unpickler) fromMark(container func([]any) any) error {
	items, err := u.marked()
	if err != nil {
		return err
	}
	return u.push(container(items))
}

// long is LONG1: up to 255 bytes, two's complement.
func (u *unpickler) long() error {
	s, err := u.text(1)
	if err != nil {
		return err
	}
	if len(s) > 8 {
		return u.push(long(s))
	}
	var v uint64
	for i := range 8 {
		switch {
		case i < len(s):
			v |= uint64(s[i]) << (8 * i)
		case len(s) > 0 && s[len(s)-1] > 127:
			v |= 0xff << (8 * i)
		}
	}
	return u.push(int64(v))
}

// put remembers the value on top, by a number of size bytes or the next one.
func (u *unpickler) put(size int) error {
	key := uint64(len(u.memo))
	if size > 0 {
		var err error
		if key, err = u.number(size); err != nil {
			return err
		}
	}
	v, err := u.last()
	if err != nil {
		return err
	}
	u.memo[uint32(key)] = v
	return nil
}

func (u *unpickler) recall(size int) error {
	key, err := u.number(size)
	if err != nil {
		return err
	}
	v, ok := u.memo[uint32(key)]
	if !ok {
		return fmt.Errorf("pickle: nothing is remembered as %d", key)
	}
	return u.push(v)
}

func (u *unpickler) global() error {
	module, err := u.line()
	if err != nil {
		return err
	}
	item, err := u.line()
	if err != nil {
		return err
	}
	return u.named(module, item)
}

func (u *unpickler) stackGlobal() error {
	if err := u.tupled(2); err != nil {
		return err
	}
	v, _ := u.pop()
	module, ok1 := v.(tuple)[0].(string)
	item, ok2 := v.(tuple)[1].(string)
	if !ok1 || !ok2 {
		return fmt.Errorf("pickle: a name that is no text")
	}
	return u.named(module, item)
}

// named pushes what a module has under a name, if a model may need it.
func (u *unpickler) named(module, item string) error {
	n := name(module + "." + item)
	if !n.known() {
		return fmt.Errorf("pickle: it asks for %.200q, which no tensor needs: refused", string(n))
	}
	return u.push(n)
}

// reduce calls a name with arguments.
func (u *unpickler) reduce() error {
	if err := u.tupled(2); err != nil {
		return err
	}
	v, _ := u.pop()
	call := v.(tuple)
	n, ok := call[0].(name)
	if !ok {
		return fmt.Errorf("pickle: it calls %s: refused", describe(call[0]))
	}
	args, ok := call[1].(tuple)
	if !ok {
		return fmt.Errorf("pickle: it calls %s with %s in place of arguments", n, describe(call[1]))
	}
	made, err := n.call(args)
	if err != nil {
		return fmt.Errorf("pickle: %s: %w", n, err)
	}
	return u.push(made)
}

// build is for attributes of an object: those of a dict (a state_dict's
// versions) say nothing about tensors, and other objects have none.
func (u *unpickler) build() error {
	if _, err := u.pop(); err != nil {
		return err
	}
	v, err := u.last()
	if err != nil {
		return err
	}
	if _, ok := v.(*dict); !ok {
		return fmt.Errorf("pickle: it sets attributes of %s: refused", describe(v))
	}
	return nil
}
