package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/testkit"
)

func call(id, name, args string) ToolCall {
	return ToolCall{ID: id, Name: name, Arguments: json.RawMessage(args)}
}

var answerTests = []struct {
	name   string
	marks  string // what the template has in it
	prompt string
	text   string
	want   Answer
}{
	{"plain", "<|im_start|>", "", " Hello <think> you\n", Answer{Content: " Hello <think> you\n"}},
	{"think", "</think>", "", "<think>\nLet me see.\n</think>\n\nHello\n\nyou\n", Answer{Content: "Hello\n\nyou\n", Reasoning: "Let me see."}},
	{"think opened by the prompt", "</think>", "<|im_start|>assistant\n<think>\n", "So.\n</think>\n\nYes", Answer{Content: "Yes", Reasoning: "So."}},
	{"think without end", "</think>", "", "<think>\nI was cut", Answer{Reasoning: "I was cut"}},
	{"think empty", "</think>", "", "<think>\n\n</think>\n\nYes", Answer{Content: "Yes"}},
	{"almost a mark", "</think>", "", "a < b <thi", Answer{Content: "a < b <thi"}},
	{"json call", "<tool_call>", "", "Sure.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", Answer{Content: "Sure.", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"json calls", "<tool_call>", "", "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n<tool_call>{\"name\":\"g\",\"arguments\":\"{\\\"x\\\":2}\"}</tool_call>", Answer{ToolCalls: []ToolCall{call("", "f", `{}`), call("", "g", `{"x":2}`)}}},
	{"broken call", "<tool_call>", "", "<tool_call>{\"name\": oops}</tool_call> sorry", Answer{Content: "<tool_call>{\"name\": oops}</tool_call> sorry"}},
	{"call cut off", "<tool_call>", "", "<tool_call>{\"name\": \"f\"", Answer{Content: "<tool_call>{\"name\": \"f\""}},
	{"think and call", "</think> <tool_call>", "", "<think>need f</think>\n\n<tool_call>{\"name\": \"f\", \"arguments\": {}}</tool_call>", Answer{Reasoning: "need f", ToolCalls: []ToolCall{call("", "f", `{}`)}}},
	{"function tags", "<tool_call> <function= <parameter=", "", "<tool_call>\n<function=get>\n<parameter=city>\n12\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=deep>\n{\"a\": [true]}\n</parameter>\n</function>\n</tool_call>", Answer{ToolCalls: []ToolCall{call("", "get", `{"city": "12", "days": 3, "deep": {"a": [true]}}`)}}},
	{"function tags alone", "<tool_call> <function= <parameter=", "", "Go.\n<function=get>\n<parameter=city>\na\nb\n</parameter>\n</function>", Answer{Content: "Go.", ToolCalls: []ToolCall{call("", "get", `{"city": "a\nb"}`)}}},
	{"argument tags", "<tool_call> <arg_key>", "", "<tool_call>get\n<arg_key>city</arg_key>\n<arg_value>Bern</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>", Answer{ToolCalls: []ToolCall{call("", "get", `{"city": "Bern", "days": 2}`)}}},
	{"mistral list", "[TOOL_CALLS]", "", `[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}, "id": "123456789"}]`, Answer{ToolCalls: []ToolCall{call("123456789", "f", `{"a": 1}`)}}},
	{"mistral args", "[TOOL_CALLS] [ARGS]", "", `Ok[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]g[CALL_ID]1[ARGS]{}`, Answer{Content: "Ok", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`), call("1", "g", `{}`)}}},
	{"gpt-oss", "<|channel|>analysis", "<|start|>assistant", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hi!", Answer{Content: "Hi!", Reasoning: "Hm."}},
	{"gpt-oss call", "<|channel|>analysis", "<|start|>assistant", "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.get <|constrain|>json<|message|>{\"a\":1}<|call|>", Answer{Reasoning: "Hm.", ToolCalls: []ToolCall{call("", "get", `{"a":1}`)}}},
	{"gpt-oss call behind the role", "<|channel|>analysis", "<|start|>assistant", " to=functions.get<|channel|>commentary json<|message|>{\"a\":1}<|call|>", Answer{ToolCalls: []ToolCall{call("", "get", `{"a":1}`)}}},
	{"gpt-oss preamble", "<|channel|>analysis", "<|start|>assistant", "<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>commentary to=functions.get<|message|>{}<|call|>", Answer{Content: "I will look.", ToolCalls: []ToolCall{call("", "get", `{}`)}}},
	{"command-r", "<|START_THINKING|> <|START_ACTION|> <|START_RESPONSE|>", "", "<|START_THINKING|>plan<|END_THINKING|><|START_ACTION|>[\n {\"tool_call_id\": \"0\", \"tool_name\": \"f\", \"parameters\": {\"a\": 1}}\n]<|END_ACTION|>", Answer{Reasoning: "plan", ToolCalls: []ToolCall{call("0", "f", `{"a": 1}`)}}},
	{"command-r answer", "<|START_THINKING|> <|START_RESPONSE|>", "", "<|START_THINKING|>plan<|END_THINKING|><|START_RESPONSE|>Hi<|END_RESPONSE|>", Answer{Content: "Hi", Reasoning: "plan"}},
	{"deepseek r1", "</think> <｜tool▁sep｜> <｜tool▁calls▁begin｜>", "<think>\n", "a\n</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": 1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", Answer{Reasoning: "a", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"deepseek v3.1", "<｜tool▁sep｜> <｜tool▁calls▁begin｜>", "", "Ok<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", Answer{Content: "Ok", ToolCalls: []ToolCall{call("", "f", `{}`)}}},
	{"kimi", "<|tool_call_argument_begin|> <|tool_calls_section_begin|>", "", "<|tool_calls_section_begin|><|tool_call_begin|>functions.get:0<|tool_call_argument_begin|>{\"a\":1}<|tool_call_end|><|tool_calls_section_end|>", Answer{ToolCalls: []ToolCall{call("functions.get:0", "get", `{"a":1}`)}}},
	{"lfm2", "<|tool_call_start|>", "", `<|tool_call_start|>[get(city="Bern", n=-1.5, l=[1, None], d={'k': True}), stop()]<|tool_call_end|>`, Answer{ToolCalls: []ToolCall{call("", "get", `{"city": "Bern", "n": -1.5, "l": [1, null], "d": {"k": true}}`), call("", "stop", `{}`)}}},
	{"no call in python", "<|tool_call_start|>", "", `<|tool_call_start|>[get(city=secret)]<|tool_call_end|>`, Answer{Content: `<|tool_call_start|>[get(city=secret)]<|tool_call_end|>`}},
	{"gemma 4", "<|channel> <|tool_call>", "", "<|channel>thought\nhm<channel|><|tool_call>call:get{city:<|\"|>St. \"Gallen\": {x}<|\"|>,n:[1,2.5],o:{a:true}}<tool_call|>", Answer{Reasoning: "hm", ToolCalls: []ToolCall{call("", "get", `{"city":"St. \"Gallen\": {x}","n":[1,2.5],"o":{"a":true}}`)}}},
	{"minimax", "</think> <minimax:tool_call>", "<think>\n", "x</think>\n<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"a\">1</parameter>\n</invoke>\n<invoke name=\"g\">\n</invoke>\n</minimax:tool_call>", Answer{Reasoning: "x", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`), call("", "g", `{}`)}}},
	{"dsml", "</think> ｜DSML｜", "", "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">1</｜DSML｜parameter>\n<｜DSML｜parameter name=\"b\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>", Answer{ToolCalls: []ToolCall{call("", "f", `{"a": "1", "b": 2}`)}}},
	{"apertus", "<|tools_prefix|> <|inner_prefix|>", "", `<|inner_prefix|>hm<|inner_suffix|><|tools_prefix|>[{"f": {"a": 1}}, {"g": {}}]<|tools_suffix|>`, Answer{Reasoning: "hm", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`), call("", "g", `{}`)}}},
	{"llama 3", `{"name": x, "parameters": y}`, "", `{"name": "f", "parameters": {"a": 1}}`, Answer{ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"llama 3, JSON later", `{"name": x, "parameters": y}`, "", `Like {"name": "f", "parameters": {"a": 1}}`, Answer{Content: `Like {"name": "f", "parameters": {"a": 1}}`}},
	{"llama 3, other JSON", `{"name": x, "parameters": y}`, "", `{"name": "Ann", "age": `, Answer{Content: `{"name": "Ann", "age": `}},
	{"functionary", "<function=", "", `Ok<function=f>{"a": 1}</function><function=g>{}</function>`, Answer{Content: "Ok", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`), call("", "g", `{}`)}}},
	{"firefunction", " functools", "", ` functools[{"name": "f", "arguments": {"a": 1}}]`, Answer{ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"solar", "<|tool_call:begin|>", "<|begin|>assistant", "<|think|>hm<|end|><|begin|>assistant<|content|>Ok<|end|><|begin|>assistant<|tool_calls|><|tool_call:begin|>x1<|tool_call:name|>f<|tool_call:args|>{}<|tool_call:end|><|calls|>", Answer{Content: "Ok", Reasoning: "hm", ToolCalls: []ToolCall{call("x1", "f", `{}`)}}},
	{"function tags, a value's own line breaks", "<tool_call> <function= <parameter=", "", "<function=w>\n<parameter=a>\nx\n\n</parameter>\n<parameter=b>y\n</parameter>\n</function>", Answer{ToolCalls: []ToolCall{call("", "w", `{"a": "x\n", "b": "y\n"}`)}}},
	{"function tags, no beginning", "<tool_call> <function= <parameter=", "", "Go.\n<function=w>\n<parameter=a>\nx\n</parameter>\n</function>\n</tool_call>", Answer{Content: "Go.", ToolCalls: []ToolCall{call("", "w", `{"a": "x"}`)}}},
	{"function tags out of open reasoning", "</think> <tool_call> <function= <parameter=", "<think>\n", "Look <tool_call> it up.\n<tool_call>\n<function=w>\n</function>\n</tool_call>", Answer{Reasoning: "Look <tool_call> it up.", ToolCalls: []ToolCall{call("", "w", `{}`)}}},
	{"kimi, out of open reasoning", "</think> <|tool_call_argument_begin|> <|tool_calls_section_begin|>", "<think>", "Hm<|tool_calls_section_begin|><|tool_call_begin|>functions.get:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>", Answer{Reasoning: "Hm", ToolCalls: []ToolCall{call("functions.get:0", "get", `{}`)}}},
	{"lfm2, by its list of tools", "<|tool_list_start|>", "", `<|tool_call_start|>[get(d={"a": true, "b": null})]<|tool_call_end|>`, Answer{ToolCalls: []ToolCall{call("", "get", `{"d": {"a": true, "b": null}}`)}}},
	{"lfm2.5, a call in the reasoning", "</think> <|tool_call_start|>", "", `<think>maybe <|tool_call_start|>[get()]<|tool_call_end|> hm</think>No.`, Answer{Content: "No.", Reasoning: "maybe <|tool_call_start|>[get()]<|tool_call_end|> hm"}},
	{"gemma 4, channels without text", "<|channel>", "", "<|channel><|channel>thought<channel|>Hi<|channel>thought\n<channel|><channel|>", Answer{Content: "Hi"}},
	{"gemma 4, a thought", "<|channel>", "", "<|channel>thought\nhm\n<channel|>Hi", Answer{Content: "Hi", Reasoning: "hm"}},
	{"gpt-oss, a channel to nobody", "<|channel|>analysis", "<|start|>assistant", "<|channel|>commentary to=assistant<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hi", Answer{Content: "Hi", Reasoning: "hm"}},
	{"nemotron", "</think> <TOOLCALL>", "<think>\n", "hm\n</think>\n<TOOLCALL>[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]</TOOLCALL>\n", Answer{Reasoning: "hm", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"apriel", "[BEGIN FINAL RESPONSE]", "Here are my reasoning steps:\n", "hm\n[BEGIN FINAL RESPONSE]\nHi", Answer{Content: "Hi", Reasoning: "hm"}},
	{"minicpm", `</think> <function name="`, "<think>\n\n</think>\n\n", `<function name="f"><param name="a"><![CDATA[<b> </param>]]></param><param name="n">2</param></function><function name="g"></function>`, Answer{ToolCalls: []ToolCall{call("", "f", `{"a": "<b> </param>", "n": 2}`), call("", "g", `{}`)}}},
	{"command-r plus", "Action:\\n```json", "", "Action:\n```json\n[{\"tool_name\": \"f\", \"parameters\": {\"a\": 1}}]\n```", Answer{ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"gpt-oss, a format behind the channel", "<|channel|>analysis", "<|start|>assistant", "<|channel|>final <|constrain|>json<|message|>{\"a\":1}<|return|>", Answer{Content: `{"a":1}`}},
	{"gpt-oss, a tool of its own", "<|channel|>analysis", "<|start|>assistant", "<|channel|>analysis to=python code<|message|>1+1<|end|><|start|>assistant<|channel|>final<|message|>2", Answer{Content: "2"}},
	{"gpt-oss, a call that is none", "<|channel|>analysis", "<|start|>assistant", "<|channel|>commentary to=functions.f<|message|>oops<|call|>", Answer{Content: "<|start|>assistant<|channel|>commentary to=functions.f<|message|>oops"}},
	{"gpt-oss, no header", "<|channel|>analysis", "<|start|>assistant", "Hi there", Answer{Content: "Hi there"}},
	{"gpt-oss, a header in the prompt", "<|channel|>analysis", "<|start|>assistant<|channel|>analysis<|message|>", "hm<|end|><|start|>assistant<|channel|>final<|message|>Hi", Answer{Content: "Hi", Reasoning: "hm"}},
	{"gpt-oss, cut off in a header", "<|channel|>analysis", "<|start|>assistant", "<|channel|>ana", Answer{Content: "<|channel|>ana"}},
	{"muse", "<atem:invoke", "<|start|>assistant", " to=self<|message|>hm<|eom|><|start|>assistant to=f<|message|><atem:function_calls>\n<atem:invoke name=\"f\">\n<atem:parameter name=\"a\">1</atem:parameter>\n</atem:invoke>\n</atem:function_calls><|eot|>", Answer{Reasoning: "hm", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"muse, tags in the answer", "<atem:invoke", "<|start|>assistant", " to=user<|message|>as <atem:invoke name=\"f\"> to=f<|eot|>", Answer{Content: "as <atem:invoke name=\"f\"> to=f"}},
	{"functionary 3.2", ">>>${recipient}", "assistant\n\n>>>", "all\nLook >>> here.>>>f\n{\"a\": \">>>g\\n\"}>>>g\n{}", Answer{Content: "Look >>> here.", ToolCalls: []ToolCall{call("", "f", `{"a": ">>>g\n"}`), call("", "g", `{}`)}}},
	{"kimi k3", "<|open|>", "<|open|>think<|sep|>", "hm<|open|>response<|sep|>Ok<|close|>response<|sep|><|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|><|open|>argument key=\"a\" type=\"string\"<|sep|>1<|close|>argument<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>", Answer{Content: "Ok", Reasoning: "hm", ToolCalls: []ToolCall{call("", "f", `{"a": "1"}`)}}},
	{"kimi, calls without an end", "<|tool_call_argument_begin|>", "", "<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}<|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{}", Answer{ToolCalls: []ToolCall{call("functions.f:0", "f", `{}`), call("functions.g:1", "g", `{}`)}}},
	{"minimax m3", m3, "", "</mm:think>Ok" + m3 + "<tool_call>\n" + m3 + "<invoke name=\"f\">" + m3 + "<a>" + m3 + "<item>" + m3 + "<item>1" + m3 + "</item>" + m3 + "</item>" + m3 + "</a>" + m3 + "<o>" + m3 + "<k>x" + m3 + "</k>" + m3 + "</o>" + m3 + "</invoke>\n" + m3 + "</tool_call>", Answer{Content: "Ok", ToolCalls: []ToolCall{call("", "f", `{"a": [[1]], "o": {"k": "x"}}`)}}},
	{"hunyuan 3", "HYTK = ':opensource'", "<think:opensource>", "hm</think:opensource>Ok<tool_calls:opensource>\n<tool_call:opensource>f<tool_sep:opensource>\n<arg_key:opensource>a</arg_key:opensource>\n<arg_value:opensource>1</arg_value:opensource>\n</tool_call:opensource>\n</tool_calls:opensource>", Answer{Content: "Ok", Reasoning: "hm", ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
	{"ling 3, out of open reasoning", "<role>ASSISTANT</role> </think>", "<think>", "hm\n<tool_call>get\n<arg_key>city</arg_key>\n<arg_value>1</arg_value>\n</tool_call><|role_end|>", Answer{Reasoning: "hm", ToolCalls: []ToolCall{call("", "get", `{"city": "1"}`)}}},
	{"gemma 4, Python's words", "<|channel> <|tool_call>", "", "<|tool_call>call:f{a:None,b:True}<tool_call|><|tool_response>", Answer{ToolCalls: []ToolCall{call("", "f", `{"a":null,"b":true}`)}}},
	{"a union of types", "<function= <parameter=", "", "<function=get>\n<parameter=when>\nnull\n</parameter>\n</function><function=get>\n<parameter=when>\n12\n</parameter>\n</function>", Answer{ToolCalls: []ToolCall{call("", "get", `{"when": null}`), call("", "get", `{"when": "12"}`)}}},
	{"granite 3", "<|tool_call|>", "", `<|tool_call|>[{"name": "f", "arguments": {"a": 1}}]`, Answer{ToolCalls: []ToolCall{call("", "f", `{"a": 1}`)}}},
}

func TestAnswer(t *testing.T) {
	tools := []Tool{{Name: "get", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"when":{"anyOf":[{"type":["string","null"]},{"enum":["now"]}]}}}`)}}
	for _, tt := range answerTests {
		t.Run(tt.name, func(t *testing.T) {
			tm, err := Parse("{#"+tt.marks+"#}", "", "")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, tm.ParseAnswer(tt.prompt, tt.text, tools)); d != "" {
				t.Error(d)
			}
			// In pieces of one code point the answer is the same, and the deltas add up to it.
			p := tm.NewAnswerParser(tt.prompt, tools)
			var sum Answer
			add := func(ds []Delta) {
				for _, d := range ds {
					sum.Content += d.Content
					sum.Reasoning += d.Reasoning
					if d.Call != nil {
						sum.ToolCalls = append(sum.ToolCalls, *d.Call)
					}
				}
			}
			for s := tt.text; s != ""; {
				_, n := utf8.DecodeRuneInString(s)
				add(p.Push(s[:n]))
				s = s[n:]
			}
			add(p.Finish())
			if d := cmp.Diff(tt.want, sum); d != "" {
				t.Errorf("in pieces: %s", d)
			}
		})
	}
}

// TestPeerAnswers lets every published template write an assistant's message, and reads it back.
func TestPeerAnswers(t *testing.T) {
	tools := []Tool{
		{Name: "get_weather", Description: "Weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]}`)},
		{Name: "stop", Description: "Stops", Parameters: json.RawMessage(`{"type":"object","properties":{}}`)},
	}
	ask := []Message{{Role: "user", Content: "Weather in Bern?"}}
	answers := map[string]Message{
		"content":   {Role: "assistant", Content: "I don't know."},
		"reasoning": {Role: "assistant", Content: "I don't know.", Reasoning: "Nobody knows."},
		"call":      {Role: "assistant", ToolCalls: []ToolCall{call("call00001", "get_weather", `{"city": "Bern", "days": 3}`)}},
	}
	good, all := map[string]int{}, map[string]int{}
	for _, path := range testkit.Glob(t, "templates/*.jinja") {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tm, err := Parse(string(source), "<s>", "</s>")
		if err != nil {
			t.Fatal(err)
		}
		for kind, m := range answers {
			o := Options{Tools: tools, Thinking: ThinkingOn, AddGenerationPrompt: true, Now: clock}
			prompt, err := tm.Render(ask, o)
			if err != nil {
				continue
			}
			o.AddGenerationPrompt = false
			full, err := tm.Render(append(ask, m), o)
			if err != nil {
				continue
			}
			text, ok := strings.CutPrefix(full, prompt)
			if !ok || (m.Reasoning != "" && !strings.Contains(text, m.Reasoning)) || (m.ToolCalls != nil && !strings.Contains(text, "Bern")) {
				continue // the template writes an old answer in another way than the model a new one
			}
			all[kind]++
			// The token that ends the answer is not part of it.
			text = strings.TrimRight(text, "\n")
			for _, end := range []string{"</s>", "<|eot_id|>", "<|message_sep|>", "<|eom_id|>", "[e~["} {
				text = strings.TrimSuffix(text, end)
			}
			a := tm.ParseAnswer(prompt, text, tools)
			ok = strings.HasPrefix(a.Content, m.Content) && a.Reasoning == m.Reasoning && len(a.ToolCalls) == len(m.ToolCalls)
			for i, c := range a.ToolCalls {
				var got, want any
				ok = ok && c.Name == m.ToolCalls[i].Name && json.Unmarshal(c.Arguments, &got) == nil &&
					json.Unmarshal(m.ToolCalls[i].Arguments, &want) == nil && cmp.Equal(got, want)
			}
			if ok {
				good[kind]++
			} else {
				t.Logf("%s, %s: %q became %+v", filepath.Base(path), kind, text, a)
			}
		}
	}
	t.Logf("read back %v of %v", good, all)
	// What is missing is an answer without reasoning where the prompt has opened it.
	for kind, want := range map[string]int{"content": 52, "reasoning": 26, "call": 44} {
		if good[kind] < want {
			t.Errorf("%s: %d of %d read back, there were %d", kind, good[kind], all[kind], want)
		}
	}
}

// However an answer is cut into pieces, it is the same, and nothing of it makes the parser panic.
func FuzzAnswer(f *testing.F) {
	var templates []*Template
	for i, tt := range answerTests {
		tm, err := Parse("{#"+tt.marks+"#}", "", "")
		if err != nil {
			f.Fatal(err)
		}
		templates = append(templates, tm)
		f.Add(tt.text, tt.prompt, 3, uint(i))
	}
	f.Fuzz(func(t *testing.T, text, prompt string, size int, which uint) {
		text = strings.ToValidUTF8(text, "?")
		tm := templates[which%uint(len(templates))]
		want := tm.ParseAnswer(prompt, text, nil)
		p := tm.NewAnswerParser(prompt, nil)
		for s := text; s != ""; {
			n := min(max(size, 1), len(s))
			p.Push(s[:n])
			s = s[n:]
		}
		p.Finish()
		if d := cmp.Diff(want, p.Answer()); d != "" {
			t.Error(d)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	list, tools := conversations(b)
	for _, name := range []string{"chatml-default-system", "tools-and-thinking"} {
		source, err := os.ReadFile("testdata/golden/" + name + ".jinja")
		if err != nil {
			b.Fatal(err)
		}
		tm, err := Parse(string(source), "<s>", "</s>")
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := list[2].render(tm, tools); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
