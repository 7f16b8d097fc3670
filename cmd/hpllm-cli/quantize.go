package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"happyphonellm/internal/convert"
	"happyphonellm/internal/infer"
)

func newQuantize(i *interrupt) *cobra.Command {
	var q quantizeFlags
	cmd := &cobra.Command{
		Use:   "quantize IN OUT TYPE",
		Short: "Make a smaller model file of another type",
		Long: `Make a model file whose matrices are of another type. Which tensor gets which
type follows llama.cpp's mixes: K types come in sizes (S, M, L).

Types, the most exact first: ` + strings.Join(convert.Mixes(), " ") + `

The file appears whole or not at all; IN is only read, and may be quantized
itself, though a second rounding costs quality.`,
		Example: `  hpllm-cli quantize model-f16.gguf model-q4_k_m.gguf Q4_K_M
  hpllm-cli quantize model-f16.gguf small.gguf Q3_K_M --imatrix imatrix.gguf
  hpllm-cli quantize in.gguf out.gguf Q4_0 --tensor-type '*.attn_v.weight=q6_k' --dry-run`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 3 {
				return usage("want IN OUT TYPE, not %d arguments", len(args))
			}
			return nil
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 2 {
				return convert.Mixes(), cobra.ShellCompDirectiveNoFileComp
			}
			return []string{"gguf"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(_ *cobra.Command, args []string) error { return q.run(i, args[0], args[1], args[2]) },
	}
	f := cmd.Flags()
	f.StringVar(&q.imatrix, "imatrix", "", "file of importances (made by imatrix, or llama-imatrix in GGUF form)")
	f.StringVar(&q.output, "keep-output", "", "type of the output matrix, or of the embedding where that serves as output")
	f.StringArrayVar(&q.tensors, "tensor-type", nil, "GLOB=TYPE for tensors whose name matches; the first that matches counts")
	f.BoolVar(&q.dry, "dry-run", false, "print what would be done, and write nothing")
	f.IntVarP(&q.threads, "threads", "t", 0, "worker threads (0: one per core)")
	return cmd
}

type quantizeFlags struct {
	imatrix, output string
	tensors         []string
	dry             bool
	threads         int
}

// options parses what can be wrong in the command line.
func (q *quantizeFlags) options(mix string) (o convert.Options, err error) {
	if o.Mix, err = convert.ParseMix(mix); err != nil {
		return o, usage("%v", err)
	}
	if err := checkThreads(q.threads); err != nil {
		return o, err
	}
	o.Threads = q.threads
	if q.output != "" {
		t, err := convert.ParseType(q.output)
		if err != nil {
			return o, usage("--keep-output: %v", err)
		}
		o.KeepOutput = &t
	}
	for _, text := range q.tensors {
		at := strings.LastIndexByte(text, '=')
		if at <= 0 {
			return o, usage("--tensor-type %q: want GLOB=TYPE", text)
		}
		t, err := convert.ParseType(text[at+1:])
		if err != nil {
			return o, usage("--tensor-type %q: %v", text, err)
		}
		if _, err := filepath.Match(text[:at], ""); err != nil {
			return o, usage("--tensor-type %q: %v", text, err)
		}
		o.TensorTypes = append(o.TensorTypes, convert.Override{Glob: text[:at], Type: t})
	}
	if q.imatrix != "" {
		if o.Importance, err = convert.ReadImportance(q.imatrix); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (q *quantizeFlags) run(i *interrupt, in, out, mix string) error {
	o, err := q.options(mix)
	if err != nil {
		return err
	}
	f, err := infer.OpenFile(in)
	if err != nil {
		return err
	}
	defer f.Close()
	plan, err := convert.Plan(f, o)
	if err != nil {
		return err
	}
	noteUnmatched(plan, o.TensorTypes)
	if q.dry {
		return printPlan(os.Stdout, plan)
	}
	notePlan(plan, o)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer i.during(cancel)()
	bar := newProgress("Quantizing to " + o.Mix.Name)
	err = convert.Quantize(ctx, f, out, o, func(done, total int64) { bar.set(float64(done) / float64(max(total, 1))) })
	bar.done()
	if errors.Is(err, context.Canceled) || err != nil && i.pending() {
		return errInterrupted
	}
	if err != nil {
		return named(out, err)
	}
	before, after, params := planSums(plan)
	note("%s: %.2f MiB, %.2f bits a parameter (from %.2f MiB)", out, mebibytes(after), 8*float64(after)/float64(max(params, 1)), mebibytes(before))
	return nil
}

// noteReplaced says which tensors could not have the type that was asked for.
func noteReplaced(plan []*convert.Tensor, mix string) {
	replaced, example := 0, ""
	for _, t := range plan {
		if t.Note != "" {
			replaced++
			example = fmt.Sprintf("%s: %s", clean(t.Name), t.Note)
		}
	}
	if replaced > 0 {
		note("another type than %s would give: %s (%s)", mix, tensors(replaced), example)
	}
}

// notePlan says what a user should know of a plan.
func notePlan(plan []*convert.Tensor, o convert.Options) {
	noteReplaced(plan, o.Mix.Name)
	twice := 0
	for _, t := range plan {
		if t.Quantized && !t.Copied() {
			twice++
		}
	}
	if twice > 0 {
		note("quantized already, and a second rounding costs quality: %s", tensors(twice))
	}
	if o.Importance != nil {
		note("importances of %d matrices", o.Importance.Len())
	}
}

func tensors(n int) string {
	if n == 1 {
		return "1 tensor"
	}
	return fmt.Sprintf("%d tensors", n)
}

// noteUnmatched says which patterns are for nothing: a misspelled one would do so in silence.
func noteUnmatched(plan []*convert.Tensor, overrides []convert.Override) {
	for _, o := range overrides {
		if !slices.ContainsFunc(plan, func(t *convert.Tensor) bool { return o.Matches(t.Name) }) {
			note("--tensor-type %s: no tensor has such a name", clean(o.Glob))
		}
	}
}

func planSums(plan []*convert.Tensor) (before, after, params int64) {
	for _, t := range plan {
		before += t.SourceBytes
		after += t.Bytes
		params += t.Params()
	}
	return before, after, params
}

func printPlan(to io.Writer, plan []*convert.Tensor) error {
	out := bufio.NewWriter(to)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range plan {
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%d bytes\t%s\n", clean(t.Name), t.Shape, t.From, t.To, t.Bytes, t.Note)
	}
	w.Flush()
	before, after, params := planSums(plan)
	fmt.Fprintf(out, "%.2f MiB -> %.2f MiB, %.2f bits a parameter\n", mebibytes(before), mebibytes(after), 8*float64(after)/float64(max(params, 1)))
	return out.Flush()
}
