package convert

import (
	"fmt"
	"slices"

	"happyphonellm/internal/convert/checkpoint"
	"happyphonellm/internal/quant"
)

// view is a tensor to be written, computed row by row from the checkpoint's
// tensors when it is asked for: nothing is held in memory. Several goroutines may
// read a view.
type view struct {
	shape []int  // PyTorch's order: the length of a row last
	name  string // of the first source, for messages
	read  rowReader[float32]
	raw   rowReader[byte] // the rows as they are in type native; nil: read must do
	err   error           // it cannot be: put complains

	native quant.Type // the type that raw gives
	as     quant.Type // the type that it has in every file, whatever is asked for: see in
	fixed  bool       // as is set
	typ    string     // of the first source, for people
	bytes  int64      // that the sources take
}

// rowReader fills dst with rows row, row+1, ... of a tensor: numbers, or the bytes of a type.
type rowReader[E float32 | byte] = func(dst []E, row, rows int) error

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

// rowBytes is the length of a row of raw.
func (v *view) rowBytes() int {
	f, _ := v.native.Format()
	n, _ := f.RowBytes(v.cols())
	return n
}

// whole is a tensor of the checkpoint as it is.
func whole(t *checkpoint.Tensor) *view {
	v := &view{shape: slices.Clone(t.Shape), name: t.Name, typ: string(t.Type), bytes: t.Bytes()}
	if len(v.shape) == 0 {
		v.shape = []int{1}
	}
	cols := v.cols()
	v.read = func(dst []float32, row, rows int) error { return t.Read(dst[:rows*cols], row*cols) }
	if native, err := quant.ParseType(v.typ); err == nil && isFloat(native) && !t.Computed() {
		v.native = native
		v.raw = func(dst []byte, row, rows int) error { return t.ReadBytes(dst, row*cols) }
	}
	return v
}

// source is where a file's tensor gets its numbers.
func (v *view) source() *source {
	s := &source{typ: v.typ, bytes: v.bytes, read: v.read, native: v.native}
	if v.raw != nil {
		cols := v.cols()
		s.raw = func(dst []byte, row, rows int) error {
			if err := v.raw(dst, row, rows); err != nil {
				return err
			}
			return finite(v.native, dst, row, cols)
		}
	}
	return s
}

// derived is v with another shape, or with other numbers.
func (v *view) derived(shape []int, read rowReader[float32]) *view {
	return &view{shape: shape, name: v.name, typ: v.typ, bytes: v.bytes, err: v.err, as: v.as, fixed: v.fixed, read: read}
}

// moved is v with the same numbers in other places: raw may still give their bytes.
func (v *view) moved(shape []int, read rowReader[float32], raw rowReader[byte]) *view {
	m := v.derived(shape, read)
	m.native = v.native
	if v.raw != nil {
		m.raw = raw
	}
	return m
}

// in is v in a type that it has in every file, whatever type is asked for.
func (v *view) in(t quant.Type) *view {
	u := *v
	u.as, u.fixed = t, true
	return &u
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
		return v.moved(shape, v.read, v.raw)
	}
	if f, _ := v.native.Format(); f.BlockElems != 1 {
		return v.derived(shape, recut(v.read, old, cols))
	}
	width := v.rowBytes() / old
	return v.moved(shape, recut(v.read, old, cols), recut(v.raw, old*width, cols*width))
}

// recut reads rows of width cols out of those of width old.
func recut[E float32 | byte](read rowReader[E], old, cols int) rowReader[E] {
	return func(dst []E, row, rows int) error {
		first, last := row*cols, (row+rows)*cols
		r0, r1 := first/old, (last+old-1)/old
		buf := make([]E, (r1-r0)*old)
		if err := read(buf, r0, r1-r0); err != nil {
			return err
		}
		copy(dst[:last-first], buf[first-r0*old:])
		return nil
	}
}

// wrong is a view that cannot be; whoever puts it gets the error.
func (v *view) wrong(format string, a ...any) *view {
	w := v.derived(v.shape, nil)
	if w.err == nil {
		w.err = fmt.Errorf("tensor %q: %s", v.name, fmt.Sprintf(format, a...))
	}
	err := w.err
	w.read = func([]float32, int, int) error { return err }
	return w
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
	p := v.moved([]int{rows, cols}, picked(v.read, cols, from), picked(v.raw, v.rowBytes(), from))
	p.bytes = v.bytes / int64(max(v.rows(), 1)) * int64(rows)
	return p
}

// picked reads rows here and there: where they lie near each other it reads all
// between, too, in one go.
func picked[E float32 | byte](read rowReader[E], width int, from func(r int) int) rowReader[E] {
	return func(dst []E, row, n int) error {
		if n == 0 {
			return nil
		}
		first, last, inOrder := from(row), from(row), true
		for i := range n {
			r := from(row + i)
			inOrder = inOrder && r == from(row)+i
			first, last = min(first, r), max(last, r)
		}
		if inOrder {
			return read(dst, first, n)
		}
		if last-first < 2*n {
			buf := make([]E, (last-first+1)*width)
			if err := read(buf, first, last-first+1); err != nil {
				return err
			}
			for i := range n {
				copy(dst[i*width:][:width], buf[(from(row+i)-first)*width:])
			}
			return nil
		}
		for i := 0; i < n; {
			first := from(row + i)
			run := 1
			for i+run < n && from(row+i+run) == first+run {
				run++
			}
			if err := read(dst[i*width:(i+run)*width], first, run); err != nil {
				return err
			}
			i += run
		}
		return nil
	}
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
	return joinedRows(views, append([]int{len(views)}, first.shape...))
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
	return joinedRows(views, []int{rows, first.cols()})
}

// joinedRows has the rows of one view after those of another.
func joinedRows(views []*view, shape []int) *view {
	ends := make([]int, len(views)) // rows up to the end of each
	reads := make([]rowReader[float32], len(views))
	raws := make([]rowReader[byte], len(views))
	var bytes int64
	var err error
	end, allRaw := 0, true
	for i, v := range views {
		end += v.rows()
		ends[i], reads[i], raws[i] = end, v.read, v.raw
		bytes += v.bytes
		if err == nil {
			err = v.err
		}
		allRaw = allRaw && v.raw != nil && v.native == views[0].native
	}
	first := views[0]
	j := first.derived(shape, joinedReaders(reads, ends, first.cols()))
	if allRaw {
		j.native, j.raw = first.native, joinedReaders(raws, ends, first.rowBytes())
	}
	j.bytes, j.err = bytes, err
	return j
}

func joinedReaders[E float32 | byte](reads []rowReader[E], ends []int, width int) rowReader[E] {
	return func(dst []E, row, rows int) error {
		begin := 0
		for i, end := range ends {
			if row < end && rows > 0 {
				n := min(rows, end-row)
				if err := reads[i](dst[:n*width], row-begin, n); err != nil {
					return err
				}
				dst, row, rows = dst[n*width:], row+n, rows-n
			}
			begin = end
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
