package convert

import (
	"fmt"
	"slices"
	"strings"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/gguf"
)

// maker is what an adapter works with: it reads the configuration, claims the
// checkpoint's tensors, and says what the file gets. The first error sticks;
// after it every call does nothing, so that adapters need no checks.
type maker struct {
	folder  *checkpoint.Folder
	config  *checkpoint.Object // config.json, with text_config's fields over its own
	arch    string             // general.architecture; prefix of its keys
	class   string             // config.json's, which the adapter was found by
	w       *gguf.Writer
	outputs []result
	claimed map[string]bool
	names   map[string]*checkpoint.Tensor // by the names that renamed gave them; nil: by their own
	prefix  string                        // of the names of the layer's source tensors: "model.layers.3."
	target  string                        // and of its outputs: "blk.3."
	layer   int                           // -1 before the first
	layers  int
	notes   []string // what the user should know
	err     error
}

// result is a tensor of the file.
type result struct {
	name string
	view *view
}

func (m *maker) fail(format string, a ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, a...)
	}
}

// note keeps a line for the user.
func (m *maker) note(format string, a ...any) { m.notes = append(m.notes, fmt.Sprintf(format, a...)) }

// --- the configuration -----------------------------------------------------

// int is the number in the first of the fields that is there; none is an error.
func (m *maker) int(names ...string) int {
	for _, name := range names {
		if !m.config.Has(name) {
			continue
		}
		v, ok := m.config.Int(name)
		if !ok || v < 0 || v > 1<<31 {
			m.fail("%s: %q is no whole number that a model can have", m.config.File(), name)
			return 0
		}
		return v
	}
	m.fail("%s: %s is missing", m.config.File(), quotedList(names))
	return 0
}

// maxLayers is what the engine runs: lists with an entry for each layer are made before
// any tensor says how many there are.
const maxLayers = 1024

// layerCount is int of a field that says how many layers there are.
func (m *maker) layerCount(names ...string) int {
	n := m.int(names...)
	if n > maxLayers {
		m.fail("%s: %s: %d layers, more than %d", m.config.File(), quotedList(names), n, maxLayers)
		return 0
	}
	return n
}

// intOr is int with a value for "not there".
func (m *maker) intOr(otherwise int, names ...string) int {
	if !slices.ContainsFunc(names, m.config.Has) {
		return otherwise
	}
	return m.int(names...)
}

// float is the number in the first of the fields that is there; none is an error.
func (m *maker) float(names ...string) float64 {
	for _, name := range names {
		if !m.config.Has(name) {
			continue
		}
		v, ok := m.config.Float(name)
		if !ok {
			m.fail("%s: %q is no number", m.config.File(), name)
		}
		return v
	}
	m.fail("%s: %s is missing", m.config.File(), quotedList(names))
	return 0
}

// floatOr is float with a value for "not there".
func (m *maker) floatOr(otherwise float64, names ...string) float64 {
	if !slices.ContainsFunc(names, m.config.Has) {
		return otherwise
	}
	return m.float(names...)
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, " or ")
}

// --- keys of the file, without the architecture's prefix ---------------------

func (m *maker) setInt(key string, v int)       { m.w.SetUint32(m.arch+"."+key, uint32(v)) }
func (m *maker) setFloat(key string, v float64) { m.w.SetFloat32(m.arch+"."+key, float32(v)) }
func (m *maker) setBool(key string, v bool)     { m.w.SetBool(m.arch+"."+key, v) }
func (m *maker) setText(key, v string)          { m.w.SetText(m.arch+"."+key, v) }

// --- tensors ----------------------------------------------------------------

// has reports whether the checkpoint has a tensor (of the layer, within nextLayer).
func (m *maker) has(name string) bool { return m.tensor(m.prefix+name) != nil }

func (m *maker) tensor(name string) *checkpoint.Tensor {
	if m.names != nil {
		return m.names[name]
	}
	return m.folder.Tensor(name)
}

// renamed gives the checkpoint's tensors other names, by which has and source
// find them from then on; "" leaves a tensor out, as leave does. Two tensors of one
// name are an error.
func (m *maker) renamed(to func(name string) string) {
	names := make(map[string]*checkpoint.Tensor)
	for _, t := range m.folder.Tensors() {
		name := to(t.Name)
		switch {
		case name == "":
			m.claimed[t.Name] = true
		case names[name] != nil:
			m.fail("%s: tensors %q and %q would both be %q", m.folder.Dir(), names[name].Name, t.Name, name)
		default:
			names[name] = t
		}
	}
	m.names = names
}

// besides are parts of names of tensors that see and hear, beside a language model.
var besides = []string{
	"visual.", "vision.", "audio.", "talker.", "vision_", "audio_", "token2wav.", "code2wav.", "projector.",
	"pre_mm_projector_norm", "image_newline", "view_seperator", "patch_embed", "patch_merger.", "patch_merge_mlp.", "model.connector.",
}

// textOnly leaves out what sees and hears, and names the rest as models of text do.
func (m *maker) textOnly() { m.renamed(textName) }

func textName(name string) string {
	for _, part := range besides {
		if strings.Contains(name, part) {
			return ""
		}
	}
	name = strings.Replace(name, "language_model.", "", 1)
	return strings.Replace(name, "text_model.", "", 1)
}

// source claims a tensor; a missing one is an error.
func (m *maker) source(name string) *view {
	t := m.tensor(m.prefix + name)
	if t == nil && m.folder.Partial() {
		return absent(m.prefix + name)
	}
	if t == nil {
		m.fail("%s: tensor %q is missing", m.folder.Dir(), m.prefix+name)
		return &view{shape: []int{1}, name: m.prefix + name}
	}
	m.claimed[t.Name] = true
	return whole(t)
}

// put gives the file a tensor; name gets "blk.N." in front within nextLayer.
func (m *maker) put(name string, v *view) {
	m.outputs = append(m.outputs, result{m.target + name, v})
}

// move puts a tensor as it is.
func (m *maker) move(from, to string) { m.put(to, m.source(from)) }

// moveAny puts it if it is there.
func (m *maker) moveAny(from, to string) {
	if m.has(from) {
		m.move(from, to)
	}
}

// leave claims tensors that the file does not need: those whose name ends so.
func (m *maker) leave(suffixes ...string) {
	for _, t := range m.folder.Tensors() {
		for _, s := range suffixes {
			if strings.HasSuffix(t.Name, s) {
				m.claimed[t.Name] = true
			}
		}
	}
}

// nextLayer goes on to the next of m.layers layers: names then are the layer's.
// format is the source's prefix, with %d for the number.
func (m *maker) nextLayer(format string) bool {
	m.layer++
	m.prefix, m.target = "", ""
	if m.layer >= m.layers || m.err != nil {
		return false
	}
	m.prefix = fmt.Sprintf(format, m.layer)
	m.target = fmt.Sprintf("blk.%d.", m.layer)
	return true
}

// unclaimed is an error that names the tensors that nobody claimed.
func (m *maker) unclaimed() error {
	var names []string
	for _, t := range m.folder.Tensors() {
		if !m.claimed[t.Name] {
			names = append(names, t.Name)
		}
	}
	switch n := len(names); {
	case n == 0:
		return nil
	case n > 5:
		return fmt.Errorf("%s: %s knows no place for %d tensors, among them %s", m.folder.Dir(), m.class, n, quotedList(names[:5]))
	default:
		return fmt.Errorf("%s: %s knows no place for tensor %s", m.folder.Dir(), m.class, quotedList(names))
	}
}
