// Package checkpoint reads the folders in which Hugging Face's libraries save
// models: safetensors files, PyTorch's pickled ones, and the JSON beside them.
// Tensors that are quantized there are given as the numbers they stand for.
//
// A folder is untrusted: every count, length, shape and offset is checked before
// use, memory is bounded by the files' sizes, a pickle can build nothing but
// tensors, and no file outside of the folder is opened. Nothing is written. What
// the tensors mean belongs to package convert.
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
	partial bool // see OpenWith
}

// Open opens the checkpoint in folder dir and reads its tensors' tables.
func Open(dir string) (*Folder, error) {
	return open(dir, func(f *Folder) error {
		if err := f.readModel(); err != nil {
			return err
		}
		return f.unquantize()
	})
}

// open opens a folder, whose tensors read takes up.
func open(dir string, read func(*Folder) error) (*Folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder: want the one that holds config.json and the tensors", dir)
	}
	f := &Folder{dir: dir, byName: make(map[string]*Tensor)}
	root, within, err := rootOf(dir)
	if err != nil {
		return nil, err
	}
	if f.root, err = os.OpenRoot(root); err != nil {
		return nil, err
	}
	f.within = within
	if err := read(f); err != nil {
		f.Close()
		return nil, err
	}
	slices.SortFunc(f.tensors, func(a, b *Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return f, nil
}

// rootOf returns the folder out of which no file of a checkpoint may lie: the
// folder itself, or, in the cache that Hugging Face's libraries keep, the
// model's (models--ORG--NAME/snapshots/REVISION has links to its blobs).
func rootOf(dir string) (root, within string, err error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	if full, err = filepath.EvalSymlinks(full); err != nil {
		return "", "", err
	}
	snapshots := filepath.Dir(full)
	model := filepath.Dir(snapshots)
	if filepath.Base(snapshots) == "snapshots" && strings.HasPrefix(filepath.Base(model), "models--") {
		return model, filepath.Join("snapshots", filepath.Base(full)), nil
	}
	return full, ".", nil
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
	file, size, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size > maxText {
		return nil, fmt.Errorf("%s: %d bytes: more than the %d that are read", f.path(name), size, maxText)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxText))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path(name), cause(err))
	}
	return data, nil
}

// Has reports whether the folder has a file.
func (f *Folder) Has(name string) bool {
	_, err := f.root.Stat(filepath.Join(f.within, name))
	return err == nil
}

// names are the folder's files (and folders) that match a pattern of path/filepath.
func (f *Folder) names(pattern string) ([]string, error) {
	paths, err := fs.Glob(f.root.FS(), filepath.ToSlash(filepath.Join(f.within, pattern)))
	for i, p := range paths {
		paths[i] = filepath.Base(p)
	}
	return paths, err
}

// Names are the names of the folder's files (and folders) that match a pattern of
// path/filepath, without the folders they lie in.
func (f *Folder) Names(pattern string) ([]string, error) { return f.names(pattern) }

func (f *Folder) path(name string) string { return filepath.Join(f.dir, name) }

// open opens a regular file and returns its size. Links are followed within the root.
func (f *Folder) open(name string) (*os.File, int64, error) {
	fail := func(err error) (*os.File, int64, error) {
		return nil, 0, fmt.Errorf("%s: %w", f.path(name), cause(err))
	}
	at := filepath.Join(f.within, filepath.FromSlash(name))
	info, err := f.root.Stat(at) // before it is opened: to open a pipe waits for its other end
	if err != nil {
		return fail(err)
	}
	if !info.Mode().IsRegular() {
		return fail(errors.New("this is no regular file"))
	}
	file, err := f.root.Open(at)
	if err != nil {
		return fail(err)
	}
	now, err := file.Stat()
	if err == nil && !os.SameFile(info, now) {
		err = errors.New("the file changed while it was opened")
	}
	if err != nil {
		file.Close()
		return fail(err)
	}
	return file, now.Size(), nil
}

// cause is what the system said, without the path that os puts before it.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// keep opens a file that stays open for its tensors.
func (f *Folder) keep(name string) (*os.File, int64, error) {
	file, size, err := f.open(name)
	if err == nil {
		f.files = append(f.files, file)
	}
	return file, size, err
}

// add takes up tensors that one of the readers found.
func (f *Folder) add(tensors []*Tensor) error {
	for _, t := range tensors {
		if old := f.byName[t.Name]; old != nil {
			return fmt.Errorf("%s: tensor %q is in %s, too", t.File, t.Name, old.File)
		}
		f.byName[t.Name] = t
		f.tensors = append(f.tensors, t)
	}
	return nil
}
