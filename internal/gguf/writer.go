package gguf

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"os"

	"happyphonellm/internal/quant"
)

// Writer collects metadata and tensors and writes them as one GGUF file of
// version 3. The data of tensors is not held: it is asked for, tensor by
// tensor, when the file is written.
//
// Keys and tensors keep the order in which they were first set; the same calls
// give the same bytes. A wrong argument is remembered and returned by WriteTo
// and Create. A Writer is for one goroutine; the zero value is ready to use.
type Writer struct {
	keys    []writerKey
	index   map[string]int
	tensors []writerTensor
	names   map[string]bool
	err     error // the first wrong argument
}

type writerKey struct {
	name  string
	kind  Kind
	value []byte // as in the file
}

type writerTensor struct {
	name  string
	typ   quant.Type
	shape []int
	size  uint64
	data  func(io.Writer) error
}

// NewWriter returns an empty Writer.
func NewWriter() *Writer { return &Writer{} }

func (w *Writer) fail(format string, a ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("gguf: writer: "+format, a...)
	}
}

// set stores a value; a key that is set again keeps its place.
func (w *Writer) set(key string, kind Kind, value []byte) {
	if key == "" {
		w.fail("empty key")
		return
	}
	if i, ok := w.index[key]; ok {
		w.keys[i] = writerKey{key, kind, value}
		return
	}
	if w.index == nil {
		w.index = make(map[string]int)
	}
	w.index[key] = len(w.keys)
	w.keys = append(w.keys, writerKey{key, kind, value})
}

// Kind is the kind of a key's value; false if it was not set.
func (w *Writer) Kind(key string) (Kind, bool) {
	i, ok := w.index[key]
	if !ok {
		return 0, false
	}
	return w.keys[i].kind, true
}

// Text is a key's value if that is a text.
func (w *Writer) Text(key string) (string, bool) {
	i, ok := w.index[key]
	if !ok || w.keys[i].kind != Text {
		return "", false
	}
	return string(w.keys[i].value[8:]), true // after its length
}

// Uint is a key's value if that is a whole number of at least 0, or the first
// element of a list of them.
func (w *Writer) Uint(key string) (uint64, bool) {
	i, ok := w.index[key]
	if !ok {
		return 0, false
	}
	kind, value := w.keys[i].kind, w.keys[i].value
	if kind == List {
		if kind = Kind(binary.LittleEndian.Uint32(value)); binary.LittleEndian.Uint64(value[4:]) == 0 {
			return 0, false
		}
		value = value[12:]
	}
	if !kind.IsInteger() {
		return 0, false
	}
	v := readScalar(kind, value)
	return v, !isSigned(kind) || int64(v) >= 0
}

// SetUint32 sets an unsigned 32-bit integer.
func (w *Writer) SetUint32(key string, v uint32) { SetNumber(w, key, v) }

// SetUint64 sets an unsigned 64-bit integer.
func (w *Writer) SetUint64(key string, v uint64) { SetNumber(w, key, v) }

// SetInt32 sets a signed 32-bit integer.
func (w *Writer) SetInt32(key string, v int32) { SetNumber(w, key, v) }

// SetFloat32 sets a 32-bit float.
func (w *Writer) SetFloat32(key string, v float32) { SetNumber(w, key, v) }

// SetBool sets a bool.
func (w *Writer) SetBool(key string, v bool) { w.set(key, Bool, appendBool(nil, v)) }

// SetText sets a string.
func (w *Writer) SetText(key, v string) { w.set(key, Text, appendText(nil, v)) }

// SetTexts sets an array of strings.
func (w *Writer) SetTexts(key string, v []string) {
	size := 12
	for _, s := range v {
		size += 8 + len(s)
	}
	b := appendListHead(make([]byte, 0, size), Text, len(v))
	for _, s := range v {
		b = appendText(b, s)
	}
	w.set(key, List, b)
}

// SetBools sets an array of bools.
func (w *Writer) SetBools(key string, v []bool) {
	b := appendListHead(nil, Bool, len(v))
	for _, x := range v {
		b = appendBool(b, x)
	}
	w.set(key, List, b)
}

