package chat

import (
	"slices"
	"strings"
	"testing"
)

var talk = []Message{
	{Role: "system", Content: "Be kind."},
	{Role: "user", Content: " Hi "},
	{Role: "assistant", Content: "Hello"},
	{Role: "user", Content: "Bye"},
}

func TestFallback(t *testing.T) {
	for _, tt := range []struct {
		name, source, arch string
		tokens             string
		want               string // name of the format
		text               string
	}{
		{"gemma by tokens", "", "gemma3", "<start_of_turn> <end_of_turn>", "gemma",
			"<s><start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\nBye<end_of_turn>\n<start_of_turn>model\n"},
		{"llama 3 by tokens", "", "llama", "<|start_header_id|> <|eot_id|>", "llama3",
			"<s><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nHello<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"},
		{"chatml by tokens", "", "llama", "<|im_start|> <|im_end|>", "chatml",
			"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"},
		{"llama 2 by architecture", "", "llama", "x", "llama2",
			"<s>[INST] Be kind.\n\nHi [/INST] Hello</s>[INST] Bye [/INST]"},
		{"phi 4 by tokens, not chatml", "", "phi3", "<|im_start|> <|im_sep|> <|im_end|>", "phi4",
			"<|im_start|>system<|im_sep|>Be kind.<|im_end|><|im_start|>user<|im_sep|> Hi <|im_end|><|im_start|>assistant<|im_sep|>Hello<|im_end|><|im_start|>user<|im_sep|>Bye<|im_end|><|im_start|>assistant<|im_sep|>"},
		{"glm 4, not zephyr", "", "glm4", "[gMASK] <sop> <|user|> <|assistant|>", "glm4",
			"[gMASK]<sop><|system|>\nBe kind.<|user|>\n Hi <|assistant|>\nHello<|user|>\nBye<|assistant|>\n"},
		{"gpt-oss", "", "gpt-oss", "<|start|> <|message|> <|channel|> <|end|>", "gpt-oss",
			"<|start|>system<|message|>Be kind.<|end|><|start|>user<|message|> Hi <|end|><|start|>assistant<|channel|>final<|message|>Hello<|end|><|start|>user<|message|>Bye<|end|><|start|>assistant"},
		{"mistral with a system prompt", "", "llama", "[INST] [/INST] [SYSTEM_PROMPT]", "mistral",
			"<s>[SYSTEM_PROMPT]Be kind.[/SYSTEM_PROMPT][INST] Hi [/INST]Hello</s>[INST]Bye[/INST]"},
		{"llama 4", "", "llama4", "<|header_start|> <|eot|>", "llama4",
			"<s><|header_start|>system<|header_end|>\n\nBe kind.<|eot|><|header_start|>user<|header_end|>\n\nHi<|eot|><|header_start|>assistant<|header_end|>\n\nHello<|eot|><|header_start|>user<|header_end|>\n\nBye<|eot|><|header_start|>assistant<|header_end|>\n\n"},
		{"exaone", "", "exaone", "[|system|] [|assistant|] [|endofturn|]", "exaone",
			"[|system|]Be kind.[|endofturn|]\n[|user|]Hi\n[|assistant|]Hello[|endofturn|]\n[|user|]Bye\n[|assistant|]"},
		{"rwkv in text", "", "rwkv7", "x", "rwkv", "System: Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:"},
		{"olmo in text", "", "olmo2", "x", "olmo", "<s><|system|>\nBe kind.\n<|user|>\n Hi \n<|assistant|>\nHello</s>\n<|user|>\nBye\n<|assistant|>\n"},
		{"minicpm in text", "", "minicpm", "x", "minicpm", "<s>Be kind.<用户>Hi<AI>Hello<用户>Bye<AI>"},
		{"nemotron in text", "", "nemotron", "x", "nemotron", "<extra_id_0>System\nBe kind.\n\n<extra_id_1>User\n Hi \n<extra_id_1>Assistant\nHello\n<extra_id_1>User\nBye\n<extra_id_1>Assistant\n"},
		{"a base model of a family with tokens", "", "qwen3", "<|im_start|> <|im_end|>", "chatml", ""},
		{"broken syntax", "{% if %}", "", "<|im_start|> <|im_end|>", "chatml", ""},
		{"broken at work", "{{ messages.nope.nope }}", "", "<start_of_turn> <end_of_turn>", "gemma", ""},
		{"nothing known", "", "unheard-of", "x", "chatml", ""},
		{"phi", "", "phi3", "<|user|> <|assistant|> <|end|>", "phi3", "<|system|>\nBe kind.<|end|>\n<|user|>\n Hi <|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nBye<|end|>\n<|assistant|>\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			has := func(s string) bool { return strings.Contains(" "+tt.tokens+" ", " "+s+" ") }
			tm := New(tt.source, Model{BOS: "<s>", EOS: "</s>", Arch: tt.arch, Has: has})
			if tm.Name() != tt.want || !strings.Contains(tm.Warning(), tt.want) {
				t.Errorf("format %q, warning %q; want %q", tm.Name(), tm.Warning(), tt.want)
			}
			text, err := tm.Render(talk, Options{AddGenerationPrompt: true})
			if err != nil {
				t.Fatal(err)
			}
			if tt.text != "" && text != tt.text {
				t.Errorf("got  %q\nwant %q", text, tt.text)
			}
		})
	}
}

