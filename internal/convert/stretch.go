package convert

import (
	"math"
	"strings"
)

// yarn sets the keys of YaRN's stretching (arXiv:2309.00071).
func (m *maker) yarn() {
	original, factor := m.ropeOriginal(), m.ropeFactor()
	if original < 1 || original > 1<<31 || !(factor > 0) {
		m.fail("%s: rotation of type yarn for %g tokens, times %g", m.config.File(), original, factor)
		return
	}
	m.setText("rope.scaling.type", "yarn")
	m.setFloat("rope.scaling.factor", factor)
	m.setInt("rope.scaling.original_context_length", int(original))
	m.copyRope("rope.scaling.yarn_ext_factor", "extrapolation_factor")
	if _, ok := m.ropeFloat("attention_factor"); ok {
		m.copyRope("rope.scaling.yarn_attn_factor", "attention_factor")
	} else {
		m.copyRope("rope.scaling.yarn_attn_factor", "attn_factor")
	}
	m.copyRope("rope.scaling.yarn_beta_fast", "beta_fast")
	m.copyRope("rope.scaling.yarn_beta_slow", "beta_slow")
	if (m.ropeFloatOr(32, "beta_fast") != 32 || m.ropeFloatOr(1, "beta_slow") != 1) && m.arch != "mistral3" {
		m.note("YaRN's betas are this program's: llama.cpp's %s takes 32 and 1", m.arch)
	}
	if whole, ok := m.allRopes().Bool("truncate"); ok && !whole {
		m.setBool("rope.scaling.yarn_truncate", false)
		m.note("YaRN's ramp between whole pairs is this program's: llama.cpp rounds it")
	}
}

// ropeOriginal is the context that was trained before it was stretched.
func (m *maker) ropeOriginal() float64 {
	return m.ropeFloatOr(m.floatOr(0, "max_position_embeddings"), "original_max_position_embeddings")
}

// ropeFactor is how many times longer the context became.
func (m *maker) ropeFactor() float64 {
	return m.ropeFloatOr(m.floatOr(0, "max_position_embeddings")/m.ropeOriginal(), "factor")
}

// sharpened sets by what attention's scores of a YaRN model are to be multiplied, where
// that is not what llama.cpp, which does not read the configuration's number, takes:
// 0.1*ln(factor)+1. Families with a multiplier of their own said it already.
// Source: transformers, modeling_rope_utils.py, _compute_yarn_parameters.
func (m *maker) sharpened() {
	if _, own := m.w.Kind(m.arch + ".rope.scaling.yarn_log_multiplier"); own {
		return
	}
	factor := m.ropeFactor()
	sharp := func(mscale float64) float64 {
		if factor <= 1 {
			return 1
		}
		return 0.1*mscale*math.Log(factor) + 1
	}
	want, ok := m.ropeFloat("attention_factor")
	if !ok {
		want = sharp(1)
		above, below := m.ropeFloatOr(0, "mscale"), m.ropeFloatOr(0, "mscale_all_dim")
		if above != 0 && below != 0 {
			want = sharp(above) / sharp(below)
		}
	}
	if ratio := want / sharp(1); math.Abs(ratio-1) > 1e-6 {
		m.setFloat("rope.scaling.attn_factor", ratio)
	}
}

// longRope puts LongRoPE's factors (arXiv:2402.13753), if the configuration asks for
// them, in families in whose files they may stand.
// Source: transformers, modeling_rope_utils.py, _compute_longrope_parameters.
func (m *maker) longRope(dims int) {
	if !m.longFactors(dims) {
		return
	}
	original, factor := m.ropeOriginal(), m.ropeFactor()
	if original < 2 || original > 1<<31 {
		m.fail("%s: rotation of type longrope for %g tokens", m.config.File(), original)
		return
	}
	m.setInt("rope.scaling.original_context_length", int(original))
	scale := 1.0
	if factor > 1 {
		scale = math.Sqrt(1 + math.Log(factor)/math.Log(original))
	}
	m.setFloat("rope.scaling.attn_factor", m.ropeFloatOr(scale, "attention_factor"))
}

// checkRotation makes sure that the file has what the configuration says about
// rotations: not every family takes every way of stretching them.
func (m *maker) checkRotation() {
	if m.err != nil {
		return
	}
	has := func(name string) bool {
		for _, r := range m.outputs {
			if r.name == name {
				return true
			}
		}
		return false
	}
	scaling := func(kind string) bool {
		text, _ := m.w.Text(m.arch + ".rope.scaling.type")
		return text == kind
	}
	kind, said := strings.ToLower(m.ropeType()), true
	switch kind {
	case "", "default", "none", "mrope":
	case "dynamic": // nothing changes within max_position_embeddings
	case "linear":
		said = scaling("linear")
	case "yarn":
		if said = scaling("yarn"); said {
			m.sharpened()
		}
		said = said || has("rope_factors_long.weight")
	case "llama3", "proportional":
		said = has("rope_freqs.weight")
	case "su", "longrope":
		said = has("rope_factors_long.weight")
	default:
		said = false
	}
	if !said {
		field := "rope_scaling"
		if m.config.Has("rope_parameters") {
			field = "rope_parameters"
		}
		m.fail("%s: %q: rotation of type %q: %s cannot say it", m.config.File(), field, kind, m.arch)
	}
	if _, partly := m.w.Kind(m.arch + ".rope.dimension_count"); !partly && m.ropeFloatOr(1, "partial_rotary_factor") != 1 {
		m.fail("%s: \"partial_rotary_factor\": %s turns all of a head", m.config.File(), m.arch)
	}
}
