package infer

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/chat"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/tokenizer"
)

// speaker is an engine without a model: its vocabulary is every byte and the control
// tokens given.
func speaker(t *testing.T, template string, control ...string) *Engine {
	t.Helper()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "llama")
	w.SetText("tokenizer.ggml.model", "gpt2")
	w.SetText("tokenizer.ggml.pre", "gpt-2")
	w.SetText("tokenizer.chat_template", template)
	var tokens []string
	var types []int32
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		if b < '!' || b > '~' && b < 0xa1 || b == 0xad {
			r, next = next, next+1
		}
		tokens, types = append(tokens, string(r)), append(types, 1)
	}
	for _, c := range append(control, "<|im_end|>", "<s>") {
		tokens, types = append(tokens, c), append(types, 3)
	}
	w.SetTexts("tokenizer.ggml.tokens", tokens)
	gguf.SetNumbers(w, "tokenizer.ggml.token_type", types)
	w.SetTexts("tokenizer.ggml.merges", nil)
	path := filepath.Join(t.TempDir(), "speaker.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	e := &Engine{file: f, log: func(Level, string) {}}
	if e.tokens, err = tokenizer.New(f); err != nil {
		t.Fatal(err)
	}
	if err := e.readTemplate(""); err != nil {
		t.Fatal(err)
	}
	return e
}

// say feeds a text to an answer token by token, as generation does, and sums the events up.
func say(t *testing.T, e *Engine, r Request, text string) (m chat.Message, finish Finish) {
	t.Helper()
	ids, err := e.Tokenize(text, tokenizer.Options{ParseSpecial: true})
	if err != nil {
		t.Fatal(err)
	}
	a := answer{request: r, active: true}
	if err := a.beginText(e); err != nil {
		t.Fatal(err)
	}
	add := func() {
		m.Content += a.event.Text
		m.Reasoning += a.event.Reasoning
		m.ToolCalls = append(m.ToolCalls, a.event.Calls...)
		finish = a.event.Finish
	}
	for _, id := range ids {
		a.show(id)
		add()
		if finish != Running {
			return m, finish
		}
	}
	a.finish(FinishLength)
	add()
	return m, finish
}

func TestParts(t *testing.T) {
	const gptOSS = "{#<|channel|>analysis#}{% for m in messages %}{{ m.content }}{% endfor %}"
	const qwen = "{#</think> <tool_call>#}{% for m in messages %}{{ m.content }}{% endfor %}"
	channels := []string{"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"}
	call := []chat.ToolCall{{Name: "f", Arguments: json.RawMessage(`{"a": 1}`)}}
	for _, tt := range []struct {
		name     string
		template string
		control  []string
		parts    *Parts
		stop     []string
		text     string
		want     chat.Message
		finish   Finish
	}{
		{"without parts all of it is text, but for control tokens", qwen, []string{"<think>"}, nil, nil,
			"<think>a</think>b", chat.Message{Content: "a</think>b"}, FinishLength},
		{"marks that are control tokens", qwen, []string{"<think>", "</think>"}, &Parts{}, nil,
			"<think>a</think>b", chat.Message{Content: "b", Reasoning: "a"}, FinishLength},
		{"marks in bytes", qwen, nil, &Parts{}, nil,
			"<think>a</think>b", chat.Message{Content: "b", Reasoning: "a"}, FinishLength},
		{"other control tokens stay out of the text", qwen, nil, &Parts{}, nil,
			"<think>a<s></think>b<s>c", chat.Message{Content: "bc", Reasoning: "a"}, FinishLength},
		{"the prompt opens the reasoning", qwen, nil, &Parts{Prompt: "assistant\n<think>\n"}, nil,
			"a</think>b", chat.Message{Content: "b", Reasoning: "a"}, FinishLength},
		{"a call", qwen, []string{"<tool_call>", "</tool_call>"}, &Parts{}, nil,
			"Ok\n<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>", chat.Message{Content: "Ok", ToolCalls: call}, FinishLength},
		{"channels", gptOSS, channels, &Parts{}, nil,
			"<|channel|>analysis<|message|>é<|end|><|start|>assistant<|channel|>final<|message|>中",
			chat.Message{Content: "中", Reasoning: "é"}, FinishLength},
		{"a call in a channel, cut off by the token that ends it", gptOSS, channels, &Parts{}, nil,
			"<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\": 1}", chat.Message{ToolCalls: call}, FinishLength},
		{"a stop text ends the answer", qwen, nil, &Parts{}, []string{"END"},
			"<think>a</think>bENDc", chat.Message{Content: "b", Reasoning: "a"}, FinishStop},
		{"a stop text in the reasoning", qwen, nil, &Parts{}, []string{"END"},
			"<think>aENDb</think>c", chat.Message{Reasoning: "a"}, FinishStop},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := speaker(t, tt.template, tt.control...)
			got, finish := say(t, e, Request{Parts: tt.parts, Stop: tt.stop}, tt.text)
			if diff := cmp.Diff(tt.want, got); diff != "" || finish != tt.finish {
				t.Errorf("%s: %s", finish, diff)
			}
		})
	}
}

