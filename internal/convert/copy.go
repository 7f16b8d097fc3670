package convert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"happyphonellm/internal/gguf"
)

// Files are put together, taken apart and given other metadata here; every tensor's
// bytes stay what they are.

// Merge writes f, which may be in several parts, to one file at path. It appears
// whole or not at all, and may be none of the parts. progress, if not nil, is told
// the bytes of f that are done. A cancelled ctx ends it with ctx's error.
func Merge(ctx context.Context, f *gguf.File, path string, progress Progress) error {
	return Edit(ctx, f, path, Changes{}, progress)
}

// Changes are what Edit does to a file's metadata: first it removes, then it sets.
type Changes struct {
	Remove []string // keys, which must be there
	Set    []Setting
}

// Edit writes f with other metadata to one file at path, as Merge does.
func Edit(ctx context.Context, f *gguf.File, path string, c Changes, progress Progress) error {
	if err := notOneOf(f.Parts(), path); err != nil {
		return err
	}
	w, err := c.keys(f)
	if err != nil {
		return err
	}
	return write(ctx, w, copied(f, f.Tensors()), path, 0, progress)
}

// Replace gives the file at path, which must be in one part, other metadata.
// Where the new header takes no more room than the old one had, only the header is
// written (inPlace); else the whole file is written anew and then renamed. Nobody
// may have the file open. An interrupted Replace loses nothing: the next one of
// the same file first completes it.
func Replace(ctx context.Context, path string, c Changes, progress Progress) (inPlace bool, err error) {
	if err := gguf.FinishReplace(path); err != nil {
		return false, err
	}
	w, err := c.header(path)
	if err != nil {
		return false, err
	}
	if inPlace, err = w.ReplaceHeader(path); inPlace || err != nil {
		return inPlace, err
	}
	f, err := gguf.Open(path)
	if err != nil {
		return false, err
	}
	whole := path + ".edited"
	err = Edit(ctx, f, whole, c, progress)
	if err := errors.Join(err, f.Close()); err != nil { // some systems rename no open file
		return false, err
	}
	if err := os.Rename(whole, path); err != nil {
		return false, errors.Join(err, os.Remove(whole))
	}
	return false, nil
}

// header is what the file at path, which is closed again, gets before its tensors.
func (c Changes) header(path string) (w *gguf.Writer, err error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if n := len(f.Parts()); n > 1 {
		return nil, fmt.Errorf("%s has %d parts: merge them, or name another file to write", path, n)
	}
	if w, err = c.keys(f); err != nil {
		return nil, err
	}
	for _, t := range f.Tensors() {
		w.AddTensor(t.Name, t.Type, t.Shape, nil)
	}
	return w, nil
}

// keys are f's with the changes.
func (c Changes) keys(f *gguf.File) (*gguf.Writer, error) {
	w, err := copiedKeys(f)
	if err != nil {
		return nil, err
	}
	for _, key := range c.Remove {
		if _, ok := w.Kind(key); !ok {
			return nil, fmt.Errorf("%s: key %q is not there", f.Path(), key)
		}
		w.Remove(key)
	}
	for _, s := range c.Set {
		if err := s.set(w); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path(), err)
		}
	}
	return w, nil
}

// copiedKeys are f's metadata, without the numbers of a split.
func copiedKeys(f *gguf.File) (*gguf.Writer, error) {
	w := gguf.NewWriter()
	for _, key := range f.Keys() {
		v, ok := f.Value(key)
		if !ok || strings.HasPrefix(key, "split.") {
			continue
		}
		if err := w.SetValue(key, v); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// copied is a plan in which nothing changes.
func copied(f *gguf.File, tensors []*gguf.Tensor) []*Tensor {
	plan := make([]*Tensor, len(tensors))
	for i, t := range tensors {
		s := sourceOf(f, t)
		plan[i] = &Tensor{Name: t.Name, Shape: t.Shape, From: s.typ, SourceBytes: s.bytes, To: t.Type, Bytes: s.bytes, source: s}
	}
	return plan
}
