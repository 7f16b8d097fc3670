package infer

import (
	"encoding/json"
	"fmt"
	"strings"

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
		// OpenAI's API has the arguments as a string of JSON.
		var inner string
		if json.Unmarshal(f.Arguments, &inner) == nil {
			f.Arguments = json.RawMessage(inner)
			if inner != "" && !json.Valid(f.Arguments) {
				return nil, fmt.Errorf("%w: tool calls: call %d: the arguments are no JSON", ErrArgument, i)
			}
		}
		calls[i] = chat.ToolCall{ID: c.ID, Name: f.Name, Arguments: f.Arguments}
	}
	return calls, nil
}

// ParseMessages reads a JSON array of messages as OpenAI's chat API has them: "role",
// "content" (a string, null, or parts of the type "text", which are joined by line
// breaks), "reasoning_content", "tool_calls", "tool_call_id" and "name".
func ParseMessages(text string) ([]chat.Message, error) {
	var list []struct {
		Role       string
		Content    json.RawMessage
		Reasoning  string          `json:"reasoning_content"`
		ToolCalls  json.RawMessage `json:"tool_calls"`
		ToolCallID string          `json:"tool_call_id"`
		Name       string
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%w: messages: %w", ErrArgument, err)
	}
	messages := make([]chat.Message, len(list))
	for i, m := range list {
		if m.Role == "" {
			return nil, fmt.Errorf("%w: messages: message %d has no role", ErrArgument, i)
		}
		content, err := contentText(m.Content)
		if err != nil {
			return nil, fmt.Errorf("%w: messages: message %d: content: %w", ErrArgument, i, err)
		}
		messages[i] = chat.Message{Role: m.Role, Content: content, Reasoning: m.Reasoning, ToolCallID: m.ToolCallID, Name: m.Name}
		if len(m.ToolCalls) > 0 && string(m.ToolCalls) != "null" {
			if messages[i].ToolCalls, err = ParseToolCalls(string(m.ToolCalls)); err != nil {
				return nil, fmt.Errorf("message %d: %w", i, err)
			}
		}
	}
	return messages, nil
}

// CheckMessages says what is wrong with a text that should be a JSON array of messages,
// each with a role.
func CheckMessages(text string) error {
	var list []struct{ Role string }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return fmt.Errorf("%w: messages: %w", ErrArgument, err)
	}
	for i, m := range list {
		if m.Role == "" {
			return fmt.Errorf("%w: messages: message %d has no role", ErrArgument, i)
		}
	}
	return nil
}

// contentText reads a message's content.
func contentText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	if raw[0] != '[' {
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	}
	var parts []struct{ Type, Text string }
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", err
	}
	var texts []string
	for i, p := range parts {
		if p.Type != "text" {
			return "", fmt.Errorf("part %d is of the type %q; text is all there is", i, p.Type)
		}
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, "\n"), nil
}
