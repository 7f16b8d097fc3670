package infer

import (
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/model"
	"happyphonellm/internal/quant"
)

// Details is what there is to know about a loaded model.
type Details struct {
	Path         string
	Architecture string
	Name         string // general.name, or ""
	Parameters   int64  // numbers in all tensors
	Bytes        int64  // size of the file, all parts
	Quantization string // the tensor type that holds most of the bytes
	Context      int    // context length of the training; 0: not in the file
	Embd         int
	Layers       int
	Vocab        int
}

func describe(f *gguf.File, m *model.Model) Details {
	d := Details{
		Path: f.Path(), Architecture: m.Arch, Bytes: f.Size(),
		Context: m.Context, Embd: m.Embd, Layers: m.Layers, Vocab: m.Vocab,
	}
	if name, err := f.Text("general.name"); err == nil {
		d.Name = name
	}
	bytes := map[quant.Type]int{}
	var most quant.Type
	for _, t := range f.Tensors() {
		n := int64(1)
		for _, s := range t.Shape {
			n *= int64(s)
		}
		d.Parameters += n
		bytes[t.Type] += len(t.Data)
		if bytes[t.Type] > bytes[most] {
			most = t.Type
		}
	}
	d.Quantization = most.String()
	return d
}

// Info describes the model.
func (e *Engine) Info() Details { return e.details }
