// Package chat turns conversations into prompts with the model's own chat template, and a model's answer back into
// text, reasoning and tool calls. It owns no tokens: the special tokens of a prompt are text here, which the
// tokenizer reads.
//
// # Why an engine of our own
//
// A template is a Jinja2 program inside the model file, written for Python. What counts is that the prompt is the
// same byte for byte as in training, that is as transformers' apply_chat_template makes it, and that a template
// from the net cannot hang or fill a phone. Measured on the 70 chat templates of llama.cpp's source (models/templates)
// with the 15 conversations of testdata, 1,050 renderings against Python's Jinja2 3.1.6:
//
//	github.com/nikolalohinski/gonja/v2 v2.9.1   482 equal; 2 templates without a fault
//	internal/chat/jinja                       1,050 equal; all 70
//
// Gonja (with trim_blocks, lstrip_blocks, raise_exception and strftime_now set) fails to parse 16 of the templates,
// sorts the keys of objects, spaces JSON in its own way, gives up on undefined values where Python goes on, and has
// no bound on steps, memory or output. Most of that sits in its value type, so it cannot be added from outside.
//
// The reference, the conversations and our own templates with recorded outputs are in testdata; TestPeerTemplates
// compares all published templates live.
package chat
