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
//	github.com/nikolalohinski/gonja/v2 v2.9.1   508 equal; 2 templates without a fault
//	internal/chat/jinja                       1,050 equal; all 70
//
// Gonja (as it comes, with trim_blocks, lstrip_blocks, raise_exception and strftime_now set, objects as Go maps)
// cannot parse 16 of the templates, sorts the keys of objects, writes JSON without Python's spaces and with < escaped,
// and None in a list as nothing; it has no bound on steps, memory or output. A filter can be replaced from outside,
// the values and the evaluator cannot.
//
// The reference, the conversations and our own templates with recorded outputs are in testdata; TestPeerTemplates
// compares all published templates live. The engine's own tests hold its language to Python's: recorded snippets,
// and random expressions and templates compared live.
package chat
