package convert

import (
	"fmt"
	"slices"

	"happyphonellm/internal/convert/checkpoint"
)

// view is a tensor to be written, computed row by row from the checkpoint's
// tensors when it is asked for: nothing is held in memory. Several goroutines may
// read a view.
type view struct {
	shape   []int  // PyTorch's order: the length of a row last
	integer bool   // numbers that stay as they are: F32 in the file, whatever the type of the others
	name    string // of the first source, for messages
	read    func(dst []float32, row, rows int) error
}

// cols is the length of a row.
func (v *view) cols() int { return v.shape[len(v.shape)-1] }

// rows is the number of rows over all outer dimensions.
func (v *view) rows() int {
	n := 1
	for _, d := range v.shape[:len(v.shape)-1] {
		n *= d
	}
	return n
}

// whole is a tensor of the checkpoint as it is.
func whole(t *checkpoint.Tensor) *view {
	v := &view{shape: slices.Clone(t.Shape), name: t.Name}
	if len(v.shape) == 0 {
		v.shape = []int{1}
	}
	cols := v.cols()
	v.read = func(dst []float32, row, rows int) error { return t.Read(dst[:rows*cols], row*cols) }
	return v
}

// derived is v with another shape of as many elements, or with other numbers.
func (v *view) derived(shape []int, read func(dst []float32, row, rows int) error) *view {
	return &view{shape: shape, name: v.name, read: read}
}

// reshape is v with other dimensions; rows may change as long as elements stay in order.
func (v *view) reshape(shape ...int) *view {
	n := 1
	for _, d := range shape {
		n *= d
	}
	old, cols := v.cols(), shape[len(shape)-1]
	if n != v.rows()*old {
		return v.wrong("has shape %v, which is not %v", v.shape, shape)
	}
	if old == cols {
		return v.derived(shape, v.read)
	}
	return v.derived(shape, func(dst []float32, row, rows int) error {
		first, last := row*cols, (row+rows)*cols
		r0, r1 := first/old, (last+old-1)/old
		buf := make([]float32, (r1-r0)*old)
		if err := v.read(buf, r0, r1-r0); err != nil {
			return err
		}
		copy(dst[:last-first], buf[first-r0*old:])
		return nil
	})
}

// wrong is a view that cannot be read; whoever writes it gets the error.
func (v *view) wrong(format string, a ...any) *view {
	err := fmt.Errorf("tensor %q: %s", v.name, fmt.Sprintf(format, a...))
	return v.derived([]int{1}, func([]float32, int, int) error { return err })
}

// each applies f to every number.
func (v *view) each(f func(float32) float32) *view {
	cols := v.cols()
	return v.derived(v.shape, func(dst []float32, row, rows int) error {
		if err := v.read(dst, row, rows); err != nil {
			return err
		}
		for i, x := range dst[:rows*cols] {
			dst[i] = f(x)
		}
		return nil
	})
}

// pick is the matrix whose row r is v's row from(r); outer dimensions become one.
func (v *view) pick(rows int, from func(r int) int) *view {
	cols := v.cols()
	return v.derived([]int{rows, cols}, func(dst []float32, row, n int) error {
		for i := 0; i < n; {
			first := from(row + i)
			run := 1
			for i+run < n && from(row+i+run) == first+run {
				run++
			}
			if err := v.read(dst[i*cols:(i+run)*cols], first, run); err != nil {
				return err
			}
			i += run
		}
		return nil
	})
}

// slice is rows r0 to r1 of a matrix (elements, of a vector).
func (v *view) slice(r0, r1 int) *view {
	if len(v.shape) == 1 {
		if r0 < 0 || r1 > v.shape[0] || r0 >= r1 {
			return v.wrong("has %d elements: %d to %d are asked for", v.shape[0], r0, r1)
		}
		return v.reshape(v.shape[0], 1).slice(r0, r1).reshape(r1 - r0)
	}
	if r0 < 0 || r1 > v.rows() || r0 >= r1 {
		return v.wrong("has %d rows: %d to %d are asked for", v.rows(), r0, r1)
	}
	return v.pick(r1-r0, func(r int) int { return r0 + r })
}

// turned undoes the order that Hugging Face gives the rows of queries and keys:
// there, a head's pairs (x[i], x[i+dim/2]) turn together, in GGUF's "llama"
// neighbours do. v is a matrix [heads*dim, n] or its bias [heads*dim].
func (v *view) turned(heads int) *view {
	n := v.shape[0]
	if heads <= 0 || n%(2*heads) != 0 {
		return v.wrong("%d rows are no %d heads", n, heads)
	}
	dim := n / heads
	from := func(r int) int {
		head, at := r/dim, r%dim
		return head*dim + at%2*(dim/2) + at/2
	}
	if len(v.shape) == 1 {
		return v.reshape(n, 1).pick(n, from).reshape(n)
	}
	return v.pick(n, from)
}

// stacked is a tensor with one more dimension, of views of one shape.
func stacked(views []*view) *view {
	first := views[0]
	for _, v := range views {
		if !slices.Equal(v.shape, first.shape) {
			return v.wrong("has shape %v, but %q has %v", v.shape, first.name, first.shape)
		}
	}
	return first.derived(append([]int{len(views)}, first.shape...), joinedRows(views))
}

// joined is a matrix with the rows of all views (a vector, of vectors).
func joined(views ...*view) *view {
	first := views[0]
	if len(first.shape) == 1 {
		columns := make([]*view, len(views))
		for i, v := range views {
			columns[i] = v.reshape(v.shape[0], 1)
		}
		all := joined(columns...)
		return all.reshape(all.rows())
	}
	rows := 0
	for _, v := range views {
		if v.cols() != first.cols() {
			return v.wrong("has rows of %d, but %q of %d", v.cols(), first.name, first.cols())
		}
		rows += v.rows()
	}
	return first.derived([]int{rows, first.cols()}, joinedRows(views))
}

func joinedRows(views []*view) func(dst []float32, row, rows int) error {
	cols := views[0].cols()
	return func(dst []float32, row, rows int) error {
		for _, v := range views {
			if n := v.rows(); row >= n {
				row -= n
				continue
			}
			n := min(rows, v.rows()-row)
			if err := v.read(dst[:n*cols], row, n); err != nil {
				return err
			}
			dst, row, rows = dst[n*cols:], 0, rows-n
			if rows == 0 {
				break
			}
		}
		return nil
	}
}

// transposed is a matrix with rows and columns changed over. It reads all of v
// for each piece that is asked for.
func (v *view) transposed() *view {
	if len(v.shape) != 2 {
		return v.wrong("has %d dimensions, not 2", len(v.shape))
	}
	n, cols := v.shape[0], v.shape[1]
	return v.derived([]int{cols, n}, func(dst []float32, row, rows int) error {
		step := max(1, (1<<18)/cols)
		buf := make([]float32, min(step, n)*cols)
		for r := 0; r < n; r += step {
			m := min(step, n-r)
			if err := v.read(buf, r, m); err != nil {
				return err
			}
			for i := range m {
				for c := range rows {
					dst[c*n+r+i] = buf[i*cols+row+c]
				}
			}
		}
		return nil
	})
}
