package chat

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode"

	"happyphonellm/internal/chat/jinja"
)

type callParser = func(body string, tools schemas) ([]ToolCall, bool)

// either tries two ways.
func either(a, b callParser) callParser {
	return func(body string, tools schemas) ([]ToolCall, bool) {
		if calls, ok := a(body, tools); ok {
			return calls, true
		}
		return b(body, tools)
	}
}

// object returns the text of the JSON object that s is; some models write it as a string or in a code fence.
func object(s []byte) (json.RawMessage, bool) {
	s = bytes.TrimSpace(s)
	if rest, ok := bytes.CutPrefix(s, []byte("```")); ok {
		rest = bytes.TrimPrefix(rest, []byte("json"))
		s = bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("```")))
	}
	if len(s) == 0 || string(s) == "null" {
		return json.RawMessage("{}"), true
	}
	var inner string
	if s[0] == '"' && json.Unmarshal(s, &inner) == nil {
		s = bytes.TrimSpace([]byte(inner))
	}
	if len(s) == 0 || s[0] != '{' || !json.Valid(s) {
		return nil, false
	}
	return json.RawMessage(s), true
}

// jsonCall is a call as a JSON object, under all the names that models have for its parts.
type jsonCall struct {
	Name       string          `json:"name"`
	ToolName   string          `json:"tool_name"`
	Function   json.RawMessage `json:"function"`
	Arguments  json.RawMessage `json:"arguments"`
	Parameters json.RawMessage `json:"parameters"`
	ID         json.RawMessage `json:"id"`
	ToolCallID json.RawMessage `json:"tool_call_id"`
}

func (j jsonCall) call() (ToolCall, bool) {
	c := ToolCall{Name: j.Name}
	args := j.Arguments
	if c.Name == "" {
		c.Name = j.ToolName
	}
	if args == nil {
		args = j.Parameters
	}
	if len(j.Function) > 0 && c.Name == "" {
		var in jsonCall
		if json.Unmarshal(j.Function, &c.Name) != nil && json.Unmarshal(j.Function, &in) == nil {
			c.Name = in.Name
			if in.Arguments != nil {
				args = in.Arguments
			}
		}
	}
	for _, id := range []json.RawMessage{j.ID, j.ToolCallID} {
		if id != nil && json.Unmarshal(id, &c.ID) != nil {
			c.ID = string(id) // a number
		}
	}
	var ok bool
	c.Arguments, ok = object(args)
	return c, ok && c.Name != ""
}

// jsonCalls reads one or more JSON objects, or arrays of them.
func jsonCalls(body string, _ schemas) ([]ToolCall, bool) {
	body = strings.TrimSpace(body)
	var calls []ToolCall
	dec := json.NewDecoder(strings.NewReader(body))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF {
			return calls, len(calls) > 0
		} else if err != nil {
			// A semicolon or a comma between two objects is fine.
			rest := strings.TrimLeft(body[min(int(dec.InputOffset()), len(body)):], "; ,\n")
			if len(calls) == 0 || !strings.HasPrefix(rest, "{") || len(rest) >= len(body) {
				return nil, false
			}
			more, ok := jsonCalls(rest, nil)
			return append(calls, more...), ok
		}
		items := []json.RawMessage{raw}
		if raw[0] == '[' && json.Unmarshal(raw, &items) != nil {
			return nil, false
		}
		for _, item := range items {
			c, ok := oneJSON(item)
			if !ok {
				return nil, false
			}
			calls = append(calls, c)
		}
	}
}

func oneJSON(item json.RawMessage) (ToolCall, bool) {
	var j jsonCall
	if json.Unmarshal(item, &j) != nil {
		return ToolCall{}, false
	}
	if c, ok := j.call(); ok {
		return c, true
	}
	// {"tool": {arguments}}
	var single map[string]json.RawMessage
	if json.Unmarshal(item, &single) == nil && len(single) == 1 {
		for name, args := range single {
			if args, ok := object(args); ok {
				return ToolCall{Name: name, Arguments: args}, true
			}
		}
	}
	return ToolCall{}, false
}

// jsonAfter reads JSON calls behind a word.
func jsonAfter(word string) callParser {
	return func(body string, tools schemas) ([]ToolCall, bool) {
		return jsonCalls(strings.TrimPrefix(strings.TrimSpace(body), word), tools)
	}
}

