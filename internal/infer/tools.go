package infer

import (
	"encoding/json"
	"fmt"

	"happyphonellm/internal/chat"
)

// ParseTools reads a JSON array of tools, each {"name", "description",
// "parameters"} or the same inside of {"type": "function", "function": ...}.
func ParseTools(text string) ([]chat.Tool, error) {
	var list []struct {
		chat.Tool
		Function *chat.Tool
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%w: tools: %w", ErrArgument, err)
	}
	tools := make([]chat.Tool, len(list))
	for i, t := range list {
		tools[i] = t.Tool
		if t.Function != nil {
			tools[i] = *t.Function
		}
		if tools[i].Name == "" {
			return nil, fmt.Errorf("%w: tools: tool %d has no name", ErrArgument, i)
		}
	}
	return tools, nil
}

// ParseToolCalls reads a JSON array of tool calls, each {"id", "name",
// "arguments"} or {"id", "type": "function", "function": {"name", "arguments"}}.
func ParseToolCalls(text string) ([]chat.ToolCall, error) {
	type call struct {
		Name      string
		Arguments json.RawMessage
	}
	var list []struct {
		ID string
		call
		Function *call
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%w: tool calls: %w", ErrArgument, err)
	}
	calls := make([]chat.ToolCall, len(list))
	for i, c := range list {
		f := c.call
		if c.Function != nil {
			f = *c.Function
		}
		if f.Name == "" {
			return nil, fmt.Errorf("%w: tool calls: call %d has no name", ErrArgument, i)
		}
		calls[i] = chat.ToolCall{ID: c.ID, Name: f.Name, Arguments: f.Arguments}
	}
	return calls, nil
}
