package infer

import (
	"happyphonellm/internal/chat"
	"happyphonellm/internal/gguf"
	"happyphonellm/internal/sample"
	"happyphonellm/internal/tokenizer"
)

// Names of the packages below that a host needs to make requests: hosts import
// this package only.
type (
	Sampling        = sample.Params
	LogitBias       = sample.Bias
	Message         = chat.Message
	ChatOptions     = chat.Options
	Tool            = chat.Tool
	ToolCall        = chat.ToolCall
	Template        = chat.Template
	TokenizeOptions = tokenizer.Options
	File            = gguf.File
	Value           = gguf.Value
)

// OpenFile opens a GGUF file to look into it, whatever its architecture.
func OpenFile(path string) (*File, error) { return gguf.Open(path) }

// ParseTemplate reads a chat template that belongs to no file; bos and eos are the texts
// of these tokens.
func ParseTemplate(source, bos, eos string) (*Template, error) { return chat.Parse(source, bos, eos) }

// Values of ChatOptions.Thinking.
const (
	ThinkingDefault = chat.ThinkingDefault
	ThinkingOn      = chat.ThinkingOn
	ThinkingOff     = chat.ThinkingOff
)

// RandomSeed as Sampling.Seed asks for a fresh one.
const RandomSeed = sample.RandomSeed

// DefaultSampling gives llama-cli's defaults.
func DefaultSampling() Sampling { return sample.DefaultParams() }

// Samplers lists the names that Sampling.Samplers may hold.
func Samplers() []string { return sample.Samplers() }

// SamplersByLetters reads llama-cli's short form of Sampling.Samplers, one
// letter each; false at an unknown letter.
func SamplersByLetters(letters string) (names []string, ok bool) {
	return sample.SamplersByLetters(letters)
}

// Vocabulary is the tokenizer of a file that may hold no model beside it.
type Vocabulary struct {
	*tokenizer.Tokenizer
	file *gguf.File
}

// OpenVocabulary opens a GGUF file for its tokenizer only.
func OpenVocabulary(path string) (*Vocabulary, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	v := &Vocabulary{file: f}
	if err := f.Guard(func() (err error) {
		v.Tokenizer, err = tokenizer.New(f)
		return err
	}); err != nil {
		f.Close()
		return nil, err
	}
	return v, nil
}

// Encode is Tokenizer.Encode, with an error where the file changed under it.
func (v *Vocabulary) Encode(text string, o TokenizeOptions) (ids []int32, err error) {
	err = v.file.Guard(func() error {
		ids = v.Tokenizer.Encode(text, o)
		return nil
	})
	return ids, err
}

// Close closes the file; the tokenizer must not be used any more.
func (v *Vocabulary) Close() error { return v.file.Close() }
