package infer

import (
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/model"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/tokenizer"
)

// Details is what there is to know about a model.
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
	// HasVocabulary says that the file has a tokenizer, HasTemplate that it has a
	// chat template of its own.
	HasVocabulary, HasTemplate bool
	BOS, EOS, EOT              int32 // token ids; -1: none
}

// readFile fills in what every file tells.
func (d *Details) readFile(f *gguf.File) {
	d.Path, d.Architecture, d.Bytes = f.Path(), f.Architecture(), f.Size()
	if name, err := f.Text("general.name"); err == nil {
		d.Name = name
	}
	if source, err := f.Text("tokenizer.chat_template"); err == nil {
		d.HasTemplate = source != ""
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
}

func (d *Details) readModel(m *model.Model) {
	d.Context, d.Embd, d.Layers, d.Vocab = m.Context, m.Embd, m.Layers, m.Vocab
}

func (d *Details) readVocabulary(t *tokenizer.Tokenizer) {
	d.HasVocabulary = true
	d.BOS, d.EOS, d.EOT = t.BOS(), t.EOS(), t.EOT()
}

// Info describes the model.
func (e *Engine) Info() Details { return e.details }
