package convert

import (
	"context"
	"fmt"
	"os"

	"happyphonellm/internal/gguf"
)

// Quantize writes f to the file at path with the types that Plan decides. The
// file appears whole or not at all; path may exist and is then replaced, but must
// not be a part of f. progress, if not nil, is told the bytes of f that are done.
// A cancelled ctx ends it with ctx's error.
func Quantize(ctx context.Context, f *gguf.File, path string, o Options, progress Progress) error {
	plan, err := Plan(f, o)
	if err != nil {
		return err
	}
	if err := notOneOf(f.Parts(), path); err != nil {
		return err
	}
	w, err := metadata(f, o)
	if err != nil {
		return err
	}
	return write(ctx, w, plan, path, o.Threads, progress)
}

// notOneOf refuses to overwrite one of the files that are read.
func notOneOf(files []string, path string) error {
	out, err := os.Stat(path)
	if err != nil {
		return nil // not there, or for Create to complain about
	}
	if out.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	for _, part := range files {
		if in, err := os.Stat(part); err == nil && os.SameFile(in, out) {
			return fmt.Errorf("%s is the file that is read", path)
		}
	}
	return nil
}

// metadata copies f's, with the new type.
func metadata(f *gguf.File, o Options) (*gguf.Writer, error) {
	w, err := copiedKeys(f)
	if err != nil {
		return nil, err
	}
	o.annotate(w, o.Mix.FileType)
	return w, nil
}

// annotate says in the file what it was quantized to, and with what.
func (o *Options) annotate(w *gguf.Writer, fileType uint32) {
	w.SetUint32("general.quantization_version", 2)
	w.SetUint32("general.file_type", fileType)
	if o.Importance != nil {
		o.Importance.annotate(w)
	}
}

// sourceOf is a tensor of a file.
func sourceOf(f *gguf.File, t *gguf.Tensor) *source {
	format, _ := t.Type.Format()
	rowBytes, _ := format.RowBytes(t.Cols())
	s := &source{typ: t.Type.String(), bytes: int64(len(t.Data)), native: t.Type}
	s.raw = func(dst []byte, row, rows int) error {
		return f.Guard(func() error {
			copy(dst, t.Data[row*rowBytes:][:rows*rowBytes])
			return nil
		})
	}
	if format.Dequantize != nil {
		s.read = func(dst []float32, row, rows int) error {
			return f.Guard(func() error {
				format.Dequantize(dst, t.Data[row*rowBytes:][:rows*rowBytes])
				return nil
			})
		}
	}
	return s
}
