package chat

import "strings"

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
	{"<|channel>", "<|channel>thought", "<channel|>"},
	{"[BEGIN FINAL RESPONSE]", "Here are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"},
	{"<|tool_call:begin|>", "<|think|>", "<|end|>"},
	{"<|open|>", "<|open|>think<|sep|>", "<|close|>think<|sep|>"},
	{"HYTK = ':opensource'", "<think:opensource>", "</think:opensource>"},
}

// callSyntax is how tool calls begin and end, and what is between.
type callSyntax struct {
	mark        string
	open, close string // close "": up to the end of the answer
	// loose: the next call's open ends a call, too.
	loose bool
	// keep: open is part of what parse reads.
	keep bool
	// alone: only at the answer's beginning, since open is too plain to be a mark.
	alone bool
	// inner are marks that parse looks for.
	inner []string
	// breaks are texts with which calls begin even in reasoning that has not been closed.
	breaks []string
	parse  func(body string, tools schemas) ([]ToolCall, bool)
}

var (
	functionTags = tagSyntax{open: "<function=", openEnd: ">", param: "<parameter=", paramEnd: ">", close: "</parameter>"}
	invokeTags   = tagSyntax{open: `<invoke name="`, openEnd: `">`, param: `<parameter name="`, paramEnd: `">`, close: "</parameter>"}
	nameTags     = tagSyntax{open: `<function name="`, openEnd: `">`, param: `<param name="`, paramEnd: `">`, close: "</param>"}
	atemTags     = tagSyntax{open: `<atem:invoke name="`, openEnd: `">`, param: `<atem:parameter name="`, paramEnd: `">`, close: "</atem:parameter>"}
	argTags      = tagSyntax{param: "<arg_key>", paramEnd: "</arg_key>", value: "<arg_value>", close: "</arg_value>"}
	dsmlTags     = tagSyntax{open: `<｜DSML｜invoke name="`, openEnd: `">`, param: `<｜DSML｜parameter name="`, paramEnd: `"`, flags: ">", close: "</｜DSML｜parameter>"}
	k3Tags       = tagSyntax{openEnd: `"`, param: `<|open|>argument key="`, paramEnd: `"`, flags: "<|sep|>", close: "<|close|>argument<|sep|>"}
	hy3Tags      = tagSyntax{openEnd: "<tool_sep:opensource>", param: "<arg_key:opensource>", paramEnd: "</arg_key:opensource>", value: "<arg_value:opensource>", close: "</arg_value:opensource>"}
)

// callSyntaxes in the order in which they are tried: where two open in the same way the first one's mark decides.
var callSyntaxes = []callSyntax{
	{mark: "<role>ASSISTANT</role>", open: "<tool_call>", close: "</tool_call>", breaks: []string{"<tool_call>"}, inner: argTags.marks(), parse: either(argTags.calls, jsonCalls)},
	{mark: "<arg_key>", open: "<tool_call>", close: "</tool_call>", inner: argTags.marks(), parse: argTags.calls},
	{mark: "<function=", open: "<tool_call>", close: "</tool_call>", breaks: []string{"<tool_call>\n<function="}, parse: either(functionTags.calls, jsonCalls)},
	{mark: "<tool_call>", open: "<tool_call>", close: "</tool_call>", parse: jsonCalls},
	{mark: "<parameter=", open: "<function=", close: "</function>", keep: true, parse: functionTags.calls},
	{mark: "<function=", open: "<function=", close: "</function>", parse: namedCall(">", "")},
	{mark: "[ARGS]", open: "[TOOL_CALLS]", loose: true, inner: []string{"[ARGS]", "[CALL_ID]"}, parse: either(namedCall("[ARGS]", ""), jsonCalls)},
	{mark: "[TOOL_CALLS]", open: "[TOOL_CALLS]", loose: true, inner: []string{"[ARGS]", "[CALL_ID]"}, parse: either(jsonCalls, namedCall("[ARGS]", ""))},
	{mark: "<|tool_call|>", open: "<|tool_call|>", loose: true, parse: jsonCalls},
	{mark: "<|START_ACTION|>", open: "<|START_ACTION|>", close: "<|END_ACTION|>", parse: jsonCalls},
	{mark: "<|tools_prefix|>", open: "<|tools_prefix|>", close: "<|tools_suffix|>", parse: jsonCalls},
	{mark: "<｜tool▁sep｜>", open: "<｜tool▁call▁begin｜>", close: "<｜tool▁call▁end｜>", inner: []string{"<｜tool▁sep｜>"}, parse: deepSeekCall},
	{mark: "<|tool_call_argument_begin|>", open: "<|tool_call_begin|>", close: "<|tool_call_end|>", loose: true, breaks: []string{"<|tool_calls_section_begin|>", "<|tool_call_begin|>functions."}, inner: []string{"<|tool_call_argument_begin|>"}, parse: namedCall("<|tool_call_argument_begin|>", "functions.")},
	{mark: "<|tool_call_start|>", open: "<|tool_call_start|>", close: "<|tool_call_end|>", parse: either(pythonCalls, jsonCalls)},
	{mark: "<|tool_list_start|>", open: "<|tool_call_start|>", close: "<|tool_call_end|>", parse: either(pythonCalls, jsonCalls)},
	{mark: `"List of tools: ["`, open: "<|tool_call_start|>", close: "<|tool_call_end|>", parse: either(pythonCalls, jsonCalls)},
	{mark: "<TOOLCALL>", open: "<TOOLCALL>", close: "</TOOLCALL>", parse: jsonCalls},
	{mark: `<function name="`, open: `<function name="`, close: "</function>", keep: true, parse: nameTags.calls},
	{mark: `Action:\n` + "```json", open: "Action:\n```json", close: "```", parse: jsonCalls},
	{mark: "<|tool_call>", open: "<|tool_call>call:", close: "<tool_call|>", inner: []string{`<|"|>`}, parse: bareCall},
	{mark: "<minimax:tool_call>", open: `<invoke name="`, close: "</invoke>", keep: true, parse: invokeTags.calls},
	{mark: "｜DSML｜", open: `<｜DSML｜invoke name="`, breaks: []string{"<｜DSML｜function_calls>", "<｜DSML｜tool_calls>"}, close: "</｜DSML｜invoke>", keep: true, parse: dsmlTags.calls},
	{mark: m3, open: m3 + `<invoke name="`, close: m3 + "</invoke>", parse: nestedCall},
	{mark: "<|open|>", open: `<|open|>call tool="`, close: "<|close|>call<|sep|>", inner: k3Tags.marks(), parse: k3Tags.calls},
	{mark: "HYTK = ':opensource'", open: "<tool_call:opensource>", close: "</tool_call:opensource>", inner: hy3Tags.marks(), parse: hy3Tags.calls},
	{mark: "<tool_calls>", open: "<tool_calls>", close: "</tool_calls>", parse: jsonCalls},
	{mark: " functools", open: " functools[", keep: true, parse: jsonAfter("functools")},
	{mark: " functools", open: "functools[", keep: true, parse: jsonAfter("functools")},
	{mark: "<|tool_call:begin|>", open: "<|tool_call:begin|>", close: "<|tool_call:end|>", inner: []string{"<|tool_call:name|>", "<|tool_call:args|>"}, parse: idCall},
	{mark: "<|function_call|>", open: "<|function_call|>", loose: true, parse: jsonCalls},
	{mark: "<|message_sep|>", open: "<|message_sep|>\n\nfunction call<|role_sep|>\n", loose: true, parse: jsonCalls},
	{mark: "<|python_tag|>", open: "<|python_tag|>", loose: true, parse: jsonCalls},
	{mark: `"parameters": `, open: `{"name"`, keep: true, alone: true, parse: jsonCalls},
	{mark: `"parameters": `, open: `{"type": "function"`, keep: true, alone: true, parse: jsonCalls},
}

