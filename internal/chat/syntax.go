package chat

import (
	"slices"
	"strings"
)

// How models write their reasoning and tool calls. An entry is in use when its mark is part of the chat template:
// a new model's way is a new line here.

// thinkSyntax is a pair of marks around reasoning.
type thinkSyntax struct{ mark, open, close string }

var thinkSyntaxes = []thinkSyntax{
	{"</think>", "<think>", "</think>"},
	{"[/THINK]", "[THINK]", "[/THINK]"},
	{"</seed:think>", "<seed:think>", "</seed:think>"},
	{"<mm:think>", "<mm:think>", "</mm:think>"},
	{"<|START_THINKING|>", "<|START_THINKING|>", "<|END_THINKING|>"},
	{"<|inner_prefix|>", "<|inner_prefix|>", "<|inner_suffix|>"},
	{"<|channel|>analysis", "<|channel|>analysis<|message|>", "<|end|>"},
	{"<|channel>", "<|channel>thought", "<channel|>"},
	{"[BEGIN FINAL RESPONSE]", "Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"},
	{"<|tool_call:begin|>", "<|think|>", "<|end|>"},
}

// callSyntax is how tool calls begin and end, and what is between.
type callSyntax struct {
	mark        string
	open, close string // close "": up to the end of the answer, or to the next open
	// keep: open is part of what parse reads.
	keep bool
	// alone: only at the answer's beginning, since open is too plain to be a mark.
	alone bool
	// inner are marks that parse looks for.
	inner []string
	// breaks are texts with which calls begin even in reasoning that has not been closed.
	breaks []string
	parse  func(body string, types paramTypes) ([]ToolCall, bool)
}

var (
	functionTags = tagSyntax{open: "<function=", openEnd: ">", param: "<parameter=", paramEnd: ">", close: "</parameter>"}
	invokeTags   = tagSyntax{open: `<invoke name="`, openEnd: `">`, param: `<parameter name="`, paramEnd: `">`, close: "</parameter>"}
	nameTags     = tagSyntax{open: `<function name="`, openEnd: `">`, param: `<param name="`, paramEnd: `">`, close: "</param>"}
	argTags      = tagSyntax{param: "<arg_key>", paramEnd: "</arg_key>", value: "<arg_value>", close: "</arg_value>"}
	dsmlTags     = tagSyntax{open: `<｜DSML｜invoke name="`, openEnd: `">`, param: `<｜DSML｜parameter name="`, paramEnd: `"`, flags: true, close: "</｜DSML｜parameter>"}
)

// callSyntaxes in the order in which they are tried: where two open in the same way the first one's mark decides.
var callSyntaxes = []callSyntax{
	{mark: "<arg_key>", open: "<tool_call>", close: "</tool_call>", inner: []string{"<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"}, parse: argTags.calls},
	{mark: "<function=", open: "<tool_call>", close: "</tool_call>", breaks: []string{"<tool_call>\n<function="}, parse: either(functionTags.calls, jsonCalls)},
	{mark: "<tool_call>", open: "<tool_call>", close: "</tool_call>", parse: jsonCalls},
	{mark: "<parameter=", open: "<function=", close: "</function>", keep: true, parse: functionTags.calls},
	{mark: "<function=", open: "<function=", close: "</function>", parse: namedCall(">", "")},
	{mark: "[ARGS]", open: "[TOOL_CALLS]", inner: []string{"[ARGS]", "[CALL_ID]"}, parse: either(namedCall("[ARGS]", ""), jsonCalls)},
	{mark: "[TOOL_CALLS]", open: "[TOOL_CALLS]", inner: []string{"[ARGS]", "[CALL_ID]"}, parse: either(jsonCalls, namedCall("[ARGS]", ""))},
	{mark: "<|tool_call|>", open: "<|tool_call|>", parse: jsonCalls},
	{mark: "<|START_ACTION|>", open: "<|START_ACTION|>", close: "<|END_ACTION|>", parse: jsonCalls},
	{mark: "<|tools_prefix|>", open: "<|tools_prefix|>", close: "<|tools_suffix|>", parse: jsonCalls},
	{mark: "<｜tool▁sep｜>", open: "<｜tool▁call▁begin｜>", close: "<｜tool▁call▁end｜>", inner: []string{"<｜tool▁sep｜>"}, parse: deepSeekCall},
	{mark: "<|tool_call_argument_begin|>", open: "<|tool_call_begin|>", close: "<|tool_call_end|>", breaks: []string{"<|tool_calls_section_begin|>", "<|tool_call_begin|>functions."}, inner: []string{"<|tool_call_argument_begin|>"}, parse: namedCall("<|tool_call_argument_begin|>", "functions.")},
	{mark: "<|tool_call_start|>", open: "<|tool_call_start|>", close: "<|tool_call_end|>", parse: either(pythonCalls, jsonCalls)},
	{mark: "<|tool_list_start|>", open: "<|tool_call_start|>", close: "<|tool_call_end|>", parse: either(pythonCalls, jsonCalls)},
	{mark: `"List of tools: ["`, open: "<|tool_call_start|>", close: "<|tool_call_end|>", parse: either(pythonCalls, jsonCalls)},
	{mark: "<TOOLCALL>", open: "<TOOLCALL>", close: "</TOOLCALL>", parse: jsonCalls},
	{mark: `<function name="`, open: `<function name="`, close: "</function>", keep: true, parse: nameTags.calls},
	{mark: `Action:\n` + "```json", open: "Action:\n```json", close: "```", parse: jsonCalls},
	{mark: "<|tool_call>", open: "<|tool_call>call:", close: "<tool_call|>", inner: []string{`<|"|>`}, parse: bareCall},
	{mark: "<minimax:tool_call>", open: `<invoke name="`, close: "</invoke>", keep: true, parse: invokeTags.calls},
	{mark: "｜DSML｜", open: `<｜DSML｜invoke name="`, breaks: []string{"<｜DSML｜function_calls>", "<｜DSML｜tool_calls>"}, close: "</｜DSML｜invoke>", keep: true, parse: dsmlTags.calls},
	{mark: "<tool_calls>", open: "<tool_calls>", close: "</tool_calls>", parse: jsonCalls},
	{mark: " functools", open: " functools[", keep: true, parse: jsonAfter("functools")},
	{mark: " functools", open: "functools[", keep: true, parse: jsonAfter("functools")},
	{mark: "<|channel|>", open: "<|channel|>commentary to=functions.", close: "<|call|>", inner: []string{"<|message|>", "<|constrain|>"}, parse: namedCall("<|message|>", "")},
	{mark: "<|channel|>", open: "<|channel|>analysis to=functions.", close: "<|call|>", inner: []string{"<|message|>", "<|constrain|>"}, parse: namedCall("<|message|>", "")},
	{mark: "<|channel|>", open: " to=functions.", close: "<|call|>", inner: []string{"<|message|>", "<|constrain|>"}, parse: namedCall("<|message|>", "")},
	{mark: "<|tool_call:begin|>", open: "<|tool_call:begin|>", close: "<|tool_call:end|>", inner: []string{"<|tool_call:name|>", "<|tool_call:args|>"}, parse: idCall},
	{mark: "<|function_call|>", open: "<|function_call|>", parse: jsonCalls},
	{mark: "<|message_sep|>", open: "<|message_sep|>\n\nfunction call<|role_sep|>\n", parse: jsonCalls},
	{mark: "<|python_tag|>", open: "<|python_tag|>", parse: jsonCalls},
	{mark: `"parameters": `, open: `{"name"`, keep: true, alone: true, parse: jsonCalls},
	{mark: `"parameters": `, open: `{"type": "function"`, keep: true, alone: true, parse: jsonCalls},
}