// Every built-in format renders a conversation with all of its messages, without a vocabulary, too.
func TestFormats(t *testing.T) {
	for _, f := range formats {
		arch := "none"
		if len(f.archs) > 0 {
			arch = f.archs[0]
		}
		tm := New("", Model{Arch: arch})
		if len(f.archs) > 0 && tm.Name() != f.name {
			t.Errorf("%s stands for %s", tm.Name(), arch)
		}
		own, err := Parse(f.source, "<s>", "</s>")
		if err != nil {
			t.Fatal(f.name, err)
		}
		text, err := own.Render(talk, Options{AddGenerationPrompt: true})
		if err != nil {
			t.Fatal(f.name, err)
		}
		for _, m := range talk {
			if !strings.Contains(text, strings.TrimSpace(m.Content)) {
				t.Errorf("%s lost %q: %q", f.name, m.Content, text)
			}
		}
	}
}

func TestOwnTemplateWins(t *testing.T) {
	tm := New("{{ messages[0].content }}", Model{Arch: "gemma3"})
	if tm.Warning() != "" {
		t.Error(tm.Warning())
	}
	if text, err := tm.Render(talk, Options{}); err != nil || text != "Be kind." {
		t.Error(text, err)
	}
}

// A file may bring a second template, for conversations with tools.
func TestToolUseTemplate(t *testing.T) {
	const plain = "{% for m in messages %}<{{ m.content }}>{% endfor %}"
	const withTools = "{# <tool_call> #}{% for t in tools %}{{ t.function.name }}{% endfor %}{% for m in messages %}[{{ m.content }}]{% endfor %}"
	ask := []Message{{Role: "user", Content: "Hi"}}
	tools := []Tool{{Name: "f"}}
	for _, tt := range []struct {
		name, source, toolUse   string
		want, wantTools, warned string
	}{
		{"both", plain, withTools, "<Hi>", "f[Hi]", ""},
		{"no other", plain, "", "<Hi>", "<Hi>", ""},
		{"nothing but the one for tools", "", withTools, "[Hi]", "f[Hi]", ""},
		{"a broken one", plain, "{% if %}", "<Hi>", "<Hi>", "for tools"},
		{"one that leaves the messages out", plain, "{{ tools }}", "<Hi>", "<Hi>", "leaves messages out"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tm := New(tt.source, Model{ToolUse: tt.toolUse})
			got, err := tm.Render(ask, Options{})
			gotTools, errTools := tm.Render(ask, Options{Tools: tools})
			if got != tt.want || gotTools != tt.wantTools || err != nil || errTools != nil {
				t.Errorf("%q (%v) and %q (%v)", got, err, gotTools, errTools)
			}
			if tm.StandsIn() || !strings.Contains(tm.Warning(), tt.warned) || (tt.warned == "") != (tm.Warning() == "") {
				t.Errorf("warning %q", tm.Warning())
			}
		})
	}
	tm := New(plain, Model{ToolUse: withTools})
	const answer = `<tool_call>{"name": "f", "arguments": {}}</tool_call>`
	if a := tm.ParseAnswer("", answer, tools); len(a.ToolCalls) != 1 {
		t.Errorf("with tools: %+v", a)
	}
	if a := tm.ParseAnswer("", answer, nil); a.Content != answer {
		t.Errorf("without: %+v", a)
	}
	if !slices.Contains(tm.AnswerMarks(), "<tool_call>") {
		t.Error("its marks are missing")
	}
}

// What a template prints of a plain question tells what it wants contents to be, and whether it is a template at all.
func TestTriedTemplates(t *testing.T) {
	const typed = "{% for m in messages %}{% for p in m.content if p.type == 'text' %}{{ p.text }};{% endfor %}{% endfor %}"
	tm := New(typed, Model{})
	if got, err := tm.Render(talk, Options{}); got != "Be kind.; Hi ;Hello;Bye;" || err != nil || tm.StandsIn() {
		t.Errorf("parts: %q (%v), %s", got, err, tm.Warning())
	}
	tm = New("chatml", Model{})
	if !tm.StandsIn() || tm.Name() != "chatml" || !strings.Contains(tm.Warning(), "leaves messages out") {
		t.Errorf("a name: %s, %s", tm.Name(), tm.Warning())
	}
	// Where there are no tools, and a template wants a list of them.
	tm = New("{% for t in tools %}{{ t }}{% endfor %}{% for m in messages %}{{ m.content }};{% endfor %}", Model{})
	if got, err := tm.Render(talk[1:2], Options{}); got != " Hi ;" || err != nil || tm.StandsIn() {
		t.Errorf("no tools: %q (%v), %s", got, err, tm.Warning())
	}
}
