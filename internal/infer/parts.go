package infer

import (
	"happyphonellm/internal/chat"
	"happyphonellm/internal/tokenizer"
)

// Parts says how an answer is taken apart.
type Parts struct {
	// Prompt is the rendered prompt: it may end inside the reasoning already.
	Prompt string
	// Tools are those that the prompt offers; their schemas tell strings from numbers
	// where a model writes both alike.
	Tools []chat.Tool
}

// beginText makes the answer's text ready, and its parser.
func (a *answer) beginText(e *Engine) error {
	a.parser = nil
	var shown []int32
	if p := a.request.Parts; p != nil && e.template != nil {
		a.parser = e.template.NewAnswerParser(p.Prompt, p.Tools)
		var err error
		if shown, err = e.markTokens(); err != nil {
			return err
		}
	}
	a.output.begin(e.tokens, a.request.Stop, shown)
	return nil
}

// markTokens are the control tokens that marks in an answer are made of.
func (e *Engine) markTokens() (shown []int32, err error) {
	for _, mark := range e.template.AnswerMarks() {
		ids, err := e.Tokenize(mark, tokenizer.Options{ParseSpecial: true})
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if e.tokens.IsControl(id) {
				shown = append(shown, id)
			}
		}
	}
	return shown, nil
}

// parse takes the event's text apart.
func (a *answer) parse() {
	if a.parser == nil {
		return
	}
	deltas := a.parser.Push(a.event.Text)
	if a.event.Finish != Running {
		deltas = append(deltas, a.parser.Finish()...)
	}
	a.event.Text = ""
	for _, d := range deltas {
		a.event.Text += d.Content
		a.event.Reasoning += d.Reasoning
		if d.Call != nil {
			a.event.Calls = append(a.event.Calls, *d.Call)
		}
	}
}

// ChatRequest completes a request for the answer to a conversation: r's Prompt is the
// rendered template, which ends where the answer begins, and its Parts take the answer
// apart as the template marks it.
func (e *Engine) ChatRequest(r Request, messages []chat.Message, o chat.Options) (Request, error) {
	o.AddGenerationPrompt = true
	text, err := e.RenderChat(messages, o)
	if err != nil {
		return r, err
	}
	r.Parts = &Parts{Prompt: text, Tools: o.Tools}
	r.Prompt, err = e.TokenizePrompt(text)
	return r, err
}
