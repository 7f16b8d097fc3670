package chat

import (
	"slices"
	"strings"

	"happyphonellm/internal/chat/jinja"
)

// MiniMax M3 writes objects as tags of their members' names and arrays as tags named item, nested, and marks
// each tag with a token of its own.
const m3 = "]<]minimax[>["

// nestedCall reads the rest of an invoke tag and the members of the arguments.
func nestedCall(body string, tools schemas) ([]ToolCall, bool) {
	name, rest, ok := strings.Cut(body, `">`)
	if !ok || name == "" {
		return nil, false
	}
	args := &jinja.Dict{}
	if !eachNested(rest, func(key, text string) { args.Set(key, nestedValue(text, tools[name].property(key))) }) {
		return nil, false
	}
	return argsCall(name, args)
}

func nestedValue(text string, s *schema) jinja.Value {
	names := s.types()
	switch inner := strings.TrimSpace(text); {
	case slices.Contains(names, "string"):
	case inner == "" && slices.Contains(names, "array"), strings.HasPrefix(inner, m3+"<item>"):
		l := &jinja.List{}
		if eachNested(inner, func(_, text string) { l.Items = append(l.Items, nestedValue(text, s.items())) }) {
			return l
		}
	case inner == "" && slices.Contains(names, "object"), strings.HasPrefix(inner, m3+"<"):
		d := &jinja.Dict{}
		if eachNested(inner, func(key, text string) { d.Set(key, nestedValue(text, s.property(key))) }) {
			return d
		}
	}
	return s.value(text)
}

// eachNested calls f with the name and the text of every tag; it says whether there is nothing else.
func eachNested(text string, f func(name, text string)) bool {
	for {
		text = strings.TrimSpace(text)
		if text == "" {
			return true
		}
		rest, ok := strings.CutPrefix(text, m3+"<")
		name, rest, ok2 := strings.Cut(rest, ">")
		if !ok || !ok2 || name == "" {
			return false
		}
		open, end := m3+"<"+name+">", m3+"</"+name+">"
		depth, at := 1, 0
		for depth > 0 {
			i := strings.Index(rest[at:], end)
			if i < 0 {
				return false
			}
			depth += strings.Count(rest[at:at+i], open) - 1
			at += i + len(end)
		}
		f(name, rest[:at-len(end)])
		text = rest[at:]
	}
}
