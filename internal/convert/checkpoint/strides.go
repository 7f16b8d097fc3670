package checkpoint

// gather fills dst with elements from at on of a tensor whose elements do not lie
// in their order, as a transposed one. t.strides has the distance of neighbours
// along each dimension.
func (t *Tensor) gather(dst []byte, at int) error {
	size, cols := t.Type.Size(), t.Cols()
	for len(dst) > 0 {
		row, col := at/cols, at%cols
		n := min(len(dst)/size, cols-col)
		rows := 1
		if col == 0 && n == cols {
			rows = t.columnar(row, len(dst)/size/cols)
		}
		if err := t.gatherRows(dst[:rows*n*size], row, rows, col, n); err != nil {
			return err
		}
		dst, at = dst[rows*n*size:], at+rows*n
	}
	return nil
}

// columnar is how many of at most n rows from row on have columns whose elements
// are neighbours; 1 if that is no help.
func (t *Tensor) columnar(row, n int) int {
	last := len(t.strides) - 1
	if last < 1 || t.strides[last-1] != 1 || t.strides[last] == 1 {
		return 1
	}
	inner := t.Shape[last-1]
	return max(1, min(n, inner-row%inner))
}

// gatherRows reads columns col to col+n of rows that lie in one matrix.
func (t *Tensor) gatherRows(dst []byte, row, rows, col, n int) error {
	size, last := t.Type.Size(), len(t.Shape)-1
	first := t.place(row) + col*t.strides[last]
	if t.strides[last] == 1 {
		return t.load(dst, first)
	}
	buf := make([]byte, rows*size)
	for c := range n {
		if err := t.load(buf, first+c*t.strides[last]); err != nil {
			return err
		}
		for r := range rows {
			copy(dst[(r*n+c)*size:][:size], buf[r*size:])
		}
	}
	return nil
}

// place is the element of the storage at which a row begins.
func (t *Tensor) place(row int) int {
	at := 0
	for i := len(t.Shape) - 2; i >= 0; i-- {
		at += row % t.Shape[i] * t.strides[i]
		row /= t.Shape[i]
	}
	return at
}
