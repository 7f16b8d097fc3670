package chat

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"happyphonellm/internal/chat/jinja"
)

func mustParse(t *testing.T, source string) *Template {
	t.Helper()
	tm, err := Parse(source, "<s>", "</s>")
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

func TestRenderValues(t *testing.T) {
	tools := []Tool{{Name: "f", Description: "does <f>", Parameters: json.RawMessage(`{"type":"object","properties":{"z":{},"a":{"type":"string"}}}`)}, {Name: "g"}}
	messages := []Message{
		{Role: "user", Content: "é\xff"},
		{Role: "assistant", Reasoning: "hm", ToolCalls: []ToolCall{{ID: "1", Name: "f", Arguments: json.RawMessage(`{"z": 1.0, "a": "x"}`)}, {Name: "g"}}},
		{Role: "tool", Name: "f", ToolCallID: "1", Content: "ok"},
	}
	for _, tt := range []struct {
		name, source, want string
		o                  Options
	}{
		{"messages", "{{ messages|tojson }}{# reasoning_content #}", `[{"role": "user", "content": "é` + "\uFFFD" + `"}, {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": {"z": 1.0, "a": "x"}}}, {"type": "function", "function": {"name": "g", "arguments": {}}}]}, {"role": "tool", "content": "ok", "tool_call_id": "1", "name": "f"}]`, Options{}},
		{"reasoning by another name", "{{ messages[1].thinking }}", "hm", Options{}},
		{"tools", "{{ tools|tojson }}", `[{"type": "function", "function": {"name": "f", "description": "does <f>", "parameters": {"type": "object", "properties": {"z": {}, "a": {"type": "string"}}}}}, {"type": "function", "function": {"name": "g", "description": "", "parameters": {"type": "object", "properties": {}}}}]`, Options{Tools: tools}},
		{"no tools", "{{ tools is none }}{{ documents is none }}{{ enable_thinking is defined }}{{ bos_token }}{{ eos_token }}", "TrueTrueFalse<s></s>", Options{}},
		{"thinking", "{{ enable_thinking }}{{ thinking }}", "FalseFalse", Options{Thinking: ThinkingOff}},
		{"variables", "{{ a|tojson }}{{ b }}{{ c + 1 }}{{ d }}{{ enable_thinking }}", `{"x": [1, 2.5, null, "s"], "y": true}s43TrueFalse`, Options{Thinking: ThinkingOn, Vars: map[string]any{
			"a": map[string]any{"y": true, "x": []any{1, 2.5, nil, "s"}}, "b": "s", "c": int32(42), "d": json.RawMessage("true"), "enable_thinking": false}}},
		{"arguments as text", "{{ 'call ' + messages[1].tool_calls[0].function.arguments }}", `call {"z": 1.0, "a": "x"}`, Options{}},
		{"clock", "{{ strftime_now('%Y') }}", "2025", Options{Now: clock}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustParse(t, tt.source).Render(messages, tt.o)
			if err != nil || got != tt.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, tt.want)
			}
		})
	}
}

// A template without a system role gets the system text in the first user message; what it refuses for another
// reason stays refused, in its own words.
func TestRenderAdapts(t *testing.T) {
	tm := mustParse(t, `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ m.role }}={{ m.content }};{% endfor %}`)
	got, err := tm.Render(talk[:2], Options{})
	if want := "user=Be kind.\n\n Hi ;"; err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	_, err = tm.Render([]Message{talk[1], talk[0]}, Options{})
	var e *jinja.Error
	if !errors.As(err, &e) || e.Kind != "TemplateError" || e.Msg != "no system" {
		t.Errorf("got %v", err)
	}
	_, err = tm.RenderJSON([]byte(`[{"role":"system","content":""},{"role":"user","content":""}]`), nil, Options{})
	if !errors.As(err, &e) || e.Msg != "no system" {
		t.Errorf("RenderJSON adapted: %v", err)
	}
}

func TestRenderErrors(t *testing.T) {
	tm := mustParse(t, "{{ messages[0].content }}")
	for name, run := range map[string]func() error{
		`call of "f": arguments`: func() error {
			_, err := tm.Render([]Message{{ToolCalls: []ToolCall{{Name: "f", Arguments: json.RawMessage("{")}}}}, Options{})
			return err
		},
		`tool "f": parameters`: func() error {
			_, err := tm.Render(talk, Options{Tools: []Tool{{Name: "f", Parameters: json.RawMessage("nope")}}})
			return err
		},
		`template variable "v"`: func() error {
			_, err := tm.Render(talk, Options{Vars: map[string]any{"v": make(chan int)}})
			return err
		},
		"messages: JSON": func() error {
			_, err := tm.RenderJSON([]byte("[1,"), nil, Options{})
			return err
		},
		"tools: JSON": func() error {
			_, err := tm.RenderJSON([]byte("[]"), []byte("[] []"), Options{})
			return err
		},
		"line 3": func() error {
			_, err := Parse("a\nb\n{{ 1 + }}", "", "")
			return err
		},
	} {
		if err := run(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
}