// frames are marks that carry no text of their own.
var frames = []struct {
	mark string
	drop []string
	// breaks are those with which reasoning ends that has not been closed.
	breaks []string
}{
	{mark: "<|channel>", drop: []string{"<|channel>", "<channel|>", "<|tool_response>"}},
	{mark: "<function=", drop: []string{"</tool_call>"}},
	{mark: "<|tool_call:begin|>", drop: []string{"<|begin|>assistant", "<|content|>", "<|end|>", "<|tool_calls|>", "<|calls|>"}},
	{mark: "<|START_RESPONSE|>", drop: []string{"<|START_RESPONSE|>", "<|END_RESPONSE|>"}},
	{mark: "<|START_TEXT|>", drop: []string{"<|START_TEXT|>", "<|END_TEXT|>"}},
	{mark: "<|tool_calls_section_begin|>", drop: []string{"<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"}},
	{mark: "<｜tool▁calls▁begin｜>", drop: []string{"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"}},
	{mark: "<minimax:tool_call>", drop: []string{"<minimax:tool_call>", "</minimax:tool_call>"}},
	{mark: m3, drop: []string{m3 + "<tool_call>", m3 + "</tool_call>", "</mm:think>"}},
	{mark: "<|open|>", drop: []string{"<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|open|>tools<|sep|>", "<|close|>tools<|sep|>", "<|close|>message<|sep|>", "<|end_of_msg|>"}, breaks: []string{"<|open|>response<|sep|>", "<|open|>tools<|sep|>"}},
	{mark: "HYTK = ':opensource'", drop: []string{"<tool_calls:opensource>", "</tool_calls:opensource>"}},
	{mark: "<role>ASSISTANT</role>", drop: []string{"<|role_end|>"}},
	{mark: "<|CHATBOT_TOKEN|>", drop: []string{"<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"}},
	{mark: "<seed:tool_call>", drop: []string{"<seed:tool_call>", "</seed:tool_call>"}},
	{mark: "｜DSML｜", drop: []string{"<｜DSML｜function_calls>", "</｜DSML｜function_calls>", "<｜DSML｜tool_calls>", "</｜DSML｜tool_calls>"}},
}

// syntax is what one template's model writes.
type syntax struct {
	headed *headedSyntax // the only one, if it is set
	thinks []thinkSyntax
	calls  []callSyntax
	drops  []string
	breaks []string // of calls and frames
}

// syntax picks the entries whose mark the template has; of calls that open alike, the first.
func (t *Template) syntax() *syntax {
	s := &syntax{}
	for i := range headedSyntaxes {
		if strings.Contains(t.source, headedSyntaxes[i].mark) {
			return &syntax{headed: &headedSyntaxes[i]}
		}
	}
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
			s.breaks = append(s.breaks, f.breaks...)
		}
	}
	return s
}

// AnswerMarks returns the marks that tell the parts of this model's answers apart. Where
// a special token is part of one, NewAnswerParser wants it in the text; there may be none.
func (t *Template) AnswerMarks() (marks []string) {
	if t.tools != nil {
		marks = t.tools.AnswerMarks()
	}
	syn := t.syntax()
	if syn.headed != nil {
		return append(marks, syn.headed.marks()...)
	}
	marks = append(marks, syn.drops...)
	for _, th := range syn.thinks {
		marks = append(marks, th.open, th.close)
	}
	for _, c := range syn.calls {
		marks = append(marks, c.open, c.close)
		marks = append(marks, c.inner...)
	}
	return marks
}
