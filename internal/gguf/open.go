package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"os"
	"slices"
	"strings"

	"happyphonellm/internal/quant"
)

// Open maps the file at path and checks its structure. A model split into
// parts (NAME-00001-of-00003.gguf) opens as one by the path of its first part.
// The caller must Close the file.
func Open(path string) (*File, error) {
	f := &File{path: path}
	if err := f.openParts(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// mapPart maps the file at path and parses it.
func mapPart(path string) (*shard, *header, error) {
	// Asked before opening: to open a pipe would wait for its writer.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, nil, &fileError{path, "", -1, "not a regular file", ErrFormat}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("gguf: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("gguf: %w", err)
	}
	switch size := info.Size(); {
	case size < headerBytes:
		return nil, nil, &fileError{path, "", -1, fmt.Sprintf("not a GGUF file: only %d bytes", size), ErrFormat}
	case uint64(size) > math.MaxInt:
		return nil, nil, &fileError{path, "", -1, "too large for this platform", ErrFormat}
	}
	data, err := mapFile(file, int(info.Size()))
	if err != nil {
		return nil, nil, fmt.Errorf("gguf: %s: map: %w", path, err)
	}
	h := &header{cursor: cursor{data: data}, path: path}
	if err := guardBytes(path, data, h.parse); err != nil {
		unmap(data)
		return nil, nil, err
	}
	return &shard{path, data}, h, nil
}

// The least bytes of things, which bound how many of them a file can hold.
const (
	headerBytes    = 4 + 4 + 8 + 8     // magic, version, counts of tensors and keys
	leastKeyBytes  = 8 + 1 + 4 + 1     // length, a letter, kind, value
	leastInfoBytes = 8 + 1 + 4 + 4 + 8 // length, a letter, count of dimensions, type, offset
)

// header is the parsed front of one file.
type header struct {
	cursor
	path      string
	version   uint32
	alignment uint64

	keys        []entry
	keyOrder    []uint32
	tables      map[uint64][]uint32 // of arrays of texts by entry.start, see Array
	tensors     []Tensor
	tensorOrder []uint32
}

func (h *header) fail(what string, offset uint64, format string, a ...any) error {
	return &fileError{h.path, what, int64(offset), fmt.Sprintf(format, a...), ErrFormat}
}

func (h *header) parse() error {
	if string(h.data[:4]) != magic {
		return &fileError{h.path, "", -1, "not a GGUF file: it does not begin with \"GGUF\"", ErrFormat}
	}
	h.off = 4
	h.version, _ = h.u32()
	switch {
	case h.version == 1:
		return h.fail("", 4, "GGUF version 1 is not supported (2 and 3 are); convert the model again")
	case h.version&0xffff == 0 && h.version != 0:
		return h.fail("", 4, "big-endian GGUF files are not supported")
	case h.version != 2 && h.version != 3:
		return h.fail("", 4, "GGUF version %d is not supported (2 and 3 are)", h.version)
	}
	tensors, _ := h.u64()
	keys, _ := h.u64()
	if keys > h.left()/leastKeyBytes {
		return h.fail("", 16, "%d keys do not fit into a file of %d bytes", keys, len(h.data))
	}
	if err := h.parseKeys(int(keys)); err != nil {
		return err
	}
	// Each has its own data, the last one of at least a byte, the others of at least an alignment.
	if tensors > (h.left()+h.alignment-1)/(leastInfoBytes+h.alignment) {
		return h.fail("", 8, "%d tensors do not fit into a file of %d bytes", tensors, len(h.data))
	}
	return h.parseTensors(int(tensors))
}

func (h *header) parseKeys(n int) error {
	h.keys = make([]entry, 0, n)
	for i := range n {
		at := h.off
		name, ok := h.text()
		if !ok || len(name) == 0 {
			return h.fail(fmt.Sprintf("key %d", i), at, "its name is empty or longer than the file")
		}
		h.keys = append(h.keys, entry{name: string(name)})
		if err := h.parseValue(&h.keys[i]); err != nil {
			return err
		}
	}
	h.keyOrder = sortedOrder(n, func(i uint32) string { return h.keys[i].name })
	for i := 1; i < n; i++ {
		if e := h.keys[h.keyOrder[i]]; e.name == h.keys[h.keyOrder[i-1]].name {
			return h.fail("key "+quoted(e.name), e.start, "appears twice")
		}
	}
	return h.parseAlignment()
}

// parseValue finds the extent of the value of e.
func (h *header) parseValue(e *entry) error {
	at := h.off
	kind, ok := h.u32()
	e.kind, e.start = Kind(kind), h.off
	bad := func(format string, a ...any) error { // of the kind and value
		return h.fail("key "+quoted(e.name), at, format, a...)
	}
	switch {
	case !ok:
		return bad("the file ends here")
	case !e.kind.known():
		return bad("unknown %v of value", e.kind)
	case e.kind == Text:
		if _, ok := h.text(); !ok {
			return bad("the string is longer than the file")
		}
	case e.kind == List:
		if reason := h.skipList(); reason != "" {
			return bad("%s", reason)
		}
	default:
		if !h.skip(e.kind.size()) {
			return bad("the file ends here")
		}
	}
	e.end = h.off
	return nil
}

// skipList passes over an array and returns what is wrong with it, "" if nothing. Of
// texts it keeps where they are: there may be half a million, and nobody walks twice.
func (h *header) skipList() string {
	start := h.off
	kind, _ := h.u32()
	n, ok := h.u64()
	k := Kind(kind)
	switch {
	case !ok:
		return "the file ends here"
	case !k.known():
		return fmt.Sprintf("unknown %v of array elements", k)
	case k == List:
		return "arrays in arrays are not supported"
	case k != Text:
		if n > h.left()/k.size() {
			return fmt.Sprintf("an array of %d elements is longer than the file", n)
		}
		h.skip(n * k.size())
		return ""
	}
	if n > h.left()/8 {
		return fmt.Sprintf("an array of %d strings is longer than the file", n)
	}
	// A count that the file does not hold costs no more than this.
	table := make([]uint32, 0, min(n+1, 1<<20))
	for i := range n {
		if h.off-start > math.MaxUint32 {
			break
		}
		table = append(table, uint32(h.off-start))
		if _, ok := h.text(); !ok {
			return fmt.Sprintf("string %d of the array is longer than the file", i)
		}
	}
	if h.off-start > math.MaxUint32 {
		return "an array of strings of more than 4 GiB is not supported"
	}
	if h.tables == nil {
		h.tables = map[uint64][]uint32{}
	}
	h.tables[start] = append(table, uint32(h.off-start))
	return ""
}

func (h *header) parseAlignment() error {
	h.alignment = defaultAlignment
	for i := range h.keys {
		e := &h.keys[i]
		if e.name != keyAlignment {
			continue
		}
		if e.kind != Uint32 {
			return h.fail("key "+quoted(e.name), e.start, "is %v, not uint32", e.kind)
		}
		h.alignment = uint64(binary.LittleEndian.Uint32(h.data[e.start:]))
		if h.alignment < 8 || bits.OnesCount64(h.alignment) != 1 {
			return h.fail("key "+quoted(e.name), e.start, "%d is not a power of two of at least 8", h.alignment)
		}
	}
	return nil
}

func (h *header) parseTensors(n int) error {
	h.tensors = make([]Tensor, 0, n)
	for i := range n {
		if err := h.parseTensor(i); err != nil {
			return err
		}
	}
	h.tensorOrder = sortedOrder(n, func(i uint32) string { return h.tensors[i].Name })
	for i := 1; i < n; i++ {
		if t := h.tensors[h.tensorOrder[i]]; t.Name == h.tensors[h.tensorOrder[i-1]].Name {
			return h.fail("tensor "+quoted(t.Name), uint64(t.Offset), "appears twice")
		}
	}
	return h.placeTensors()
}

func (h *header) parseTensor(i int) error {
	at := h.off
	name, ok := h.text()
	if !ok || len(name) == 0 {
		return h.fail(fmt.Sprintf("tensor %d", i), at, "its name is empty or longer than the file")
	}
	h.tensors = append(h.tensors, Tensor{Name: string(name)})
	t := &h.tensors[i]
	bad := func(format string, a ...any) error {
		return h.fail("tensor "+quoted(t.Name), at, format, a...)
	}
	dims, ok := h.u32()
	if !ok || dims > maxDims {
		return bad("%d dimensions, at most %d are allowed", dims, maxDims)
	}
	elems := uint64(1)
	t.Shape = make([]int, dims)
	for d := range t.Shape {
		v, _ := h.u64()
		hi, lo := bits.Mul64(elems, v)
		if v == 0 || hi != 0 || lo > math.MaxInt {
			return bad("dimension %d is %d: empty or too large", d, v)
		}
		t.Shape[d], elems = int(v), lo
	}
	typ, _ := h.u32()
	offset, ok := h.u64()
	if !ok {
		return bad("the file ends here")
	}
	t.Type = quant.Type(typ)
	format, ok := t.Type.Format()
	if !ok {
		return bad("unknown %v", t.Type)
	}
	row, ok := format.RowBytes(t.Cols())
	if !ok {
		return bad("rows of %d elements are no whole blocks of %s (%d elements each)", t.Cols(), format.Name, format.BlockElems)
	}
	hi, size := bits.Mul64(uint64(row), elems/uint64(t.Cols()))
	if hi != 0 || size > uint64(len(h.data)) {
		return bad("its data is larger than the file")
	}
	if offset > uint64(len(h.data)) || offset%h.alignment != 0 {
		return bad("data offset %d is outside the file or no multiple of %d", offset, h.alignment)
	}
	t.Offset = int64(offset)    // in the data section, whose start is not known yet
	t.Data = h.data[:size:size] // placeTensors moves it
	return nil
}

// placeTensors gives each tensor its bytes and refuses overlaps.
func (h *header) placeTensors() error {
	base := (h.off + h.alignment - 1) &^ (h.alignment - 1)
	for i := range h.tensors {
		t := &h.tensors[i]
		start, size := base+uint64(t.Offset), uint64(len(t.Data))
		if start > uint64(len(h.data)) || size > uint64(len(h.data))-start {
			return h.fail("tensor "+quoted(t.Name), start, "its %d bytes of data lie outside the file of %d bytes", size, len(h.data))
		}
		t.Offset = int64(start)
		t.Data = h.data[start : start+size : start+size]
	}
	order := make([]uint32, len(h.tensors))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return int(min(1, max(-1, h.tensors[a].Offset-h.tensors[b].Offset)))
	})
	for i := 1; i < len(order); i++ {
		a, b := &h.tensors[order[i-1]], &h.tensors[order[i]]
		if a.Offset+int64(len(a.Data)) > b.Offset {
			return h.fail("tensor "+quoted(b.Name), uint64(b.Offset), "its data overlaps that of %s", quoted(a.Name))
		}
	}
	return nil
}

// sortedOrder returns 0..n-1 sorted by name.
func sortedOrder(n int, name func(uint32) string) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return strings.Compare(name(a), name(b)) })
	return order
}

// cursor reads little-endian numbers and texts and never leaves data.
type cursor struct {
	data []byte
	off  uint64 // <= len(data)
}

func (c *cursor) left() uint64 { return uint64(len(c.data)) - c.off }

func (c *cursor) skip(n uint64) bool {
	if n > c.left() {
		return false
	}
	c.off += n
	return true
}

func (c *cursor) u32() (uint32, bool) {
	at := c.off
	if !c.skip(4) {
		return 0, false
	}
	return binary.LittleEndian.Uint32(c.data[at:]), true
}

func (c *cursor) u64() (uint64, bool) {
	at := c.off
	if !c.skip(8) {
		return 0, false
	}
	return binary.LittleEndian.Uint64(c.data[at:]), true
}

// text reads a length and that many bytes, which stay in the mapping.
func (c *cursor) text() ([]byte, bool) {
	n, ok := c.u64()
	at := c.off
	if !ok || !c.skip(n) {
		return nil, false
	}
	return c.data[at:c.off], true
}
