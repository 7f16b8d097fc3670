package gguf

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Keys of the parts of a split model, written by llama.cpp's gguf-split.
const (
	keySplitNo      = "split.no"            // this part, from 0
	keySplitCount   = "split.count"         // parts in all
	keySplitTensors = "split.tensors.count" // tensors of all parts
)

// partName matches the end of the file name of a part; parts are counted from 1 there.
var partName = regexp.MustCompile(`-([0-9]{5})-of-([0-9]{5})\.gguf$`)

// openParts maps the file and, when it says it is the first of several, its siblings.
func (f *File) openParts() error {
	h, err := f.addPart(f.path)
	if err != nil {
		return err
	}
	count, err := f.optionalUint(keySplitCount, 1)
	if err != nil || count <= 1 {
		return f.index(err)
	}
	no, err := f.optionalUint(keySplitNo, 0)
	if err != nil {
		return err
	}
	m := partName.FindStringSubmatchIndex(f.path)
	if m == nil {
		return f.errorf(ErrFormat, keySplitCount, -1,
			"the model has %d parts, but the file is not named like one (NAME-00001-of-%05d.gguf)", count, count)
	}
	stem := f.path[:m[0]]
	if no != 0 {
		return f.errorf(ErrFormat, keySplitNo, -1, "this is part %d of %d; open the first part, %s", no+1, count, splitPath(stem, 1, count))
	}
	if named, _ := strconv.ParseUint(f.path[m[4]:m[5]], 10, 64); named != count || f.path[m[2]:m[3]] != "00001" {
		return f.errorf(ErrFormat, keySplitCount, -1, "the first of %d parts must be named %s", count, splitPath(stem, 1, count))
	}
	for i := uint64(1); i < count; i++ {
		if err := f.addSibling(splitPath(stem, i+1, count), i, count); err != nil {
			return err
		}
	}
	total, err := f.optionalUint(keySplitTensors, uint64(len(f.tensors)))
	if err == nil && total != uint64(len(f.tensors)) {
		err = f.errorf(ErrFormat, keySplitTensors, -1, "says %d tensors, the parts have %d", total, len(f.tensors))
	}
	_ = h
	return f.index(err)
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
		f.version, f.keys, f.keyOrder, f.tensorOrder = h.version, h.keys, h.keyOrder, h.tensorOrder
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
	own := File{path: path, shards: f.shards[len(f.shards)-1:], keys: h.keys, keyOrder: h.keyOrder}
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

// index sorts the tensors of several parts by name; err passes through.
func (f *File) index(err error) error {
	if err != nil || len(f.shards) == 1 {
		return err
	}
	f.tensorOrder = sortedOrder(len(f.tensors), func(i uint32) string { return f.tensors[i].Name })
	for i := 1; i < len(f.tensors); i++ {
		a, b := f.tensors[f.tensorOrder[i-1]], f.tensors[f.tensorOrder[i]]
		if strings.Compare(a.Name, b.Name) == 0 {
			return &fileError{f.shards[b.Part].path, "tensor " + quoted(b.Name), b.Offset, "is in another part, too", ErrFormat}
		}
	}
	return nil
}
