package chat

import (
	"errors"
	"fmt"
	"strings"
)

// Model is what New needs to know of a model beside its template.
type Model struct {
	BOS, EOS string // texts of these tokens, "" if the model has none
	Arch     string // general.architecture
	// ToolUse is the template of conversations with tools, "" if the model has none for them.
	ToolUse string
	// Has says whether a text is one token of the vocabulary; nil: unknown.
	Has func(token string) bool
}

// New returns the template of a model file. If source is empty, cannot be parsed or cannot render a plain
// question, a well-known format stands in, chosen by the vocabulary's special tokens, then by the architecture;
// Warning says so.
func New(source string, m Model) *Template {
	if source == "" {
		source = m.ToolUse
	}
	why := "the model brings no chat template"
	if source != "" {
		t, err := usable(source, m, nil)
		if err == nil {
			t.addTools(m)
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
	t.addTools(m)
	return t
}

// addTools reads the template of conversations with tools.
func (t *Template) addTools(m Model) {
	if m.ToolUse == "" {
		return
	}
	var err error
	if t.tools, err = usable(m.ToolUse, m, []Tool{{Name: "answer"}}); err != nil && t.warning == "" {
		t.warning = fmt.Sprintf("the model's chat template for tools is broken (%v); the other one stands in for it", err)
	}
}

// usable reads a template and tries it on a plain question. Some know contents as lists of parts only: what
// others print as text, they leave out.
func usable(source string, m Model, tools []Tool) (*Template, error) {
	t, err := Parse(source, m.BOS, m.EOS)
	if err != nil {
		return nil, err
	}
	const question = "Is anybody there?"
	for _, t.typed = range []bool{false, true} {
		text, e := t.Render([]Message{{Role: "user", Content: question}}, Options{AddGenerationPrompt: true, Tools: tools})
		switch {
		case e == nil && strings.Contains(text, question):
			return t, nil
		case e == nil:
			e = errors.New("it leaves messages out")
		}
		if err == nil {
			err = e
		}
	}
	return nil, err
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
