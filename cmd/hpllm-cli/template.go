package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"happyphonellm/internal/infer"
)

// templateFlags are the flags of template.
type templateFlags struct {
	model    modelFlags
	source   string
	bos, eos string
	messages string
	tools    string
	noPrompt bool
	thinking string
}

func newTemplate(*interrupt) *cobra.Command {
	var t templateFlags
	cmd := &cobra.Command{
		Use:   "template (-m FILE | --template FILE.jinja) --messages FILE.json",
		Short: "Print the prompt that a chat template makes",
		Long: `Print the prompt that a model's chat template, or one in a file of its own, makes
of a conversation: the text, special tokens included, without a newline after it.

Messages and tools are JSON arrays as in transformers' apply_chat_template: "role",
"content", "reasoning_content", "tool_calls", ... The template gets them as they are,
and what it refuses is an error; run and chat would adapt the conversation to it.`,
		Example: `  hpllm-cli template -m model.gguf --messages chat.json
  hpllm-cli template --template chat.jinja --bos "<s>" --messages chat.json --tools tools.json
  echo '[{"role":"user","content":"Hi"}]' | hpllm-cli template -m model.gguf --messages -`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd) },
	}
	t.model.addPath(cmd, "model or vocabulary file (GGUF)")
	f := cmd.Flags()
	f.StringVar(&t.source, "template", "", "file with a Jinja template, instead of a model's")
	f.StringVar(&t.bos, "bos", "", "text of the beginning-of-text token, for --template")
	f.StringVar(&t.eos, "eos", "", "text of the end-of-text token, for --template")
	f.StringVar(&t.messages, "messages", "", "file with the messages, JSON (-: standard input)")
	f.StringVar(&t.tools, "tools", "", "file with the tools, JSON")
	f.BoolVar(&t.noPrompt, "no-generation-prompt", false, "end behind the last message, not where the answer begins")
	addThinking(f, &t.thinking)
	for name, ext := range map[string]string{"template": "jinja", "messages": "json", "tools": "json"} {
		if err := cmd.MarkFlagFilename(name, ext); err != nil {
			panic(err) // the flag was made above
		}
	}
	return cmd
}

func (t *templateFlags) run(cmd *cobra.Command) error {
	switch {
	case t.model.path == "" && t.source == "":
		return usage("no template: give -m FILE or --template FILE")
	case t.model.path != "" && t.source != "":
		return usage("-m and --template exclude each other")
	case t.source == "" && (cmd.Flags().Changed("bos") || cmd.Flags().Changed("eos")):
		return usage("--bos and --eos belong to --template")
	case t.messages == "":
		return usage("no messages: give --messages FILE")
	}
	o, err := thinking(t.thinking)
	if err != nil {
		return err
	}
	o.AddGenerationPrompt = !t.noPrompt
	messages, err := fileText(t.messages)
	if err != nil {
		return err
	}
	if err := infer.CheckMessages(messages); err != nil {
		return fmt.Errorf("%s: %w", t.messages, err)
	}
	_, tools, err := readTools(t.tools)
	if err != nil {
		return err
	}
	prompt, err := t.render(messages, tools, o)
	if err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, prompt)
	return err
}

func (t *templateFlags) render(messages, tools string, o infer.ChatOptions) (string, error) {
	name := t.source
	var template *infer.Template
	if name != "" {
		source, err := readSmall(name)
		if err != nil {
			return "", err
		}
		if template, err = infer.ParseTemplate(source, t.bos, t.eos); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
	} else {
		name = t.model.path
		v, err := infer.OpenVocabulary(name)
		if err != nil {
			return "", err
		}
		defer v.Close()
		if template, err = v.Template(); err != nil {
			return "", err
		}
		if w := template.Warning(); w != "" {
			note("%s: %s", name, w)
		}
	}
	render := func() (string, error) { return template.RenderJSON([]byte(messages), []byte(tools), o) }
	if template.StandsIn() { // which takes texts only
		render = func() (string, error) {
			list, err := infer.ParseMessages(messages)
			if err != nil {
				return "", err
			}
			return template.Render(list, o)
		}
	}
	prompt, err := render()
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return prompt, nil
}

// fileText reads a file, or standard input for "-".
func fileText(name string) (string, error) {
	if name == "-" {
		return readAll("standard input", os.Stdin, maxSmall)
	}
	return readSmall(name)
}

// readTools reads a file of tools, and returns its text, too; none for "".
func readTools(name string) (tools []infer.Tool, text string, err error) {
	if name == "" {
		return nil, "", nil
	}
	if text, err = fileText(name); err != nil {
		return nil, "", err
	}
	if tools, err = infer.ParseTools(text); err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	return tools, text, nil
}