// namedCall reads a name, a separator and a JSON object. A name like functions.NAME:3 is also the call's id.
func namedCall(sep, prefix string) callParser {
	return func(body string, _ schemas) ([]ToolCall, bool) {
		name, args, ok := strings.Cut(body, sep)
		if !ok {
			return nil, false
		}
		// Mistral may write an id behind the name.
		id := ""
		if n, rest, ok := strings.Cut(name, "[CALL_ID]"); ok {
			name, id = n, strings.TrimSpace(rest)
		}
		name = strings.TrimSpace(name)
		if rest, ok := strings.CutPrefix(name, prefix); ok && prefix != "" {
			id = name
			name = rest
			if i := strings.LastIndexByte(name, ':'); i >= 0 {
				name = name[:i]
			}
		}
		raw, ok := object([]byte(args))
		if !ok || name == "" {
			return nil, false
		}
		return []ToolCall{{ID: id, Name: name, Arguments: raw}}, true
	}
}

// namedArguments reads a JSON object for a tool that is known.
func namedArguments(tool, body string, _ schemas) ([]ToolCall, bool) {
	raw, ok := object([]byte(body))
	return []ToolCall{{Name: tool, Arguments: raw}}, ok && tool != ""
}

// atemCalls reads calls that name their tools.
func atemCalls(_, body string, tools schemas) ([]ToolCall, bool) {
	body = strings.TrimSpace(body)
	body = strings.TrimPrefix(strings.TrimSuffix(body, "</atem:function_calls>"), "<atem:function_calls>")
	return atemTags.calls(body, tools)
}

// idCall reads an id, a name and a JSON object.
func idCall(body string, tools schemas) ([]ToolCall, bool) {
	id, rest, ok := strings.Cut(body, "<|tool_call:name|>")
	calls, good := namedCall("<|tool_call:args|>", "")(rest, tools)
	if ok && good {
		calls[0].ID = strings.TrimSpace(id)
	}
	return calls, ok && good
}

// deepSeekCall reads function<｜tool▁sep｜>NAME, a line break and fenced JSON, or NAME<｜tool▁sep｜>JSON.
func deepSeekCall(body string, tools schemas) ([]ToolCall, bool) {
	const sep = "<｜tool▁sep｜>"
	if rest, ok := strings.CutPrefix(strings.TrimSpace(body), "function"+sep); ok {
		return namedCall("\n", "")(strings.TrimSpace(rest), tools)
	}
	return namedCall(sep, "")(body, tools)
}

// pythonCalls reads calls as in Python.
func pythonCalls(body string, _ schemas) ([]ToolCall, bool) {
	calls, err := jinja.ParseCalls(body)
	if err != nil || len(calls) == 0 {
		return nil, false
	}
	var out []ToolCall
	for _, c := range calls {
		args, err := jinja.ToJSON(c.Args)
		if err != nil {
			return nil, false
		}
		out = append(out, ToolCall{Name: c.Name, Arguments: json.RawMessage(args)})
	}
	return out, true
}

// bareCall reads NAME{key:value,...}, JSON but for keys without quotes and strings between <|"|> marks.
func bareCall(body string, _ schemas) ([]ToolCall, bool) {
	const quote = `<|"|>`
	name, rest, ok := strings.Cut(body, "{")
	if !ok {
		return nil, false
	}
	var b strings.Builder
	b.WriteByte('{')
	for rest != "" {
		if s, ok := strings.CutPrefix(rest, quote); ok {
			text, after, ok := strings.Cut(s, quote)
			if !ok {
				return nil, false
			}
			b.WriteString(quoted(text))
			rest = after
			continue
		}
		n := strings.IndexFunc(rest, func(c rune) bool {
			return !(unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("_-+.", c))
		})
		switch {
		case n > 0 && strings.HasPrefix(strings.TrimSpace(rest[n:]), ":"):
			b.WriteString(quoted(rest[:n]))
			rest = rest[n:]
		case n > 0:
			b.WriteString(asJSON(rest[:n]))
			rest = rest[n:]
		default:
			b.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	args, ok := object([]byte(b.String()))
	name = strings.TrimSpace(name)
	return []ToolCall{{Name: name, Arguments: args}}, ok && name != ""
}

func quoted(s string) string {
	text, err := jinja.ToJSON(s)
	if err != nil {
		return `""`
	}
	return text
}
