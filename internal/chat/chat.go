package chat

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"
	"time"

	"happyphonellm/internal/chat/jinja"
)

// Message is one message of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant", "tool"; some models know others
	Content string
	// Reasoning is what the assistant thought before Content. Most templates drop it from past turns.
	Reasoning string
	// ToolCalls are the calls that the assistant asked for.
	ToolCalls []ToolCall
	// ToolCallID and Name say, in a message of the role "tool", which call and tool Content answers.
	ToolCallID, Name string
}

// ToolCall is a call that the assistant asks for.
type ToolCall struct {
	ID   string
	Name string
	// Arguments is a JSON object.
	Arguments json.RawMessage
}

// Tool is a function that the model may call.
type Tool struct {
	Name        string
	Description string
	// Parameters is a JSON schema; its keys keep their order. Empty: no parameters.
	Parameters json.RawMessage
}

// Thinking says whether a model that can do both shall think before it answers.
type Thinking uint8

const (
	ThinkingDefault Thinking = iota // as the template decides
	ThinkingOn
	ThinkingOff
)

// Options are the settings of one rendering.
type Options struct {
	// AddGenerationPrompt closes the prompt with the beginning of the assistant's next message.
	AddGenerationPrompt bool
	Tools               []Tool
	Thinking            Thinking
	// Vars are more variables for the template: nil, bool, string, integers, floats, []any, map[string]any (in
	// the order of their keys) or json.RawMessage. They win over all others.
	Vars map[string]any
	// Now is the clock of templates that print the date; nil: time.Now.
	Now func() time.Time
	// Limits bounds the template's work; the zero value stands for sensible bounds.
	Limits jinja.Limits
}

// Template turns messages into a prompt. It is immutable and may be used by any number of goroutines.
type Template struct {
	jinja    *jinja.Template
	source   string
	bos, eos string
	name     string
	warning  string
	// typed: contents are lists of parts of the type "text".
	typed bool
	// tools is another template for conversations with tools, if there is one.
	tools *Template
}

// Parse reads a template. bos and eos are the texts of these tokens, "" if the model has none. The error is a
// *jinja.Error.
func Parse(source, bos, eos string) (*Template, error) {
	t, err := jinja.Parse(source)
	if err != nil {
		return nil, err
	}
	return &Template{jinja: t, source: source, bos: bos, eos: eos, name: ownName}, nil
}

const ownName = "the model's own"

// Source is the template's text.
func (t *Template) Source() string { return t.source }

// Name says where the template is from: "the model's own", or the format that stands in for it.
func (t *Template) Name() string { return t.name }

// StandsIn says whether the format is not the model's own.
func (t *Template) StandsIn() bool { return t.name != ownName }

// Warning says why another format stands in for the model's template; "" if none does.
func (t *Template) Warning() string { return t.warning }

// with is the template for a conversation with tools, or without any.
func (t *Template) with(tools bool) *Template {
	if tools && t.tools != nil {
		return t.tools
	}
	return t
}

// form is a way to hand a conversation to a template.
type form struct {
	messages   []Message
	argsAsText bool // of tool calls: JSON as a string, not an object
	noTools    bool // the variable is undefined, not none
}

// forms are the ways to try, the usual one first.
func forms(messages []Message, tools bool) []form {
	list := []form{{messages: messages}}
	if slices.ContainsFunc(messages, func(m Message) bool { return len(m.ToolCalls) > 0 }) {
		list = append(list, form{messages: messages, argsAsText: true})
	}
	if folded, ok := foldSystem(messages); ok {
		for _, f := range list {
			list = append(list, form{messages: folded, argsAsText: f.argsAsText})
		}
	}
	if !tools {
		for _, f := range list {
			f.noTools = true
			list = append(list, f)
		}
	}
	return list
}

