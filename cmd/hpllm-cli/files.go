package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"happyphonellm/internal/convert"
	"happyphonellm/internal/infer"
)

// split, merge and edit change how a model lies in files, never its tensors.

// ggufArgs completes arguments with names of models, and wants want of them.
func ggufArgs(cmd *cobra.Command, want ...string) *cobra.Command {
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != len(want) {
			return usage("want %s, not %d arguments", strings.Join(want, " "), len(args))
		}
		return nil
	}
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"gguf"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return cmd
}

// written runs work, which writes a file out, with a bar and Ctrl-C.
func written(i *interrupt, label, out string, work func(ctx context.Context, p convert.Progress) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer i.during(cancel)()
	bar := newProgress(label)
	err := work(ctx, bar.bytes)
	bar.done()
	if errors.Is(err, context.Canceled) || err != nil && i.pending() {
		return errInterrupted
	}
	if err != nil {
		return named(out, err)
	}
	return nil
}

// named is an error about a file that names it once.
func named(file string, err error) error {
	if text := err.Error(); strings.HasPrefix(text, file+" ") || strings.HasPrefix(text, file+":") {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

func newSplit(i *interrupt) *cobra.Command {
	var size string
	var tensors int
	cmd := &cobra.Command{
		Use:   "split IN STEM",
		Short: "Take a model file apart",
		Long: `Write a model to files STEM-00001-of-0000N.gguf. Every program that reads GGUF
opens the first of them as if it were the whole model, as long as all lie in one folder.

On failure, and on Ctrl-C, none of the parts is left.`,
		Example: `  hpllm-cli split model.gguf parts/model --max-size 2G
  hpllm-cli split model.gguf model --max-tensors 128`,
		RunE: func(_ *cobra.Command, args []string) error {
			l := convert.Limits{Tensors: tensors}
			var err error
			if size != "" {
				if l.Bytes, err = parseSize(size); err != nil {
					return usage("--max-size: %v", err)
				}
			}
			if tensors < 0 || l.Tensors == 0 && l.Bytes == 0 {
				return usage("want --max-size or --max-tensors of at least 1")
			}
			return split(i, args[0], args[1], l)
		},
	}
	cmd.Flags().StringVar(&size, "max-size", "", "of the tensors in a part, in bytes, or with K, M or G (1000 times)")
	cmd.Flags().IntVar(&tensors, "max-tensors", 0, "tensors in a part, at most")
	return ggufArgs(cmd, "IN", "STEM")
}

func split(i *interrupt, in, stem string, l convert.Limits) error {
	f, err := infer.OpenFile(in)
	if err != nil {
		return err
	}
	defer f.Close()
	var paths []string
	err = written(i, "Splitting", stem, func(ctx context.Context, p convert.Progress) (err error) {
		paths, err = convert.Split(ctx, f, stem, l, p)
		return err
	})
	if err != nil {
		return err
	}
	note("%s to %s", paths[0], paths[len(paths)-1])
	return nil
}

// parseSize reads a number of bytes, with K, M or G for thousands.
func parseSize(text string) (int64, error) {
	number, unit := text, int64(1)
	if n := len(text) - 1; n >= 0 {
		if at := strings.IndexByte("KMG", text[n]&^0x20); at >= 0 {
			number, unit = text[:n], []int64{1e3, 1e6, 1e9}[at]
		}
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v <= 0 || v > 1<<62/unit {
		return 0, fmt.Errorf("%q is no size: want a number of bytes, or one with K, M or G", text)
	}
	return v * unit, nil
}

func newMerge(i *interrupt) *cobra.Command {
	return ggufArgs(&cobra.Command{
		Use:   "merge FIRST OUT",
		Short: "Put the parts of a model together",
		Long: `Write a model that lies in several files (FIRST is NAME-00001-of-0000N.gguf) to one.
It appears whole or not at all; the parts are only read.`,
		Example: "  hpllm-cli merge model-00001-of-00003.gguf model.gguf",
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := infer.OpenFile(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			return written(i, "Merging", args[1], func(ctx context.Context, p convert.Progress) error {
				return convert.Merge(ctx, f, args[1], p)
			})
		},
	}, "FIRST", "OUT")
}

func newMergeLoRA(i *interrupt) *cobra.Command {
	var list []string
	cmd := &cobra.Command{
		Use:   "merge-lora IN OUT",
		Short: "Add LoRA adapters to a model file for good",
		Long: `Write a model with the given LoRA adapters (GGUF) added to its matrices. Every tensor
keeps its type; those that change are rounded again, so IN is best a file in F32, F16
or BF16, to be quantized afterwards. OUT appears whole or not at all; IN is only read.

To use an adapter without merging it: run --lora FILE.`,
		Example: "  hpllm-cli merge-lora model-f16.gguf merged-f16.gguf --lora adapter.gguf:0.8",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(list) == 0 {
				return usage("no adapter: give --lora FILE")
			}
			return mergeLoRA(i, args[0], args[1], list)
		},
	}
	cmd.Flags().StringArrayVar(&list, "lora", nil, "FILE[:SCALE] of an adapter; several are added one after the other")
	return ggufArgs(cmd, "IN", "OUT")
}

func mergeLoRA(i *interrupt, in, out string, list []string) error {
	f, err := infer.OpenFile(in)
	if err != nil {
		return err
	}
	defer f.Close()
	var files []convert.LoRAFile
	for _, l := range adapters(list) {
		a, err := infer.OpenFile(l.Path)
		if err != nil {
			return err
		}
		defer a.Close()
		files = append(files, convert.LoRAFile{File: a, Scale: l.Scale})
	}
	var changed []string
	err = written(i, "Merging", out, func(ctx context.Context, p convert.Progress) (err error) {
		changed, err = convert.MergeLoRA(ctx, f, files, out, p)
		return err
	})
	if err == nil {
		note("%s: %d matrices changed", out, len(changed))
	}
	return err
}

type editFlags struct {
	out, name, template string
	set, remove         []string
}

func newEdit(i *interrupt) *cobra.Command {
	var e editFlags
	cmd := &cobra.Command{
		Use:   "edit FILE",
		Short: "Change the metadata of a model file",
		Long: `Set and remove keys of a model file's metadata; the tensors stay as they are.

Without -o FILE itself is changed. Where the new metadata take no more room than the
old, only they are written, however large the model is; else the file is
written anew beside it and takes its place. An edit that is interrupted loses nothing: the next
one of the same file completes it. Nothing may have FILE open.

A key keeps its kind; a new one is text, or KEY=int:1, float:1, bool:true.`,
		Example: `  hpllm-cli edit model.gguf --name "My model" --chat-template template.jinja
  hpllm-cli edit model.gguf --set tokenizer.ggml.eos_token_id=107 --remove general.url
  hpllm-cli edit model.gguf -o other.gguf --set llama.rope.freq_base=500000`,
		RunE: func(_ *cobra.Command, args []string) error { return e.run(i, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&e.out, "output", "o", "", "file to write instead of FILE")
	f.StringVar(&e.name, "name", "", "the model's name")
	f.StringVar(&e.template, "chat-template", "", "file with the chat template")
	f.StringArrayVar(&e.set, "set", nil, "KEY=VALUE")
	f.StringArrayVar(&e.remove, "remove", nil, "key to take away")
	return ggufArgs(cmd, "FILE")
}

func (e *editFlags) run(i *interrupt, file string) error {
	c, err := e.changes()
	if err != nil {
		return err
	}
	if e.out == "" {
		inPlace := false
		err := written(i, "Writing "+clean(file), file, func(ctx context.Context, p convert.Progress) (err error) {
			inPlace, err = convert.Replace(ctx, file, c, p)
			return err
		})
		if err == nil && !inPlace {
			note("%s: the new metadata are larger than the old: the file was written anew", file)
		}
		return err
	}
	f, err := infer.OpenFile(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return written(i, "Writing "+clean(e.out), e.out, func(ctx context.Context, p convert.Progress) error {
		return convert.Edit(ctx, f, e.out, c, p)
	})
}

// changes are what the flags ask for.
func (e *editFlags) changes() (c convert.Changes, err error) {
	c.Remove = e.remove
	for _, text := range e.set {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return c, usage("--set %q: want KEY=VALUE", text)
		}
		c.Set = append(c.Set, convert.Setting{Key: key, Value: value})
	}
	if e.name != "" {
		c.Set = append(c.Set, convert.Setting{Key: "general.name", Value: "str:" + e.name})
	}
	if e.template != "" {
		text, err := readSmall(e.template)
		if err != nil {
			return c, err
		}
		c.Set = append(c.Set, convert.Setting{Key: "tokenizer.chat_template", Value: "str:" + text})
	}
	if len(c.Set)+len(c.Remove) == 0 {
		return c, usage("nothing to change: want --set, --remove, --name or --chat-template")
	}
	return c, nil
}
