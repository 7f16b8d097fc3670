package convert

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// CheckpointOptions say what a checkpoint becomes.
type CheckpointOptions struct {
	Options        // which types; the mix does not count with Auto
	Auto    bool   // the 16-bit type that the checkpoint has
	Name    string // general.name; "" for the checkpoint's own
	Pre     string // tokenizer.ggml.pre; "" to find it by what the tokenizer does
	// Metadata are keys to set besides, or instead of, those that the conversion
	// sets, in this order.
	Metadata []Setting
}

// Convert writes the checkpoint in folder dir to the file at path: Open and Write.
func Convert(ctx context.Context, dir, path string, o CheckpointOptions, progress Progress) error {
	c, err := Open(dir, o)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Write(ctx, path, progress)
}

// Conversion is a checkpoint on its way to a file. It is for one goroutine.
type Conversion struct {
	o      CheckpointOptions
	folder *checkpoint.Folder
	m      *maker
	plan   []*Tensor
}

// Open reads the checkpoint in folder dir and plans its file.
func Open(dir string, o CheckpointOptions) (*Conversion, error) {
	folder, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	c := &Conversion{o: o, folder: folder}
	if err := c.prepare(); err != nil {
		folder.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conversion) prepare() (err error) {
	if c.m, err = newMaker(c.folder); err != nil {
		return err
	}
	if err := c.m.general(); err != nil {
		return err
	}
	if err := c.m.vocabulary(c.o.Pre); err != nil {
		return err
	}
	auto := autoMix(c.folder)
	if c.o.Auto {
		c.o.Mix = auto
	}
	if c.plan, err = c.m.plan(c.o.Options, auto.Type); err != nil {
		return err
	}
	fileType := c.o.Mix.FileType
	if slices.ContainsFunc(c.plan, func(t *Tensor) bool { return t.To == quant.MXFP4 }) && isFloat(c.o.Mix.Type) {
		fileType = mxfp4Experts // what the checkpoint has in that type keeps it
	}
	c.o.annotate(c.m.w, fileType)
	if c.o.Name != "" {
		c.m.w.SetText("general.name", c.o.Name)
	}
	for _, s := range c.o.Metadata {
		if err := s.set(c.m.w); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the checkpoint's files.
func (c *Conversion) Close() error { return c.folder.Close() }

// Plan is every tensor of the file, in its order.
func (c *Conversion) Plan() []*Tensor { return c.plan }

// Mix is what the matrices become: what Auto found, too.
func (c *Conversion) Mix() Mix { return c.o.Mix }

// Notes are lines for the user: what llama.cpp will make of the file otherwise.
func (c *Conversion) Notes() []string { return c.m.notes }

// Architecture is general.architecture.
func (c *Conversion) Architecture() string { return c.m.arch }

// Write writes the file at path; it appears whole or not at all, and may replace
// another, but none of the checkpoint's. progress, if not nil, is told the bytes of
// the checkpoint that are done. A cancelled ctx ends it with ctx's error.
func (c *Conversion) Write(ctx context.Context, path string, progress Progress) error {
	if err := c.May(path); err != nil {
		return err
	}
	return write(ctx, c.m.w, c.plan, path, c.o.Threads, progress)
}

// May reports whether a file may be written at path: it must not be in the
// checkpoint's folder, or be one of its files by another name.
func (c *Conversion) May(path string) error {
	dir := c.folder.Dir()
	if inside, err := within(dir, filepath.Dir(path)); err != nil {
		return err
	} else if inside {
		return fmt.Errorf("%s would be in the checkpoint %s, which is only read", path, dir)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return notOneOf(files, path)
}

// within reports whether folder at is dir, or in it, whatever links lead there. A
// folder that is not there is for whoever writes to it to complain about.
func within(dir, at string) (bool, error) {
	top, err := os.Stat(dir)
	if err != nil {
		return false, err
	}
	at, err = filepath.Abs(at)
	if err != nil {
		return false, err
	}
	if real, err := filepath.EvalSymlinks(at); err == nil {
		at = real
	}
	for {
		if info, err := os.Stat(at); err == nil && os.SameFile(info, top) {
			return true, nil
		}
		up := filepath.Dir(at)
		if up == at {
			return false, nil
		}
		at = up
	}
}

// newMaker runs the adapter of the checkpoint.
func newMaker(folder *checkpoint.Folder) (*maker, error) {
	config, err := folder.ReadObject("config.json")
	if err != nil {
		return nil, err
	}
	a, class, part, err := adapterOf(config)
	if err != nil {
		return nil, err
	}
	m := &maker{
		folder: folder, config: config.Merged(config.Object("text_config")), arch: a.Arch, class: class,
		w: gguf.NewWriter(), claimed: make(map[string]bool), layer: -1,
	}
	m.w.SetText("general.architecture", a.Arch)
	m.w.SetText("general.type", "model")
	if part {
		m.textOnly()
	}
	m.checkFields()
	a.convert(m)
	m.completeOutput()
	m.checkActivation()
	m.checkRotation()
	if m.err != nil {
		return nil, m.err
	}
	return m, m.unclaimed()
}

// plan decides the types of the outputs; native is the checkpoint's 16-bit type.
func (m *maker) plan(o Options, native quant.Type) ([]*Tensor, error) {
	var plan []*Tensor
	names := make(map[string]bool)
	for _, out := range m.outputs {
		if out.view.err != nil {
			return nil, fmt.Errorf("%s: %w", m.folder.Dir(), out.view.err)
		}
		if names[out.name] {
			return nil, fmt.Errorf("%s: %s makes tensor %q twice", m.folder.Dir(), m.class, out.name)
		}
		names[out.name] = true
		shape := slices.Clone(out.view.shape)
		slices.Reverse(shape)
		s := out.view.source()
		plan = append(plan, &Tensor{Name: out.name, Shape: shape, From: s.typ, SourceBytes: s.bytes, source: s})
	}
	s := shapeOf(m.arch, names["output.weight"], func(key string) int {
		v, _ := m.w.Uint(key)
		return int(min(v, 1<<20))
	})
	stays := make(map[string]bool)
	for i, t := range plan {
		v := m.outputs[i].view
		switch {
		case v.fixed:
			t.To, stays[t.Name] = v.as, true
		case float32Always(t.Name, len(v.shape)):
			t.To, stays[t.Name] = quant.F32, true
		case !isFloat(o.Mix.Type) && o.Mix.Type != quant.Q8_0 && kept(s.arch, t.Name, dims(t.Shape)):
			t.To, stays[t.Name] = native, true
		}
	}
	if err := decide(plan, o, s, func(t *Tensor) bool { return stays[t.Name] }); err != nil {
		return nil, fmt.Errorf("%s: %w", m.folder.Dir(), err)
	}
	return plan, nil
}
