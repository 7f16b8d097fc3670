package infer

import (
	"errors"
	"fmt"
	"math"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/model"
)

// LoRA is an adapter file (GGUF, as llama.cpp reads it) and how strongly it works:
// 1 as it was trained, 0 not at all.
type LoRA struct {
	Path  string
	Scale float32
}

// openAdapters maps the adapters' files. Like the model's, they must not change
// while the engine is open.
func (e *Engine) openAdapters(list []LoRA) error {
	for _, l := range list {
		if math.IsNaN(float64(l.Scale)) || math.IsInf(float64(l.Scale), 0) {
			return fmt.Errorf("%w: adapter %s has a scale of %g", ErrArgument, l.Path, l.Scale)
		}
		f, err := gguf.Open(l.Path)
		if err != nil {
			return err
		}
		e.adapters = append(e.adapters, model.Adapter{File: f, Scale: l.Scale})
	}
	return nil
}

// closeFiles unmaps the model and its adapters.
func (e *Engine) closeFiles() (err error) {
	if e.file != nil {
		err = e.file.Close()
	}
	for _, a := range e.adapters {
		err = errors.Join(err, a.File.Close())
	}
	return err
}
