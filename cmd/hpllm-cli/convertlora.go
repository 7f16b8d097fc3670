package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"happyphonellm/internal/convert"
)

// runLoRA makes a file of an adapter.
func (c *convertFlags) runLoRA(i *interrupt) error {
	if c.dir != "" {
		return usage("--lora and a checkpoint %s: want one of them", c.dir)
	}
	if c.base == "" {
		return usage("--lora needs --base: the folder of the model that the adapter belongs to, or its config.json")
	}
	c.dir = c.lora
	all, err := c.options()
	if err != nil {
		return err
	}
	if c.verifyIsSet && c.verify {
		return usage("--verify compares models: an adapter has nothing to compare")
	}
	o := convert.LoRAOptions{Name: all.Name, Metadata: all.Metadata, Threads: all.Threads}
	if !all.Auto {
		o.Type = all.Mix.Type
	}
	if err := o.Check(); err != nil {
		return usage("--outtype %s: %v", c.outtype, err)
	}
	l, err := convert.OpenLoRA(c.lora, c.base, o)
	if err != nil {
		return err
	}
	defer l.Close()
	plan := l.Plan()
	if c.dry {
		return printPlan(os.Stdout, plan)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer i.during(cancel)()
	start := time.Now()
	bar := newProgress("Converting the adapter")
	err = l.Write(ctx, c.out, bar.bytes)
	bar.done()
	if errors.Is(err, context.Canceled) || err != nil && i.pending() {
		note("interrupted: %s is not written", c.out)
		return errInterrupted
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.out, err)
	}
	_, size, _ := planSums(plan)
	note("%s: adapter for %s, %s, %d matrices, %.2f MiB, written in %.1f s", c.out, l.Architecture(),
		strings.ToUpper(o.Type.String()), len(plan)/2, mebibytes(size), time.Since(start).Seconds())
	return nil
}
