package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"happyphonellm/internal/infer"
)

func newTokenize(*interrupt) *cobra.Command {
	var m modelFlags
	var idsOnly, noBOS, noSpecial bool
	cmd := &cobra.Command{
		Use:   "tokenize -m FILE <TEXT",
		Short: "Turn text into tokens",
		Long: `Turn standard input into tokens, one a line, or with --ids into one list
[1, 2, 3]. As in llama-tokenize, the beginning-of-text token is added if the
model wants it, and special tokens in the text are recognized.`,
		Example: `  echo -n "Hello world" | hpllm-cli tokenize -m model.gguf
  hpllm-cli tokenize -m model.gguf --ids --no-bos <text.txt`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := m.required()
			if err != nil {
				return err
			}
			text, err := readAll("standard input", os.Stdin, maxText)
			if err != nil {
				return err
			}
			v, err := infer.OpenVocabulary(path)
			if err != nil {
				return err
			}
			defer v.Close()
			for _, w := range v.Warnings() {
				note("%s: %s", path, w)
			}
			ids, err := v.Encode(text, infer.TokenizeOptions{AddSpecial: !noBOS, ParseSpecial: !noSpecial})
			if err != nil {
				return err
			}
			out := bufio.NewWriter(os.Stdout)
			if idsOnly {
				fmt.Fprintln(out, listOf(ids))
			} else {
				for _, id := range ids {
					fmt.Fprintf(out, "%6d -> '%s'\n", id, v.Piece(id, true))
				}
			}
			return out.Flush()
		},
	}
	m.addPath(cmd, "model or vocabulary file (GGUF)")
	f := cmd.Flags()
	f.BoolVar(&idsOnly, "ids", false, "print only the ids, as [1, 2, 3]")
	f.BoolVar(&noBOS, "no-bos", false, "do not add the beginning-of-text token")
	f.BoolVar(&noSpecial, "no-parse-special", false, "treat special tokens in the text as text")
	return cmd
}

// listOf writes ids as llama-tokenize --ids does: [1, 2, 3].
func listOf(ids []int32) string {
	b := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(b, int64(id), 10)
	}
	return string(append(b, ']'))
}

func newDetokenize(*interrupt) *cobra.Command {
	var m modelFlags
	var list string
	var noSpecial bool
	cmd := &cobra.Command{
		Use:   "detokenize -m FILE --ids 1,2,3",
		Short: "Turn token ids into text",
		Long: `Turn token ids into text, special tokens included. The text is printed as it
is; only a terminal gets a newline after it.`,
		Example: `  hpllm-cli detokenize -m model.gguf --ids 1,15043,3186
  hpllm-cli detokenize -m model.gguf --ids "[1, 15043, 3186]" --no-special`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			path, err := m.required()
			if err != nil {
				return err
			}
			ids, err := parseIDs(list)
			if err != nil {
				return err
			}
			v, err := infer.OpenVocabulary(path)
			if err != nil {
				return err
			}
			defer v.Close()
			for _, id := range ids {
				if int(id) >= v.Size() {
					return fmt.Errorf("%s: token %d: the vocabulary has %d", path, id, v.Size())
				}
			}
			text := v.Decode(ids, !noSpecial)
			if term.IsTerminal(int(os.Stdout.Fd())) {
				text += "\n"
			}
			_, err = io.WriteString(os.Stdout, text)
			return err
		},
	}
	m.addPath(cmd, "model or vocabulary file (GGUF)")
	cmd.Flags().StringVar(&list, "ids", "", "token ids, separated by commas")
	cmd.Flags().BoolVar(&noSpecial, "no-special", false, "leave special tokens out")
	return cmd
}
