package checkpoint

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

// A pickle is a program for a stack machine, and Python's own would call any
// function that it names. This one knows the operations that torch.save writes,
// and can build nothing but numbers, texts, containers and descriptions of
// tensors: what a pickle names must be in the list of names, and calling it
// yields one of these values. Nothing is recursive; steps, and with them memory,
// are bounded.
// Source: the operations' documentation in Lib/pickletools.py of Python.

// Values are nil, bool, int64, float64, string, tuple, *list, *dict, and those of
// names.go. A long is an integer of more than 64 bits.
type (
	tuple []any
	list  struct{ items []any }
	dict  struct{ keys, values []any }
	long  string // little-endian bytes
)

// maxSteps bounds the operations of a pickle: a tensor takes about 40.
const maxSteps = 1 << 22

// unpickler runs one pickle after the other from one file.
type unpickler struct {
	r     *bufio.Reader
	left  int64 // bytes of the file that have not been read
	at    int64 // bytes that have
	stack []any
	marks []int // lengths of the stack
	memo  map[uint32]any
	// storage makes a value of a persistent id, which torch gives to the tensors' memory.
	storage func(id tuple) (any, error)
}

func newUnpickler(r io.Reader, size int64, storage func(id tuple) (any, error)) *unpickler {
	return &unpickler{r: bufio.NewReader(r), left: size, storage: storage}
}

// run executes a pickle to its end and returns the value that it leaves.
func (u *unpickler) run() (any, error) {
	u.stack, u.marks, u.memo = nil, nil, make(map[uint32]any)
	for range maxSteps {
		op, err := u.byte()
		if err != nil {
			return nil, err
		}
		if op == '.' { // STOP
			return u.pop()
		}
		step := operations[op]
		if step == nil {
			return nil, fmt.Errorf("pickle: operation %q is none that torch.save writes", op)
		}
		if err := step(u); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("pickle: more than %d operations", maxSteps)
}

var errCut = errors.New("pickle: cut short")

func (u *unpickler) byte() (byte, error) {
	if u.left == 0 {
		return 0, errCut
	}
	b, err := u.r.ReadByte()
	if errors.Is(err, io.EOF) {
		err = errCut
	}
	u.left--
	u.at++
	return b, err
}

// bytes reads n bytes.
func (u *unpickler) bytes(n uint64) ([]byte, error) {
	if n > uint64(u.left) || n > math.MaxInt {
		return nil, errCut
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(u.r, b); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errCut
		}
		return nil, err
	}
	u.left -= int64(n)
	u.at += int64(n)
	return b, nil
}

// number reads a little-endian number of 1 to 8 bytes.
func (u *unpickler) number(size int) (uint64, error) {
	var v uint64
	for i := range size {
		b, err := u.byte()
		if err != nil {
			return 0, err
		}
		v |= uint64(b) << (8 * i)
	}
	return v, nil
}

// text reads a length of size bytes, and as many bytes.
func (u *unpickler) text(size int) (string, error) {
	n, err := u.number(size)
	if err != nil {
		return "", err
	}
	b, err := u.bytes(n)
	return string(b), err
}

// maxLine bounds the names of modules and what is in them.
const maxLine = 1 << 10

// line reads to the next line feed.
func (u *unpickler) line() (string, error) {
	var line []byte
	for len(line) < maxLine {
		b, err := u.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(line), nil
		}
		line = append(line, b)
	}
	return "", fmt.Errorf("pickle: a name of more than %d bytes", maxLine)
}

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return nil
}

var errStack = errors.New("pickle: it takes more from the stack than there is")

// pop takes the last value, of those since the last mark.
func (u *unpickler) pop() (any, error) {
	floor := 0
	if n := len(u.marks); n > 0 {
		floor = u.marks[n-1]
	}
	n := len(u.stack)
	if n <= floor {
		return nil, errStack
	}
	v := u.stack[n-1]
	u.stack = u.stack[:n-1]
	return v, nil
}

// last is the value that is on top.
func (u *unpickler) last() (any, error) {
	v, err := u.pop()
	if err == nil {
		u.stack = append(u.stack, v)
	}
	return v, err
}

// marked takes all values since the last mark. They are valid until the next push.
func (u *unpickler) marked() ([]any, error) {
	n := len(u.marks)
	if n == 0 {
		return nil, errors.New("pickle: there is no mark")
	}
	at := u.marks[n-1]
	u.marks = u.marks[:n-1]
	items := u.stack[at:]
	u.stack = u.stack[:at]
	return items, nil
}

// tupled takes n values and pushes the tuple of them.
func (u *unpickler) tupled(n int) error {
	t := make(tuple, n)
	for i := n - 1; i >= 0; i-- {
		v, err := u.pop()
		if err != nil {
			return err
		}
		t[i] = v
	}
	return u.push(t)
}

// setItems adds keys and values, one after the other, to the dict on top.
func (u *unpickler) setItems(items []any) error {
	v, err := u.last()
	if err != nil {
		return err
	}
	d, ok := v.(*dict)
	if !ok || len(items)%2 != 0 {
		return fmt.Errorf("pickle: %d items for %s", len(items), describe(v))
	}
	for i := 0; i < len(items); i += 2 {
		d.keys, d.values = append(d.keys, items[i]), append(d.values, items[i+1])
	}
	return nil
}

// appendItems adds items to the list on top.
func (u *unpickler) appendItems(items []any) error {
	v, err := u.last()
	if err != nil {
		return err
	}
	l, ok := v.(*list)
	if !ok {
		return fmt.Errorf("pickle: items of a list for %s", describe(v))
	}
	l.items = append(l.items, items...)
	return nil
}

// describe says what a value is.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a truth value"
	case int64, float64, long:
		return "a number"
	case string:
		return "a text"
	case tuple:
		return "a tuple"
	case *list:
		return "a list"
	case *dict:
		return "a dict"
	case name:
		return string(v)
	case *storage:
		return "a tensor's memory"
	case *pickled:
		return "a tensor"
	}
	return "a value"
}

// get finds a text among a dict's keys: its last value, as later ones replace earlier.
func (d *dict) get(key string) any {
	for i := len(d.keys) - 1; i >= 0; i-- {
		if d.keys[i] == key {
			return d.values[i]
		}
	}
	return nil
}