// frames are marks that carry no text of their own.
var frames = []struct {
	mark string
	drop []string
}{
	{"<|channel|>", []string{"<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|channel|>commentary to=assistant", "<|end|>", "<|return|>"}},
	{"<|channel>", []string{"<|channel>", "<channel|>"}},
	{"<function=", []string{"</tool_call>"}},
	{"<|tool_call:begin|>", []string{"<|begin|>assistant", "<|content|>", "<|end|>", "<|tool_calls|>", "<|calls|>"}},
	{"<|START_RESPONSE|>", []string{"<|START_RESPONSE|>", "<|END_RESPONSE|>"}},
	{"<|START_TEXT|>", []string{"<|START_TEXT|>", "<|END_TEXT|>"}},
	{"<|tool_calls_section_begin|>", []string{"<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"}},
	{"<｜tool▁calls▁begin｜>", []string{"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"}},
	{"<minimax:tool_call>", []string{"<minimax:tool_call>", "</minimax:tool_call>"}},
	{"<seed:tool_call>", []string{"<seed:tool_call>", "</seed:tool_call>"}},
	{"｜DSML｜", []string{"<｜DSML｜function_calls>", "</｜DSML｜function_calls>", "<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"}},
}

// syntax is what one template's model writes.
type syntax struct {
	thinks []thinkSyntax
	calls  []callSyntax
	drops  []string
	breaks []string // of calls
}

// syntax picks the entries whose mark the template has; of calls that open alike, the first.
func (t *Template) syntax() *syntax {
	s := &syntax{}
	for _, th := range thinkSyntaxes {
		if strings.Contains(t.source, th.mark) {
			s.thinks = append(s.thinks, th)
		}
	}
	seen := map[string]bool{}
	for _, c := range callSyntaxes {
		if strings.Contains(t.source, c.mark) && !seen[c.open] {
			seen[c.open] = true
			s.calls = append(s.calls, c)
			s.breaks = append(s.breaks, c.breaks...)
		}
	}
	for _, f := range frames {
		if strings.Contains(t.source, f.mark) {
			s.drops = append(s.drops, f.drop...)
		}
	}
	return s
}

// AnswerMarks returns the marks that tell the parts of this model's answers apart. Where
// a special token is part of one, NewAnswerParser wants it in the text; there may be none.
func (t *Template) AnswerMarks() []string {
	syn := t.syntax()
	marks := slices.Clone(syn.drops)
	for _, th := range syn.thinks {
		marks = append(marks, th.open, th.close)
	}
	for _, c := range syn.calls {
		marks = append(marks, c.open, c.close)
		marks = append(marks, c.inner...)
	}
	return marks
}
