package chat

import (
	"encoding/json"
	"strings"

	"happyphonellm/internal/chat/jinja"
)

// tagSyntax is a call as tags: the tool's name behind open (or at the beginning), then parameters.
type tagSyntax struct {
	open, openEnd   string
	param, paramEnd string
	value           string // between the name and the value, if there is a tag
	flags           string // with what the parameter's tag ends, if it goes on behind the name
	close           string
}

// marks are the tags of parameters.
func (g tagSyntax) marks() []string {
	return []string{g.openEnd, g.param, g.paramEnd, g.value, g.flags, g.close}
}

// calls reads one or more calls.
func (g tagSyntax) calls(body string, tools schemas) ([]ToolCall, bool) {
	if g.open == "" {
		return g.one(body, tools)
	}
	parts := strings.Split(body, g.open)
	if len(parts) < 2 || strings.TrimSpace(parts[0]) != "" {
		return nil, false
	}
	var calls []ToolCall
	for _, part := range parts[1:] {
		c, ok := g.one(part, tools)
		if !ok {
			return nil, false
		}
		calls = append(calls, c...)
	}
	return calls, true
}

func (g tagSyntax) one(body string, tools schemas) ([]ToolCall, bool) {
	name, rest := body, ""
	if g.openEnd != "" {
		var ok bool
		if name, rest, ok = strings.Cut(body, g.openEnd); !ok {
			return nil, false
		}
	} else if i := strings.Index(body, g.param); i >= 0 {
		name, rest = body[:i], body[i:]
	}
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsAny(name, "<>{}\n") {
		return nil, false
	}
	args := &jinja.Dict{}
	for {
		_, after, ok := strings.Cut(rest, g.param)
		if !ok {
			break
		}
		key, after, ok := strings.Cut(after, g.paramEnd)
		if !ok {
			return nil, false
		}
		key = strings.TrimSpace(key)
		is := tools[name].property(key)
		if g.flags != "" {
			var flags string
			flags, after, _ = strings.Cut(after, g.flags)
			if is = nil; strings.Contains(flags, `string="true"`) || strings.Contains(flags, `type="string"`) {
				is = aString
			}
		}
		if g.value != "" {
			if _, after, ok = strings.Cut(after, g.value); !ok {
				return nil, false
			}
		}
		end := g.close
		if text, ok := strings.CutPrefix(after, "<![CDATA["); ok {
			after, end = text, "]]>"
		}
		value, next, ok := strings.Cut(after, end)
		if !ok {
			return nil, false
		}
		// The line breaks around a value are the tags' where there is one before it.
		if text, ok := strings.CutPrefix(value, "\n"); ok {
			value = strings.TrimSuffix(text, "\n")
		}
		args.Set(key, is.value(value))
		rest = next
	}
	return argsCall(name, args)
}

func argsCall(name string, args *jinja.Dict) ([]ToolCall, bool) {
	text, err := jinja.ToJSON(args)
	return []ToolCall{{Name: name, Arguments: json.RawMessage(text)}}, err == nil
}
