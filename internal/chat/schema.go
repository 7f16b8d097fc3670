package chat

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"happyphonellm/internal/chat/jinja"
)

// schema is what a JSON schema says about the types of values. nil stands for one that is not known.
type schema struct {
	Type       json.RawMessage    `json:"type"` // a name, or a list of them
	Enum       []json.RawMessage  `json:"enum"`
	Const      json.RawMessage    `json:"const"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	AnyOf      []*schema          `json:"anyOf"`
	OneOf      []*schema          `json:"oneOf"`
	AllOf      []*schema          `json:"allOf"`
}

var aString = &schema{Type: json.RawMessage(`"string"`)}

// schemas are those of tools' parameters, by the names of the tools.
type schemas map[string]*schema

func schemasOf(tools []Tool) schemas {
	m := schemas{}
	for _, t := range tools {
		var s schema
		if json.Unmarshal(t.Parameters, &s) == nil {
			m[t.Name] = &s
		}
	}
	return m
}

// parts are the schemas that s is made of.
func (s *schema) parts() []*schema {
	if s == nil {
		return nil
	}
	return slices.Concat(s.AnyOf, s.OneOf, s.AllOf)
}

// property is the schema of an object's member.
func (s *schema) property(name string) *schema {
	if s != nil && s.Properties[name] != nil {
		return s.Properties[name]
	}
	for _, part := range s.parts() {
		if p := part.property(name); p != nil {
			return p
		}
	}
	return nil
}

// items is the schema of an array's elements.
func (s *schema) items() *schema {
	if s != nil && s.Items != nil {
		return s.Items
	}
	for _, part := range s.parts() {
		if e := part.items(); e != nil {
			return e
		}
	}
	return nil
}

// types are the names of the types that a value may have; none if s does not say.
func (s *schema) types() (names []string) {
	if s == nil {
		return nil
	}
	var one string
	switch {
	case json.Unmarshal(s.Type, &one) == nil:
		return []string{one}
	case json.Unmarshal(s.Type, &names) == nil:
		return names
	}
	for _, v := range append(slices.Clone(s.Enum), s.Const) {
		if v, err := jinja.FromJSON(v); err == nil {
			names = append(names, typeOf(v))
		}
	}
	for _, part := range s.parts() {
		names = append(names, part.types()...)
	}
	return names
}

func typeOf(v jinja.Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case int64, *big.Int:
		return "integer"
	case float64:
		return "number"
	case *jinja.List:
		return "array"
	case *jinja.Dict:
		return "object"
	}
	return "string"
}

// value is what text stands for that a model wrote without quotes: JSON if it reads as that and has a type that
// s allows, the text itself if not.
func (s *schema) value(text string) jinja.Value {
	v, err := jinja.FromJSON([]byte(asJSON(strings.TrimSpace(text))))
	if err != nil {
		return text
	}
	names, is := s.types(), typeOf(v)
	if is == "integer" && slices.Contains(names, "number") {
		is = "number"
	}
	if slices.Contains(names, "string") && (is == "string" || !slices.Contains(names, is)) {
		return text
	}
	return v
}

// asJSON is JSON for a word of Python that is none.
func asJSON(word string) string {
	switch word {
	case "True":
		return "true"
	case "False":
		return "false"
	case "None":
		return "null"
	}
	return word
}
