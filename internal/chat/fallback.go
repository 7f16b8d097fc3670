package chat

import "fmt"

// Model is what New needs to know of a model beside its template.
type Model struct {
	BOS, EOS string // texts of these tokens, "" if the model has none
	Arch     string // general.architecture
	// Has says whether a text is one token of the vocabulary; nil: unknown.
	Has func(token string) bool
}

// New returns the template of a model file. If source is empty, cannot be parsed or cannot render a plain
// question, a well-known format stands in, chosen by the vocabulary's special tokens, then by the architecture;
// Warning says so.
func New(source string, m Model) *Template {
	why := "the model brings no chat template"
	if source != "" {
		t, err := Parse(source, m.BOS, m.EOS)
		if err == nil {
			_, err = t.Render([]Message{{Role: "user", Content: "Hello"}}, Options{AddGenerationPrompt: true})
		}
		if err == nil {
			return t
		}
		why = fmt.Sprintf("the model's chat template is broken (%v)", err)
	}
	f := fallback(m)
	t, err := Parse(f.source, m.BOS, m.EOS)
	if err != nil {
		panic("the built-in format " + f.name + ": " + err.Error())
	}
	t.name = f.name
	t.warning = fmt.Sprintf("%s; the format %q stands in for it", why, f.name)
	return t
}

// fallback picks the first format whose tokens are all there, or whose architecture it is.
func fallback(m Model) format {
	if m.Has != nil {
		for _, f := range formats {
			if len(f.tokens) > 0 && all(f.tokens, m.Has) {
				return f
			}
		}
	}
	for _, f := range formats {
		for _, a := range f.archs {
			// With a vocabulary at hand a format whose marks it lacks cannot be right.
			if a == m.Arch && (m.Has == nil || len(f.tokens) == 0) {
				return f
			}
		}
	}
	return formats[len(formats)-1]
}

func all(tokens []string, has func(string) bool) bool {
	for _, t := range tokens {
		if !has(t) {
			return false
		}
	}
	return true
}
