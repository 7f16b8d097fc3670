package main

import (
	"github.com/spf13/pflag"

	"happyphonellm/internal/infer"
)

// addThinking adds the flag of models that can think before they answer, and need not.
func addThinking(f *pflag.FlagSet, to *string) {
	f.StringVar(to, "thinking", "auto", "for models that can do both: on, off, or auto (as the template decides)")
}

func thinking(mode string) (o infer.ChatOptions, err error) {
	switch mode {
	case "auto":
		o.Thinking = infer.ThinkingDefault
	case "on":
		o.Thinking = infer.ThinkingOn
	case "off":
		o.Thinking = infer.ThinkingOff
	default:
		return o, usage("--thinking %s: want on, off or auto", mode)
	}
	return o, nil
}