// A session takes answers apart too, and a long event is cut without losing its parts.
func TestPartsOfSessions(t *testing.T) {
	e := load(t, tinyModel(t, false), 1)
	var err error
	if e.template, err = chat.Parse("{#</think>#}{% for m in messages %}{{ m.content }}{% endfor %}<think>", "", ""); err != nil {
		t.Fatal(err)
	}
	r := greedy(12, nil)
	r.Sampling.LogitBias = []LogitBias{{ID: 'A', Bias: 1000}}
	if r, err = e.ChatRequest(r, []chat.Message{{Role: "user", Content: "x"}}, chat.Options{}); err != nil {
		t.Fatal(err)
	}
	var got Event
	add := func(ev Event) error {
		got.Text += ev.Text
		got.Reasoning += ev.Reasoning
		return nil
	}
	if _, err := session(t, e, SessionOptions{}).Generate(r, add); err != nil {
		t.Fatal(err)
	}
	if got.Text != "" || got.Reasoning != "AAAAAAAAAAAA" {
		t.Errorf("text %q, reasoning %q", got.Text, got.Reasoning)
	}

	s := session(t, e, SessionOptions{})
	got = Event{}
	st := &run{stream: NewStream(s, 4), events: make(chan StreamEvent, 9)}
	if !st.send(Event{ID: 7, Text: "abcdefghij", Reasoning: "r", Finish: FinishStop}) {
		t.Fatal("not sent")
	}
	for i := range 3 {
		ev := (<-st.events).Event
		if err := add(ev); err != nil {
			t.Fatal(err)
		}
		if first, last := i == 0, i == 2; (ev.ID == 7) != first || (ev.Reasoning == "r") != first || (ev.Finish == FinishStop) != last {
			t.Errorf("event %d: %+v", i, ev)
		}
	}
	if got.Text != "abcdefghij" || got.Reasoning != "r" {
		t.Errorf("%+v", got)
	}
}

func TestParseMessages(t *testing.T) {
	got, err := ParseMessages(`[
		{"role": "system", "content": null},
		{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "Ann"},
		{"role": "assistant", "reasoning_content": "r", "tool_calls": [
			{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}, {"name": "g", "arguments": {"y": 2}}]},
		{"role": "tool", "tool_call_id": "1", "content": "c"}]`)
	want := []chat.Message{
		{Role: "system"},
		{Role: "user", Content: "a\nb", Name: "Ann"},
		{Role: "assistant", Reasoning: "r", ToolCalls: []chat.ToolCall{
			{ID: "1", Name: "f", Arguments: json.RawMessage(`{"x": 1}`)}, {Name: "g", Arguments: json.RawMessage(`{"y": 2}`)}}},
		{Role: "tool", ToolCallID: "1", Content: "c"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	for _, text := range []string{
		"", "{}", `[{"content": "x"}]`, `[{"role": "user", "content": 1}]`, `[{"role": "user", "content": [{"type": "image_url"}]}]`,
		`[{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}]`, `[{"role": "assistant", "tool_calls": [{}]}]`,
	} {
		if m, err := ParseMessages(text); err == nil {
			t.Errorf("%s: %+v", text, m)
		}
	}
}
