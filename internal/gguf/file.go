package gguf

import (
	"fmt"
	"slices"
	"strings"

	"happyphonellm/internal/quant"
)

// File is an open GGUF file, or several that are the parts of one model.
//
// Its methods may be called from several goroutines, except Close, which must
// come last: it takes the mapping away that Tensor.Data and Array.Bytes show.
type File struct {
	path    string
	version uint32
	shards  []*shard
	reading *reading // nil before ReadAhead

	keys     []entry             // in file order; those of the first part
	keyOrder []uint32            // indices into keys, sorted by name
	tables   map[uint64][]uint32 // of arrays of texts by entry.start, see Array

	tensors     []*Tensor
	tensorOrder []uint32 // indices into tensors, sorted by name
}

// shard is one file on disk.
type shard struct {
	path string
	data []byte // the mapping
}

// entry is one metadata value, not yet decoded.
type entry struct {
	name       string
	start, end uint64 // of the value in the first part
	kind       Kind
}

// Tensor is one named array of numbers. The fields are for reading only.
type Tensor struct {
	Name   string
	Type   quant.Type
	Part   int    // the file it is in, 0 unless the model is split
	Shape  []int  // in ggml's order: Shape[0] is the length of a row (contiguous); empty for one lone number
	Offset int64  // of Data in its file
	Data   []byte // in the mapping: reading it may fault, see File.Guard
}

// Cols returns the length of a row.
func (t *Tensor) Cols() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[0]
}

// Rows returns the count of rows, all other dimensions taken together.
func (t *Tensor) Rows() int {
	n := 1
	for _, d := range t.Shape[min(1, len(t.Shape)):] {
		n *= d
	}
	return n
}

// Path returns the path that was opened.
func (f *File) Path() string { return f.path }

// Parts returns the paths of the files the model consists of.
func (f *File) Parts() []string {
	paths := make([]string, len(f.shards))
	for i, s := range f.shards {
		paths[i] = s.path
	}
	return paths
}

// Size returns the bytes of the file, of all parts together.
func (f *File) Size() int64 {
	var n int64
	for _, s := range f.shards {
		n += int64(len(s.data))
	}
	return n
}

// Version returns the format version, 2 or 3.
func (f *File) Version() uint32 { return f.version }

// Architecture returns general.architecture, "" when the file has none.
func (f *File) Architecture() string {
	s, _ := f.Text("general.architecture")
	return s
}

// Keys returns the metadata keys in file order.
func (f *File) Keys() []string {
	names := make([]string, len(f.keys))
	for i := range f.keys {
		names[i] = f.keys[i].name
	}
	return names
}

// Tensors returns all tensors in file order. The slice belongs to the file.
func (f *File) Tensors() []*Tensor { return f.tensors }

// Tensor finds a tensor by name.
func (f *File) Tensor(name string) (*Tensor, bool) {
	i, ok := slices.BinarySearchFunc(f.tensorOrder, name, func(i uint32, name string) int {
		return strings.Compare(f.tensors[i].Name, name)
	})
	if !ok {
		return nil, false
	}
	return f.tensors[f.tensorOrder[i]], true
}

// entry finds a metadata value by its key.
func (f *File) entry(key string) (*entry, error) {
	i, ok := slices.BinarySearchFunc(f.keyOrder, key, func(i uint32, name string) int {
		return strings.Compare(f.keys[i].name, name)
	})
	if !ok {
		return nil, f.errorf(ErrNotFound, key, -1, "not found")
	}
	return &f.keys[f.keyOrder[i]], nil
}

// Close takes the mapping away. Nothing obtained from the file may be read afterwards.
// A second call does nothing.
func (f *File) Close() error {
	if f.reading != nil {
		f.reading.end()
	}
	var first error
	for _, s := range f.shards {
		if s.data == nil {
			continue
		}
		if err := unmap(s.data); err != nil && first == nil {
			first = fmt.Errorf("gguf: %s: %w", s.path, err)
		}
		s.data = nil
	}
	f.shards, f.keys, f.keyOrder, f.tables, f.tensors, f.tensorOrder = nil, nil, nil, nil, nil, nil
	return first
}

// errorf makes an error about a key; offset < 0: none.
func (f *File) errorf(sentinel error, key string, offset int64, format string, a ...any) error {
	return &fileError{f.path, "key " + quoted(key), offset, fmt.Sprintf(format, a...), sentinel}
}
