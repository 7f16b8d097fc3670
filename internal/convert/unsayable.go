package convert

import "slices"

// unsayable are fields that change what a family computes, and that its files have no
// place for: with another value than the usual one the file would silently be of
// another model, or the error would name tensors and not their reason.
var unsayable = []struct {
	field string
	usual bool
	archs []string
}{
	{"apply_residual_connection_post_layernorm", false, []string{"bloom", "falcon"}},
	{"conv_bias", false, []string{"lfm2", "lfm2moe"}},
	{"parallel_attn", true, []string{"falcon"}},
	{"qk_layernorm", false, []string{"phi2"}},
	{"use_bias", false, []string{"ernie4_5"}},
}

// checkFields refuses those of the configuration.
func (m *maker) checkFields() {
	for _, u := range unsayable {
		if got, ok := m.config.Bool(u.field); ok && got != u.usual && slices.Contains(u.archs, m.arch) {
			m.fail("%s: %q: %v: %s cannot say it", m.config.File(), u.field, got, m.arch)
		}
	}
}
