package convert

import (
	"context"
	"io"
	"slices"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// Convert writes the checkpoint in folder dir to the file at path. The file
// appears whole or not at all; nothing in dir is changed.
func Convert(ctx context.Context, dir, path string) error {
	folder, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	m, err := newMaker(folder)
	if err != nil {
		return err
	}
	for _, o := range m.outputs {
		shape := slices.Clone(o.view.shape)
		slices.Reverse(shape)
		m.w.AddTensor(o.name, quant.F32, shape, func(out io.Writer) error {
			x := make([]float32, o.view.cols())
			b := make([]byte, 4*len(x))
			f, _ := quant.F32.Format()
			for r := range o.view.rows() {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := o.view.read(x, r, 1); err != nil {
					return err
				}
				f.QuantizeRow(b, x, nil)
				if _, err := out.Write(b); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return m.w.Create(path)
}

// newMaker runs the adapter of the checkpoint.
func newMaker(folder *checkpoint.Folder) (*maker, error) {
	config, err := folder.ReadObject("config.json")
	if err != nil {
		return nil, err
	}
	classes, _ := config.Texts("architectures")
	a, err := adapterOf(config.File(), classes)
	if err != nil {
		return nil, err
	}
	m := &maker{
		folder: folder, config: config.Merged(config.Object("text_config")), arch: a.Arch, class: classes[0],
		w: gguf.NewWriter(), claimed: make(map[string]bool), layer: -1,
	}
	m.w.SetText("general.architecture", a.Arch)
	a.convert(m)
	if m.err != nil {
		return nil, m.err
	}
	return m, m.unclaimed()
}
