package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"happyphonellm/internal/convert"
)

func newConvert(i *interrupt) *cobra.Command {
	var c convertFlags
	cmd := &cobra.Command{
		Use:   "convert DIR -o OUT.gguf",
		Short: "Make a model file of a Hugging Face checkpoint",
		Long: `Make a GGUF file of a checkpoint: a folder with config.json, the weights
(*.safetensors, or PyTorch's *.bin) and the tokenizer's files.

Types: auto (the checkpoint's own 16-bit type), ` + strings.ToLower(strings.Join(convert.Mixes(), " ")) + `

--verify reads the new file again, compares every tensor with the checkpoint,
and runs a text through the checkpoint's weights in F32 and through the new
file. It needs room for the F32 file beside OUT.gguf, and is what happens
unless the file is larger than 4 GB. Until it is verified the file has the name
OUT.gguf.unverified; one that fails is removed.

OUT.gguf appears whole or not at all; DIR is only read, and OUT.gguf must not
be in it. --config takes a YAML file whose keys are the names of these flags,
and dir; flags win over it.`,
		Example: `  hpllm-cli convert ./SmolLM2-135M-Instruct -o smollm2.gguf
  hpllm-cli convert ./my-model -o my-model-q4.gguf --outtype q4_k_m --name "My model"
  hpllm-cli convert ./my-model --dry-run
  hpllm-cli convert --config convert.yaml --metadata general.author=me
  hpllm-cli convert --lora ./my-adapter --base ./my-model -o my-adapter.gguf
  hpllm-cli convert --list`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("want one DIR, not %d arguments", len(args))
			}
			if len(args) == 1 {
				c.dir = args[0]
			}
			if c.config != "" {
				if err := c.readConfig(cmd.Flags()); err != nil {
					return err
				}
			}
			c.verifyIsSet = cmd.Flags().Changed("verify")
			return c.run(i)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&c.out, "output", "o", "", "file to write")
	f.StringVar(&c.outtype, "outtype", "auto", "type of the matrices")
	f.StringVar(&c.config, "config", "", "YAML file of options")
	f.BoolVar(&c.verify, "verify", true, "compare the file with the checkpoint (not by itself above 4 GB)")
	f.BoolVar(&c.dry, "dry-run", false, "print what would be written, and write nothing")
	f.StringVar(&c.name, "name", "", "the model's name (general.name)")
	f.StringVar(&c.pre, "pre-tokenizer", "", "llama.cpp's name of how text is cut before merging (tokenizer.ggml.pre), if it cannot be found")
	f.StringArrayVar(&c.metadata, "metadata", nil, "KEY=VALUE to set in the file; for a new key that is no text, KEY=int:1, float:1 or bool:true")
	f.StringVar(&c.lora, "lora", "", "convert the LoRA adapter in this folder (PEFT's), not a checkpoint")
	f.StringVar(&c.base, "base", "", "with --lora: the folder of its model, or the model's config.json")
	f.BoolVar(&c.list, "list", false, "list the architectures that can be converted")
	f.IntVarP(&c.threads, "threads", "t", 0, "worker threads (0: one per core)")
	for flag, ends := range map[string][]string{"output": {"gguf"}, "config": {"yaml", "yml"}} {
		if err := cmd.MarkFlagFilename(flag, ends...); err != nil {
			panic(err) // the flags were made above
		}
	}
	types := append([]string{"auto"}, strings.Fields(strings.ToLower(strings.Join(convert.Mixes(), " ")))...)
	err := cmd.RegisterFlagCompletionFunc("outtype", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return types, cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err)
	}
	return cmd
}

type convertFlags struct {
	dir, out, outtype, config, name, pre, lora, base string
	metadata                                         []string
	verify, verifyIsSet, dry, list                   bool
	threads                                          int
}

// verifyBelow is the size of files that are verified when nobody says otherwise.
const verifyBelow = 4 << 30

// options parses what can be wrong in the command line.
func (c *convertFlags) options() (o convert.CheckpointOptions, err error) {
	if c.dir == "" {
		return o, usage("no checkpoint: give its folder DIR")
	}
	if c.out == "" && !c.dry {
		return o, usage("no output: give -o OUT.gguf")
	}
	if err := checkThreads(c.threads); err != nil {
		return o, err
	}
	o.Threads = c.threads
	if o.Auto = strings.EqualFold(c.outtype, "auto"); !o.Auto {
		if o.Mix, err = convert.ParseMix(c.outtype); err != nil {
			return o, usage("--outtype: %v", err)
		}
	}
	o.Name, o.Pre = c.name, c.pre
	for _, text := range c.metadata {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return o, usage("--metadata %q: want KEY=VALUE", text)
		}
		o.Metadata = append(o.Metadata, convert.Setting{Key: key, Value: value})
	}
	return o, nil
}

func (c *convertFlags) run(i *interrupt) error {
	if c.list {
		return listAdapters(os.Stdout)
	}
	if c.lora != "" {
		return c.runLoRA(i)
	}
	if c.base != "" {
		return usage("--base is for --lora")
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	conversion, err := convert.Open(c.dir, o)
	if err != nil {
		return err
	}
	defer conversion.Close()
	for _, line := range conversion.Notes() {
		note("%s", clean(line))
	}
	plan := conversion.Plan()
	if c.dry {
		return printPlan(os.Stdout, plan)
	}
	if err := conversion.May(c.out); err != nil {
		return err
	}
	noteReplaced(plan, conversion.Mix().Name)
	_, size, params := planSums(plan)
	verify := c.verify && (c.verifyIsSet || size < verifyBelow)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer i.during(cancel)()
	start := time.Now()
	path := c.out
	if verify {
		path += ".unverified"
	}
	err = c.write(ctx, conversion, path, "Converting to "+conversion.Mix().Name)
	took := time.Since(start)
	if err == nil && verify {
		err = c.checked(ctx, i, conversion, path)
	}
	if errors.Is(err, context.Canceled) || err != nil && i.pending() {
		note("interrupted: %s is not written", c.out)
		return errInterrupted
	}
	if err != nil {
		return err
	}
	note("%s: %s, %s, %.2f MiB, %.2f bits a parameter, written in %.1f s", c.out, conversion.Architecture(), conversion.Mix().Name,
		mebibytes(size), 8*float64(size)/float64(max(params, 1)), took.Seconds())
	return nil
}

// write writes a conversion's file and shows how far it is.
func (c *convertFlags) write(ctx context.Context, conversion *convert.Conversion, path, label string) error {
	bar := newProgress(label)
	defer bar.done()
	if err := conversion.Write(ctx, path, bar.bytes); err != nil {
		return named(path, err)
	}
	return nil
}

// checked verifies the file at path and then gives it its name; what fails, or is
// interrupted, is removed.
func (c *convertFlags) checked(ctx context.Context, i *interrupt, conversion *convert.Conversion, path string) error {
	if err := c.verifyFile(ctx, i, conversion, path); err != nil {
		if removing := os.Remove(path); removing != nil {
			return fmt.Errorf("%w (and it is still there: %v)", err, removing)
		}
		return err
	}
	return os.Rename(path, c.out)
}

func listAdapters(to io.Writer) error {
	out := bufio.NewWriter(to)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, a := range convert.Adapters() {
		fmt.Fprintf(w, "%s\t%s\n", a.Arch, strings.Join(a.Classes, " "))
	}
	w.Flush()
	return out.Flush()
}
