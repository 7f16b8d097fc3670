package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"happyphonellm/internal/gguf"
)

// Quantize writes f to the file at path with the types that Plan decides. The
// file appears whole or not at all; path may exist and is then replaced, but must
// not be a part of f. progress, if not nil, is told the bytes of f that are done.
// A cancelled ctx ends it with ctx's error.
func Quantize(ctx context.Context, f *gguf.File, path string, o Options, progress func(done, total int64)) error {
	plan, err := Plan(f, o)
	if err != nil {
		return err
	}
	if err := notSame(f, path); err != nil {
		return err
	}
	w, err := metadata(f, o)
	if err != nil {
		return err
	}
	var total, done int64
	for _, t := range plan {
		total += int64(len(t.Source.Data))
	}
	told := func(n int) {
		done += int64(n)
		if progress != nil {
			progress(done, total)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	line := newPipeline(ctx, f, plan, o.Threads)
	for _, t := range plan {
		w.AddTensor(t.Source.Name, t.To, t.Source.Shape, func(out io.Writer) error {
			return line.write(out, t, told)
		})
	}
	err = w.Create(path)
	cancel()
	line.wait()
	if cause := context.Cause(ctx); err != nil && errors.Is(err, context.Canceled) && cause != nil {
		return cause
	}
	return err
}

// notSame refuses to overwrite what is being read.
func notSame(f *gguf.File, path string) error {
	out, err := os.Stat(path)
	if err != nil {
		return nil // not there, or for Create to complain about
	}
	if out.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	for _, part := range f.Parts() {
		if in, err := os.Stat(part); err == nil && os.SameFile(in, out) {
			return fmt.Errorf("%s is the file that is read", path)
		}
	}
	return nil
}

// metadata copies f's, with the new type and without the numbers of a split.
func metadata(f *gguf.File, o Options) (*gguf.Writer, error) {
	w := gguf.NewWriter()
	for _, key := range f.Keys() {
		if strings.HasPrefix(key, "split.") {
			continue
		}
		v, ok := f.Value(key)
		if !ok {
			continue
		}
		if err := w.SetValue(key, v); err != nil {
			return nil, err
		}
	}
	w.SetUint32("general.quantization_version", 2)
	w.SetUint32("general.file_type", o.Mix.FileType)
	if o.Importance != nil {
		o.Importance.annotate(w)
	}
	return w, nil
}

// pipeline quantizes pieces of tensors, in the order in which they are written,
// on several goroutines. A few pieces are under way at any time: memory does not
// depend on the size of the tensors.
type pipeline struct {
	file    *gguf.File
	pieces  chan *piece // in order, for the writer
	ended   chan struct{}
	ctx     context.Context
	workers int
	running chan struct{} // a token per worker that has ended
}

// piece is some rows of a tensor.
type piece struct {
	t      *Tensor
	r0, r1 int
	out    []byte
	err    error
	done   chan struct{}
}

// pieceBytes is about how many bytes of float32 a piece has.
const pieceBytes = 1 << 20

func newPipeline(ctx context.Context, f *gguf.File, plan []*Tensor, threads int) *pipeline {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &pipeline{
		file: f, ctx: ctx, workers: threads,
		pieces: make(chan *piece, 2*threads), ended: make(chan struct{}), running: make(chan struct{}, threads),
	}
	work := make(chan *piece)
	go func() {
		defer close(p.ended)
		defer close(work)
		for _, t := range plan {
			if t.Copied() {
				continue
			}
			step := max(1, pieceBytes/(4*max(t.Source.Cols(), 1)))
			for r := 0; r < t.Source.Rows(); r += step {
				next := &piece{t: t, r0: r, r1: min(r+step, t.Source.Rows()), done: make(chan struct{})}
				select {
				case p.pieces <- next: // waits when too many are under way
				case <-ctx.Done():
					return
				}
				select {
				case work <- next:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	for range threads {
		go func() {
			defer func() { p.running <- struct{}{} }()
			var x []float32
			for next := range work {
				x = p.quantize(next, x)
				close(next.done)
			}
		}()
	}
	return p
}

// wait returns when every goroutine has ended; the context must be cancelled.
func (p *pipeline) wait() {
	<-p.ended
	for range p.workers {
		<-p.running
	}
}

// quantize fills n.out; x is room for a row, given back for the next.
func (p *pipeline) quantize(n *piece, x []float32) []float32 {
	src := n.t.Source
	cols := src.Cols()
	if cap(x) < cols {
		x = make([]float32, cols)
	}
	x = x[:cols]
	from, _ := src.Type.Format()
	to, _ := n.t.To.Format()
	fromRow, _ := from.RowBytes(cols)
	toRow, _ := to.RowBytes(cols)
	n.out = make([]byte, (n.r1-n.r0)*toRow)
	n.err = p.file.Guard(func() error {
		for r := n.r0; r < n.r1; r++ {
			from.Dequantize(x, src.Data[r*fromRow:][:fromRow])
			if i := notFinite(x); i >= 0 {
				return fmt.Errorf("row %d, column %d is %g: this is no finite number", r, i, x[i])
			}
			var importance []float32
			if n.t.importance != nil {
				expert := r / src.Shape[1]
				importance = n.t.importance[expert*cols:][:cols]
			}
			to.QuantizeRow(n.out[(r-n.r0)*toRow:][:toRow], x, importance)
		}
		return nil
	})
	return x
}

// notFinite is the index of the first infinity or NaN, or -1.
func notFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// write writes all of t: its pieces as they come, or its bytes.
func (p *pipeline) write(out io.Writer, t *Tensor, told func(n int)) error {
	if t.Copied() {
		return p.copy(out, t.Source.Data, told)
	}
	rowBytes := len(t.Source.Data) / t.Source.Rows()
	for r := 0; r < t.Source.Rows(); {
		var n *piece
		select {
		case n = <-p.pieces:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		select {
		case <-n.done:
		case <-p.ctx.Done():
			return p.ctx.Err()
		}
		if n.err != nil {
			return n.err
		}
		if _, err := out.Write(n.out); err != nil {
			return err
		}
		told((n.r1 - n.r0) * rowBytes)
		r = n.r1
	}
	return nil
}

func (p *pipeline) copy(out io.Writer, data []byte, told func(n int)) error {
	for len(data) > 0 {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		n := min(len(data), pieceBytes)
		if err := p.file.Guard(func() error { _, err := out.Write(data[:n]); return err }); err != nil {
			return err
		}
		told(n)
		data = data[n:]
	}
	return nil
}
