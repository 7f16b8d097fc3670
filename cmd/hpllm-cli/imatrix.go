package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"happyphonellm/internal/convert"
	"happyphonellm/internal/infer"
)

func newImatrix(i *interrupt) *cobra.Command {
	m := modelFlags{text: true}
	var file, out string
	var chunks int
	cmd := &cobra.Command{
		Use:   "imatrix -m FILE -f TEXT -o OUT",
		Short: "Collect on a text which weights matter, for quantize",
		Long: `Collect the importance matrix of a model: for every weight matrix and each of
its columns the mean square of what it is multiplied with, on a text like those
that the model is for. quantize rounds with more care where that is large.

The text is cut into windows of -c tokens, each beginning with the
beginning-of-text token if the model wants one. The file is llama-imatrix's, in
its GGUF form, and appears whole or not at all.`,
		Example: `  hpllm-cli imatrix -m model-f16.gguf -f text.txt -o imatrix.gguf
  hpllm-cli quantize model-f16.gguf small.gguf Q3_K_M --imatrix imatrix.gguf`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := m.required()
			if err != nil {
				return err
			}
			switch {
			case file == "":
				return usage("no text: give -f FILE")
			case out == "":
				return usage("no name for the result: give -o FILE")
			case chunks == 0 || chunks < -1:
				return usage("--chunks %d: want 1 or more, or -1 for all", chunks)
			case m.context < 4:
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
			sums, done, err := collectImportance(i, engine, session, text, m.context, chunks)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			if err := sums.Create(out, filepath.Base(file), done, m.context); err != nil {
				return fmt.Errorf("%s: %w", out, err)
			}
			note("%s: importances of %d matrices from %d windows of %d tokens", out, sums.Len(), done, m.context)
			return nil
		},
	}
	m.addPath(cmd, "model file (GGUF); the nearer to the original weights, the better")
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "text file")
	f.StringVarP(&out, "output", "o", "", "file to write")
	f.IntVarP(&m.context, "ctx-size", "c", 512, "window, tokens")
	f.IntVar(&chunks, "chunks", -1, "how many windows (-1: all)")
	m.addCompute(cmd)
	return cmd
}

// collectImportance evaluates the text in windows, at most chunks if that is not
// negative, and tells how many there were. Only matrices of layers count, as for
// llama-imatrix: the input of an output matrix says little of an embedding.
func collectImportance(i *interrupt, e *infer.Engine, s *infer.Session, text string, window, chunks int) (*convert.Sums, int, error) {
	ids, err := e.Tokenize(text, infer.TokenizeOptions{AddSpecial: true})
	if err != nil {
		return nil, 0, err
	}
	n := len(ids) / window
	if n == 0 {
		return nil, 0, fmt.Errorf("the text has %d tokens, want at least %d", len(ids), window)
	}
	if chunks > 0 {
		n = min(n, chunks)
	}
	sums := convert.NewSums()
	if err := s.WatchInputs(func(in infer.MatrixInput) {
		if strings.HasPrefix(in.Tensor, "blk.") {
			sums.Add(in.Tensor, in.Part, in.Parts, in.X)
		}
	}); err != nil {
		return nil, 0, err
	}
	bar := newProgress("Collecting importances")
	defer bar.done()
	for c := range n {
		win := ids[c*window : (c+1)*window]
		if t := e.Tokenizer(); t.AddBOS() {
			win[0] = t.BOS()
		}
		if err := s.Reset(); err != nil {
			return nil, 0, err
		}
		if err := i.eval(s, func() error { return s.Eval(win) }); err != nil {
			return nil, 0, err
		}
		bar.set(float64(c+1) / float64(n))
	}
	return sums, n, nil
}