// SetValue sets a value read from another file, byte for byte. That file must be open until this returns.
func (w *Writer) SetValue(key string, v Value) error {
	switch v.kind {
	case Text:
		w.SetText(key, v.text)
	case List:
		return v.list.file.Guard(func() error {
			w.set(key, List, bytes.Clone(v.list.wire()))
			return nil
		})
	default:
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], v.raw)
		w.set(key, v.kind, bytes.Clone(b[:v.kind.size()]))
	}
	return nil
}

// Number is every Go type of a metadata number.
type Number interface {
	uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64 | float32 | float64
}

// SetNumber sets a number of the kind of its Go type.
func SetNumber[T Number](w *Writer, key string, v T) {
	kind, b := appendNumber(nil, v)
	w.set(key, kind, b)
}

// SetNumbers sets an array of numbers of the kind of their Go type.
func SetNumbers[T Number](w *Writer, key string, v []T) {
	var zero T
	kind, _ := appendNumber(nil, zero)
	b := appendListHead(make([]byte, 0, 12+uint64(len(v))*kind.size()), kind, len(v))
	for _, x := range v {
		_, b = appendNumber(b, x)
	}
	w.set(key, List, b)
}

func appendNumber[T Number](dst []byte, v T) (Kind, []byte) {
	le := binary.LittleEndian
	switch x := any(v).(type) {
	case uint8:
		return Uint8, append(dst, x)
	case int8:
		return Int8, append(dst, byte(x))
	case uint16:
		return Uint16, le.AppendUint16(dst, x)
	case int16:
		return Int16, le.AppendUint16(dst, uint16(x))
	case uint32:
		return Uint32, le.AppendUint32(dst, x)
	case int32:
		return Int32, le.AppendUint32(dst, uint32(x))
	case uint64:
		return Uint64, le.AppendUint64(dst, x)
	case int64:
		return Int64, le.AppendUint64(dst, uint64(x))
	case float32:
		return Float32, le.AppendUint32(dst, math.Float32bits(x))
	default:
		return Float64, le.AppendUint64(dst, math.Float64bits(any(v).(float64)))
	}
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(dst, uint64(len(s))), s...)
}

func appendListHead(dst []byte, k Kind, n int) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(dst, uint32(k)), uint64(n))
}

// AddTensor adds a tensor of the given shape (ggml's order: row length first).
// data is called once per writing, when its turn comes, and must write exactly
// the tensor's bytes.
func (w *Writer) AddTensor(name string, t quant.Type, shape []int, data func(io.Writer) error) {
	format, ok := t.Format()
	if name == "" || w.names[name] {
		w.fail("tensor %s: empty or repeated name", quoted(name))
		return
	}
	if !ok || len(shape) > maxDims {
		w.fail("tensor %s: %v, %d dimensions", quoted(name), t, len(shape))
		return
	}
	rows, cols := uint64(1), 1
	for i, d := range shape {
		if d <= 0 {
			w.fail("tensor %s: dimension %d is %d", quoted(name), i, d)
			return
		}
		if i == 0 {
			cols = d
			continue
		}
		hi, lo := bits.Mul64(rows, uint64(d))
		if hi != 0 {
			w.fail("tensor %s: too large", quoted(name))
			return
		}
		rows = lo
	}
	row, ok := format.RowBytes(cols)
	if !ok {
		w.fail("tensor %s: rows of %d elements are no whole blocks of %s", quoted(name), cols, format.Name)
		return
	}
	hi, size := bits.Mul64(rows, uint64(row))
	if hi != 0 || size > math.MaxInt64/2 {
		w.fail("tensor %s: too large", quoted(name))
		return
	}
	if w.names == nil {
		w.names = make(map[string]bool)
	}
	w.names[name] = true
	w.tensors = append(w.tensors, writerTensor{name, t, append([]int(nil), shape...), size, data})
}

