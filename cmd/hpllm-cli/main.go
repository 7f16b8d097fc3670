// Command hpllm-cli runs GGUF models on this machine's CPU: it answers, chats,
// measures and inspects.
//
// Its commands only marshal: what they do belongs to internal/infer. Standard
// output carries the answer and nothing else; all other words go to standard
// error. Exit codes: 0 done, 1 error (one line that names what and where),
// 2 wrong usage, 130 interrupted.
package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(execute(newRoot(newInterrupt())))
}

func newRoot(i *interrupt) *cobra.Command {
	root := &cobra.Command{
		Use:   "hpllm-cli",
		Short: "Run GGUF language models on this machine's CPU",
		Long: `hpllm-cli runs GGUF language models on this machine's CPU.

Standard output carries the answer and nothing else. Exit codes: 0 done,
1 error, 2 wrong usage, 130 interrupted.`,
		Example: `  hpllm-cli run -p "Why is the sky blue?"
  hpllm-cli chat -m model.gguf
  hpllm-cli bench -m model.gguf -t 1,2 -o json`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf(", did you mean %q?", near[0])
			}
			return usage("unknown command %q%s", args[0], hint)
		},
	}
	root.SetVersionTemplate("hpllm-cli {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usage("%s", goNumber.ReplaceAllString(err.Error(), ""))
	})
	root.AddCommand(
		newRun(i), newChat(i), newBench(i), newPerplexity(i), newLogits(i),
		newTokenize(i), newDetokenize(i), newTemplate(i), newInspect(), newQuantize(i), newImatrix(i), newConvert(i),
		newSplit(i), newMerge(i), newMergeLoRA(i), newEdit(i),
	)
	return root
}

// execute runs the command line and returns the exit code.
func execute(root *cobra.Command) int {
	cmd, err := root.ExecuteC()
	var wrong *usageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errInterrupted):
		return 130
	case errors.As(err, &wrong):
		fmt.Fprintf(os.Stderr, "%s: %s (see: %s --help)\n", cmd.CommandPath(), oneLine(err), cmd.CommandPath())
		return 2
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", cmd.CommandPath(), oneLine(err))
	return 1
}

// goNumber is what Go's functions that read numbers put before their reason.
var goNumber = regexp.MustCompile(`strconv\.\w+: parsing ".*": `)

// usageError is a command line that makes no sense.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// oneLine is an error as a line that a terminal can show, whatever names a file has.
func oneLine(err error) string {
	const first, last = 1200, 400
	line := clean(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), " "))
	if r := []rune(line); len(r) > first+last {
		line = string(r[:first]) + " ... " + string(r[len(r)-last:])
	}
	return line
}

// noArgs, like cobra's checks, but with usage errors.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unexpected argument %q", args[0])
	}
	return nil
}

// version is the commit that the program was built from.
func version() string {
	v := struct{ revision, dirty string }{"unknown", ""}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				v.revision = s.Value[:min(12, len(s.Value))]
			case s.Key == "vcs.modified" && s.Value == "true":
				v.dirty = "+changes"
			}
		}
	}
	return v.revision + v.dirty
}