// Render returns the prompt for a conversation.
//
// Templates differ in what they take. If one fails on tool arguments as an object it gets them as a string, if
// one has no system role the system message opens the first user message instead, and one that wants a list of
// tools where there is none gets no such variable. If that does not help the error is the first one, a *jinja.Error.
func (t *Template) Render(messages []Message, o Options) (string, error) {
	t = t.with(len(o.Tools) > 0)
	tools, err := toolValues(o.Tools)
	if err != nil {
		return "", err
	}
	var first error
	for _, f := range forms(messages, tools != nil) {
		list, err := t.messageValues(f.messages, f.argsAsText)
		if err != nil {
			return "", err
		}
		vars := jinja.NewDict("messages", list)
		if !f.noTools {
			vars.Set("tools", tools)
		}
		text, err := t.render(vars, o)
		if err == nil {
			return text, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// RenderJSON renders a JSON array of messages exactly as it is, and tools, a JSON array or empty. Nothing is
// adapted: what transformers' apply_chat_template raises is an error here.
func (t *Template) RenderJSON(messages, tools []byte, o Options) (string, error) {
	m, err := jinja.FromJSON(messages)
	if err != nil {
		return "", fmt.Errorf("messages: %w", err)
	}
	var list jinja.Value
	if len(tools) > 0 {
		if list, err = jinja.FromJSON(tools); err != nil {
			return "", fmt.Errorf("tools: %w", err)
		}
	} else if list, err = toolValues(o.Tools); err != nil {
		return "", err
	}
	return t.with(list != nil).render(jinja.NewDict("messages", m, "tools", list), o)
}

// render sets the other variables that transformers sets, and those of o.
func (t *Template) render(vars *jinja.Dict, o Options) (string, error) {
	vars.Set("documents", nil)
	vars.Set("add_generation_prompt", o.AddGenerationPrompt)
	vars.Set("bos_token", t.bos)
	vars.Set("eos_token", t.eos)
	if o.Thinking != ThinkingDefault {
		vars.Set("enable_thinking", o.Thinking == ThinkingOn)
		vars.Set("thinking", o.Thinking == ThinkingOn)
	}
	for name, v := range o.Vars {
		value, err := fromGo(v)
		if err != nil {
			return "", fmt.Errorf("template variable %q: %w", name, err)
		}
		vars.Set(name, value)
	}
	return t.jinja.Render(vars, jinja.Env{Now: o.Now, Limits: o.Limits})
}

// reasoningKeys are the names under which templates look for a message's reasoning, the usual one first.
var reasoningKeys = []string{"reasoning_content", "thinking", "reasoning"}

// reasoningKey is the name that this template uses.
func (t *Template) reasoningKey() string {
	for _, k := range reasoningKeys {
		for _, form := range []string{"." + k, "['" + k + "']", `["` + k + `"]`, "'" + k + "'", `"` + k + `"`} {
			if strings.Contains(t.source, form) {
				return k
			}
		}
	}
	return reasoningKeys[0]
}

func (t *Template) messageValues(messages []Message, argsAsText bool) (jinja.Value, error) {
	key := t.reasoningKey()
	list := &jinja.List{}
	for i, m := range messages {
		var content jinja.Value = valid(m.Content)
		if t.typed {
			content = &jinja.List{Items: []jinja.Value{jinja.NewDict("type", "text", "text", content)}}
		}
		d := jinja.NewDict("role", valid(m.Role), "content", content)
		if m.Reasoning != "" {
			d.Set(key, valid(m.Reasoning))
		}
		if len(m.ToolCalls) > 0 {
			calls := &jinja.List{}
			for _, c := range m.ToolCalls {
				call, err := c.value(argsAsText)
				if err != nil {
					return nil, fmt.Errorf("message %d, call of %q: arguments: %w", i, c.Name, err)
				}
				calls.Items = append(calls.Items, call)
			}
			d.Set("tool_calls", calls)
		}
		if m.ToolCallID != "" {
			d.Set("tool_call_id", valid(m.ToolCallID))
		}
		if m.Name != "" {
			d.Set("name", valid(m.Name))
		}
		list.Items = append(list.Items, d)
	}
	return list, nil
}

func (c ToolCall) value(argsAsText bool) (jinja.Value, error) {
	var arguments jinja.Value = &jinja.Dict{}
	if len(c.Arguments) > 0 {
		var err error
		if arguments, err = jinja.FromJSON(c.Arguments); err != nil {
			return nil, err
		}
	}
	if argsAsText {
		arguments = "{}"
		if len(c.Arguments) > 0 {
			arguments = valid(string(c.Arguments))
		}
	}
	d := &jinja.Dict{}
	if c.ID != "" {
		d.Set("id", valid(c.ID))
	}
	d.Set("type", "function")
	d.Set("function", jinja.NewDict("name", valid(c.Name), "arguments", arguments))
	return d, nil
}

// toolValues is nil without tools, as transformers has it.
func toolValues(tools []Tool) (jinja.Value, error) {
	if len(tools) == 0 {
		return nil, nil
	}
	list := &jinja.List{}
	for _, t := range tools {
		var schema jinja.Value = jinja.NewDict("type", "object", "properties", &jinja.Dict{})
		if len(t.Parameters) > 0 {
			var err error
			if schema, err = jinja.FromJSON(t.Parameters); err != nil {
				return nil, fmt.Errorf("tool %q: parameters: %w", t.Name, err)
			}
		}
		list.Items = append(list.Items, jinja.NewDict("type", "function", "function",
			jinja.NewDict("name", valid(t.Name), "description", valid(t.Description), "parameters", schema)))
	}
	return list, nil
}

// foldSystem moves a leading system message into the user message after it.
func foldSystem(m []Message) ([]Message, bool) {
	if len(m) < 2 || m[0].Role != "system" || m[1].Role != "user" {
		return nil, false
	}
	out := slices.Clone(m[1:])
	if m[0].Content != "" {
		out[0].Content = m[0].Content + "\n\n" + out[0].Content
	}
	return out, true
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// fromGo converts a Go value to a template's.
func fromGo(v any) (jinja.Value, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case string:
		return valid(v), nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case float32:
		return float64(v), nil
	case *big.Int:
		if v.IsInt64() {
			return v.Int64(), nil
		}
		return v, nil
	case json.RawMessage:
		return jinja.FromJSON(v)
	case []string:
		l := &jinja.List{}
		for _, s := range v {
			l.Items = append(l.Items, valid(s))
		}
		return l, nil
	case []any:
		l := &jinja.List{}
		for _, item := range v {
			x, err := fromGo(item)
			if err != nil {
				return nil, err
			}
			l.Items = append(l.Items, x)
		}
		return l, nil
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		d := &jinja.Dict{}
		for _, k := range keys {
			x, err := fromGo(v[k])
			if err != nil {
				return nil, err
			}
			d.Set(valid(k), x)
		}
		return d, nil
	}
	return nil, fmt.Errorf("%T is not a value that a template knows", v)
}