// AddTensorBytes adds a tensor whose bytes are at hand; they must stay until the file is written.
func (w *Writer) AddTensorBytes(name string, t quant.Type, shape []int, data []byte) {
	w.AddTensor(name, t, shape, func(out io.Writer) error {
		_, err := out.Write(data)
		return err
	})
}

// alignment returns general.alignment, or the default.
func (w *Writer) alignment() (uint64, error) {
	i, ok := w.index[keyAlignment]
	if !ok {
		return defaultAlignment, nil
	}
	k := w.keys[i]
	if k.kind != Uint32 {
		return 0, fmt.Errorf("gguf: writer: key %q is %v, not uint32", keyAlignment, k.kind)
	}
	a := uint64(binary.LittleEndian.Uint32(k.value))
	if a < 8 || bits.OnesCount64(a) != 1 {
		return 0, fmt.Errorf("gguf: writer: key %q: %d is not a power of two of at least 8", keyAlignment, a)
	}
	return a, nil
}

// WriteTo writes the file to out and returns the bytes written.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	alignment, err := w.alignment()
	if err != nil {
		return 0, err
	}
	c := &counter{out: out}
	if _, err := c.Write(w.header(alignment)); err != nil {
		return c.n, err
	}
	if len(w.tensors) == 0 {
		return c.n, nil // converters do not pad such a file, either
	}
	if err := c.pad(alignment); err != nil {
		return c.n, err
	}
	for i := range w.tensors {
		t := &w.tensors[i]
		before := c.n
		if err := t.data(c); err != nil {
			return c.n, fmt.Errorf("gguf: writer: tensor %s: %w", quoted(t.name), err)
		}
		if got := uint64(c.n - before); got != t.size {
			return c.n, fmt.Errorf("gguf: writer: tensor %s: %d bytes of data instead of %d", quoted(t.name), got, t.size)
		}
		if err := c.pad(alignment); err != nil {
			return c.n, err
		}
	}
	return c.n, nil
}

// header returns everything before the data of the tensors.
func (w *Writer) header(alignment uint64) []byte {
	le := binary.LittleEndian
	b := append([]byte(nil), magic...)
	b = le.AppendUint32(b, 3)
	b = le.AppendUint64(b, uint64(len(w.tensors)))
	b = le.AppendUint64(b, uint64(len(w.keys)))
	for _, k := range w.keys {
		b = appendText(b, k.name)
		b = le.AppendUint32(b, uint32(k.kind))
		b = append(b, k.value...)
	}
	var offset uint64
	for _, t := range w.tensors {
		b = appendText(b, t.name)
		b = le.AppendUint32(b, uint32(len(t.shape)))
		for _, d := range t.shape {
			b = le.AppendUint64(b, uint64(d))
		}
		b = le.AppendUint32(b, uint32(t.typ))
		b = le.AppendUint64(b, offset)
		offset += (t.size + alignment - 1) &^ (alignment - 1)
	}
	return b
}

// Create writes the file under a temporary name beside path and then renames
// it, so that path never shows half a file.
func (w *Writer) Create(path string) (err error) {
	if w.err != nil {
		return w.err
	}
	file, err := createTemp(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	buffered := bufio.NewWriterSize(file, 1<<20)
	if _, err := w.WriteTo(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	return nil
}

// createTemp makes a new file beside path, with the permissions a new file has.
func createTemp(path string) (*os.File, error) {
	for i := 0; ; i++ {
		file, err := os.OpenFile(fmt.Sprintf("%s.%d-%d.tmp", path, os.Getpid(), i), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, os.ErrExist) || i == 1000 {
			return nil, fmt.Errorf("gguf: %w", err)
		}
	}
}

// counter counts what passes through it.
type counter struct {
	out io.Writer
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	c.n += int64(n)
	return n, err
}

// pad writes zeros up to the next multiple of alignment.
func (c *counter) pad(alignment uint64) error {
	zeros := make([]byte, 4096)
	for rest := -uint64(c.n) & (alignment - 1); rest > 0; {
		n, err := c.Write(zeros[:min(rest, uint64(len(zeros)))])
		if err != nil {
			return err
		}
		rest -= uint64(n)
	}
	return nil
}
