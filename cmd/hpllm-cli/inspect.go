package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"happyphonellm/internal/infer"
)

func newInspect() *cobra.Command {
	var tensors, asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a GGUF file",
		Long: `Show what is in a GGUF file: its metadata and tensor types. Nothing is loaded,
so files of unknown architectures and types are shown too.`,
		Example: `  hpllm-cli inspect model.gguf
  hpllm-cli inspect model.gguf --tensors
  hpllm-cli inspect model.gguf --json --tensors | jq .tensors[0]`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("want one FILE, not %d", len(args))
			}
			return nil
		},
		ValidArgsFunction: cobra.FixedCompletions([]string{"gguf"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := infer.OpenFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			out := bufio.NewWriter(os.Stdout)
			err = f.Guard(func() error {
				if asJSON {
					return inspectJSON(out, f, tensors)
				}
				inspectText(out, f, tensors)
				return nil
			})
			if err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().BoolVar(&tensors, "tensors", false, "list every tensor")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with arrays in full")
	return cmd
}

// typeSum is what the tensors of one type add up to.
type typeSum struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Params  int64  `json:"params"`
	Bytes   int64  `json:"bytes"`
}

// sums adds the tensors up by type, the largest first.
func sums(f *infer.File) (types []typeSum, params int64) {
	at := map[string]int{}
	for _, t := range f.Tensors() {
		name := t.Type.String()
		if _, ok := at[name]; !ok {
			at[name] = len(types)
			types = append(types, typeSum{Type: name})
		}
		s := &types[at[name]]
		n := int64(t.Cols()) * int64(t.Rows())
		s.Tensors++
		s.Params += n
		s.Bytes += int64(len(t.Data))
		params += n
	}
	slices.SortStableFunc(types, func(a, b typeSum) int { return int(min(max(b.Bytes-a.Bytes, -1), 1)) })
	return types, params
}

func inspectText(out io.Writer, f *infer.File, tensors bool) {
	types, params := sums(f)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "file\t%s\n", strings.Join(f.Parts(), ", "))
	fmt.Fprintf(w, "format\tGGUF v%d, %.2f MiB\n", f.Version(), mebibytes(f.Size()))
	fmt.Fprintf(w, "architecture\t%s\n", clean(f.Architecture()))
	fmt.Fprintf(w, "parameters\t%s in %d tensors\n", short(params), len(f.Tensors()))
	for _, t := range types {
		fmt.Fprintf(w, "  %s\t%d tensors, %.2f MiB, %.2f bits a parameter\n",
			t.Type, t.Tensors, mebibytes(t.Bytes), 8*float64(t.Bytes)/float64(max(t.Params, 1)))
	}
	w.Flush()

	fmt.Fprintf(out, "\nmetadata (%d)\n", len(f.Keys()))
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, key := range f.Keys() {
		v, _ := f.Value(key)
		fmt.Fprintf(w, "  %s\t%s\n", clean(key), clean(abbreviate(v)))
	}
	w.Flush()

	if tensors {
		fmt.Fprintf(out, "\ntensors (%d)\n", len(f.Tensors()))
		w = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, t := range f.Tensors() {
			fmt.Fprintf(w, "  %s\t%s\t%v\t%d bytes\n", clean(t.Name), t.Type, t.Shape, len(t.Data))
		}
		w.Flush()
	}
}

// abbreviate shows the beginning of what is long.
func abbreviate(v infer.Value) string {
	const most = 72
	text := v.String()
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}

// clean keeps a file's text from steering the terminal or breaking the table.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '.'
		}
		return r
	}, strings.ReplaceAll(text, "\n", `\n`))
}

// inspectJSON streams, because a vocabulary is long.
func inspectJSON(out io.Writer, f *infer.File, tensors bool) error {
	types, params := sums(f)
	head, err := json.Marshal(struct {
		Files        []string  `json:"files"`
		Version      uint32    `json:"version"`
		Bytes        int64     `json:"bytes"`
		Architecture string    `json:"architecture"`
		Params       int64     `json:"params"`
		Types        []typeSum `json:"types"`
	}{f.Parts(), f.Version(), f.Size(), f.Architecture(), params, types})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s,\"metadata\":{", head[:len(head)-1])
	for i, key := range f.Keys() {
		v, _ := f.Value(key)
		name, err := json.Marshal(key)
		if err != nil {
			return err
		}
		value, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", f.Path(), key, err)
		}
		comma := ","
		if i == 0 {
			comma = ""
		}
		fmt.Fprintf(out, "%s\n%s:%s", comma, name, value)
	}
	fmt.Fprint(out, "}")
	if tensors {
		fmt.Fprint(out, ",\"tensors\":[")
		for i, t := range f.Tensors() {
			line, err := json.Marshal(struct {
				Name   string `json:"name"`
				Type   string `json:"type"`
				Shape  []int  `json:"shape"`
				Part   int    `json:"part"`
				Offset int64  `json:"offset"`
				Bytes  int    `json:"bytes"`
			}{t.Name, t.Type.String(), t.Shape, t.Part, t.Offset, len(t.Data)})
			if err != nil {
				return err
			}
			comma := ","
			if i == 0 {
				comma = ""
			}
			fmt.Fprintf(out, "%s\n%s", comma, line)
		}
		fmt.Fprint(out, "]")
	}
	_, err = fmt.Fprintln(out, "}")
	return err
}

// short writes a count as 134.52 M.
func short(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f B", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2f M", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.2f K", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
