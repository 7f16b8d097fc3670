package infer

import (
	"errors"
	"fmt"

	"happyphonellm/internal/chat"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/tokenizer"
)

// readTemplate compiles the file's chat template, or picks one that fits.
func (e *Engine) readTemplate(string) (err error) {
	if e.tokens == nil {
		return nil
	}
	if e.template, err = templateOf(e.file, e.tokens); err != nil {
		return err
	}
	if w := e.template.Warning(); w != "" {
		e.log(Warn, e.file.Path()+": "+w)
	}
	return nil
}

// templateOf is the chat template of a file, or what stands in for it.
func templateOf(f *gguf.File, tokens *tokenizer.Tokenizer) (t *chat.Template, err error) {
	var sources [2]string
	for i, key := range []string{"tokenizer.chat_template", "tokenizer.chat_template.tool_use"} {
		if sources[i], err = f.Text(key); err != nil && !errors.Is(err, gguf.ErrNotFound) {
			return nil, err
		}
	}
	text := func(id int32) string {
		if id < 0 {
			return ""
		}
		return tokens.Piece(id, true)
	}
	err = f.Guard(func() error {
		t = chat.New(sources[0], chat.Model{
			BOS: text(tokens.BOS()), EOS: text(tokens.EOS()), Arch: f.Architecture(), ToolUse: sources[1],
			Has: func(token string) bool { _, ok := tokens.Token(token); return ok },
		})
		return nil
	})
	return t, err
}

// Template is the chat template of the vocabulary's file, or what stands in for it.
func (v *Vocabulary) Template() (*chat.Template, error) { return templateOf(v.file, v.Tokenizer) }

// Template is the model's chat template, or the one that stands in for it; nil
// if the file has no vocabulary.
func (e *Engine) Template() *chat.Template { return e.template }

// ChatPrompt turns a conversation into the token ids of a prompt that ends where
// the assistant's answer begins.
func (e *Engine) ChatPrompt(messages []chat.Message, o chat.Options) ([]int32, error) {
	if e.template == nil {
		return nil, e.NoTokenizer()
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
		return "", e.NoTokenizer()
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
