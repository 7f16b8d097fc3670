package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// keyPadding is a text of spaces that takes the room between a header that became
// smaller and the tensors, which stay where they are.
const keyPadding = "general.padding"

// journalSuffix names the file that has the new header while it is written over the old one.
const journalSuffix = ".new-header"

// Remove takes a key away; one that is not there is no matter.
func (w *Writer) Remove(key string) {
	i, ok := w.index[key]
	if !ok {
		return
	}
	w.keys = slices.Delete(w.keys, i, i+1)
	delete(w.index, key)
	for ; i < len(w.keys); i++ {
		w.index[w.keys[i].name] = i
	}
}

// ReplaceHeader writes the Writer's metadata over that of the file at path, whose
// tensors are neither moved nor read. It reports false, and has changed nothing,
// when that cannot be: the Writer's tensors are not the file's, in its order, or
// the new header is larger than the room before the first tensor. Nobody may have
// the file open.
//
// A crash while it writes loses nothing: the new header is beside the file, and
// FinishReplace completes the work.
func (w *Writer) ReplaceHeader(path string) (replaced bool, err error) {
	if w.err != nil {
		return false, w.err
	}
	base, size, same, err := w.sameTensors(path)
	if err != nil || !same {
		return false, err
	}
	header, ok, err := w.headerOf(base)
	if err != nil || !ok {
		return false, err
	}
	if err := writeJournal(path, header, size); err != nil {
		return false, err
	}
	return true, FinishReplace(path)
}

// sameTensors reports whether the file's tensors are where the Writer would put
// them after a header of base bytes. size is the file's.
func (w *Writer) sameTensors(path string) (base uint64, size int64, same bool, err error) {
	s, old, err := mapPart(path)
	if err != nil {
		return 0, 0, false, err
	}
	defer unmap(s.data)
	alignment, err := w.alignment()
	if err != nil {
		return 0, 0, false, err
	}
	base = (old.off + old.alignment - 1) &^ (old.alignment - 1)
	if old.version != 3 || alignment != old.alignment || len(w.tensors) != len(old.tensors) {
		return 0, 0, false, nil
	}
	offset := base
	for i := range w.tensors {
		mine, theirs := &w.tensors[i], &old.tensors[i]
		if mine.name != theirs.Name || mine.typ != theirs.Type || !slices.Equal(mine.shape, theirs.Shape) || offset != uint64(theirs.Offset) {
			return 0, 0, false, nil
		}
		offset += (mine.size + alignment - 1) &^ (alignment - 1)
	}
	return base, int64(len(s.data)), true, nil
}

// headerOf returns a header of exactly size bytes, if there can be one.
func (w *Writer) headerOf(size uint64) (header []byte, ok bool, err error) {
	alignment, err := w.alignment()
	if err != nil {
		return nil, false, err
	}
	w.Remove(keyPadding)
	header = w.header(alignment)
	if uint64(len(header)) > size {
		return nil, false, nil
	}
	if room := size - uint64(len(header)); room >= alignment {
		const entry = 8 + len(keyPadding) + 4 + 8
		if room < uint64(entry) {
			return nil, false, nil
		}
		w.SetText(keyPadding, strings.Repeat(" ", int(room)-entry))
		header = w.header(alignment)
	}
	return append(header, make([]byte, size-uint64(len(header)))...), true, nil
}

// writeJournal keeps the new header and the file's size beside the file.
func writeJournal(path string, header []byte, size int64) (err error) {
	file, err := createTemp(path + journalSuffix)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	if _, err := file.Write(binary.LittleEndian.AppendUint64(slices.Clip(header), uint64(size))); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := os.Rename(file.Name(), path+journalSuffix); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	return nil
}

// readJournal returns the header that a journal of a file of size bytes holds; nil if it
// is none. It may have come with the file, from anywhere.
func readJournal(path string, size int64) ([]byte, error) {
	info, err := os.Stat(path) // to open a pipe would wait for its writer
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	if n := info.Size() - 8; !info.Mode().IsRegular() || n < headerBytes || n > size {
		return nil, nil
	}
	journal, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	header := journal[:max(len(journal)-8, 0)]
	if len(header) < headerBytes || string(header[:4]) != magic || int64(binary.LittleEndian.Uint64(journal[len(header):])) != size {
		return nil, nil
	}
	return header, nil
}

// FinishReplace completes what a ReplaceHeader of this file began, if it was
// interrupted. Nobody may have the file open.
func FinishReplace(path string) error {
	if _, err := os.Stat(path + journalSuffix); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	header, err := readJournal(path+journalSuffix, info.Size())
	if err != nil {
		return err
	}
	if header == nil {
		return fmt.Errorf("gguf: %s is the header of another file than %s: remove one of them", path+journalSuffix, path)
	}
	if _, err := file.WriteAt(header, 0); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	if err := os.Remove(path + journalSuffix); err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	return nil
}
