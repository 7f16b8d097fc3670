package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"happyphonellm/internal/infer"
)

func newPerplexity(i *interrupt) *cobra.Command {
	m := modelFlags{text: true}
	var file string
	var chunks int
	cmd := &cobra.Command{
		Use:   "perplexity -m FILE -f TEXT",
		Short: "Measure how well the model predicts a text",
		Long: `Measure the perplexity of a text with llama-perplexity's method: the text is
cut into windows of -c tokens, each beginning with the beginning-of-text token
if the model wants one, and the second half of each window counts.

The final value goes to standard output, running values to standard error.`,
		Example: `  hpllm-cli perplexity -m model.gguf -f wiki.test.raw
  hpllm-cli perplexity -m model.gguf -f text.txt -c 256 --chunks 8`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := m.required()
			if err != nil {
				return err
			}
			if file == "" {
				return usage("no text: give -f FILE")
			}
			if chunks == 0 || chunks < -1 {
				return usage("--chunks %d: want 1 or more, or -1 for all", chunks)
			}
			if m.context < 4 {
				return usage("-c %d: want 4 or more tokens", m.context)
			}
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			text, err := readText(file, f)
			if err != nil {
				return err
			}
			engine, session, err := m.open(i, path)
			if err != nil {
				return err
			}
			defer engine.Close()
			p, err := measurePerplexity(i, session, text, m.context, chunks)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			_, err = fmt.Printf("Final estimate: PPL = %.4f +/- %.5f\n", p.Value, p.Error)
			return err
		},
	}
	m.addPath(cmd, "model file (GGUF)")
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "text file")
	f.IntVarP(&m.context, "ctx-size", "c", 512, "window, tokens")
	f.IntVar(&chunks, "chunks", -1, "how many windows (-1: all)")
	m.addCompute(cmd)
	return cmd
}

// measurePerplexity prints running values on standard error. At most chunks
// windows are measured, unless that is negative.
func measurePerplexity(i *interrupt, s *infer.Session, text string, window, chunks int) (last infer.Perplexity, err error) {
	enough := errors.New("enough windows")
	err = i.eval(s, func() error {
		_, err := s.Perplexity(text, window, func(p infer.Perplexity) error {
			last = p
			fmt.Fprintf(os.Stderr, "[%d]%.4f,", p.Windows, p.Value)
			switch {
			case i.pending():
				return infer.ErrStopped
			case p.Windows == chunks:
				return enough
			}
			return nil
		})
		return err
	})
	if last.Windows > 0 {
		fmt.Fprintln(os.Stderr)
	}
	if errors.Is(err, enough) {
		err = nil
	}
	return last, err
}
