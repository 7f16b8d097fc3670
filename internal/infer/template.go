package infer

import (
	"errors"
	"fmt"

	"happyphonellm/internal/chat"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/tokenizer"
)

// readTemplate compiles the file's chat template, or picks one that fits.
func (e *Engine) readTemplate(string) error {
	if e.tokens == nil {
		return nil
	}
	source, err := e.file.Text("tokenizer.chat_template")
	if err != nil && !errors.Is(err, gguf.ErrNotFound) {
		return err
	}
	return e.file.Guard(func() error {
		e.template = chat.New(source, chat.Model{
			BOS: e.tokenText(e.tokens.BOS()), EOS: e.tokenText(e.tokens.EOS()), Arch: e.model.Arch,
			Has: func(token string) bool { _, ok := e.tokens.Token(token); return ok },
		})
		if w := e.template.Warning(); w != "" {
			e.log(Warn, e.file.Path()+": "+w)
		}
		return nil
	})
}

// tokenText is the text of a token; "" for none.
func (e *Engine) tokenText(id int32) string {
	if id < 0 {
		return ""
	}
	return e.tokens.Piece(id, true)
}

// Template is the model's chat template, or the one that stands in for it; nil
// if the file has no vocabulary.
func (e *Engine) Template() *chat.Template { return e.template }

// ChatPrompt turns a conversation into the token ids of a prompt that ends where
// the assistant's answer begins.
func (e *Engine) ChatPrompt(messages []chat.Message, o chat.Options) ([]int32, error) {
	if e.template == nil {
		return nil, e.noTokenizer()
	}
	o.AddGenerationPrompt = true
	text, err := e.RenderChat(messages, o)
	if err != nil {
		return nil, err
	}
	return e.TokenizePrompt(text)
}

// RenderChat applies the chat template to a conversation.
func (e *Engine) RenderChat(messages []chat.Message, o chat.Options) (text string, err error) {
	if e.template == nil {
		return "", e.noTokenizer()
	}
	if text, err = e.template.Render(messages, o); err != nil {
		return "", fmt.Errorf("%w: %w", ErrTemplate, err)
	}
	return text, nil
}

// TokenizePrompt tokenizes a rendered template: special tokens are parsed, and
// BOS is added where the model wants it and the template has not written it.
func (e *Engine) TokenizePrompt(text string) ([]int32, error) {
	ids, err := e.Tokenize(text, tokenizer.Options{AddSpecial: true, ParseSpecial: true})
	if err != nil {
		return nil, err
	}
	if t := e.tokens; t.AddBOS() && len(ids) > 1 && ids[0] == t.BOS() && ids[1] == t.BOS() {
		ids = ids[1:]
	}
	return ids, nil
}
