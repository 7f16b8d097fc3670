package gguf

import (
	"fmt"
	"strconv"
)

// Keys of the parts of a split model, written by llama.cpp's gguf-split.
const (
	keySplitNo      = "split.no"            // this part, from 0
	keySplitCount   = "split.count"         // parts in all
	keySplitTensors = "split.tensors.count" // tensors of all parts
)

// partOf takes the path of a part, NAME-00001-of-00003.gguf, apart: NAME, the
// part's number (from 1) and the count of parts.
func partOf(path string) (stem string, part, count uint64, ok bool) {
	const tail = len("-00001-of-00003.gguf")
	if len(path) < tail {
		return "", 0, 0, false
	}
	stem, end := path[:len(path)-tail], path[len(path)-tail:]
	part, err := strconv.ParseUint(end[1:6], 10, 32)
	if err != nil {
		return "", 0, 0, false
	}
	count, err = strconv.ParseUint(end[10:15], 10, 32)
	if err != nil || splitPath("", part, count) != end {
		return "", 0, 0, false
	}
	return stem, part, count, true
}

// openParts maps the file and, when it says it is the first of several, its siblings.
func (f *File) openParts() error {
	if _, err := f.addPart(f.path); err != nil {
		return err
	}
	count, err := f.optionalUint(keySplitCount, 1)
	if err != nil || count <= 1 {
		return err
	}
	no, err := f.optionalUint(keySplitNo, 0)
	if err != nil {
		return err
	}
	stem, namedPart, namedCount, ok := partOf(f.path)
	if !ok {
		return f.errorf(ErrFormat, keySplitCount, -1,
			"the model has %d parts, but the file is not named like one (NAME-00001-of-%05d.gguf)", count, count)
	}
	if no != 0 {
		return f.errorf(ErrFormat, keySplitNo, -1, "this is part %d of %d; open the first part, %s", no+1, count, splitPath(stem, 1, count))
	}
	if namedPart != 1 || namedCount != count {
		return f.errorf(ErrFormat, keySplitCount, -1, "the first of %d parts must be named %s", count, splitPath(stem, 1, count))
	}
	for i := uint64(1); i < count; i++ {
		if err := f.addSibling(splitPath(stem, i+1, count), i, count); err != nil {
			return err
		}
	}
	total, err := f.optionalUint(keySplitTensors, uint64(len(f.tensors)))
	if err != nil {
		return err
	}
	if total != uint64(len(f.tensors)) {
		return f.errorf(ErrFormat, keySplitTensors, -1, "says %d tensors, the parts have %d", total, len(f.tensors))
	}
	return f.index()
}

// PartPath is the path of a part (from 1) of a file in count parts.
func PartPath(stem string, part, count int) string {
	return splitPath(stem, uint64(part), uint64(count))
}

func splitPath(stem string, part, count uint64) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", stem, part, count)
}

// addPart maps one file and appends its tensors; the first one also gives the keys.
func (f *File) addPart(path string) (*header, error) {
	s, h, err := mapPart(path)
	if err != nil {
		return nil, err
	}
	part := len(f.shards)
	f.shards = append(f.shards, s)
	if part == 0 {
		f.version, f.keys, f.keyOrder, f.tables, f.tensorOrder = h.version, h.keys, h.keyOrder, h.tables, h.tensorOrder
		f.tensors = make([]*Tensor, 0, len(h.tensors))
	}
	for i := range h.tensors {
		h.tensors[i].Part = part
		f.tensors = append(f.tensors, &h.tensors[i])
	}
	return h, nil
}

// addSibling adds part no (from 0) of count, whose own keys must say that it is that part.
func (f *File) addSibling(path string, no, count uint64) error {
	h, err := f.addPart(path)
	if err != nil {
		return err
	}
	own := File{path: path, shards: f.shards[len(f.shards)-1:], keys: h.keys, keyOrder: h.keyOrder, tables: h.tables}
	ownNo, err := own.Uint(keySplitNo)
	if err != nil {
		return err
	}
	ownCount, err := own.Uint(keySplitCount)
	if err != nil {
		return err
	}
	if ownNo != no || ownCount != count {
		return own.errorf(ErrFormat, keySplitNo, -1, "says part %d of %d, not part %d of %d", ownNo+1, ownCount, no+1, count)
	}
	return nil
}

// index sorts the tensors of several parts by name.
func (f *File) index() error {
	f.tensorOrder = sortedOrder(len(f.tensors), func(i uint32) string { return f.tensors[i].Name })
	for i := 1; i < len(f.tensors); i++ {
		a, b := f.tensors[f.tensorOrder[i-1]], f.tensors[f.tensorOrder[i]]
		if a.Name == b.Name {
			return &fileError{f.shards[b.Part].path, "tensor " + quoted(b.Name), b.Offset, "is in two parts", ErrFormat}
		}
	}
	return nil
}
