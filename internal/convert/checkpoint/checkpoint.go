// Package checkpoint reads the folders in which Hugging Face's libraries save
// models: safetensors files, PyTorch's pickled ones, and the JSON beside them.
//
// A folder is untrusted: every count, length, shape and offset is checked before
// use, memory is bounded by the files' sizes, a pickle can build nothing but
// tensors, and no file outside of the folder is opened. Nothing is written.
package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is an open checkpoint. Its methods and those of its tensors may be
// called by several goroutines at once, but not after Close.
type Folder struct {
	dir     string
	root    *os.Root
	within  string // the checkpoint's path in root
	files   []*os.File
	tensors []*Tensor
	byName  map[string]*Tensor
}

// Tensor is a tensor of a checkpoint.
type Tensor struct {
	Name   string
	Type   Type
	Shape  []int  // PyTorch's order: the length of a row last; none for a single number
	File   string // the file's path, for messages
	source io.ReaderAt
	offset int64 // of the first element in source
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Bytes is the size of the tensor in its file.
func (t *Tensor) Bytes() int64 { return int64(t.Len()) * int64(t.Type.Size()) }

// Read fills dst with elements at, at+1, ... in the tensor's order, as float32.
// Several goroutines may read at once.
func (t *Tensor) Read(dst []float32, at int) error {
	if at < 0 || at+len(dst) > t.Len() {
		return fmt.Errorf("%s: tensor %q: elements %d to %d of %d", t.File, t.Name, at, at+len(dst), t.Len())
	}
	size := t.Type.Size()
	buf := make([]byte, min(len(dst), 1<<16)*size)
	for len(dst) > 0 {
		n := min(len(dst), 1<<16)
		if _, err := t.source.ReadAt(buf[:n*size], t.offset+int64(at)*int64(size)); err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the file is cut short")
			}
			return fmt.Errorf("%s: tensor %q: %w", t.File, t.Name, err)
		}
		t.Type.decode(dst[:n], buf[:n*size])
		dst, at = dst[n:], at+n
	}
	return nil
}

// Open opens the checkpoint in folder dir.
func Open(dir string) (*Folder, error) {
	f := &Folder{dir: dir, byName: make(map[string]*Tensor)}
	root, within := rootOf(dir)
	var err error
	if f.root, err = os.OpenRoot(root); err != nil {
		return nil, err
	}
	f.within = within
	if err := f.readTensors(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// rootOf returns the folder out of which no file of a checkpoint may lie: the
// folder itself, or, in the cache that Hugging Face's libraries keep, the
// model's (models--ORG--NAME/snapshots/REVISION has links to its blobs).
func rootOf(dir string) (root, within string) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return dir, "."
	}
	snapshots := filepath.Dir(full)
	model := filepath.Dir(snapshots)
	if filepath.Base(snapshots) == "snapshots" && strings.HasPrefix(filepath.Base(model), "models--") {
		return model, filepath.Join("snapshots", filepath.Base(full))
	}
	return full, "."
}

// Close closes the files.
func (f *Folder) Close() error {
	err := f.root.Close()
	for _, file := range f.files {
		err = errors.Join(err, file.Close())
	}
	return err
}

// Dir is the folder's path, as it was given to Open.
func (f *Folder) Dir() string { return f.dir }

// Tensors are all tensors, by name.
func (f *Folder) Tensors() []*Tensor { return f.tensors }

// Tensor finds a tensor; nil if there is none of that name.
func (f *Folder) Tensor(name string) *Tensor { return f.byName[name] }

// maxText bounds the files that are read whole: the largest tokenizer.json is about 35 MB.
const maxText = 256 << 20

// ReadFile reads a small file of the folder; errors.Is(err, fs.ErrNotExist) if it is not there.
func (f *Folder) ReadFile(name string) ([]byte, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxText {
		return nil, fmt.Errorf("%s: %d bytes: more than the %d that are read", f.path(name), info.Size(), maxText)
	}
	return io.ReadAll(io.LimitReader(file, maxText))
}

// Has reports whether the folder has a file.
func (f *Folder) Has(name string) bool {
	_, err := f.root.Stat(filepath.Join(f.within, name))
	return err == nil
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *Folder) open(name string) (*os.File, error) {
	file, err := f.root.Open(filepath.Join(f.within, name))
	if err != nil {
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return nil, fmt.Errorf("%s: %w", f.path(name), err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("this is no file")
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", f.path(name), err)
	}
	return file, nil
}

// add takes up a tensor that one of the readers found.
func (f *Folder) add(t *Tensor) error {
	if old := f.byName[t.Name]; old != nil {
		return fmt.Errorf("%s: tensor %q is in %s, too", t.File, t.Name, old.File)
	}
	f.byName[t.Name] = t
	f.tensors = append(f.tensors, t)
	return nil
}

// readTensors finds the files that hold tensors and reads their tables.
func (f *Folder) readTensors() error {
	names, err := fs.Glob(f.root.FS(), filepath.ToSlash(filepath.Join(f.within, "*.safetensors")))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := f.readSafetensors(filepath.Base(name)); err != nil {
			return err
		}
	}
	if len(f.tensors) == 0 {
		return fmt.Errorf("%s: no tensors: want *.safetensors", f.dir)
	}
	slices.SortFunc(f.tensors, func(a, b *Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}
