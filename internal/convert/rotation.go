package convert

import (
	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/gguf"
)

// Rotary embeddings stand in two forms. Transformers 5 writes "rope_parameters",
// an object with all of them, in some families one for each type of layer. Before,
// "rope_scaling" had what stretches them, and the rest stood among the model's fields.

// rotation sets the keys of rotary embeddings: the base, and how the angles are
// stretched over longer contexts.
func (m *maker) rotation() {
	switch kind := m.ropeType(); kind {
	case "linear":
		if factor, ok := m.ropeFloat("factor"); ok {
			m.setText("rope.scaling.type", "linear")
			m.setFloat("rope.scaling.factor", factor)
		}
	case "yarn":
		m.yarn()
	case "su", "longrope":
		m.setText("rope.scaling.type", "longrope")
	}
	if sections, ok := m.rope().Floats("mrope_section"); ok && len(sections) > 0 {
		m.ropeSections(sections)
	}
	m.copyRope("rope.freq_base", "rope_theta")
	if base, ok := m.localRope().Float("rope_theta"); ok {
		m.setFloat("rope.freq_base_swa", base)
	} else if m.localRope() == nil {
		m.copyFloat("rope.freq_base_swa", "local_rope_theta", "rope_local_theta", "rope_theta_local", "swa_rope_theta", "rope_local_base_freq")
	}
}

// ropeSections sets how many pairs turn with time, height, width and whatever else.
func (m *maker) ropeSections(sections []float64) {
	four := make([]int32, 4)
	for i := range min(len(sections), 4) {
		four[i] = int32(sections[i])
	}
	gguf.SetNumbers(m.w, m.arch+".rope.dimension_sections", four)
}

// rope is the object that describes the rotation of layers with full attention; nil if there is none.
func (m *maker) rope() *checkpoint.Object {
	all := m.allRopes()
	if full := all.Object("full_attention"); full != nil {
		return full
	}
	return all
}

// localRope is the object of layers with a sliding window; nil if they have none of their own.
func (m *maker) localRope() *checkpoint.Object { return m.allRopes().Object("sliding_attention") }

func (m *maker) allRopes() *checkpoint.Object {
	if all := m.config.Object("rope_parameters"); all != nil {
		return all
	}
	return m.config.Object("rope_scaling")
}

// ropeType is how angles are stretched; "" if nothing says so.
func (m *maker) ropeType() string {
	if kind, ok := m.rope().Text("rope_type"); ok {
		return kind
	}
	kind, _ := m.rope().Text("type")
	return kind
}

// ropeFields are the names that a rotation's fields have among the model's.
var ropeFields = map[string][]string{
	"rope_theta":                       {"global_rope_theta", "rope_global_theta", "rope_theta_global", "rope_theta", "rotary_emb_base"},
	"partial_rotary_factor":            {"partial_rotary_factor", "rope_pct", "rope_percent"},
	"original_max_position_embeddings": {"original_max_position_embeddings"},
}

// ropeFloat is a number of the rotation, wherever it stands.
func (m *maker) ropeFloat(name string) (float64, bool) {
	if v, ok := m.rope().Float(name); ok {
		return v, true
	}
	for _, field := range ropeFields[name] {
		if v, ok := m.config.Float(field); ok {
			return v, true
		}
	}
	return 0, false
}

// ropeFloatOr is ropeFloat with a value for "not there".
func (m *maker) ropeFloatOr(otherwise float64, name string) float64 {
	if v, ok := m.ropeFloat(name); ok {
		return v
	}
	return otherwise
}

// copyRope sets a key from a number of the rotation, if it is there.
func (m *maker) copyRope(key, name string) {
	if v, ok := m.ropeFloat(name); ok {
		m.setFloat(key, v)
	}
}
