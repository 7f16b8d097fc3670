package checkpoint

import (
	"errors"
	"io/fs"
)

// ErrNoTensors is Open's error for a folder without any file that may hold a model.
var ErrNoTensors = errors.New("no tensors: want model.safetensors, its parts with an index, or pytorch_model.bin")

// NewTensor is a tensor of a shape whose numbers rows computes: those of rows r0
// to r0+n, all outer dimensions taken together.
func NewTensor(name string, t Type, shape []int, rows func(dst []float32, r0, n int) error) *Tensor {
	return &Tensor{Name: name, Type: t, Shape: shape, File: name, rows: rows}
}

// OpenWith opens a folder whose tensors are not read: those given take their
// place. With partial, there may be others, of which nothing is known.
func OpenWith(dir string, tensors []*Tensor, partial bool) (*Folder, error) {
	return open(dir, func(f *Folder) error {
		f.partial = partial
		return f.add(tensors)
	})
}

// Partial reports whether a tensor that is not there may yet be one of the model.
func (f *Folder) Partial() bool { return f.partial }

// OpenAdapter opens the folder of an adapter, as PEFT saves it: its tensors are
// those of adapter_model.safetensors, or of adapter_model.bin.
func OpenAdapter(dir string) (*Folder, error) {
	return open(dir, func(f *Folder) error {
		err := f.readSafetensors("adapter_model.safetensors")
		if errors.Is(err, fs.ErrNotExist) {
			if other := f.readTorch("adapter_model.bin"); !errors.Is(other, fs.ErrNotExist) {
				err = other
			}
		}
		return err
	})
}
