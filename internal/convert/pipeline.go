package convert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// source is where the numbers of a tensor come from: a tensor of a GGUF file, or
// a view of a checkpoint. Several goroutines may read at once.
type source struct {
	typ   string // of its elements, for people
	bytes int64  // in the file that it is read from
	// read fills dst with rows row, row+1, ...
	read func(dst []float32, row, rows int) error
	// raw fills dst with the same rows as a file has them in type native; nil: it cannot.
	raw    func(dst []byte, row, rows int) error
	native quant.Type
}

// write writes the tensors of plan and the metadata of w to the file at path,
// which appears whole or not at all. It ends with ctx's error when that is cancelled.
func write(ctx context.Context, w *gguf.Writer, plan []*Tensor, path string, threads int, progress Progress) error {
	var total, done int64
	for _, t := range plan {
		total += t.SourceBytes
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	line := newPipeline(ctx, plan, threads)
	for _, t := range plan {
		w.AddTensor(t.Name, t.To, t.Shape, func(out io.Writer) error {
			return line.write(out, t, func(n int64) {
				done += n
				if progress != nil {
					progress(done, total)
				}
			})
		})
	}
	err := w.Create(path)
	cancel()
	line.wait()
	if cause := context.Cause(ctx); err != nil && errors.Is(err, context.Canceled) && cause != nil {
		return cause
	}
	return err
}

// Progress is told the bytes of the source that are done.
type Progress func(done, total int64)

// pipeline makes pieces of tensors, in the order in which they are written, on
// several goroutines. A few pieces are under way at any time: memory does not
// depend on the size of the tensors.
type pipeline struct {
	pieces  chan *piece // in order, for the writer
	ended   chan struct{}
	ctx     context.Context
	rows    int // elements of a piece, about
	workers int
	running chan struct{} // a token per worker that has ended
	free    chan []byte   // room for the bytes of pieces, used again
}

// piece is some rows of a tensor.
type piece struct {
	t      *Tensor
	r0, r1 int
	out    []byte
	err    error
	done   chan struct{}
}

const (
	pieceElems    = 1 << 20 // of a piece, at most (unless a row is longer)
	underwayMiB   = 40      // of memory for all pieces under way, about
	maxThreads    = 64
	bytesAnElem   = 8 // of a piece that is worked on: float32 in, at most float32 out
	piecesAWorker = 2 // made or waiting, for each worker
)

func newPipeline(ctx context.Context, plan []*Tensor, threads int) *pipeline {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	threads = min(threads, maxThreads)
	p := &pipeline{
		ctx: ctx, workers: threads, rows: min(pieceElems, underwayMiB<<20/(threads*piecesAWorker*bytesAnElem)),
		pieces: make(chan *piece, piecesAWorker*threads), ended: make(chan struct{}), running: make(chan struct{}, threads),
		free: make(chan []byte, (piecesAWorker+1)*threads),
	}
	work := make(chan *piece)
	go func() {
		defer close(p.ended)
		defer close(work)
		for _, t := range plan {
			rows := t.rows()
			step := max(1, p.rows/max(t.cols(), 1))
			for r := 0; r < rows; r += step {
				next := &piece{t: t, r0: r, r1: min(r+step, rows), done: make(chan struct{})}
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
				x = p.make(next, x)
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

// room is memory for n bytes.
func (p *pipeline) room(n int) []byte {
	select {
	case b := <-p.free:
		if cap(b) >= n {
			return b[:n]
		}
	default:
	}
	return make([]byte, n)
}

// make fills n.out; x is room for numbers, given back for the next.
func (p *pipeline) make(n *piece, x []float32) []float32 {
	t, cols := n.t, n.t.cols()
	to, _ := t.To.Format()
	toRow, _ := to.RowBytes(cols)
	rows := n.r1 - n.r0
	n.out = p.room(rows * toRow)
	if t.Copied() {
		n.err = t.source.raw(n.out, n.r0, rows)
		return x
	}
	if cap(x) < rows*cols {
		x = make([]float32, rows*cols)
	}
	x = x[:rows*cols]
	if n.err = t.source.read(x, n.r0, rows); n.err != nil {
		return x
	}
	for r := range rows {
		row := x[r*cols:][:cols]
		if i := notFinite(row); i >= 0 {
			n.err = fmt.Errorf("row %d, column %d is %g: this is no finite number", n.r0+r, i, row[i])
			return x
		}
		if t.To == quant.F16 {
			if i := beyond(row, maxF16); i >= 0 {
				n.err = fmt.Errorf("row %d, column %d is %g, more than F16 can hold: take BF16 or F32", n.r0+r, i, row[i])
				return x
			}
		}
		var importance []float32
		if t.importance != nil {
			expert := (n.r0 + r) / t.Shape[1]
			importance = t.importance[expert*cols:][:cols]
		}
		to.QuantizeRow(n.out[r*toRow:][:toRow], row, importance)
	}
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

// maxF16 rounds to the largest finite number of half precision; the next one to infinity.
const maxF16 = 65519.996

// beyond is the index of the first number of a size above limit, or -1.
func beyond(x []float32, limit float32) int {
	for i, v := range x {
		if v > limit || v < -limit {
			return i
		}
	}
	return -1
}

// write writes all of t, its pieces as they come.
func (p *pipeline) write(out io.Writer, t *Tensor, told func(bytes int64)) error {
	rows := t.rows()
	for r := 0; r < rows; {
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
		select {
		case p.free <- n.out:
		default:
		}
		// Of all rows up to here less those before: the sum is exact.
		told(t.SourceBytes*int64(n.r1)/int64(rows) - t.SourceBytes*int64(n.r0)/int64(rows))
		r = n.r1
	}
	return nil
}
