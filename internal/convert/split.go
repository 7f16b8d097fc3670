package convert

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"happyphonellm/internal/gguf"
)

// Limits say when a part of a split file is full.
type Limits struct {
	Tensors int   // at most so many in a part; 0: any number
	Bytes   int64 // of tensors in a part, at most, unless one alone has more; 0: any number
}

// maxParts is what split.count can say.
const maxParts = math.MaxUint16

// Parts are the tensors of f in each part of a split, in f's order.
func Parts(f *gguf.File, l Limits) ([][]*gguf.Tensor, error) {
	if l.Tensors <= 0 && l.Bytes <= 0 {
		return nil, errors.New("a split needs a limit: of tensors or of bytes in a part")
	}
	var parts [][]*gguf.Tensor
	var bytes int64
	for _, t := range f.Tensors() {
		n := len(parts) - 1
		size := int64(len(t.Data))
		if n < 0 || l.Tensors > 0 && len(parts[n]) == l.Tensors || l.Bytes > 0 && bytes+size > l.Bytes {
			parts = append(parts, nil)
			n, bytes = n+1, 0
		}
		parts[n] = append(parts[n], t)
		bytes += size
	}
	switch n := len(parts); {
	case n == 0:
		return nil, fmt.Errorf("%s has no tensors", f.Path())
	case n > maxParts:
		return nil, fmt.Errorf("%s: %d parts are more than the %d that can be counted", f.Path(), n, maxParts)
	}
	return parts, nil
}

// Split writes f to files STEM-00001-of-0000N.gguf, as llama.cpp names and reads
// them: the first has all metadata. They replace files of these names, but may be
// none of f's. When it fails or ctx is cancelled, those that were written are
// removed. It returns their paths.
func Split(ctx context.Context, f *gguf.File, stem string, l Limits, progress Progress) (paths []string, err error) {
	parts, err := Parts(f, l)
	if err != nil {
		return nil, err
	}
	var total, done int64
	for i, part := range parts {
		path := gguf.PartPath(stem, i+1, len(parts))
		if err := notOneOf(f.Parts(), path); err != nil {
			return nil, err
		}
		for _, t := range part {
			total += int64(len(t.Data))
		}
	}
	defer func() {
		if err != nil {
			for _, path := range paths {
				err = errors.Join(err, os.Remove(path))
			}
			paths = nil
		}
	}()
	for i, part := range parts {
		w := gguf.NewWriter()
		if i == 0 {
			if w, err = copiedKeys(f); err != nil {
				return paths, err
			}
		} else if v, ok := f.Value("general.alignment"); ok {
			if err := w.SetValue("general.alignment", v); err != nil {
				return paths, err
			}
		}
		gguf.SetNumber(w, "split.no", uint16(i))
		gguf.SetNumber(w, "split.count", uint16(len(parts)))
		gguf.SetNumber(w, "split.tensors.count", int32(len(f.Tensors())))
		path, before := gguf.PartPath(stem, i+1, len(parts)), done
		if err := write(ctx, w, copied(f, part), path, 0, func(n, _ int64) {
			done = before + n
			if progress != nil {
				progress(done, total)
			}
		}); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
