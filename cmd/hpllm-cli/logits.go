package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func newLogits(i *interrupt) *cobra.Command {
	var m modelFlags
	var list, out string
	cmd := &cobra.Command{
		Use:   "logits -m FILE --ids 1,2,3 -o OUT.f32",
		Short: "Write the logits of every position",
		Long: `Write the logits after each of the token ids: float32, little-endian,
[number of ids][vocabulary]. The file appears only when it is complete.`,
		Example: `  hpllm-cli logits -m model.gguf --ids 1,15043,3186 -o logits.f32
  hpllm-cli logits -m model.gguf --ids "$(hpllm-cli tokenize -m model.gguf --ids <text)" -o logits.f32`,
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
			if out == "" {
				return usage("no output: give -o FILE")
			}
			m.context = len(ids)
			engine, session, err := m.open(i, path)
			if err != nil {
				return err
			}
			defer engine.Close()
			bar := newProgress("Computing")
			defer bar.done()
			return writeFile(out, func(w io.Writer) error {
				row := make([]byte, 4*engine.Info().Vocab)
				return i.eval(session, func() error {
					return session.EvalEach(ids, func(at int, logits []float32) error {
						for j, l := range logits {
							binary.LittleEndian.PutUint32(row[4*j:], math.Float32bits(l))
						}
						bar.set(float64(at+1) / float64(len(ids)))
						_, err := w.Write(row)
						return err
					})
				})
			})
		},
	}
	m.addPath(cmd, "model file (GGUF)")
	m.addCompute(cmd)
	cmd.Flags().StringVar(&list, "ids", "", "token ids, separated by commas")
	cmd.Flags().StringVarP(&out, "output", "o", "", "file to write")
	return cmd
}

// parseIDs reads "1,2,3", also with spaces and in brackets, as tokenize prints it.
func parseIDs(list string) ([]int32, error) {
	fields := strings.FieldsFunc(strings.Trim(strings.TrimSpace(list), "[]"), func(r rune) bool {
		return r == ',' || r == ' ' || r == '\n'
	})
	if len(fields) == 0 {
		return nil, usage("no token ids: give --ids 1,2,3")
	}
	ids := make([]int32, len(fields))
	for i, field := range fields {
		id, err := strconv.ParseInt(field, 10, 32)
		if err != nil || id < 0 {
			return nil, usage("--ids: %q is no token id", field)
		}
		ids[i] = int32(id)
	}
	return ids, nil
}

// writeFile makes a file that appears only when write has succeeded. What is
// no regular file (a pipe, a device) is written directly.
func writeFile(path string, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return finish(f, write)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer os.Remove(f.Name()) // gone already when all went well
	if err := finish(f, write); err != nil {
		return err
	}
	// CreateTemp's 0600 is for secrets; this is what os.Create gives at most.
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func finish(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<20)
	err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
