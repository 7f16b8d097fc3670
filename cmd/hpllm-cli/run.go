package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"happyphonellm/internal/infer"
)

// runFlags are the flags of run.
type runFlags struct {
	model    modelFlags
	sampling samplingFlags
	prompt   string
	file     string
	system   string
	tokens   int
	raw      bool
	stop     []string
	ignore   bool
	tools    string
	thinking string
	stats    statsFormat
}

func newRun(i *interrupt) *cobra.Command {
	r := runFlags{model: modelFlags{text: true}}
	cmd := &cobra.Command{
		Use:   "run [-m FILE] [-p TEXT | -f FILE]",
		Short: "Answer one prompt",
		Long: `Answer one prompt, given by -p, a file (-f) or standard input, of which one
newline at the end is dropped. The model's chat template is applied unless --raw.

The answer goes to standard output, with a newline at its end, and a tool call as a
line of JSON; everything else goes to standard error, reasoning only if that is a
terminal. With --raw all that the model writes is the answer. Ctrl-C ends the answer, prints the statistics and gives
exit code 130.`,
		Example: `  hpllm-cli run -p "Why is the sky blue?"
  hpllm-cli run -m model.gguf --temp 0 -n 64 <question.txt
  hpllm-cli run -m model.gguf --raw -p "Once upon a time" --stop "." --seed 7
  hpllm-cli run -m model.gguf -p "Count to ten" --stats json 2>stats.json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd, i) },
	}
	r.model.addPath(cmd, "model file (GGUF); without it, the demo model")
	f := cmd.Flags()
	f.StringVarP(&r.prompt, "prompt", "p", "", "the prompt")
	f.StringVarP(&r.file, "file", "f", "", "file with the prompt (-: standard input)")
	f.StringVar(&r.system, "system", "", "system message for the chat template")
	f.IntVarP(&r.tokens, "n-predict", "n", -1, "largest number of tokens to answer (-1: until the context is full)")
	f.IntVarP(&r.model.context, "ctx-size", "c", 0, "context, tokens (0: the model's, at most 4096)")
	f.BoolVar(&r.raw, "raw", false, "give the prompt to the model as it is, without its chat template")
	f.StringArrayVar(&r.stop, "stop", nil, "text that ends the answer and is not part of it; may be repeated")
	f.BoolVar(&r.ignore, "ignore-eos", false, "ban the tokens that end an answer")
	f.StringVar(&r.tools, "tools", "", "file with tools that the model may call, JSON as in OpenAI's chat API")
	addThinking(f, &r.thinking)
	f.StringVar((*string)(&r.stats), "stats", "text", "statistics on standard error: text, json or none")
	r.model.addCompute(cmd)
	r.sampling.add(cmd)
	return cmd
}

func (r *runFlags) run(cmd *cobra.Command, i *interrupt) error {
	if err := r.stats.check(); err != nil {
		return err
	}
	params, err := r.sampling.params(cmd.Flags())
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("prompt") && cmd.Flags().Changed("file") {
		return usage("-p and -f exclude each other")
	}
	if err := checkTokens(r.tokens); err != nil {
		return err
	}
	if r.raw && r.system != "" {
		return usage("--system needs the chat template, which --raw leaves out")
	}
	if r.raw && r.tools != "" {
		return usage("--tools needs the chat template, which --raw leaves out")
	}
	options, err := thinking(r.thinking)
	if err != nil {
		return err
	}
	if options.Tools, _, err = readTools(r.tools); err != nil {
		return err
	}
	path, err := r.model.orDemo()
	if err != nil {
		return err
	}
	prompt, err := r.text(cmd)
	if err != nil {
		return err
	}
	engine, session, err := r.model.open(i, path)
	if err != nil {
		return err
	}
	defer engine.Close()
	if r.ignore {
		params.LogitBias = append(params.LogitBias, endBans(engine)...)
	}
	request, err := r.request(engine, infer.Request{
		MaxTokens: r.tokens, Sampling: params, Stop: r.stop, IgnoreEOS: r.ignore,
	}, prompt, options)
	if err != nil {
		return err
	}
	_, why, err := answer(i, session, request, ifTerminal(os.Stderr))
	if err != nil {
		return err
	}
	r.stats.print(engine, session, why, params.Seed)
	if why == infer.FinishStopped {
		return errInterrupted
	}
	return nil
}

// text reads the prompt from where the flags say.
func (r *runFlags) text(cmd *cobra.Command) (string, error) {
	if cmd.Flags().Changed("prompt") {
		return r.prompt, nil
	}
	if r.file == "" || r.file == "-" {
		if r.file == "" && term.IsTerminal(int(os.Stdin.Fd())) {
			return "", usage("no prompt: give -p TEXT, -f FILE or standard input")
		}
		return readText("standard input", os.Stdin)
	}
	f, err := os.Open(r.file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readText(r.file, f)
}

// readText reads a text; the newline that editors and echo put at the end is
// not part of it.
func readText(name string, r io.Reader) (string, error) {
	text, err := readAll(name, r, maxText)
	return strings.TrimSuffix(text, "\n"), err
}

// What is read whole, at most: a device or a wrong name must not take all memory.
const (
	maxText  = 1 << 30  // texts, as in the C interface
	maxSmall = 64 << 20 // templates, messages, tools
)

// readAll reads limit bytes at most; more are an error.
func readAll(name string, r io.Reader, limit int64) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", name, err)
	case int64(len(text)) > limit:
		return "", fmt.Errorf("%s: more than %d MiB", name, limit>>20)
	}
	return string(text), nil
}

// readSmall reads a file of maxSmall bytes at most.
func readSmall(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readAll(name, f, maxSmall)
}

// request completes a request with the prompt.
func (r *runFlags) request(e *infer.Engine, q infer.Request, prompt string, o infer.ChatOptions) (infer.Request, error) {
	if r.raw {
		var err error
		q.Prompt, err = e.Tokenize(prompt, infer.TokenizeOptions{AddSpecial: true, ParseSpecial: true})
		if err == nil && len(q.Prompt) == 0 {
			err = usage("the prompt is empty")
		}
		return q, err
	}
	var messages []infer.Message
	if r.system != "" {
		messages = append(messages, infer.Message{Role: "system", Content: r.system})
	}
	return e.ChatRequest(q, append(messages, infer.Message{Role: "user", Content: prompt}), o)
}
