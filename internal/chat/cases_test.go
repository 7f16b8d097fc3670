package chat

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/testkit"
)

// chatCase is a line of what build/peer/chat_cases.py prints.
type chatCase struct {
	Template, Input, Schema string
	Thinking                bool
	Partial                 bool // the input is the beginning of an answer
	Continues               bool // the answer goes on in a message that the caller began
	Separate                bool // reasoning is not part of the content
	Tools                   []Tool
	Messages                []caseMessage
	Expect                  caseMessage
}

type caseMessage struct {
	Role, Content, Reasoning string
	Calls                    []struct{ ID, Name, Arguments string }
}

func (m caseMessage) message() Message {
	out := Message{Role: m.Role, Content: m.Content, Reasoning: m.Reasoning}
	for _, c := range m.Calls {
		out.ToolCalls = append(out.ToolCalls, call(c.ID, c.Name, c.Arguments))
	}
	return out
}

// TestPeerChatCases takes the answers apart that llama.cpp's own test does, and wants the parts that it wants.
func TestPeerChatCases(t *testing.T) {
	f, err := os.Open(testkit.Glob(t, "chat-cases.jsonl")[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	templates := map[string]*Template{}
	for _, path := range testkit.Glob(t, "templates/*.jinja") {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if templates[filepath.Base(path)], err = Parse(string(source), "<s>", "</s>"); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c chatCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Continues {
			continue // a call that we do not have
		}
		name := filepath.Base(c.Template)
		if templates[name] == nil {
			t.Fatalf("no template %s", name)
		}
		count++
		checkCase(t, name, templates[name], c)
	}
	if count < 390 {
		t.Errorf("%d cases, there were 391", count)
	}
	t.Logf("%d cases", count)
}

func checkCase(t *testing.T, name string, tm *Template, c chatCase) {
	t.Helper()
	o := Options{Tools: c.Tools, Thinking: ThinkingOff, AddGenerationPrompt: true, Now: clock}
	if c.Thinking {
		o.Thinking = ThinkingOn
	}
	var messages []Message
	for _, m := range c.Messages {
		messages = append(messages, m.message())
	}
	prompt, err := tm.Render(messages, o)
	if err != nil { // with these tools, or without any; the prompt ends in the same way
		o.Tools = nil
		if prompt, err = tm.Render(messages, o); err != nil {
			prompt = ""
		}
	}
	p := tm.NewAnswerParser(prompt, c.Tools)
	for s := c.Input; s != ""; {
		_, n := utf8.DecodeRuneInString(s)
		p.Push(s[:n])
		s = s[n:]
	}
	if !c.Partial {
		p.Finish()
		if d := cmp.Diff(tm.ParseAnswer(prompt, c.Input, c.Tools), p.Answer()); d != "" {
			t.Errorf("%s: %q in pieces: %s", name, c.Input, d)
		}
	}
	want, got := answerParts(c.Expect.message()), answerParts(Message{Content: p.Answer().Content, Reasoning: p.Answer().Reasoning, ToolCalls: p.Answer().ToolCalls})
	switch {
	case c.Partial:
		want.Calls = nil // a call comes when it is complete
	case !c.Separate && got.Reasoning != "":
		// Ours always separates them.
		if strings.Contains(want.Content, got.Reasoning) && strings.HasSuffix(want.Content, got.Content) {
			want.Content, want.Reasoning = got.Content, got.Reasoning
		}
	case c.Schema != "":
		got.Content = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(got.Content, "```json"), "```"))
	case strings.HasPrefix(name, "Apriel-1.6"):
		// The prompt's last line, which is the same in every answer.
		want.Reasoning = strings.TrimPrefix(want.Reasoning, "Here are my reasoning steps:\n")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %q (-want +got):\n%s", name, c.Input, d)
	}
}

// parts are what counts of an answer: white space around texts does not, nor does that of JSON.
type parts struct {
	Content, Reasoning string
	Calls              []part
}

type part struct {
	ID, Name  string
	Arguments any
}

func answerParts(m Message) parts {
	out := parts{Content: strings.TrimSpace(m.Content), Reasoning: strings.TrimSpace(m.Reasoning)}
	for _, c := range m.ToolCalls {
		p := part{ID: c.ID, Name: c.Name}
		if json.Unmarshal(c.Arguments, &p.Arguments) != nil {
			p.Arguments = string(c.Arguments)
		}
		out.Calls = append(out.Calls, p)
	}
	return out
}
